# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: the order in which rules are replaced, so that nothing that stays permitted is closed in between."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .._values.addresses import FAMILIES, AddressSet
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT
from .lists import read_addresses, read_port_list
from .rules import PROFILES, WITH_PORTS, RuleArguments

StateRule = Mapping[str, t.Any]

_EVERY_PROTOCOL = frozenset({*WITH_PORTS, *map(str, range(256))})
_EVERY_ADDRESS = AddressSet(IntervalSet(((0, (1 << 32) - 1),)), IntervalSet(((0, (1 << 128) - 1),)))


@dataclass(frozen=True)
class Replacement:
    """A wanted rule and those of its name that are there: one that a call edits, or some that have to be made anew."""

    arguments: RuleArguments
    there: tuple[StateRule, ...]
    made_anew: bool

    def calls(self) -> list[RuleArguments]:
        """The calls that make it so."""
        present = {**self.arguments, "state": "present"}
        return [_absent(self.there[0]["name"]), present] if self.made_anew else [present]


@dataclass(frozen=True)
class Traffic:
    """What a rule permits or blocks: every combination of these."""

    direction: str
    protocols: frozenset[str]
    local_ports: IntervalSet
    remote_ports: IntervalSet
    local: AddressSet
    remote: AddressSet

    def intersection(self, other: Traffic) -> Traffic | None:
        """What is in both; None if that is nothing."""
        if self.direction != other.direction or self._is_apart(other):
            return None
        both = Traffic(
            self.direction,
            self.protocols & other.protocols,
            self.local_ports.intersection(other.local_ports),
            self.remote_ports.intersection(other.remote_ports),
            self.local.intersection(other.local),
            self.remote.intersection(other.remote),
        )
        parts = (both.protocols, both.local_ports, both.remote_ports, both.local, both.remote)
        return both if all(parts) else None

    def _is_apart(self, other: Traffic) -> bool:
        """Tell whether one ends before the other begins. Most pairs of rules are so, and there are many pairs."""
        return (
            _are_apart(self.local_ports, other.local_ports)
            or _are_apart(self.remote_ports, other.remote_ports)
            or all(_are_apart(self.remote.of_family(one), other.remote.of_family(one)) for one in FAMILIES)
        )

    def is_within(self, other: Traffic) -> bool:
        """Tell whether *other* permits all of it."""
        return self.intersection(other) == self


def in_safe_order(replacements: Sequence[Replacement], taken: Collection[str]) -> list[RuleArguments]:
    """Return the calls for *replacements*, to be made after all new rules are there and before stale ones are removed.

    Traffic can go from one rule to another: a host comes into another endpoint, a list of addresses is cut elsewhere.
    The rule that gets it is then written before the one that loses it. Where there is no such order (two rules that
    exchange traffic, a rule that is removed to be made anew), what is wanted gets a second rule for the time being,
    which is removed at the end.

    :param taken: names, in lower case, that such a second rule must not have.
    """
    waits = _waits(replacements)
    calls: list[RuleArguments] = []
    second: list[RuleArguments] = []
    left = list(range(len(replacements)))
    while left:
        number = min(left, key=lambda one: len(waits[one]))
        for other in sorted(waits[number]):
            arguments = replacements[other].arguments
            second.append({**arguments, "name": _free_name(arguments["name"], taken), "state": "present"})
            calls.append(second[-1])
            _is_permitted(waits, other)
        calls += replacements[number].calls()
        left.remove(number)
        _is_permitted(waits, number)
    return calls + [_absent(arguments["name"]) for arguments in second]


def _waits(replacements: Sequence[Replacement]) -> list[set[int]]:
    """Return for each replacement those to be written before it: itself, too, where it closes what it opens."""
    wanted = [_traffic([one.arguments]) for one in replacements]
    found = [_traffic(one.there) for one in replacements]
    waits: list[set[int]] = [set() for one in replacements]
    for number, one in enumerate(replacements):
        own = [] if one.made_anew else wanted[number]
        for other, gets in enumerate(wanted):
            stays = [both for old, _sure in found[number] for new, _sure in gets if (both := old.intersection(new))]
            kept = [*own, *([] if other == number else found[other])]
            if any(not any(traffic.is_within(surely) for _may, surely in kept) for traffic in stays):
                waits[number].add(other)
    return waits


def _traffic(rules: Sequence[StateRule]) -> list[tuple[Traffic, Traffic]]:
    """Return what each of *rules* permits at most, and what for certain."""
    return [traffic_of(rule) for rule in rules if rule.get("enabled") is True and rule.get("action") == "allow"]


def traffic_of(rule: StateRule) -> tuple[Traffic, Traffic]:
    """Return what a rule is for at most, and what for certain, whatever the profile, program and network."""
    local_ports, remote_ports = (_ports(str(rule.get(option) or "")) for option in ("localport", "remoteport"))
    local, remote = (_addresses(str(rule.get(option) or "")) for option in ("localip", "remoteip"))
    direction, protocols = str(rule.get("direction")), _protocols(str(rule.get("protocol")))
    surely = frozenset() if conditions_of(rule) else protocols
    return (
        Traffic(direction, protocols, local_ports[0], remote_ports[0], local[0], remote[0]),
        Traffic(direction, surely, local_ports[1], remote_ports[1], local[1], remote[1]),
    )


def conditions_of(rule: StateRule) -> list[str]:
    """Return what a rule takes to count besides addresses and ports, such as ``service Dnscache``."""
    found = [f"{option} {rule[option]}" for option in ("program", "service") if _is_named(rule, option)]
    profiles = set(rule.get("profiles") or ())
    if profiles != set(PROFILES):
        found.append(f"profile {' or '.join(name for name in PROFILES if name in profiles) or 'none'}")
    return found + [f"{name} {value}" for name, value in dict(rule.get("other") or {}).items()]


def _is_named(rule: StateRule, option: str) -> bool:
    return str(rule.get(option) or "any").lower() != "any"


def _protocols(text: str) -> frozenset[str]:
    return _EVERY_PROTOCOL if text == "any" else frozenset({text})


# What a list permits at most, and what for certain: Windows alone knows what a word such as LocalSubnet or RPC means.
def _ports(text: str) -> tuple[IntervalSet, IntervalSet]:
    ports = read_port_list(text)
    return (ports, ports) if isinstance(ports, IntervalSet) else (ANY_PORT, IntervalSet())


def _addresses(text: str) -> tuple[AddressSet, AddressSet]:
    addresses, words = read_addresses(text)
    return _EVERY_ADDRESS if words else addresses, _EVERY_ADDRESS if "any" in words else addresses


def _are_apart(some: IntervalSet, others: IntervalSet) -> bool:
    a, b = some.intervals, others.intervals
    return not a or not b or a[-1][1] < b[0][0] or b[-1][1] < a[0][0]


def _is_permitted(waits: list[set[int]], number: int) -> None:
    for others in waits:
        others.discard(number)


def _absent(name: str) -> RuleArguments:
    return {"name": name, "state": "absent"}


def _free_name(name: str, taken: Collection[str]) -> str:
    number = 1
    while (free := f"{name} in between {number}").lower() in taken:
        number += 1
    return free
