# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle with a memory, and the ports worth trying.

A proof asks the oracle some hundred thousand questions about a few hundred pairs of addresses, so which rows join two
addresses is worked out once for each pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from packet_proof.oracle import Flow, Packet, Range, contains, flows, joins
from packet_proof.protocols import NO_PORTS
from packet_proof.site import Address, Site

LOWEST, HIGHEST = 1, 65535


class Judge:
    """Answers like :func:`packet_proof.oracle.permitted`, faster.

    :param seen: what becomes of a packet's addresses, as senders and receivers have them, until it is at a judge.
    """

    def __init__(
        self, site: Site, seen: Callable[[Address, Address, str], tuple[Address, Address]] | None = None
    ) -> None:
        self.site = site
        self._seen = seen or (lambda source, destination, _at: (source, destination))
        self.flows = flows(site)
        self._index = {id(flow): number for number, flow in enumerate(self.flows)}
        self._legal: dict[tuple[Range, ...], list[int]] = {}
        self._joined: dict[tuple[Address, Address, str], tuple[bool, ...]] = {}
        ranges = [port for flow in self.flows for port in flow.source_ports + flow.destination_ports]
        # Permissions are boxes with these corners, so a box that holds any refused combination of ports holds one of
        # these: where all of them are permitted, everything is.
        self.corners = sorted({LOWEST} | {first for first, last in ranges} | {last + 1 for first, last in ranges})

    def joins(self, flow: Flow, source: Address, destination: Address, judges: Iterable[str]) -> bool:
        """Whether a flow leads from one address to the other in the eyes of every judge."""
        index = self._index[id(flow)]
        return all(self._joined_at(source, destination, at)[index] for at in judges)

    def rows(self, packet: Packet, judges: Sequence[str]) -> tuple[str, ...]:
        """The rows that permit a packet at every one of the judges; empty: at least one refuses it."""
        found: list[str] = []
        for at in judges:
            joined = self._joined_at(packet.source, packet.destination, at)
            here = [
                flow.row
                for flow, fits in zip(self.flows, joined, strict=True)
                if fits and flow.enabled and flow.fits(packet)
            ]
            if not here:
                return ()
            found += here
        return tuple(dict.fromkeys(found))

    def legal_ports(self, ranges: Sequence[Range]) -> list[int]:
        """Ports inside the ranges: samples first, then every corner of a permission that lies in them."""
        key = tuple(ranges)
        if key not in self._legal:
            corners = [port for port in self.corners if LOWEST <= port <= HIGHEST and contains(ranges, port)]
            self._legal[key] = list(dict.fromkeys(samples(ranges) + corners)) if key != NO_PORTS else [0]
        return self._legal[key]

    def refused(
        self, template: Packet, source_ports: Sequence[int], destination_ports: Sequence[int], judges: Sequence[str]
    ) -> tuple[Packet | None, tuple[str, ...]]:
        """The first packet with these ports that nothing permits; without one, the rows that permit them all."""
        covering: dict[str, None] = {}
        for packet in _with_ports(template, source_ports, destination_ports):
            rows = self.rows(packet, judges)
            if not rows:
                return packet, ()
            covering |= dict.fromkeys(rows)
        return None, tuple(covering)

    def _joined_at(self, source: Address, destination: Address, at: str) -> tuple[bool, ...]:
        key = (source, destination, at)
        if key not in self._joined:
            ends = self._seen(source, destination, at)
            self._joined[key] = tuple(joins(self.site, flow, *ends, at) for flow in self.flows)
        return self._joined[key]


def samples(ranges: Iterable[Range]) -> list[int]:
    """The middle, first and last port of each range; 0 of a protocol without ports."""
    if ranges is NO_PORTS:
        return [0]
    found: list[int] = []
    for low, high in ranges:
        low = max(low, LOWEST)
        found += [(low + high) // 2, low, high]
    return list(dict.fromkeys(found))


def outside(ranges: Sequence[Range]) -> list[int]:
    """The ports just below and just above each range, where they are ports and in no other range."""
    if ranges is NO_PORTS:
        return []
    edges = [port for low, high in ranges for port in (low - 1, high + 1)]
    return [port for port in dict.fromkeys(edges) if LOWEST <= port <= HIGHEST and not contains(ranges, port)]


def _with_ports(template: Packet, sources: Sequence[int], destinations: Sequence[int]) -> Iterator[Packet]:
    for source_port, destination_port in itertools.product(sources, destinations):
        yield Packet(template.source, template.destination, template.protocol, source_port, destination_port)
