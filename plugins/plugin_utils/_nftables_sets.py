# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named interval sets of an nftables table, each content once, and the matches that refer to them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ._addresses import Family
from ._intervals import IntervalSet
from ._netaddr import netaddr
from ._ports import ANY_PORT, format_ports

_KEYWORD: dict[Family, str] = {"ipv4": "ip", "ipv6": "ip6"}
_SUFFIX: dict[Family, str] = {"ipv4": "v4", "ipv6": "v6"}
_TYPE: dict[Family, str] = {"ipv4": "ipv4_addr", "ipv6": "ipv6_addr"}
_EVERY: dict[Family, IntervalSet] = {
    "ipv4": IntervalSet(((0, 2**32 - 1),)),
    "ipv6": IntervalSet(((0, 2**128 - 1),)),
}
_NAMES_SPELLED_OUT = 3
_COMMENT_LENGTH = 127  # what nft takes


class SetTable:
    """The named sets of one table. Rules with the same addresses share one set.

    *prefix* begins all names, for a table that has sets of others too.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._names: dict[tuple[Family, IntervalSet], str] = {}
        self._users: dict[str, dict[str, None]] = {}

    def name(self, endpoints: Sequence[str], addresses: IntervalSet, family: Family) -> str:
        """Return the name of the set that holds *addresses*, named after the *endpoints* that first needed it.

        Where others need it too, its comment lists them.
        """
        key = (family, addresses)
        if key not in self._names:
            who = "_or_".join(endpoints)
            if len(endpoints) > _NAMES_SPELLED_OUT:
                who = f"{endpoints[0]}_or_{len(endpoints) - 1}_more"
            base = f"{self._prefix}{who}"
            taken = set(self._names.values())
            name, number = f"{base}_{_SUFFIX[family]}", 1
            while name in taken:
                number += 1
                name = f"{base}_{number}_{_SUFFIX[family]}"
            self._names[key] = name
        self._users.setdefault(self._names[key], {})[" or ".join(endpoints)] = None
        return self._names[key]

    def declarations(self) -> Iterator[str]:
        """Yield the text of each set, in order of first use."""
        for (family, addresses), name in self._names.items():
            elements = ",\n\t\t\t".join(_element(interval, family) for interval in addresses.intervals)
            users = "; ".join(self._users[name])[:_COMMENT_LENGTH]
            comment = f'\t\tcomment "{users}"\n' if len(self._users[name]) > 1 else ""
            yield (
                f"\tset {name} {{\n\t\ttype {_TYPE[family]}\n\t\tflags interval\n{comment}"
                f"\t\telements = {{\n\t\t\t{elements}\n\t\t}}\n\t}}"
            )


def _element(interval: tuple[int, int], family: Family) -> str:
    version: t.Literal[4, 6] = 4 if family == "ipv4" else 6
    first, last = interval
    start = netaddr.IPAddress(first, version)
    if first == last:
        return str(start)
    cidrs = netaddr.iprange_to_cidrs(start, netaddr.IPAddress(last, version))
    return str(cidrs[0]) if len(cidrs) == 1 else f"{start}-{netaddr.IPAddress(last, version)}"


def match_addresses(sets: SetTable, endpoints: Sequence[str], addresses: IntervalSet, family: Family, side: str) -> str:
    """Return the match of *side* (``saddr`` or ``daddr``) against *addresses*.

    It is empty where they are every address. One address stands in the rule, more have a set with a telling name.
    """
    if addresses == _EVERY[family]:
        return ""
    if addresses.size() == 1:
        return f"{_KEYWORD[family]} {side} {_element(addresses.intervals[0], family)}"
    return f"{_KEYWORD[family]} {side} @{sets.name(endpoints, addresses, family)}"


def match_ports(protocol: str, source_ports: IntervalSet, destination_ports: IntervalSet) -> str:
    """Return the match of *protocol* and its ports; the protocol alone where both are any."""
    matches = [
        f"{protocol} {side} {_ports(ports)}"
        for side, ports in (("sport", source_ports), ("dport", destination_ports))
        if ports != ANY_PORT
    ]
    return " ".join(matches) or f"meta l4proto {protocol}"


def _ports(ports: IntervalSet) -> str:
    items = format_ports(ports)
    return items[0] if len(items) == 1 else f"{{ {', '.join(items)} }}"
