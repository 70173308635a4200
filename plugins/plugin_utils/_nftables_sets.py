# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named interval sets of an nftables table, each content once, and the matches that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ._addresses import FAMILIES, Family, format_address, format_range
from ._disjoint_parts import is_large, shared_parts
from ._intervals import IntervalSet
from ._ports import ANY_PORT, format_ports

_KEYWORD: dict[Family, str] = {"ipv4": "ip", "ipv6": "ip6"}
_SUFFIX: dict[Family, str] = {"ipv4": "v4", "ipv6": "v6"}
_TYPE: dict[Family, str] = {"ipv4": "ipv4_addr", "ipv6": "ipv6_addr"}
_EVERY: dict[Family, IntervalSet] = {
    "ipv4": IntervalSet(((0, 2**32 - 1),)),
    "ipv6": IntervalSet(((0, 2**128 - 1),)),
}

_INTERVAL = "\t\tflags interval\n"
_NAMES_SPELLED_OUT = 3
_COMMENT_LENGTH = 127  # what nft takes


@dataclass(frozen=True)
class Use:
    """The addresses of the two sides of a rule, and the endpoints that have them."""

    family: Family
    source_endpoint: Sequence[str]
    source: IntervalSet
    destination_endpoint: Sequence[str]
    destination: IntervalSet


class SetTable:
    """The named sets of one table. Rules with the same addresses share one set.

    *prefix* begins all names, for a table that has sets of others too. *uses* are what the rules need: a large union of
    addresses that others of them need has no set of its own.
    """

    def __init__(self, prefix: str = "", uses: Sequence[Use] = ()) -> None:
        self._prefix = prefix
        self._endpoints: dict[tuple[Family, IntervalSet], Sequence[str]] = {}
        for use in uses:
            self._endpoints.setdefault((use.family, use.source), use.source_endpoint)
            self._endpoints.setdefault((use.family, use.destination), use.destination_endpoint)
        self._parts = {
            (family, union): parts
            for family in FAMILIES
            for union, parts in shared_parts(
                (use.source, use.destination) for use in uses if use.family == family
            ).items()
        }
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
            base = f"{self._prefix}{who}{'_hosts' if _is_of_hosts(addresses) else ''}"
            taken = set(self._names.values())
            name, number = f"{base}_{_SUFFIX[family]}", 1
            while name in taken:
                number += 1
                name = f"{base}_{number}_{_SUFFIX[family]}"
            self._names[key] = name
        self._users.setdefault(self._names[key], {})[" or ".join(endpoints)] = None
        return self._names[key]

    def names(self, endpoints: Sequence[str], addresses: IntervalSet, family: Family) -> list[str]:
        """Return the names of sets that together hold *addresses*: one, unless it is a large union of others."""
        parts = self._parts.get((family, addresses), [addresses])
        rest = endpoints if len(parts) == 1 else (f"{'_or_'.join(endpoints[:_NAMES_SPELLED_OUT])}_rest",)
        return [self.name(self._endpoints.get((family, part), rest), part, family) for part in parts]

    def declarations(self) -> Iterator[str]:
        """Yield the text of each set, in order of first use."""
        for (family, addresses), name in self._names.items():
            of_hosts = _is_of_hosts(addresses)
            # One on a line, so that a difference is a line. Where they are many, their indentation would be a quarter.
            separator = ",\n" if is_large(addresses) else ",\n\t\t\t"
            elements = separator.join(_element(interval, family) for interval in _split(addresses, of_hosts))
            users = "; ".join(self._users[name])[:_COMMENT_LENGTH]
            comment = f'\t\tcomment "{users}"\n' if len(self._users[name]) > 1 else ""
            yield (
                f"\tset {name} {{\n\t\ttype {_TYPE[family]}\n{'' if of_hosts else _INTERVAL}{comment}"
                f"\t\telements = {{\n\t\t\t{elements}\n\t\t}}\n\t}}"
            )


def _is_of_hosts(addresses: IntervalSet) -> bool:
    """Tell whether the set is to hold single addresses, which the kernel looks up by a hash.

    That takes half the time to load and a third to match, where they are many. Neighbours were merged into intervals
    and are taken apart again; networks are not.
    """
    return is_large(addresses) and addresses.size() <= 2 * len(addresses.intervals)


def _split(addresses: IntervalSet, into_hosts: bool) -> Iterable[tuple[int, int]]:
    if not into_hosts:
        return addresses.intervals
    return ((one, one) for first, last in addresses.intervals for one in range(first, last + 1))


def _element(interval: tuple[int, int], family: Family) -> str:
    first, last = interval
    if first == last:
        return format_address(first, family)
    cidrs = format_range(first, last, family)
    return cidrs[0] if len(cidrs) == 1 else f"{format_address(first, family)}-{format_address(last, family)}"


def match_addresses(sets: SetTable, endpoints: Sequence[str], addresses: IntervalSet, family: Family, side: str) -> str:
    """Return the match of *side* (``saddr`` or ``daddr``) against *addresses*.

    It is empty where they are every address. One address stands in the rule, more have a set with a telling name.
    """
    if addresses == _EVERY[family]:
        return ""
    if addresses.size() == 1:
        return f"{_KEYWORD[family]} {side} {_element(addresses.intervals[0], family)}"
    return f"{_KEYWORD[family]} {side} @{sets.name(endpoints, addresses, family)}"


def match_each(
    sets: SetTable, endpoints: Sequence[str], addresses: IntervalSet, family: Family, side: str
) -> list[str]:
    """Return matches of *side* of which one must hold: one, unless *addresses* is a large union of what others have."""
    if not is_large(addresses):
        return [match_addresses(sets, endpoints, addresses, family, side)]
    return [f"{_KEYWORD[family]} {side} @{name}" for name in sets.names(endpoints, addresses, family)]


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
