# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named interval sets of an nftables table, each content once, and the matches that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._values.addresses import FAMILIES, Family, format_address, format_range
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT, format_ports
from .disjoint_parts import is_large, shared_parts

_KEYWORD: dict[Family, str] = {"ipv4": "ip", "ipv6": "ip6"}
_SUFFIX: dict[Family, str] = {"ipv4": "v4", "ipv6": "v6"}
_TYPE: dict[Family, str] = {"ipv4": "ipv4_addr", "ipv6": "ipv6_addr"}
_EVERY: dict[Family, IntervalSet] = {
    "ipv4": IntervalSet(((0, 2**32 - 1),)),
    "ipv6": IntervalSet(((0, 2**128 - 1),)),
}
# How nft calls protocols; by number where it might not know the name.
_NFT_NAMES = {"gre": "47", "icmpv6": "ipv6-icmp", "vrrp": "112"}
_Content = tuple[Family, IntervalSet]

_INTERVAL = "\t\tflags interval\n"
_NAMES_SPELLED_OUT = 3
# So many addresses in a row may be machines next to each other; more are a network.
_NEIGHBOURS = 4
_COMMENT_LENGTH = 127  # what nft takes


@dataclass(frozen=True)
class Use:
    """The addresses of the two sides of a rule, and the endpoints that have them."""

    family: Family
    source_endpoint: Sequence[str]
    source: IntervalSet
    destination_endpoint: Sequence[str]
    destination: IntervalSet

    def sides(self) -> tuple[tuple[Sequence[str], _Content], tuple[Sequence[str], _Content]]:
        """Return the endpoints and the addresses of either side."""
        return (
            (self.source_endpoint, (self.family, self.source)),
            (self.destination_endpoint, (self.family, self.destination)),
        )


@dataclass(frozen=True)
class _Role:
    """What a set is: all addresses of *endpoints*, or with a *suffix* to its name, part of them."""

    endpoints: tuple[str, ...]
    suffix: str = ""

    def __str__(self) -> str:
        return f"{'part of ' if self.suffix else ''}{' or '.join(self.endpoints)}"

    def name(self) -> str:
        who = "_or_".join(self.endpoints)
        if len(self.endpoints) > _NAMES_SPELLED_OUT:
            who = f"{self.endpoints[0]}_or_{len(self.endpoints) - 1}_more"
        return f"{who}{self.suffix}"


class SetTable:
    """The named sets of one table. Rules with the same addresses share one set.

    *prefix* begins all names, for a table that has sets of others too. *uses* are what the rules need: a large union of
    addresses that others of them need has no set of its own.
    """

    def __init__(self, prefix: str = "", uses: Sequence[Use] = ()) -> None:
        self._prefix = prefix
        self._parts = {
            (family, union): parts
            for family in FAMILIES
            for union, parts in shared_parts(
                (use.source, use.destination) for use in uses if use.family == family
            ).items()
        }
        self._all = _all_addresses(uses)
        self._named_after: dict[_Content, _Role] = {}
        roles = [(content, self._role(endpoints, content)) for use in uses for endpoints, content in use.sides()]
        # What all of an endpoint is comes first: a set is called a part only where it is nothing else.
        for content, role in sorted(roles, key=lambda one: bool(one[1].suffix)):
            self._named_after.setdefault(content, role)
        self._names: dict[_Content, str] = {}
        self._roles: dict[_Content, dict[_Role, None]] = {}

    def name(self, endpoints: Sequence[str], addresses: IntervalSet, family: Family) -> str:
        """Return the name of the set that holds *addresses*, named after the *endpoints* that first needed it.

        Where others need it too, its comment lists them.
        """
        return self._name((family, addresses), self._role(endpoints, (family, addresses)))

    def names(self, endpoints: Sequence[str], addresses: IntervalSet, family: Family) -> list[str]:
        """Return the names of sets that together hold *addresses*: one, unless it is a large union of others."""
        parts = self._parts.get((family, addresses), [addresses])
        if len(parts) == 1:
            return [self.name(endpoints, addresses, family)]
        return [self._name((family, part), _Role(tuple(endpoints), "_rest")) for part in parts]

    def _role(self, endpoints: Sequence[str], content: _Content) -> _Role:
        every = self._all.get((content[0], tuple(endpoints)), content[1])
        return _Role(tuple(endpoints), "" if content[1] == every else "_part")

    def _name(self, content: _Content, role: _Role) -> str:
        if content not in self._names:
            family, addresses = content
            # In the name, as a set that became one of the other kind under its name would be empty for a moment.
            kind = "_hosts" if _is_of_hosts(addresses) else ""
            base = f"{self._prefix}{self._named_after.setdefault(content, role).name()}{kind}"
            taken = set(self._names.values())
            name, number = f"{base}_{_SUFFIX[family]}", 1
            while name in taken:
                number += 1
                name = f"{base}_{number}_{_SUFFIX[family]}"
            self._names[content] = name
        self._roles.setdefault(content, {})[role] = None
        return self._names[content]

    def declarations(self) -> Iterator[str]:
        """Yield the text of each set, in order of first use."""
        for (family, addresses), name in self._names.items():
            of_hosts = _is_of_hosts(addresses)
            # One on a line, so that a difference is a line. Where they are many, their indentation would be a quarter.
            # (The one address that makes them many does change each line.)
            separator = ",\n" if is_large(addresses) else ",\n\t\t\t"
            elements = separator.join(_element(interval, family) for interval in _split(addresses, of_hosts))
            own = str(self._named_after[family, addresses])
            # The one that the name says comes first, and alone it need not be said again.
            roles = sorted({str(role): None for role in self._roles[family, addresses]}, key=lambda role: role != own)
            comment = "" if roles == [own] else f'\t\tcomment "{_listed(roles)}"\n'
            kind = f"\t\tsize {_room(addresses)}\n" if of_hosts else _INTERVAL
            yield (
                f"\tset {name} {{\n\t\ttype {_TYPE[family]}\n{kind}{comment}"
                f"\t\telements = {{\n\t\t\t{elements}\n\t\t}}\n\t}}"
            )


