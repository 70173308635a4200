# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the hosts of a report are: locations, the firewalls at each, and groups of hosts on both sides of these.

Both drawings of a site are made from it: the one in site_map.py, and the text for Mermaid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .._values.words import count, display
from .host_lists import Entry, HostList, counted, endpoint_place, endpoint_title
from .report import Report

# Endpoints whose hosts are drawn on the other side of the firewall: Pexip's own.
_PEXIP = ("conferencing_node", "pexip_node", "pexip_machine", "management_node")
# More hosts than these are not named in a drawing.
_NAMED = 4
# Characters that fit into a box.
_LINE = 30


@dataclass(frozen=True)
class Group:
    """Hosts of one kind at one place. ``sent`` and ``received`` are the numbers of the rows that they have."""

    title: str
    lines: tuple[str, ...]
    sent: tuple[int, ...]
    received: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """A location, or (without a name) what has none. Between ``others`` and ``pexip`` are the ``firewalls``."""

    name: str
    firewalls: tuple[str, ...]
    others: tuple[Group, ...]
    pexip: tuple[Group, ...]


@dataclass(frozen=True)
class SitePlan:
    """The places of a site, and the numbers of the rows that go from one location to another."""

    places: tuple[Place, ...]
    between: tuple[int, ...]


@dataclass
class _Host:
    """What is known of a host, or of the literal networks of an endpoint."""

    endpoints: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    sent: set[int] = field(default_factory=set)
    received: set[int] = field(default_factory=set)

    def entry(self) -> Entry:
        first = self.entries[0]
        cidrs = tuple(dict.fromkeys(cidr for entry in self.entries for cidr in entry.cidrs))
        return Entry(first.host, cidrs, first.networks, (), first.locations)

    def kind(self) -> str:
        """The endpoint that says best what it is: the first one in the data."""
        return min(self.endpoints, key=endpoint_place)


def plan_site(report: Report) -> SitePlan:
    """Return who is where in *report*."""
    places: dict[str, list[_Host]] = {}
    for host in _hosts(report):
        for location in host.entries[0].locations or ("",):
            places.setdefault(location, []).append(host)
    # What has no location comes last.
    order = sorted(places, key=lambda name: (name == "", name))
    return SitePlan(tuple(_place(name, places[name], report) for name in order), _between(report))


def rows_text(numbers: Sequence[int]) -> str:
    """Write the numbers of rows: 1-3, 5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _hosts(report: Report) -> Iterable[_Host]:
    found: dict[tuple[str, str], _Host] = {}
    for (endpoint, one), (sent, received) in _uses(report).items():
        for entry in one.entries:
            # Literal networks of two endpoints are not one host.
            host = found.setdefault((entry.host, endpoint if entry.networks else ""), _Host())
            host.endpoints.add(endpoint)
            host.entries.append(entry)
            host.sent |= sent
            host.received |= received
    return found.values()


def _uses(report: Report) -> dict[tuple[str, HostList], tuple[set[int], set[int]]]:
    """Return endpoint and list → the numbers of the rows in which it is source, and destination."""
    found: dict[tuple[str, HostList], tuple[set[int], set[int]]] = {}
    for flow in report.flows:
        for place, party in enumerate((flow.source, flow.destination)):
            for use in party.by_endpoint.items():
                found.setdefault(use, (set(), set()))[place].add(flow.number)
    return found


def _place(name: str, hosts: Iterable[_Host], report: Report) -> Place:
    by_kind: dict[str, list[_Host]] = {}
    for host in hosts:
        by_kind.setdefault(host.kind(), []).append(host)
    groups = {kind: _group(kind, by_kind[kind]) for kind in sorted(by_kind, key=endpoint_place)}
    return Place(
        display(name),
        tuple(display(one.name) for one in report.gateways if name in one.locations or not one.locations),
        tuple(group for kind, group in groups.items() if kind not in _PEXIP),
        tuple(group for kind, group in groups.items() if kind in _PEXIP),
    )


def _group(kind: str, hosts: Sequence[_Host]) -> Group:
    entries = sorted((host.entry() for host in hosts), key=lambda entry: entry.host)
    names = [display(entry.host) for entry in entries]
    if len(entries) <= _NAMED:
        lines = tuple(map(_line, names, entries))
    else:
        lines = (counted(entries), f"{names[0]}, {names[1]} and {len(names) - 2:,} more")
    # What follows the comma in a title is an interface.
    title = endpoint_title(kind).partition(",")[0]
    sent, received = (
        sorted({number for host in hosts for number in getattr(host, way)}) for way in ("sent", "received")
    )
    return Group(title, lines, tuple(sent), tuple(received))


def _line(name: str, entry: Entry) -> str:
    line = f"{name} {' '.join(entry.cidrs)}"
    if len(line) <= _LINE:
        return line
    number = len(entry.cidrs)
    return f"{name}, {count(number, 'network') if entry.networks else count(number, 'address', 'addresses')}"


def _between(report: Report) -> tuple[int, ...]:
    """Return the numbers of the rows that join hosts of different locations."""
    places = {one: {entry.locations for entry in one.entries if entry.locations} for one in report.lists}
    found = set()
    for flow in report.flows:
        here, there = (
            {place for one in party.by_endpoint.values() for place in places[one]}
            for party in (flow.source, flow.destination)
        )
        if any(set(one).isdisjoint(other) for one in here for other in there):
            found.add(flow.number)
    return tuple(sorted(found))
