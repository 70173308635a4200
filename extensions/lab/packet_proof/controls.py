# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a proof honest: packets that must arrive after the refused ones, and real servers that must answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from packet_proof.judge import Judge
from packet_proof.lab import FAMILIES, Lab, Station
from packet_proof.oracle import Packet
from packet_proof.protocols import has_ports

# No row of the table uses these ports, and no kernel chooses them for itself.
_FREE_PORTS = (901, 902)
_MOST_CONTROLS = 3
# lab_services → protocol, port, whether the check is required where the service runs
SERVICES = {
    "coturn": (("udp", 3478, True), ("tcp", 3478, False)),
    "https": (("tcp", 443, True),),
    "unbound": (("udp", 53, True), ("tcp", 53, True)),
    "chrony": (("udp", 123, True),),
    "ipsec": (("udp", 500, True), ("esp", 0, True)),
}


@dataclass(frozen=True)
class Control:
    """A packet that shows that its receiver still receives."""

    packet: Packet
    source: Station
    destination: Station
    sent: Packet


@dataclass(frozen=True)
class ServiceCheck:
    """A conversation with a real server."""

    service: str
    packet: Packet
    source: Station
    destination: Station
    family: str
    sent: Packet


def controls_for(lab: Lab, judge: Judge, receiver: Station, protocol: str) -> list[Control]:
    """Packets of which at least one must reach a receiver that is alive, best first.

    Permitted flows of the protocol; then, where the receiver does not judge its own input, the router's own packets and
    those of a neighbour, whom nobody judges; else permitted flows of the other protocol, or to another address of the
    receiver, which the same sockets take.
    """
    free_ports = _FREE_PORTS if has_ports(protocol) else (0, 0)
    unjudged = [
        _control(lab, Packet(station.address, receiver.address, protocol, *free_ports), station, receiver)
        for station in neighbours(lab, receiver)
        if not lab.judges(judge.site, station, receiver)
    ]
    found = list(_permitted(lab, judge, receiver, protocol))[:_MOST_CONTROLS] + unjudged[:2]
    if not found:
        found = [
            control
            for station in (receiver, *lab.containers[receiver.container].stations)
            for any_protocol in ("tcp", "udp")
            for control in _permitted(lab, judge, station, any_protocol)
        ]
        found = found[:_MOST_CONTROLS]
    return found


def neighbours(lab: Lab, receiver: Station) -> list[Station]:
    """The other containers' addresses on the receiver's own network, the router's first."""
    found = [
        station
        for station in lab.stations
        if station.container != receiver.container
        and station.zone == receiver.zone
        and station.address.version == receiver.address.version
    ]
    return sorted(found, key=lambda station: not lab.containers[station.container].router)


def service_checks(lab: Lab, judge: Judge) -> tuple[list[ServiceCheck], list[str]]:
    """A check of every real server in each family, from a host and port that a row permits; and what has no check."""
    found: list[ServiceCheck] = []
    unvisited: dict[str, list[str]] = {}
    for container in lab.containers.values():
        wanted = [(service, *one) for service in container.services for one in SERVICES.get(service, ())]
        for (service, protocol, port, required), version in itertools.product(wanted, FAMILIES):
            stations = [station for station in container.stations if station.address.version == version]
            checks = []
            for station in stations:
                control = next(_permitted(lab, judge, station, protocol, port), None)
                if control is not None:
                    visit = (service, control.packet, control.source, station, FAMILIES[version], control.sent)
                    checks.append(ServiceCheck(*visit))
            found += checks
            if stations and required and not checks:
                unvisited.setdefault(f"{service} on {container.name}", []).append(FAMILIES[version])
    families = {where: " and ".join(dict.fromkeys(some)) for where, some in unvisited.items()}
    return found, [f"{where}, {some}: no row permits a visit, so not checked" for where, some in families.items()]


def _permitted(lab: Lab, judge: Judge, receiver: Station, protocol: str, port: int | None = None) -> Iterator[Control]:
    """One permitted packet from each station that may reach the receiver, over hosts that judge it."""
    for station in lab.stations:
        if station.container == receiver.container or lab.containers[station.container].router:
            continue
        if station.address.version != receiver.address.version:
            continue
        judges = lab.judges(judge.site, station, receiver)
        for flow in judge.flows:
            if not judges or not flow.enabled or protocol not in flow.protocols:
                continue
            source_port, destination_port = (judge.legal_ports(ranges)[0] for ranges in flow.ports(protocol))
            destination_port = destination_port if port is None else port
            packet = Packet(station.address, receiver.address, protocol, source_port, destination_port)
            if judge.rows(packet, judges):
                yield _control(lab, packet, station, receiver)
                break


def _control(lab: Lab, packet: Packet, source: Station, destination: Station) -> Control:
    return Control(packet, source, destination, lab.on_wire(packet, source, destination))