def _all_addresses(uses: Iterable[Use]) -> dict[tuple[Family, tuple[str, ...]], IntervalSet]:
    """Return all that endpoints have in *uses*: a row within one endpoint has rules for parts of it only."""
    found: dict[tuple[Family, tuple[str, ...]], dict[IntervalSet, None]] = {}
    for use in uses:
        for endpoints, (family, addresses) in use.sides():
            found.setdefault((family, tuple(endpoints)), {})[addresses] = None
    return {key: IntervalSet.union(contents) for key, contents in found.items()}


def _listed(roles: Sequence[str]) -> str:
    """List *roles* for a comment of nft, as many as it takes."""
    for count in range(len(roles), 0, -1):
        more = f"; {len(roles) - count} more" if count < len(roles) else ""
        text = "; ".join(roles[:count]) + more
        if len(text) <= _COMMENT_LENGTH:
            return text
    return f"{roles[0][: _COMMENT_LENGTH - 3]}..."


def _is_of_hosts(addresses: IntervalSet) -> bool:
    """Tell whether the set is to hold single addresses, which the kernel looks up by a hash.

    That takes half the time to load and a third to match, where they are many. Neighbours were merged into intervals
    and are taken apart again. With one network among them they stay intervals: it could be thousands of elements.
    """
    return is_large(addresses) and all(last - first < _NEIGHBOURS for first, last in addresses.intervals)


def _room(addresses: IntervalSet) -> int:
    """Return how many elements a set of hosts is declared for.

    With a number the kernel takes a hash table that does not grow, and new flows to 10,000 addresses pass some 3 %
    faster. It is a power of two, so that another host does not change this line too, and the table is not too full.
    """
    return 1 << (addresses.size() - 1).bit_length()


def _split(addresses: IntervalSet, into_hosts: bool) -> Iterable[tuple[int, int]]:
    if not into_hosts:
        return addresses.intervals
    return ((one, one) for one in addresses.values())


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


def match_protocol(protocol: str, source_ports: IntervalSet, destination_ports: IntervalSet) -> str:
    """Return the match of *protocol* and its ports; the protocol alone where both are any."""
    matches = [
        f"{protocol} {side} {_ports(ports)}"
        for side, ports in (("sport", source_ports), ("dport", destination_ports))
        if ports != ANY_PORT
    ]
    return " ".join(matches) or f"meta l4proto {_NFT_NAMES.get(protocol, protocol)}"


def _ports(ports: IntervalSet) -> str:
    items = format_ports(ports)
    return items[0] if len(items) == 1 else f"{{ {', '.join(items)} }}"
