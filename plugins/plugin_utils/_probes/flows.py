# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a row can be probed without a call in progress, and at which ports."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .._matrix.port_matrix import load_port_matrix
from .._matrix.rows import Row
from .._matrix.site import Site
from .._values.addresses import FAMILIES, Family
from .._values.intervals import IntervalSet

Kind = t.Literal["tcp_connect", "stun", "tls", "responder"]

# A row that names up to so many neighbouring ports means services; more of them are a range that calls pick from.
_LISTED = 4
_PRIVILEGED = IntervalSet(((0, 1023),))


@dataclass(frozen=True)
class Flow:
    """One direction of a row, in one protocol and family."""

    row: Row
    source: tuple[str, ...]
    destination: tuple[str, ...]
    protocol: str
    family: Family

    def is_probeable(self) -> bool:
        """Tell whether there are probes of its protocol."""
        return self.protocol in ("tcp", "udp")

    def services(self, tls: bool) -> list[tuple[int, Kind]]:
        """Ports at which a service listens all the time, with the probe that it answers; *tls*: with handshakes."""
        listed = [port for first, last in self._listed() for port in range(first, last + 1)]
        if self.protocol == "tcp":
            speaks = tls and (self.row.tls or self.row.id in _rows_that_answer("tls"))
            return [(port, "tls" if speaks else "tcp_connect") for port in listed]
        return [(port, "stun") for port in listed if self._is_stun(port)]

    def idle(self) -> IntervalSet:
        """Ports at which nobody listens as long as there is no call."""
        services = IntervalSet.of((port, port) for port, _kind in self.services(tls=False))
        return self.row.destination_ports.difference(services)

    def _listed(self) -> list[tuple[int, int]]:
        return [(first, last) for first, last in self.row.destination_ports.intervals if last - first < _LISTED]

    def _is_stun(self, port: int) -> bool:
        return self.row.id in _rows_that_answer("stun") or port in _ports_that_answer("stun")


def flows(site: Site) -> Iterator[Flow]:
    """Yield every flow of *site* for which both sides have an address, in the order of its rows."""
    for row in site.rows:
        for source, destination in row.directions():
            for protocol in row.protocols:
                for family in FAMILIES:
                    here, there = (site.side(names).seen() for names in (source, destination))
                    if here.of_family(family) and there.of_family(family):
                        yield Flow(row, source, destination, protocol, family)


def sample_ports(ports: IntervalSet) -> list[tuple[int, tuple[int, int]]]:
    """Return the first, a middle and the last of *ports*, each with the interval that it is in.

    Ports below 1024 are left out where there are others: to listen there needs root.
    """
    above = IntervalSet.of((max(first, 1024), last) for first, last in ports.intervals if last not in _PRIVILEGED)
    chosen = above or ports
    size = chosen.size()
    return [_nth(chosen, index) for index in sorted({0, size // 2, size - 1})]


def _nth(ports: IntervalSet, index: int) -> tuple[int, tuple[int, int]]:
    for first, last in ports.intervals[:-1]:
        if index <= last - first:
            return first + index, (first, last)
        index -= last - first + 1
    first, last = ports.intervals[-1]
    return first + index, (first, last)


@lru_cache
def _rows_that_answer(answer: str) -> frozenset[str]:
    """The rows of the table that go to a range where services answer so, whatever port a site gives it."""
    matrix = load_port_matrix()
    ranges = {name for name, port_range in matrix.ranges.items() if port_range.answers == answer}
    return frozenset(str(row["id"]) for row in matrix.rows if ranges.intersection(row.get("destination_ports", ())))


@lru_cache
def _ports_that_answer(answer: str) -> IntervalSet:
    return IntervalSet.union(r.ports for r in load_port_matrix().ranges.values() if r.answers == answer)
