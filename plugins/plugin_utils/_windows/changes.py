# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: the wanted rules held against those that a host has, and the calls that make the difference go away."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._values.errors import PortMatrixError, names, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_list, as_mapping, as_text
from .lists import read_addresses, read_port_list
from .order import Replacement, StateRule, in_safe_order
from .rules import GROUP, RuleArguments

# Skype for Business names its own rules so and makes them anew by itself. Nothing of that name is ours, in any group.
SFB_PREFIX = "cs "

_KEYS = ("rules", "foreign_rules", "profiles")

# One call edits these on the rule that is there.
_EDITED = ("description", "enabled", "action", "profiles", "localip", "remoteip", "localport", "remoteport")
# These would leave a rule half changed (ports are written before the protocol), or cannot be set back to nothing
# through COM, or are not among the module's options at all. Such a rule is removed and made anew.
_MADE_ANEW = ("direction", "protocol", "program", "service", "other")


@dataclass(frozen=True)
class WindowsState:
    """The part of a host's firewall that concerns us, as the module win_firewall_state returns it.

    ``rules`` are those of our group; ``foreign`` are rules outside of it that share a name with one of ours, or begin
    like ours; ``blocking`` are enabled rules outside of it that block.
    """

    rules: tuple[StateRule, ...]
    foreign: tuple[StateRule, ...]
    profiles: tuple[Mapping[str, t.Any], ...] = ()
    blocking: tuple[StateRule, ...] = ()

    def blocks_of_others(self) -> list[StateRule]:
        """The rules that block and are not ours to mend."""
        left_alone = (rule for rule in self.rules if _is_of_sfb(rule))
        return [rule for rule in (*self.blocking, *left_alone) if rule["enabled"] and rule["action"] == "block"]


@dataclass(frozen=True)
class Changes:
    """What has to be done. ``calls`` are arguments of win_firewall_rule, in the order in which they are to be made."""

    calls: tuple[RuleArguments, ...] = ()
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    removed: tuple[StateRule, ...] = field(default=(), repr=False)

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        return {"calls": list(self.calls), "conflicts": list(self.conflicts), "notes": list(self.notes)}


def read_state(value: object) -> WindowsState:
    """Read what the module win_firewall_state returned.

    :raises PortMatrixError: if it is something else, for instance the result of a task that failed.
    """
    data = as_mapping(value, "state")
    missing = [key for key in _KEYS if key not in data]
    if missing:
        raise PortMatrixError.at("state", f"has no {names(missing)}", "what win_firewall_state returned")
    rules, foreign, profiles, blocking = (
        tuple(as_mapping(item, f"state {key}") for item in as_list(data.get(key, []), f"state {key}"))
        for key in (*_KEYS, "blocking_rules")
    )
    return WindowsState(rules, foreign, profiles, blocking)


def find_changes(wanted: Sequence[RuleArguments], state: WindowsState) -> Changes:
    """Compare *wanted* with *state*.

    New rules come first, changed ones after them and stale ones last, so that what was permitted and stays so is not
    closed in between (see :func:`in_safe_order`).

    :raises PortMatrixError: if a wanted rule has no name or two share one.
    """
    ours = _by_name(rule for rule in state.rules if not _is_of_sfb(rule))
    foreign = _by_name([*state.foreign, *(rule for rule in state.rules if _is_of_sfb(rule))])
    wanted_names = _unique_names(wanted)
    new: list[RuleArguments] = []
    replacements: list[Replacement] = []
    stale_ones: list[RuleArguments] = []
    conflicts: list[str] = []
    removed: list[StateRule] = []
    for arguments in wanted:
        key = arguments["name"].lower()
        there = ours.get(key, [])
        action = _action(arguments, there)
        if key in foreign:
            conflicts.append(_conflict(arguments["name"], foreign[key]))
        elif action == "make":
            new.append({**arguments, "state": "present"})
        elif action != "nothing":
            replacements.append(Replacement(arguments, tuple(there), made_anew=action == "make_anew"))
            removed += [one for one in there if action == "make_anew" or _closes_ports(arguments, one)]
    for key, stale in ours.items():
        if key in wanted_names:
            continue
        if not key.strip():
            conflicts.append(f"a rule without a name is in the group {shown(GROUP)}; accepted: remove it by hand")
        elif key in foreign:
            conflicts.append(_conflict(stale[0]["name"], foreign[key]))
        else:
            stale_ones.append({"name": stale[0]["name"], "state": "absent"})
            removed += stale
    notes = (
        f"rule {shown(rule['name'])} is in the group {shown(GROUP)} and has a name of Skype for Business: left alone"
        for rule in state.rules
        if _is_of_sfb(rule)
    )
    calls = (*new, *in_safe_order(replacements, {*ours, *foreign, *wanted_names}), *stale_ones)
    return Changes(calls, tuple(conflicts), tuple(notes), tuple(removed))


