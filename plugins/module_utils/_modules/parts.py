# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several modules of this collection in one call to a host, one after the other in one process."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

Result = dict[str, t.Any]


# Imported where they are asked for: a host compiles in each call what it imports. Ansible finds and sends all of them.


def _boot_units() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import boot_units

    return boot_units


def _firewalld_objects() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import firewalld_objects

    return firewalld_objects


def _linux_firewall_info() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import linux_firewall_info

    return linux_firewall_info


def _nftables_table() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import nftables_table

    return nftables_table


def _observed_flows() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import observed_flows

    return observed_flows


def _packet_trial() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import packet_trial

    return packet_trial


def _tracked_flows() -> ModuleType:
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import tracked_flows

    return tracked_flows


# What each of them has: SPEC, its options; REQUIRED_IF, where it has some that a state needs; and run, what it does.
KINDS: dict[str, Callable[[], t.Any]] = {
    "boot_units": _boot_units,
    "firewalld_objects": _firewalld_objects,
    "linux_firewall_info": _linux_firewall_info,
    "nftables_table": _nftables_table,
    "observed_flows": _observed_flows,
    "packet_trial": _packet_trial,
    "tracked_flows": _tracked_flows,
}

_PARTS: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "name": {"type": "str", "required": True, "choices": sorted(KINDS)},
        "options": {"type": "dict", "default": {}},
        "check_mode": {"type": "bool", "default": False},
    },
}
SPEC: dict[str, t.Any] = {
    "parts": _PARTS,
    "then": {
        "type": "dict",
        "options": {
            "changed": {"type": "str", "required": True},
            "unless": {"type": "list", "elements": "str", "default": []},
            "parts": _PARTS,
        },
    },
}


class NotReturnedError(Exception):
    """What is to hold a change back names something that no part has returned."""


class Part:
    """A module within the call: its own options and warnings, and everything else of the *module* that was called.

    *done* are the results of the parts before it, and *warned* is what all parts of the call have warned of.
    """

    def __init__(
        self,
        module: AnsibleModule,
        params: Mapping[str, t.Any],
        check_mode: bool,
        done: Mapping[str, Result],
        warned: list[str],
    ) -> None:
        self._module = module
        self._done = done
        self._warned = warned
        self.params = params
        self.check_mode = module.check_mode or check_mode
        self.warnings: list[str] = []

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._module, name)

    def warn(self, text: str) -> None:
        """Keep a warning: who asked for the parts decides which of their results counts."""
        self.warnings.append(text)
        self._warned.append(text)

    def fail_json(self, msg: str, **more: t.Any) -> None:
        """Fail all of it; say all the same what the parts before have done, which stays, and what they warned of."""
        for text in self._warned:
            self._module.warn(text)
        if not self.check_mode:
            if any(done["changed"] for done in self._done.values()):
                more["changed"] = True
            if any(done.get("outcome") == "confirmed" for done in self._done.values()):
                more["outcome"] = "confirmed"
        self._module.fail_json(msg=msg, **more)


def run(module: AnsibleModule) -> Result:
    """Do all parts, up to one whose change is pending, or was not confirmed; and what comes then, if it does."""
    then = module.params["then"]
    # All options are looked at, and firewalld's library is found, before anything is done.
    warned: list[str] = []
    first = _Sequence(module, module.params["parts"], warned)
    for option, named in _named(then) if then else []:
        if named not in first.names():
            module.fail_json(msg=f"then.{option}: {named}; accepted: one of {', '.join(first.names())}")
    second = _Sequence(module, then["parts"] if then else [], warned)
    states = {state for sequence in (first, second) for state in sequence.states("firewalld_objects")}
    if states:
        KINDS["firewalld_objects"]().prepare(module, present="present" in states)  # it may start all over
    found = first.run()
    try:
        goes_on = bool(then) and len(found) == len(first.names()) and follows(then, found)
    except NotReturnedError as e:
        first.fail(str(e))
        raise
    if not goes_on:
        return {"changed": _changed(found), "parts": found}
    done = second.run()
    return {"changed": _changed(done), "parts": found, "then": done}


def follows(then: Mapping[str, t.Any], found: Mapping[str, Result]) -> bool:
    """Tell whether *then* is to be done, after what all parts before it have *found*.

    :raises NotReturnedError: where ``unless`` has what no part returned; a misspelt name would let everything through
    """
    held_back = False
    for name in then["unless"]:
        part, _dot, key = name.partition(".")
        if key not in found.get(part, {}):
            raise NotReturnedError(f"then.unless: no part returned {name}")
        held_back = held_back or bool(found[part][key])
    return bool(found[then["changed"]]["changed"]) and not held_back


def _named(then: Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Return the parts that the options of *then* name, each after its option."""
    return [("changed", then["changed"]), *(("unless", name.partition(".")[0]) for name in then["unless"])]


class _Sequence:
    """Parts, one after the other."""

    def __init__(self, module: AnsibleModule, parts: Sequence[Mapping[str, t.Any]], warned: list[str]) -> None:
        self._done: dict[str, Result] = {}
        self._parts: list[tuple[str, Part]] = []
        for part in parts:
            params = _params(module, part["name"], part["options"])
            self._parts.append((part["name"], Part(module, params, part["check_mode"], self._done, warned)))

    def names(self) -> list[str]:
        return [name for name, _part in self._parts]

    def states(self, name: str) -> list[str]:
        """Return the option ``state`` of each part of that name."""
        return [part.params["state"] for other, part in self._parts if other == name]

    def fail(self, msg: str) -> None:
        """Fail after the last part, and say what all of them have done."""
        self._parts[-1][1].fail_json(msg)

    def run(self) -> dict[str, Result]:
        for name, part in self._parts:
            done = KINDS[name]().run(part)
            self._done[name] = {**done, "warnings": part.warnings}
            if "pending" in done or done.get("outcome", "confirmed") != "confirmed":
                break
        return self._done


def _changed(results: Mapping[str, Result]) -> bool:
    return any(done["changed"] for done in results.values())


def _params(module: AnsibleModule, name: str, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    kind = KINDS[name]()
    validated = ArgumentSpecValidator(kind.SPEC, required_if=getattr(kind, "REQUIRED_IF", ())).validate(options)
    if validated.error_messages:
        module.fail_json(msg=f"{name}: {'; '.join(validated.error_messages)}")
    return dict(validated.validated_parameters)
