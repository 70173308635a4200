# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine that two systems know, also under two names: joined into one host, whichever system was read first."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .._values.errors import names
from .found import OWN_RECORDS, SOURCES, plain_addresses, seen_addresses

# The variables of a host that one system sets, and that another one must not mix with its own.
ADDRESSES = ("port_matrix_addresses", "port_matrix_interfaces")
OF_ONE_SYSTEM = (*ADDRESSES, "port_matrix_location")


@dataclass(frozen=True, slots=True)
class Entry:
    """A host in the inventory: its groups, and its variables, among them ``SOURCES``."""

    groups: frozenset[str]
    variables: Mapping[str, t.Any]

    @property
    def own(self) -> bool:
        """Tell whether one of its systems calls it a machine of its own."""
        return any(source["record"] in OWN_RECORDS for source in self.variables[SOURCES])

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses by which others know it."""
        # An interface may be the name of another.
        interfaces = [v for v in self.variables.get("port_matrix_interfaces", {}).values() if not isinstance(v, str)]
        return seen_addresses(self.variables.get("port_matrix_addresses", ())).union(*map(seen_addresses, interfaces))


@dataclass(frozen=True, slots=True)
class Joined:
    """What an inventory has after a system was read.

    ``renamed`` has the names that are gone → those that stay. ``notes`` say which, and ``warnings`` where two systems
    contradict each other.
    """

    entries: Mapping[str, Entry]
    renamed: Mapping[str, str]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def join(known: Mapping[str, Entry], found: Mapping[str, Entry]) -> Joined:
    """Join the hosts that are *known* from other systems with those that were *found* in one.

    The name that a system gave to a machine of its own stays, and not the one by which another system refers to it.
    Among several that only refer to it, the first by the alphabet stays. None of this depends on an order. Two systems
    that each call a machine with the same address their own are not joined: one of them is wrong, or there is NAT.
    """
    entries = dict(known)
    warnings: list[str] = []
    for name in sorted(found):
        entries[name] = _both(name, entries[name], found[name], warnings) if name in entries else found[name]
    renamed = _renamed(entries, warnings)
    notes = []
    for name, stays in sorted(renamed.items()):
        entries[stays] = _both(stays, entries[stays], entries.pop(name), warnings)
        notes.append(f"The host {name!r} is {stays!r}: they have the same address")
    return Joined(entries, renamed, tuple(notes), tuple(warnings))


def _both(name: str, one: Entry, other: Entry, warnings: list[str]) -> Entry:
    """Make one host of two. The system whose machine it is knows its addresses; two that refer to it know some each."""
    known = (source for entry in (one, other) for source in entry.variables[SOURCES])
    sources = {(source["name"], source["record"], source["system"]): source for source in known}
    if one.own != other.own:
        first, second = (one, other) if one.own else (other, one)
        unknown = second.addresses - first.addresses
        if unknown:
            warnings.append(
                f"The host {name!r} has the address {names(unknown)} in another system, which its own does not know. "
                "It is left out"
            )
        kept = dict(first.variables)
    elif one.own:
        kept = {**{k: v for k, v in one.variables.items() if k not in OF_ONE_SYSTEM}, **other.variables}
    else:
        kept = {**one.variables, **other.variables, **_known_together(one, other)}
        if not all(entry.variables.get("port_matrix_location") for entry in (one, other)):
            kept.pop("port_matrix_location", None)  # one is in use everywhere
    kept[SOURCES] = [sources[key] for key in sorted(sources)]
    return Entry(one.groups | other.groups, kept)


def _known_together(one: Entry, other: Entry) -> dict[str, list[str]]:
    locations = {name for entry in (one, other) for name in entry.variables.get("port_matrix_location", ())}
    addresses = plain_addresses(one.addresses | other.addresses, "port_matrix_addresses")
    return {
        **({"port_matrix_addresses": list(addresses)} if addresses else {}),
        "port_matrix_location": sorted(locations),
    }


def _renamed(entries: Mapping[str, Entry], warnings: list[str]) -> dict[str, str]:
    """Return which of *entries* are others under a second name: that name → the one that stays."""
    by_address: dict[str, list[str]] = {}
    for name in sorted(entries):
        for address in entries[name].addresses:
            by_address.setdefault(address, []).append(name)
    renamed: dict[str, str] = {}
    for address, same in sorted(by_address.items()):
        own = [name for name in same if entries[name].own]
        if len(own) > 1:
            shown = names(map(repr, own))
            warnings.append(f"The hosts {shown} have the same address {address}, and stay hosts of their own")
        stays = [*own, *same][0]
        for name in same:
            if name != stays and not entries[name].own:
                renamed.setdefault(name, stays)
    return {name: _end(stays, renamed) for name, stays in renamed.items()}


def _end(name: str, renamed: Mapping[str, str]) -> str:
    """Follow *renamed* to the name that stays. It ends: each step goes to a system's own, or down the alphabet."""
    while name in renamed:
        name = renamed[name]
    return name


def merge_ranges(
    one: Mapping[str, Iterable[str]], other: Mapping[str, Iterable[str]]
) -> tuple[dict[str, list[str]], str]:
    """Join port ranges of two systems: name → ports. Where they differ, a range has both, and the text says so."""
    merged = {
        name: sorted({*one.get(name, ()), *other.get(name, ())}, key=_first_port) for name in sorted({*one, *other})
    }
    differing = [name for name in merged if name in one and name in other and sorted(one[name]) != sorted(other[name])]
    if not differing:
        return merged, ""
    return merged, f"Two systems have different ports for {names(differing)}, and the range has all of them"


def _first_port(ports: str) -> int:
    return int(ports.partition("-")[0])


def pool_warnings(pools: Mapping[str, Iterable[str]], nodes: Mapping[str, Iterable[str]]) -> list[str]:
    """Compare the trusted application pools of Skype for Business with the nodes that call it.

    *pools* is the name of a pool → names of its machines; *nodes* is a host → its names in DNS. A pool without any of
    the nodes is one of another application, and nothing is said of it.
    """
    known = {name for found in nodes.values() for name in found}
    ours = {pool: set(machines) for pool, machines in pools.items() if known.intersection(machines)}
    if not ours:
        return []
    trusted = set().union(*ours.values())
    warnings = [
        f"The trusted application pool {pool!r} has {names(map(repr, machines - known))}, and the Management Node "
        "knows no such Conferencing Node"
        for pool, machines in sorted(ours.items())
        if machines - known
    ]
    left_out = [host for host, found in nodes.items() if not trusted.intersection(found)]
    if left_out:
        warnings.append(
            f"Skype for Business does not trust {names(map(repr, left_out))} (not in the trusted application pool "
            f"{names(map(repr, ours))})"
        )
    return warnings
