# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reloads firewalld, and gives everybody else back what they have only in the runtime and a reload takes.

Also a program of its own, without Ansible: ``python3 FILE DIRECTORY PREFIX`` puts the permanent objects of ours back
that are in DIRECTORY, and reloads. That is the way back of a change that nobody confirmed.
"""

from __future__ import annotations

import functools
import re
import shutil
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

KINDS = ("ipsets", "policies")
CONFIGURATION = Path("/etc/firewalld")
SECONDS_FOR_AN_ANSWER = 300.0


def patient(call: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return *call*, a call over D-Bus, with a time-out that suits firewalld.

    Its client waits 25 s for each answer, and a busy machine takes longer for a set of thousands of entries.
    """

    @functools.wraps(call)
    def patient_call(*args: t.Any, **options: t.Any) -> t.Any:
        return call(*args, **{"timeout": SECONDS_FOR_AN_ANSWER, **options})

    return patient_call


def ipsets_of(policy: str) -> set[str]:
    """Return the names of the ipsets that the rich rules of a policy use, as text or as XML."""
    return set(re.findall(r'\bipset="([^"]+)"', policy))


def save(directory: Path, prefix: str, configuration: Path = CONFIGURATION) -> None:
    """Copy our permanent objects into *directory*.

    A link that leads nowhere is none, for firewalld either. Policies whose ipsets somebody has removed are left out:
    with one of them, firewalld would fail to reload.
    """
    for kind in KINDS:
        (directory / kind).mkdir()
        for path in configuration.glob(f"{kind}/{prefix}*.xml"):
            if path.exists():
                shutil.copy2(path, directory / kind)
    sets = {path.stem for path in (directory / "ipsets").iterdir()}
    for path in (directory / "policies").iterdir():
        if not {name for name in ipsets_of(path.read_text(encoding="utf-8")) if name.startswith(prefix)} <= sets:
            path.unlink()


def put_back(directory: Path, prefix: str, configuration: Path = CONFIGURATION) -> None:
    """Make our permanent objects what :func:`save` found. What is in the place of one is replaced as a whole.

    ipsets come before the policies that use them, and go after them.
    """
    for kind in KINDS:
        for path in (directory / kind).iterdir():
            beside = configuration / kind / f".{path.name}"
            shutil.copy2(path, beside)
            beside.replace(configuration / kind / path.name)
    for kind in reversed(KINDS):
        for path in configuration.glob(f"{kind}/{prefix}*.xml"):
            if not (directory / kind / path.name).exists():
                path.unlink()


# Where firewalld writes what it could not do.
LOG = Path("/var/log/firewalld")

Step = t.Callable[[], t.Any]
# A member of a zone, policy or ipset: the setting that it is in, and what it is; nothing more for a switch that is on.
Member = t.Tuple[str, t.Tuple[str, ...]]  # noqa: UP006  # evaluated at import, also by the Python of old hosts
_Objects = t.Dict[t.Tuple[str, str], t.Set[Member]]  # noqa: UP006  # by kind (zone, policy, ipset) and name
# What can be added to and removed from a zone, setting by setting, and what that is called.
_OF_ZONES = {
    "services": "Service",
    "ports": "Port",
    "protocols": "Protocol",
    "source_ports": "SourcePort",
    "forward_ports": "ForwardPort",
    "icmp_blocks": "IcmpBlock",
    "icmp_block_inversion": "IcmpBlockInversion",
    "masquerade": "Masquerade",
    "rules_str": "RichRule",
    "interfaces": "Interface",
    "sources": "Source",
}
_OPENING = {"services", "ports", "protocols", "source_ports", "forward_ports", "masquerade"}
_RULES = {"rules_str", "rich_rules"}
# firewalld compares a new entry with each that the set has: 5 to 10 ms for one among 2,000.
_MOST_ENTRIES = 1000
# How firewalld refuses what is as it should be.
_DONE_BY_OTHERS = ("ALREADY_ENABLED", "NOT_ENABLED", "ALREADY_SET")


def reload_for_all(client: t.Any, prefix: str) -> list[str]:
    """Reload, and give back what zones, policies and ipsets that are not ours have in the runtime only.

    What others do meanwhile stays: nothing is touched but what differed from the permanent configuration before.
    firewalld goes on counting the time of what is there for a time, so that goes when it should. Where it should have
    gone while it was away, firewalld has logged that it was not there, and it is taken out again.

    :returns: what opens something and was given back, a line each.
    """
    log_size = LOG.stat().st_size if LOG.exists() else 0
    runtime, permanent = _runtime(client, prefix), _permanent(client.config(), prefix)
    client.reload()
    given_back: list[tuple[str, str, Member]] = []
    refusals: list[Exception] = []
    for (kind, name), before in runtime.items():
        if (kind, name) not in permanent:
            continue  # the reload has removed it
        after = permanent[kind, name]
        now = _members(_settings(client, kind, name))
        gone, come = before - after - now, (after - before) & now
        for step in _STEPS[kind](client, name, gone, come):
            refusals += _refusals(step)
        given_back += [(kind, name, member) for member in sorted(gone)]
    ended = [one for one in given_back if _has_ended(*one, _written_since(log_size))]
    for _kind, zone, (key, value) in ended:
        refusals += _refusals(functools.partial(getattr(client, "remove" + _OF_ZONES[key]), zone, *value))
    if refusals:
        raise refusals[0]
    return [
        f"{kind} {name}: {key} {'/'.join(value)}".strip()
        for kind, name, (key, value) in given_back
        if (kind, name, (key, value)) not in ended and _opens(key, value)
    ]