def _closes_ports(arguments: RuleArguments, there: StateRule) -> bool:
    """Tell whether a rule is to be for other ports of this host than it was, and not just for more of them."""
    before, after = (read_port_list(str(rule.get("localport") or "")) for rule in (there, arguments))
    more = isinstance(before, IntervalSet) and isinstance(after, IntervalSet) and before.intersection(after) == before
    return before != after and not more


def differences(arguments: RuleArguments, there: StateRule) -> list[str]:
    """Return the names of the options in which *there* differs from *arguments*, after both were normalised."""
    wanted, found = _canonical({**arguments, "other": {}}), _canonical(there)
    return [option for option in (*_EDITED, *_MADE_ANEW) if wanted[option] != found[option]]


def _canonical(options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Bring options, wanted or read, into the form in which equal rules are equal."""

    def text(option: str) -> str:
        return str(options.get(option) or "").strip()

    return {
        # Text is compared as the module does it, without regard to case: what it takes for equal it never changes.
        "description": text("description").lower(),
        "enabled": options.get("enabled") is True,
        "action": text("action").lower(),
        "profiles": frozenset(options.get("profiles") or ()),
        "localip": read_addresses(text("localip")),
        "remoteip": read_addresses(text("remoteip")),
        "localport": read_port_list(text("localport")),
        "remoteport": read_port_list(text("remoteport")),
        "direction": text("direction").lower(),
        "protocol": text("protocol").lower(),
        "program": text("program").lower() or "any",
        "service": text("service").lower() or "any",
        "other": dict(options.get("other") or {}),
    }


def _action(arguments: RuleArguments, there: Sequence[StateRule]) -> str:
    if not there:
        return "make"
    if len(there) > 1:
        return "make_anew"
    different = differences(arguments, there[0])
    if not different:
        return "nothing"
    return "make_anew" if any(option in _MADE_ANEW for option in different) else "edit"


def _is_of_sfb(rule: StateRule) -> bool:
    return str(rule["name"]).lower().startswith(SFB_PREFIX)


def _conflict(name: str, foreign: Sequence[StateRule]) -> str:
    groups = names({shown(rule.get("group") or "") for rule in foreign})
    return (
        f"rule {shown(name)}: another rule of this name exists that is not ours (its group: {groups}), and "
        "win_firewall_rule cannot tell them apart; accepted: rename or remove that rule"
    )


def _by_name(rules: Iterable[StateRule]) -> dict[str, list[StateRule]]:
    found: dict[str, list[StateRule]] = {}
    for rule in rules:
        found.setdefault(as_text(rule.get("name"), "state rule name").lower(), []).append(rule)
    return found


def _unique_names(wanted: Sequence[RuleArguments]) -> frozenset[str]:
    found: set[str] = set()
    for name in _names(wanted):
        if name in found:
            raise PortMatrixError.at("rules", f"two rules are named {shown(name)}", "unique names")
        found.add(name)
    return frozenset(found)


def _names(wanted: Sequence[RuleArguments]) -> Iterator[str]:
    for arguments in wanted:
        name = as_text(as_mapping(arguments, "rules").get("name"), "rules name")
        yield name.lower()
