# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ipsets that firewalld's rich rules refer to, under names that stay when their addresses change.

A rich rule takes one element, so it cannot have a source port as well as a destination port. An ipset of type
``hash:net,port`` as the rule's source matches address, protocol and source port at once, and leaves the element free
for the destination port.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._rules.canonical import Hook
from .._values.addresses import Family, format_cidrs
from .._values.intervals import IntervalSet
from .._values.netaddr import netaddr
from .._values.ports import ANY_PORT, format_ports

PREFIX = "pexip_sfb_"
MAX_IPSET_NAME = 31  # firewalld: IPSET_MAXNAMELEN of the kernel, less the final zero

_FAMILY_OPTION: dict[Family, str] = {"ipv4": "inet", "ipv6": "inet6"}
_DIGIT: dict[Family, str] = {"ipv4": "4", "ipv6": "6"}
_EVERY: dict[Family, IntervalSet] = {
    "ipv4": IntervalSet(((0, 2**32 - 1),)),
    "ipv6": IntervalSet(((0, 2**128 - 1),)),
}
# A set does not take 0.0.0.0/0 or ::/0, but it takes both halves.
_HALVES: dict[Family, tuple[str, str]] = {"ipv4": ("0.0.0.0/1", "128.0.0.0/1"), "ipv6": ("::/1", "8000::/1")}
# Blocks of adjoining addresses up to this size are written address by address. So when a host joins or leaves its
# neighbours, an entry is added or removed, and none is replaced by a larger or smaller one, which takes a moment.
_SPELLED_OUT = 16


@dataclass(frozen=True)
class Party:
    """One side of a permission: who it is, which does not change with its addresses, and its addresses."""

    endpoints: tuple[str, ...]
    addresses: IntervalSet
    family: Family


class IpsetTable:
    """The ipsets of one host. Permissions that name the same party in the same way share one set."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, t.Any]] = {}
        self._names: dict[tuple[str, tuple[str, ...]], str] = {}
        self._parts: dict[str, int] = {}

    def name(self, hook: Hook, party: Party, protocol: str = "", ports: IntervalSet = ANY_PORT) -> str:
        """Return the name of the set that holds *party*; with *ports*, its source ports of *protocol* are in it too.

        It is empty where every address and every port is meant: then there is nothing to match.
        """
        if ports == ANY_PORT and party.addresses == _EVERY[party.family]:
            return ""
        ranges = [] if ports == ANY_PORT else [f"{protocol}:{item}" for item in format_ports(ports)]
        identity = " ".join((hook, party.family, *party.endpoints, *ranges))
        entries = tuple(_entries(party, ranges))
        key = (identity, entries)
        if key not in self._names:
            # A mesh of machines takes several sets for one party: no machine talks to itself.
            part = self._parts.get(identity, 0) + 1
            self._parts[identity] = part
            self._names[key] = self._add(hook, party, ranges, entries, part)
        return self._names[key]

    def as_data(self) -> dict[str, dict[str, t.Any]]:
        """Return name → ``type``, ``family``, ``short``, ``description`` and ``entries``, sorted by name."""
        return dict(sorted(self._sets.items()))

    def _add(self, hook: Hook, party: Party, ranges: Sequence[str], entries: tuple[str, ...], part: int) -> str:
        what = ", ".join((" or ".join(party.endpoints), *(f"from {item}" for item in ranges)))
        if part > 1:
            what = f"{what}, part {part}"
        identity = f"{hook} {party.family} {what}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        name = f"{PREFIX}{hook[0]}{_DIGIT[party.family]}_{party.endpoints[0][:9]}_{digest}"
        self._sets[name] = {
            "type": "hash:net,port" if ranges else "hash:net",
            "family": _FAMILY_OPTION[party.family],
            "short": f"Pexip SfB: {party.endpoints[0]}",
            "description": f"{what} ({party.family}, hook {hook}); managed by Ansible, uc_firewall.pexip_sfb",
            "entries": list(entries),
        }
        return name


def _entries(party: Party, ranges: Sequence[str]) -> Iterator[str]:
    for address in _addresses(party):
        if ranges:
            yield from (f"{address},{item}" for item in ranges)
        else:
            yield address


def _addresses(party: Party) -> Iterator[str]:
    if party.addresses == _EVERY[party.family]:
        yield from _HALVES[party.family]
        return
    for cidr in format_cidrs(party.addresses, party.family):
        network = netaddr.IPNetwork(cidr)
        if network.size <= _SPELLED_OUT:
            yield from (str(address) for address in network)
        else:
            yield cidr