def _has_ended(kind: str, name: str, member: Member, log: str) -> bool:
    """Tell whether it was to be removed while it was away: by its timer, or by somebody's hand."""
    key, value = member
    sign = f"NOT_ENABLED: '{':'.join(value)}' not in '{name}'"
    return kind == "zone" and key in _OF_ZONES and sign in log


def _written_since(offset: int) -> str:
    try:
        with LOG.open(encoding="utf-8", errors="replace") as file:
            # It was rotated meanwhile, or never written to.
            file.seek(offset if LOG.stat().st_size >= offset else 0)
            return file.read()
    except OSError:
        return ""


def _refusals(step: Step) -> list[Exception]:
    """Take the step, and return what was refused: the rest is to come back all the same."""
    try:
        step()
    except Exception as e:  # of firewalld, its client or the bus
        return [] if any(code in str(e) for code in _DONE_BY_OTHERS) else [e]
    return []


def _opens(key: str, value: tuple[str, ...]) -> bool:
    return key in _OPENING or (key in _RULES and " accept" in value[0])


def _of_others(names: dict[str, t.Iterable[str]], read: t.Callable[[str, str], t.Any], prefix: str) -> _Objects:
    return {
        (kind, str(name)): _members(read(kind, name))
        for kind in names
        for name in names[kind]
        if kind == "zone" or not name.startswith(prefix)
    }


def _permanent(config: t.Any, prefix: str) -> _Objects:
    names = {"zone": config.getZoneNames(), "policy": config.getPolicyNames(), "ipset": config.getIPSetNames()}
    by_name = {"zone": config.getZoneByName, "policy": config.getPolicyByName, "ipset": config.getIPSetByName}
    return _of_others(names, lambda kind, name: by_name[kind](name).getSettings(), prefix)


def _runtime(client: t.Any, prefix: str) -> _Objects:
    names = {"zone": client.getZones(), "policy": client.getPolicies(), "ipset": client.getIPSets()}
    return _of_others(names, lambda kind, name: _settings(client, kind, name), prefix)


def _settings(client: t.Any, kind: str, name: str) -> t.Any:
    by_kind = {"zone": client.getZoneSettings, "policy": client.getPolicySettings, "ipset": client.getIPSetSettings}
    return by_kind[kind](name)


def _members(settings: t.Any) -> set[Member]:
    # An ipset alone has no such mapping.
    mapping = getattr(settings, "getSettingsDict", lambda: {"entries": settings.getEntries()})()
    found: set[Member] = set()
    for key, value in mapping.items():
        if isinstance(value, list):
            found |= {(key, (one,) if isinstance(one, str) else tuple(one)) for one in value}
        elif value is True:
            found.add((key, ()))
    return found


def _zone_steps(client: t.Any, zone: str, gone: set[Member], come: set[Member]) -> Iterator[Step]:
    # One by one: whoever adds something at the same moment is not to lose it.
    for do, members in (("add", gone), ("remove", come)):
        for key, value in sorted(members):
            if key in _OF_ZONES:
                yield functools.partial(getattr(client, do + _OF_ZONES[key]), zone, *value)
            else:  # whether it forwards
                settings = client.getZoneSettings(zone)
                settings.setSettingsDict({key: do == "add"})
                yield functools.partial(client.setZoneSettings, zone, settings)


def _policy_steps(client: t.Any, policy: str, gone: set[Member], come: set[Member]) -> Iterator[Step]:
    if not gone | come:
        return
    settings = client.getPolicySettings(policy)
    changed = settings.getSettingsDict()
    for key, value in sorted(gone):
        changed[key] = [*changed[key], value if len(value) > 1 else value[0]] if value else True
    for key, value in come:
        changed[key] = [one for one in changed[key] if one not in (value, value[0])] if value else False
    settings.setSettingsDict(changed)
    yield functools.partial(client.setPolicySettings, policy, settings)


def _ipset_steps(client: t.Any, ipset: str, gone: set[Member], come: set[Member]) -> Iterator[Step]:
    added, removed = ({value[0] for _key, value in members} for members in (gone, come))
    if len(added) + len(removed) > _MOST_ENTRIES:
        entries = {*client.getEntries(ipset), *added} - removed
        yield functools.partial(client.setEntries, ipset, sorted(entries))
        return
    # An entry can be in the way of one that overlaps it.
    yield from (functools.partial(client.removeEntry, ipset, entry) for entry in sorted(removed))
    yield from (functools.partial(client.addEntry, ipset, entry) for entry in sorted(added))


_STEPS = {"zone": _zone_steps, "policy": _policy_steps, "ipset": _ipset_steps}


if __name__ == "__main__":
    import dbus
    from firewall.client import FirewallClient

    dbus.connection.Connection.call_blocking = patient(dbus.connection.Connection.call_blocking)
    put_back(Path(sys.argv[1]), sys.argv[2])
    reload_for_all(FirewallClient(), sys.argv[2])
