# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewalld of the host, with the library that it brings along: its runtime, and what is written, over D-Bus.

Permanent objects are read where firewalld has them, from their files: over D-Bus, each takes three questions, of which
each is a matter for polkit.
"""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import (
    Objects,
    Plan,
    Settings,
    entry_steps,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.reload import (
    CONFIGURATION,
    ipsets_of,
    reload_for_all,
)

BUS_NAME = "org.fedoraproject.FirewallD1"
FIRST_WITH_POLICIES = (0, 9)
# The first version that takes a rich rule with an ipset as its destination. Earlier ones refuse it, late and oddly:
# "INVALID_RULE: attribute 'ipset' outside of any element".
OLDEST = (1, 0)

# The settings of an object whose file firewalld cannot read: like none that is wanted.
_UNREADABLE: Settings = {"unreadable": True}
_POLICY_KEYS = ("short", "description", "target", "priority", "ingress_zones", "egress_zones", "rich_rules")


class FirewalldError(Exception):
    """The host's firewalld cannot do what is asked of it; the message says why and what is accepted."""


def _leading_nowhere(directory: str, names: list[str]) -> set[str]:
    """Return the links that lead nowhere, which firewalld passes over, too.

    The option that :func:`shutil.copytree` has for them is about the first directory only, up to Python 3.10.
    """
    return {name for name in names if not Path(directory, name).exists()}


