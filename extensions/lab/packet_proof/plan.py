# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packets prove the port table: permitted ones, and refused ones of every kind of refusal."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from packet_proof.controls import Control, ServiceCheck, controls_for, neighbours, service_checks
from packet_proof.endpoints import endpoint_networks
from packet_proof.judge import Judge, outside, samples
from packet_proof.lab import FAMILIES, Lab, Station
from packet_proof.oracle import Flow, Packet
from packet_proof.port_table import GROUPS_WITH_GAPS, MAY_BE_EMPTY
from packet_proof.protocols import NO_PORTS, family_has
from packet_proof.site import Address, Site, SiteError

# What every line is tried with, and what the first pair of each line is tried with, too.
PROTOCOLS = ("tcp", "udp")
OTHER_PROTOCOLS = ("sctp", "esp", "ah")


class Kind(enum.Enum):
    """Why a packet is sent: as one that a row permits, or as one that differs from those in one thing."""

    PERMITTED = "permitted"
    DESTINATION_PORT = "another destination port"
    SOURCE_PORT = "another source port"
    SOURCE = "another source"
    DESTINATION = "another destination"
    PROTOCOL = "another protocol"
    DIRECTION = "the other direction"
    OFF = "the row is off"


@dataclass(frozen=True)
class Line:
    """One line of the result: a direction of a row, a protocol, a family."""

    row: str
    source: str
    destination: str
    protocol: str
    family: str
    enabled: bool = True

    def __str__(self) -> str:
        return f"{self.row} ({self.source} → {self.destination}, {self.protocol}, {self.family})"


@dataclass
class Probe:
    """A packet to send and what is expected of it."""

    number: int
    packet: Packet
    source: Station
    destination: Station
    judges: tuple[str, ...]
    rows: tuple[str, ...]
    sender: str  # the container that sends it: the source's, or a neighbour of the receiver in the source's name
    sent: Packet  # the packet as its sender makes it, which is not as its judges see it where an address is translated
    claims: dict[tuple[Line, Kind], None] = field(default_factory=dict)

    @property
    def permitted(self) -> bool:
        """Whether the packet is to arrive."""
        return bool(self.rows)


