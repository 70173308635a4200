# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strangers: addresses that a row would take if an endpoint had them, and those that try one thing after another."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._matrix.endpoints import Side
from .._matrix.port_matrix import load_port_matrix
from .._matrix.rows import Row
from .._matrix.site import Site
from .._values.addresses import Family
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT
from .additions import MANY, network_of
from .flows import Pair, Talk
from .names import Names

Address = tuple[Family, int]

# Endpoints that a site has many of, or services of others. Who is missing there is an address to add. A Front End or a
# node that is missing is a hole in the inventory, and nobody becomes an administrator by an address that was seen.
OPEN_TO_STRANGERS = frozenset(
    {"client", "dns_server", "ldap_server", "ntp_server", "snmp_manager", "syslog_server", "video_endpoint"}
)
# What a stranger may try beyond the rows before that is a scan: so many ports, or so many addresses that nobody has.
SCAN = 10
# For so many strangers, or networks of many, is something proposed: those with the most packets. Nobody reads more, and
# whoever sends with false addresses looks like more.
MOST_STRANGERS = 100
# So many ports of ranges that a row has may one stranger use at one destination. A call takes less than a dozen.
SCAN_OF_RANGE = 1000


@dataclass(frozen=True)
class Candidate:
    """A row that would take a pair if *endpoint* had the address of its ``side``."""

    row: Row
    endpoint: str
    side: t.Literal["source", "destination"]
    ports: IntervalSet
    is_off: bool

    def address(self, pair: Pair) -> int:
        """The address that the endpoint lacks."""
        return pair.source if self.side == "source" else pair.destination


class Rows:
    """Rows that strangers are asked about: those of a site, and of row groups that are off there."""

    def __init__(self, site: Site, off: Iterable[tuple[Site, Row]]) -> None:
        self._rows = [(site, row, False) for row in site.rows]
        self._rows += [(other, row, True) for other, row in off]

    def candidates(self, pair: Pair, ports: IntervalSet, names: Names) -> Iterator[Candidate]:
        """Yield the rows for *ports* of *pair* that lack one address: rows that apply first, then the narrowest."""
        found = []
        for number, (site, row, is_off) in enumerate(self._rows):
            common = row.destination_ports.intersection(ports)
            # A row to any port says nothing of who the stranger is: every flow of a node would make a client of it.
            vague = row.has_ports and row.destination_ports == ANY_PORT
            if pair.protocol in row.protocols and common and not vague:
                for endpoint, side in _lacking(site, row, pair, names):
                    size = row.destination_ports.size()
                    found.append((is_off, size, number, Candidate(row, endpoint, side, common, is_off)))
        return (item[-1] for item in sorted(found, key=lambda item: item[:3]))


def _lacking(
    site: Site, row: Row, pair: Pair, names: Names
) -> Iterator[tuple[str, t.Literal["source", "destination"]]]:
    own = load_port_matrix().endpoints
    for sources, destinations in row.directions():
        fits = {
            "source": _holds(site, site.side(sources), pair, pair.source, pair.hook == "output"),
            "destination": _holds(site, site.side(destinations), pair, pair.destination, pair.hook == "input"),
        }
        if fits["source"] == fits["destination"]:
            continue
        side: t.Literal["source", "destination"] = "destination" if fits["source"] else "source"
        address, endpoints = (pair.source, sources) if side == "source" else (pair.destination, destinations)
        # What a host sends or gets itself, it does as a host of the inventory, and no network makes it one.
        is_host_itself = {"source": "output", "destination": "input"}[side] == pair.hook
        if not is_host_itself and not names.of(pair.family, address).is_machine:
            for endpoint in endpoints:
                if endpoint in OPEN_TO_STRANGERS or endpoint not in own:
                    yield endpoint, side
                    break


def _holds(site: Site, side: Side, pair: Pair, address: int, is_host_itself: bool) -> bool:
    if is_host_itself:
        member = side.members.get(pair.gateway)
        return member is not None and address in member.addresses.local.of_family(pair.family)
    return address in side.seen(site.view_of(pair.gateway)).of_family(pair.family)


def scanners(
    unexplained: Sequence[tuple[Talk, IntervalSet]],
    explained: Sequence[tuple[Talk, IntervalSet]],
    names: Mapping[str, Names],
    most: int = SCAN,
) -> set[Address]:
    """Return family and address of the strangers that scan.

    :param unexplained: the ports for which there is no row, whoever the stranger is; *explained*: those of some row.
    :param names: host that judges → the parties it sees.
    """
    tried: dict[Address, set[tuple[str, int]]] = {}
    nobodies: dict[Address, set[int]] = {}
    found: set[Address] = set()
    for talk, ports in unexplained:
        pair = talk.pair
        if not names[pair.gateway].of(pair.family, pair.source).is_machine:
            who = pair.family, pair.source
            tried.setdefault(who, set()).update((pair.protocol, port) for port in ports.values())
            if not names[pair.gateway].of(pair.family, pair.destination).is_of_site:
                nobodies.setdefault(who, set()).add(pair.destination)
    for talk, ports in explained:
        pair = talk.pair
        if ports.size() > SCAN_OF_RANGE and not names[pair.gateway].of(pair.family, pair.source).is_of_site:
            found.add((pair.family, pair.source))
    found.update(who for who, attempts in tried.items() if len(attempts) >= most)
    found.update(who for who, addresses in nobodies.items() if len(addresses) >= most)
    return found


def crowd(talks: Iterable[Talk], names: Mapping[str, Names]) -> set[Address]:
    """Return the strangers beyond ``MOST_STRANGERS``. Many of one network count as one."""
    packets: Counter[Address] = Counter()
    for talk in talks:
        pair = talk.pair
        for address in (pair.source, pair.destination):
            if not names[pair.gateway].of(pair.family, address).is_of_site:
                packets[pair.family, address] += talk.weight(talk.ports()).packets
    networks: dict[Address, list[Address]] = {}
    for stranger in sorted(packets):
        networks.setdefault(network_of(*stranger), []).append(stranger)
    groups: list[list[Address]] = []
    for members in networks.values():
        groups += [members] if len(members) >= MANY else [[one] for one in members]
    groups.sort(key=lambda members: -sum(packets[one] for one in members))
    return {one for members in groups[MOST_STRANGERS:] for one in members}
