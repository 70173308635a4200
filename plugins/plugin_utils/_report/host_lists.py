# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who the endpoints of a report are, for people: each host by its name, and each list of hosts once.

Only networks are merged. The addresses of a host stay single, also where they are neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from .._matrix.endpoints import Member
from .._matrix.port_matrix import load_port_matrix
from .._matrix.site import Site
from .._values.addresses import AddressSet
from .._values.words import count, people_cidrs, single_addresses
from .sources import source_lines, sources_of

# What stands for the host where an endpoint has networks of its own, which belong to no host.
LITERAL_NETWORKS = "literal networks"


@dataclass(frozen=True)
class Entry:
    """A host, or literal networks, with those addresses that a list is about.

    ``others`` are address, side (own or advertised) and address there, of those that are behind a static NAT.
    ``sources`` says which systems the addresses are from.
    """

    host: str
    cidrs: tuple[str, ...]
    networks: bool = False
    others: tuple[tuple[str, str, str], ...] = ()
    locations: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class HostList:
    """The hosts and networks of one endpoint, or of several that have the same. No two lists have one title."""

    id: str
    title: str
    entries: tuple[Entry, ...]
    qualifier: str = ""

    def counted(self) -> str:
        """How many hosts, addresses and networks are in the list, as they are shown in it."""
        return counted(self.entries)


def counted(entries: Iterable[Entry]) -> str:
    """Say how many hosts, addresses and networks there are: just as many as the entries show."""
    every = list(entries)
    hosts = [entry for entry in every if not entry.networks]
    addresses = sum(len(entry.cidrs) for entry in hosts)
    networks = sum(len(entry.cidrs) for entry in every if entry.networks)
    parts = []
    if hosts:
        with_addresses = f" with {addresses:,} addresses" if addresses != len(hosts) else ""
        parts.append(count(len(hosts), "host") + with_addresses)
    if networks:
        parts.append(count(networks, "network"))
    return ", ".join(parts)


def endpoint_title(name: str) -> str:
    """The name that people know an endpoint by."""
    known = load_port_matrix().endpoints
    return known[name].title if name in known else name


def endpoint_place(name: str) -> tuple[int, str]:
    """The place of an endpoint among those of the data; own ones follow by name."""
    order = list(load_port_matrix().endpoints)
    return (order.index(name) if name in order else len(order)), name


class HostLists:
    """Finds the list of an endpoint, so that there is none twice."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._endpoints: dict[tuple[Entry, ...], dict[str, None]] = {}

    def entries(self, endpoint: str, addresses: AddressSet) -> tuple[Entry, ...]:
        """Return who has which of *addresses* in *endpoint*, by name."""
        found = []
        for host, member in self._site.side((endpoint,)).members.items():
            of_host = member.addresses.all().intersection(addresses)
            if of_host:
                found.append(self._entry(host, member, of_host))
        entries = tuple(sorted(found, key=lambda entry: entry.host))
        if entries:
            self._endpoints.setdefault(entries, {})[endpoint] = None
        return entries

    def _entry(self, host: str | None, member: Member, addresses: AddressSet) -> Entry:
        networks = host is None or member.addresses.networks
        return Entry(
            LITERAL_NETWORKS if host is None else host,
            tuple(people_cidrs(addresses) if networks else single_addresses(addresses)),
            networks,
            tuple(_other_sides(member, addresses)),
            tuple(sorted(self._site.locations.of(host))),
            tuple(source_lines(addresses, sources_of(self._site, host or LITERAL_NETWORKS, addresses))),
        )

    def titled(self) -> dict[tuple[Entry, ...], HostList]:
        """Return every list by its entries, with a title of its own."""
        lists = [
            HostList(f"hosts-{number}", ", ".join(map(endpoint_title, sorted(endpoints, key=endpoint_place))), entries)
            for number, (entries, endpoints) in enumerate(self._endpoints.items(), start=1)
        ]
        for qualifier in (_locations, _families, _number):
            lists = _qualified(lists, qualifier)
        return {one.entries: one for one in lists}


def _other_sides(member: Member, addresses: AddressSet) -> Iterable[tuple[str, str, str]]:
    for pair in member.addresses.pairs:
        (own,), (advertised,) = people_cidrs(pair.local), people_cidrs(pair.advertised)
        if pair.advertised.intersection(addresses):
            yield advertised, "own", own
        if pair.local.intersection(addresses):
            yield own, "advertised", advertised


def _qualified(lists: Sequence[HostList], qualifier: Callable[[int, Sequence[Entry]], str]) -> list[HostList]:
    """Say of lists that have one title what tells them apart.

    *qualifier* gets the place among these, and who is in it.
    """
    alike: dict[str, list[HostList]] = {}
    for one in lists:
        alike.setdefault(one.title + one.qualifier, []).append(one)

    def with_qualifier(one: HostList) -> HostList:
        group = alike[one.title + one.qualifier]
        texts = [qualifier(place, other.entries) for place, other in enumerate(group)]
        text = texts[group.index(one)]
        return replace(one, qualifier=f"{one.qualifier}, {text}") if text and len(set(texts)) > 1 else one

    return [with_qualifier(one) for one in lists]


def _locations(_place: int, entries: Sequence[Entry]) -> str:
    """The location of all *entries*, where they have the same."""
    locations = {entry.locations for entry in entries}
    return "/".join(next(iter(locations))) if len(locations) == 1 else ""


def _families(_place: int, entries: Sequence[Entry]) -> str:
    families = {"IPv6" if ":" in cidr else "IPv4" for entry in entries for cidr in entry.cidrs}
    return " and ".join(sorted(families))


def _number(place: int, _entries: Sequence[Entry]) -> str:
    return str(place + 1)
