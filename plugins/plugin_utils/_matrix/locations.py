# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locations: where hosts are, which rows join only hosts that share one, and the rectangles that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._values.errors import PortMatrixError, ProblemList, shown, unknown
from .._values.mapping import as_strings, as_text
from .endpoints import Side
from .port_matrix import load_port_matrix
from .rows import GROUPS, Row

Location = frozenset[str]
"""The locations of one host. Without any, it shares a location with everybody."""

_NOWHERE: Location = frozenset()
_Hosts = frozenset[str | None]


@dataclass(frozen=True)
class Locations:
    """Host → its locations, for those that have one, and the ids of the rows that keep to them."""

    of_host: Mapping[str, Location]
    rows: frozenset[str] = frozenset()

    def of(self, host: str | None) -> Location:
        """The locations of *host*; literal networks (None) have none."""
        return self.of_host.get(host or "", _NOWHERE)

    def join(self, row: str, host: str | None, other: str | None) -> bool:
        """Tell whether the *row* joins these two."""
        return row not in self.rows or share(self.of(host), self.of(other))

    def sides(self, row: str, here: Side, there: Side) -> Iterator[tuple[Side, Side]]:
        """Yield sides that together have just those pairs which the *row* joins: one for each location at most.

        Hosts without a location have one more. A pair that shares two locations is in both.
        """
        if row not in self.rows:
            yield here, there
            return
        rectangles = self._rectangles(here.members, there.members)
        for hosts, others in _merged(rectangles):
            yield here.only(hosts.__contains__), there.only(others.__contains__)

    def _rectangles(self, here: Iterable[str | None], there: Iterable[str | None]) -> Iterator[tuple[_Hosts, _Hosts]]:
        sources, destinations = _by_location(self, here), _by_location(self, there)
        nowhere = destinations.get(None, _NOBODY)
        for location, hosts in sources.items():
            if location is not None:
                yield hosts, destinations.get(location, _NOBODY) | nowhere
        if None in sources:
            yield sources[None], frozenset(there)


_NOBODY: _Hosts = frozenset()


def share(one: Location, other: Location) -> bool:
    """Tell whether hosts with these locations share one."""
    return not one or not other or not one.isdisjoint(other)


def _by_location(locations: Locations, hosts: Iterable[str | None]) -> dict[str | None, _Hosts]:
    """Return location → the hosts that are there, sorted; None → those without one, which come last."""
    found: dict[str | None, set[str | None]] = {}
    for host in hosts:
        for location in locations.of(host) or (None,):
            found.setdefault(location, set()).add(host)
    return {
        location: frozenset(found[location]) for location in sorted(found, key=lambda one: (one is None, one or ""))
    }


def _merged(rectangles: Iterable[tuple[_Hosts, _Hosts]]) -> list[tuple[_Hosts, _Hosts]]:
    """Put those together that have the same hosts on one side, in their order, and leave out what has nobody."""
    by_destinations: dict[_Hosts, _Hosts] = {}
    for sources, destinations in rectangles:
        if sources and destinations:
            by_destinations[destinations] = by_destinations.get(destinations, _NOBODY) | sources
    by_sources: dict[_Hosts, _Hosts] = {}
    for destinations, sources in by_destinations.items():
        by_sources[sources] = by_sources.get(sources, _NOBODY) | destinations
    return list(by_sources.items())


def read_locations(
    hosts: Mapping[str, Mapping[str, object]], same_location_rows: object, rows: Sequence[Row]
) -> Locations:
    """Read ``port_matrix_location`` of the *hosts*, and ``port_matrix_same_location_rows``: rows, groups, or ``all``.

    :raises PortMatrixError: for everything in them that is wrong.
    """
    problems = ProblemList()
    of_host: dict[str, Location] = {}
    for host, variables in hosts.items():
        if "port_matrix_location" in variables:
            where = f"host {shown(host)} port_matrix_location"
            found = problems.attempt(_location, variables["port_matrix_location"], where)
            if found:
                of_host[host] = found
    kept = problems.attempt(_rows, same_location_rows, rows)
    problems.raise_if_any()
    return Locations(of_host, kept or frozenset())


def _location(value: object, where: str) -> Location:
    found = frozenset(as_text(name, where) for name in as_strings(value, where))
    if "" in found:
        raise PortMatrixError.at(where, "holds an empty name", "the names of locations, or no such variable")
    return found


def _rows(value: object, rows: Sequence[Row]) -> frozenset[str]:
    where = "port_matrix_same_location_rows"
    named = as_strings(value, where)
    known = {"all", *GROUPS, *(str(row["id"]) for row in load_port_matrix().rows), *(row.id for row in rows)}
    problems = ProblemList()
    for name in named:
        if name not in known:
            problem, accepted = unknown(name, known)
            problems.add(f"{where}: {problem}; accepted: ids of rows, groups of rows, or all: {accepted}")
    problems.raise_if_any()
    return frozenset(row.id for row in rows if "all" in named or row.id in named or row.group in named)