@dataclass
class Plan:
    """Everything that is to be sent, and what could not be planned."""

    probes: list[Probe] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    covered: dict[tuple[Line, Kind, tuple[str, ...]], int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    controls: dict[tuple[Address, str], list[Control]] = field(default_factory=dict)
    services: list[ServiceCheck] = field(default_factory=list)

    def protocols(self) -> set[str]:
        """The protocols of all packets."""
        controls = [control.packet for found in self.controls.values() for control in found]
        return {packet.protocol for packet in [*(probe.packet for probe in self.probes), *controls]}


def make_plan(site: Site, lab: Lab, rows: Collection[str] = ()) -> Plan:
    """Plans the proof of a site in a lab; what cannot be shown is in the plan's ``errors``.

    :param rows: plan for these rows only, for a lab that has not all endpoints; what is expected of a packet still
        depends on all rows. Empty: all rows.
    """
    return _Planner(site, lab, rows).plan()


def batches(probes: list[Probe], size: int = 1500) -> list[list[Probe]]:
    """Splits probes so that none shares a batch with one whose flow, or whose answer, it could be taken for."""
    found: list[tuple[list[Probe], set[Packet]]] = []
    for probe in probes:
        for members, taken in found:
            if len(members) < size and probe.packet not in taken:
                break
        else:
            members, taken = [], set()
            found.append((members, taken))
        members.append(probe)
        taken |= {probe.packet, probe.packet.reply()}
    return [members for members, _dummy in found]


class _Planner:
    def __init__(self, site: Site, lab: Lab, rows: Collection[str]) -> None:
        self.site, self.lab = site, lab
        self._stations = {station.address: station for station in lab.stations}
        self.judge = Judge(site, lambda source, destination, at: lab.seen(*self._stations_of(source, destination), at))
        known = {flow.row for flow in self.judge.flows}
        if unknown := sorted(set(rows) - known):
            raise SiteError(f"{', '.join(unknown)}: no such row; rows are {', '.join(sorted(known))}")
        self.rows = set(rows) or known
        self.result = Plan()
        self.by_packet: dict[tuple[Packet, str], Probe] = {}
        self.shown: set[tuple[Line, Kind]] = set()

    def _stations_of(self, source: Address, destination: Address) -> tuple[Station, Station]:
        return self._stations[source], self._stations[destination]

    def plan(self) -> Plan:
        flows = [flow for flow in self.judge.flows if flow.row in self.rows]
        for row in dict.fromkeys(flow.row for flow in flows if flow.enabled and self._is_left_out(flow)):
            self.result.notes.append(f"{row}: nobody is in one of its endpoints, so it is left out")
        for family, flow in itertools.product(FAMILIES, flows):
            if not self._is_left_out(flow) and any(s.address.version == family for s in self.lab.stations):
                for protocol in (protocol for protocol in flow.protocols if family_has(family, protocol)):
                    self._plan_line(flow, family, protocol)
        result = self.result
        for receiver, protocol in {(probe.destination, probe.packet.protocol): None for probe in result.probes}:
            found = controls_for(self.lab, self.judge, receiver, protocol)
            result.controls[receiver.address, protocol] = found
            if not found:
                result.errors.append(f"nothing can show that {receiver.container} ({receiver.address}) still receives")
        result.services, notes = service_checks(self.lab, self.judge)
        result.notes += notes
        if not result.probes:
            result.errors.append("no packet of this site crosses a host that judges it: nothing can be proven")
        return result

    def _plan_line(self, flow: Flow, family: int, protocol: str) -> None:
        line = Line(
            row=flow.row,
            source=self._side(flow.sources),
            destination=self._side(flow.destinations),
            protocol=protocol,
            family=FAMILIES[family],
            enabled=flow.enabled,
        )
        stations = [station for station in self.lab.stations if station.address.version == family]
        pairs = [pair for pair in itertools.permutations(stations, 2) if self._leads(flow, *pair)]
        if not pairs and not flow.enabled:
            return
        self.result.lines.append(line)
        if not flow.enabled:
            self._plan_refusals(line, ((Kind.OFF, *option) for option in self._legal(flow, protocol, pairs)))
            return
        for source, destination in pairs:
            for ports in itertools.product(*map(samples, flow.ports(protocol))):
                packet = Packet(source.address, destination.address, protocol, *ports)
                self._add(line, Kind.PERMITTED, source, destination, packet)
        if (line, Kind.PERMITTED) not in self.shown:
            self._cannot(line, "no permitted packet between the lab's containers passes a host that judges it")
        self._plan_refusals(line, self._refusals(flow, protocol, stations, pairs))

    def _side(self, endpoints: tuple[str, ...]) -> str:
        """One side of a row, without the endpoints of it that a site need not have."""
        optional = [name for name in endpoints if name in MAY_BE_EMPTY and not endpoint_networks(self.site, name)]
        return " + ".join(name for name in endpoints if name not in optional)

    def _is_left_out(self, flow: Flow) -> bool:
        """Whether nobody is on one side of a row that most sites have not all servers of."""
        sides = (flow.sources, flow.destinations)
        return flow.group in GROUPS_WITH_GAPS and not all(
            any(endpoint_networks(self.site, endpoint) for endpoint in side) for side in sides
        )

    def _cannot(self, line: Line, reason: str) -> None:
        """An error, unless the user said that an endpoint of the row may be empty."""
        empty = set(self.site.variables.get("port_matrix_allow_empty") or ())
        excused = empty >= set(line.source.split(" + ")) or empty >= set(line.destination.split(" + "))
        (self.result.notes if excused else self.result.errors).append(f"{line}: {reason}")

    def _leads(self, flow: Flow, source: Station, destination: Station) -> bool:
        if source.container == destination.container or source.address.version != destination.address.version:
            return False
        judges = self.lab.judges(self.site, source, destination) or [destination.container]
        return self.judge.joins(flow, source.address, destination.address, judges)

    def _refusals(
        self, flow: Flow, protocol: str, stations: list[Station], pairs: list[tuple[Station, Station]]
    ) -> Iterator[tuple[Kind, Station, Station, str, list[int], list[int]]]:
        """Packets that differ from the row's in one thing; each with all the ports that it may have."""
        source_ports, destination_ports = flow.ports(protocol)
        sources, destinations = self.judge.legal_ports(source_ports), self.judge.legal_ports(destination_ports)
        for number, (source, destination) in enumerate(pairs):
            for port in outside(destination_ports):
                yield Kind.DESTINATION_PORT, source, destination, protocol, sources, [port]
            for port in outside(source_ports):
                yield Kind.SOURCE_PORT, source, destination, protocol, [port], destinations
            for other in PROTOCOLS if number else PROTOCOLS + OTHER_PROTOCOLS:
                if other not in flow.protocols:
                    others = [self.judge.legal_ports(ranges) for ranges in flow.ports(other)]
                    yield Kind.PROTOCOL, source, destination, other, others[0], others[1]
        both_ways = any(other.row == flow.row and other.sources == flow.destinations for other in self.judge.flows)
        reversed_pairs = [] if both_ways else [(destination, source) for source, destination in pairs]
        for option in self._legal(flow, protocol, reversed_pairs):
            yield (Kind.DIRECTION, *option)
        legal = set(pairs)
        receivers, senders = ({pair[1]: None for pair in pairs}, {pair[0]: None for pair in pairs})
        strangers = [(source, destination) for destination in receivers for source in stations]
        for option in self._legal(flow, protocol, [pair for pair in strangers if pair not in legal]):
            yield (Kind.SOURCE, *option)
        strangers = [(source, destination) for source in senders for destination in stations]
        for option in self._legal(flow, protocol, [pair for pair in strangers if pair not in legal]):
            yield (Kind.DESTINATION, *option)

    def _legal(
        self, flow: Flow, protocol: str, pairs: list[tuple[Station, Station]]
    ) -> Iterator[tuple[Station, Station, str, list[int], list[int]]]:
        """For each pair and each range of destination ports, the row's ports."""
        source_ports, destination_ports = flow.ports(protocol)
        sources = self.judge.legal_ports(source_ports)
        for source, destination in pairs:
            for ports in destination_ports:
                only = NO_PORTS if destination_ports is NO_PORTS else [ports]
                yield source, destination, protocol, sources, self.judge.legal_ports(only)

    def _plan_refusals(
        self, line: Line, options: Iterator[tuple[Kind, Station, Station, str, list[int], list[int]]]
    ) -> None:
        shown: dict[Kind, bool] = {}
        for kind, source, destination, protocol, source_ports, destination_ports in options:
            if source.container == destination.container or self._off_link(source, destination):
                continue
            shown.setdefault(kind, False)
            judges = self.lab.judges(self.site, source, destination)
            if not judges:
                continue
            template = Packet(source.address, destination.address, protocol, 0, 0)
            packet, rows = self.judge.refused(template, source_ports, destination_ports, judges)
            shown[kind] = True
            if packet is None:
                key = (line, kind, rows)
                self.result.covered[key] = self.result.covered.get(key, 0) + 1
            else:
                self._add(line, kind, source, destination, packet, judges)
                self._add_past_router(line, kind, source, destination, packet, judges)
        transit = any(container.judges_transit is not None for container in self.lab.containers.values())
        for kind in (kind for kind, done in shown.items() if not done):
            text = f"refusal of {kind.value} cannot be shown: no such packet passes a host that judges it"
            if transit and line.enabled:
                self._cannot(line, text)
            else:
                self.result.notes.append(f"{line}: {text}")

    def _off_link(self, source: Station, destination: Station) -> bool:
        """A router speaks for itself only with its own address in the receiver's zone."""
        return self.lab.containers[source.container].router and source.zone != destination.zone

    def _add_past_router(
        self, line: Line, kind: Kind, source: Station, destination: Station, packet: Packet, judges: list[str]
    ) -> None:
        """The same packet from the receiver's neighbour, so that the router's refusal does not hide the receiver's."""
        if judges == [destination.container] or destination.container not in judges:
            return
        senders = [
            neighbour.container
            for neighbour in neighbours(self.lab, destination)
            if not self.lab.containers[neighbour.container].judges_output
        ]
        if senders and not self.judge.rows(packet, [destination.container]):
            self._add(line, kind, source, destination, packet, [destination.container], senders[0])

    def _add(
        self,
        line: Line,
        kind: Kind,
        source: Station,
        destination: Station,
        packet: Packet,
        judges: list[str] | None = None,
        sender: str | None = None,
    ) -> None:
        judges = self.lab.judges(self.site, source, destination) if judges is None else judges
        if not judges:
            return
        sender = sender or source.container
        probe = self.by_packet.get((packet, sender))
        if probe is None:
            rows = self.judge.rows(packet, judges)
            sent = self.lab.on_wire(packet, source, destination, sender == source.container)
            probe = Probe(len(self.by_packet) + 1, packet, source, destination, tuple(judges), rows, sender, sent)
            self.by_packet[packet, sender] = probe
            self.result.probes.append(probe)
        probe.claims[line, kind] = None
        self.shown.add((line, kind))