class Firewalld:
    """A running firewalld, and of its objects those whose names begin with *prefix*."""

    def __init__(self, client: t.Any, library: t.Any, prefix: str) -> None:
        self.client = client
        self._library = library
        self.prefix = prefix
        self._config = client.config()

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """The exceptions by which firewalld, its library and this class say no."""
        return (FirewalldError, self._library.DBusException, self._library.FirewallError)

    @property
    def has_policies(self) -> bool:
        """Whether this version of firewalld can have anything of ours."""
        return self._major_and_minor >= FIRST_WITH_POLICIES

    @property
    def _version(self) -> str:
        return str(self.client.get_property("version"))

    @property
    def _major_and_minor(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self._version.split(".")[:2] if part.isdigit())

    def check(self) -> None:
        """Raise :class:`FirewalldError` where this firewalld cannot express the rules."""
        if self._major_and_minor < OLDEST:
            raise FirewalldError(
                f"firewalld {self._version} cannot have an ipset as the destination of a rule, as the rules need it, "
                "and nothing was changed; accepted: 1.0 or later, or nftables where firewalld is stopped and disabled"
            )
        backend = str(self._config.get_property("FirewallBackend"))
        if backend != "nftables":
            raise FirewalldError(
                f"FirewallBackend in firewalld.conf is {backend}, which cannot match source ports with ipsets of both "
                "families as the rules need it; accepted: nftables"
            )
        state = str(self.client.get_property("state"))
        if state != "RUNNING":
            raise FirewalldError(f"firewalld is in state {state}; its log says why: journalctl -u firewalld")

    def permanent(self) -> Objects:
        """Read our permanent objects."""
        stored = self._stored()
        return {
            kind: {name: _UNREADABLE if raw is None else read(raw) for name, raw in stored[kind].items()}
            for kind, read in (("ipsets", self._ipset), ("policies", self._policy))
        }

    def runtime(self) -> Objects:
        """Read our runtime objects."""
        return {
            "ipsets": {
                name: self._ipset(self.client.getIPSetSettings(name)) for name in self._ours(self.client.getIPSets())
            },
            "policies": {
                name: self._policy(self.client.getPolicySettings(name))
                for name in self._ours(self.client.getPolicies())
            },
        }

    def normalised(self, wanted: Objects) -> Objects:
        """Return *wanted* as firewalld writes it back; raise :class:`FirewalldError` for a rule that it refuses."""
        policies = {}
        for name, settings in wanted["policies"].items():
            try:
                rules = sorted(str(self._library.Rich_Rule(rule_str=rule)) for rule in settings["rich_rules"])
            except self._library.FirewallError as e:
                raise FirewalldError(f"{name}: firewalld does not take a rule: {e}") from e
            policies[name] = {**settings, "rich_rules": rules, "foreign": {}}
        ipsets = {name: {**settings, "options": {}} for name, settings in wanted["ipsets"].items()}
        return {"ipsets": ipsets, "policies": policies}

    def write_permanent(self, plan: Plan, wanted: Objects) -> None:
        """Write and remove permanent objects. ipsets come before the policies that use them, and go after them."""
        self._write("ipsets", {name: self._as_ipset(wanted["ipsets"][name]) for name in plan.write["ipsets"]})
        self._write("policies", {name: self._as_policy(wanted["policies"][name]) for name in plan.write["policies"]})
        self._remove("policies", plan.delete["policies"])
        self._remove("ipsets", plan.delete["ipsets"])
        self.forget_backups(CONFIGURATION)

    def change_runtime(self, plan: Plan, wanted: Objects) -> None:
        """Change entries and rules in place, without a reload."""
        for name, change in plan.content["ipsets"].items():
            for step, entry in entry_steps(change):
                (self.client.addEntry if step == "add" else self.client.removeEntry)(name, entry)
        for name, change in plan.content["policies"].items():
            settings = wanted["policies"][name]
            if change.add and change.remove:
                # firewalld removes before it adds, and what both rules permit would be refused in between.
                both = sorted({*settings["rich_rules"], *change.remove})
                self.client.setPolicySettings(name, self._as_policy({**settings, "rich_rules": both}))
            self.client.setPolicySettings(name, self._as_policy(settings))

    def raw_permanent(self) -> dict[str, dict[str, t.Any]]:
        """Read our permanent objects in firewalld's own form, for :meth:`restore_permanent`.

        Policies whose ipsets somebody has removed or spoilt are left out: firewalld takes them no more than at its next
        start.
        """
        stored = {
            kind: {name: settings for name, settings in objects.items() if settings is not None}
            for kind, objects in self._stored().items()
        }
        names = set(self._config.getIPSetNames())
        sets = (names - self._ours(names)) | stored["ipsets"].keys()
        policies = {
            name: settings
            for name, settings in stored["policies"].items()
            if ipsets_of("\n".join(settings.getRichRules())).issubset(sets)
        }
        return {**stored, "policies": policies}

    def restore_permanent(self, raw: dict[str, dict[str, t.Any]]) -> None:
        """Make our permanent objects what :meth:`raw_permanent` read."""
        now = self.permanent()
        for kind, read in (("ipsets", self._ipset), ("policies", self._policy)):
            differs = {name: old for name, old in raw[kind].items() if read(old) != now[kind].get(name)}
            self._write(kind, differs)
        self._remove("policies", now["policies"].keys() - raw["policies"].keys())
        self._remove("ipsets", now["ipsets"].keys() - raw["ipsets"].keys())
        self.forget_backups(CONFIGURATION)

    def reload(self) -> list[str]:
        """Reload firewalld, without loss for others; return what of theirs opens something and was given back."""
        return reload_for_all(self.client, self.prefix)

    def stage(self, directory: Path, plan: Plan, wanted: Objects) -> None:
        """Write what ``/etc/firewalld`` is going to be into *directory*, so that firewalld can check it."""
        try:
            shutil.copytree(CONFIGURATION, directory, ignore=_leading_nowhere)
        except shutil.Error as e:
            failed = "; ".join(f"{source}: {why}" for source, _copy, why in e.args[0])
            raise FirewalldError(f"Nothing was changed: firewalld's configuration could not be copied: {failed}") from e
        for kind in plan.delete:
            (directory / kind).mkdir(exist_ok=True)
            for name in plan.delete[kind]:
                (directory / kind / f"{name}.xml").unlink()
        for name in plan.write["ipsets"]:
            settings = wanted["ipsets"][name]
            ipset = self._library.IPSet()
            ipset.name, ipset.options = name, {"family": settings["family"]}
            # The check of the configuration passes over an entry that is wrong, and leaves it out.
            try:
                for entry in settings["entries"]:
                    self._library.IPSet.check_entry(entry, ipset.options, settings["type"])
            except self._library.FirewallError as e:
                raise FirewalldError(f"Nothing was changed: {name}: firewalld does not take an entry: {e}") from e
            for key in ("type", "short", "description", "entries"):
                setattr(ipset, key, settings[key])
            self._library.ipset_writer(ipset, str(directory / "ipsets"))
        for name in plan.write["policies"]:
            policy = self._library.Policy()
            policy.name = name
            for key in _POLICY_KEYS:
                setattr(policy, key, wanted["policies"][name][key])
            self._library.policy_writer(policy, str(directory / "policies"))

    def forget_backups(self, directory: Path) -> None:
        """Remove the copies ``….xml.old`` that firewalld keeps of our objects when they change or go."""
        for kind in ("ipsets", "policies"):
            for path in directory.glob(f"{kind}/{self.prefix}*.xml.old"):
                path.unlink()

    def _write(self, kind: str, objects: dict[str, t.Any]) -> None:
        names, find, add = self._permanent_calls(kind)
        known = names() if objects else []
        for name, settings in objects.items():
            if name in known:
                find(name).update(settings)
            else:
                add(name, settings)

    def _remove(self, kind: str, objects: t.Collection[str]) -> None:
        names, find, _add = self._permanent_calls(kind)
        known = names() if objects else []
        for name in sorted(objects):
            if name in known:
                find(name).remove()
            else:  # firewalld could not read the file when it started
                (CONFIGURATION / kind / f"{name}.xml").unlink()

    def _permanent_calls(self, kind: str) -> tuple[t.Callable[..., t.Any], ...]:
        """Return what tells the names of that kind in the permanent configuration, finds one, and adds one."""
        config = self._config
        if kind == "ipsets":
            return config.getIPSetNames, config.getIPSetByName, config.addIPSet
        return config.getPolicyNames, config.getPolicyByName, config.addPolicy

    def _stored(self) -> dict[str, dict[str, t.Any]]:
        """Return our permanent objects in firewalld's own form, and None for a file that firewalld cannot read.

        A link that leads nowhere is none, for firewalld either.
        """
        return {
            kind: {
                path.stem: self._unless_spoilt(read, path)
                for path in CONFIGURATION.glob(f"{kind}/{self.prefix}*.xml")
                if path.exists()
            }
            for kind, read in (("ipsets", self._read_ipset), ("policies", self._read_policy))
        }

    def _unless_spoilt(self, read: t.Callable[[Path], t.Any], path: Path) -> t.Any:
        try:
            return read(path)
        except (self._library.FirewallError, ValueError):  # the latter for a priority that is no number
            return None

    def _read_ipset(self, path: Path) -> t.Any:
        ipset = self._library.ipset_reader(path.name, str(path.parent))
        return self._library.FirewallClientIPSetSettings(ipset.export_config())

    def _read_policy(self, path: Path) -> t.Any:
        policy = self._library.policy_reader(path.name, str(path.parent))
        return self._library.FirewallClientPolicySettings(policy.export_config_dict())

    def _ours(self, names: t.Iterable[str]) -> set[str]:
        return {str(name) for name in names if name.startswith(self.prefix)}

    def _ipset(self, settings: t.Any) -> Settings:
        options = {str(key): str(value) for key, value in settings.getOptions().items()}
        return {
            "type": str(settings.getType()),
            "family": options.pop("family", "inet"),
            "short": str(settings.getShort()),
            "description": str(settings.getDescription()),
            "entries": [str(entry) for entry in settings.getEntries()],
            "options": options,
        }

    def _policy(self, settings: t.Any) -> Settings:
        data = {str(key): value for key, value in settings.getSettingsDict().items()}
        found: Settings = {key: data.pop(key) for key in _POLICY_KEYS}
        # Services, ports and the like that somebody put into a policy of ours.
        foreign = {key: value for key, value in data.items() if value and key != "version"}
        return {**found, "foreign": foreign}

    def _as_ipset(self, settings: Settings) -> t.Any:
        built = self._library.FirewallClientIPSetSettings()
        built.setType(settings["type"])
        built.setOptions({"family": settings["family"]})
        built.setShort(settings["short"])
        built.setDescription(settings["description"])
        built.setEntries(settings["entries"])
        return built

    def _as_policy(self, settings: Settings) -> t.Any:
        built = self._library.FirewallClientPolicySettings()
        built.setShort(settings["short"])
        built.setDescription(settings["description"])
        built.setTarget(settings["target"])
        built.setPriority(settings["priority"])
        built.setIngressZones(settings["ingress_zones"])
        built.setEgressZones(settings["egress_zones"])
        built.setRichRules(settings["rich_rules"])
        return built
