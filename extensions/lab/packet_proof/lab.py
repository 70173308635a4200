# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab that the proof runs in: containers, their zones, and who judges a packet on its way."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packet_proof.endpoints import endpoint_networks, every_address
from packet_proof.oracle import Packet, flows
from packet_proof.site import Address, Network, Site, SiteError, resolved_groups

FAMILIES: Mapping[int, str] = {4: "ipv4", 6: "ipv6"}


@dataclass(frozen=True)
class Station:
    """One address of one container."""

    container: str
    address: Address
    zone: str


@dataclass(frozen=True)
class Container:
    """A lab host and what stands between it and others."""

    name: str
    stations: tuple[Station, ...]
    router: bool = False
    judges_transit: tuple[str, ...] | None = None  # endpoints whose transit traffic it judges; empty: all; None: none
    judges_input: bool = False
    judges_output: bool = False
    services: tuple[str, ...] = ()
    translates: tuple[str, ...] = ()  # of a router: the zones whose NATed addresses it translates for all others

    @property
    def zones(self) -> dict[str, None]:
        """The zones that the container has an address in."""
        return {station.zone: None for station in self.stations}

    @property
    def judges(self) -> bool:
        """Whether the container judges any packets, so that its connection tracking matters."""
        return self.judges_transit is not None or self.judges_input or self.judges_output


@dataclass(frozen=True)
class Lab:
    """All containers of the lab, by name, and what addresses become that a router translates."""

    containers: Mapping[str, Container]
    advertised: Mapping[Address, Address] = field(default_factory=dict)

    @property
    def stations(self) -> list[Station]:
        """Every address of every container."""
        return [station for container in self.containers.values() for station in container.stations]

    def path_router(self, source: Station, destination: Station) -> Container | None:
        """The router between two stations; None where the sender has a leg in the destination's zone.

        :raises SiteError: the zones have no router in common.
        """
        sender = self.containers[source.container]
        if destination.zone in sender.zones:
            return None
        for container in self.containers.values():
            if container.router and destination.zone in container.zones and container.zones.keys() & sender.zones:
                return container
        raise SiteError(f"no lab_router leads from {source.container} to the zone {destination.zone}")

    def judges(self, site: Site, source: Station, destination: Station) -> list[str]:
        """The containers that judge packets from one station to the other, in the order of the way."""
        found = []
        if self.containers[source.container].judges_output:
            found.append(source.container)
        router = self.path_router(source, destination)
        to_router = router is not None and router.name == destination.container
        if router is not None and not to_router and _judges_transit(site, router, source.address, destination.address):
            found.append(router.name)
        if self.containers[destination.container].judges_input:
            found.append(destination.container)
        return found

    def seen(self, source: Station, destination: Station, at: str) -> tuple[Address, Address]:
        """The addresses of a packet in the eyes of a container that judges it.

        A router judges between the translation of the destination and that of the source, so it sees neither.
        """
        router = self.path_router(source, destination)
        if router is None or router.name in (at, destination.container):
            return source.address, destination.address
        if at == destination.container:
            return self._translated(router, source), destination.address
        return source.address, self._translated(router, destination)

    def on_wire(self, packet: Packet, source: Station, destination: Station, own_name: bool = True) -> Packet:
        """A packet between two stations as its sender makes it: the source, or a neighbour of the receiver."""
        at = source.container if own_name else destination.container
        ends = self.seen(source, destination, at)
        return replace(packet, source=ends[0], destination=ends[1])

    def _translated(self, router: Container, station: Station) -> Address:
        behind = station.zone in router.translates
        return self.advertised.get(station.address, station.address) if behind else station.address


def build_lab(inventory: Mapping[str, t.Any], site: Site) -> Lab:
    """The lab that the JSON of ``ansible-inventory --list`` describes.

    :raises SiteError: a container has no address, or one that lies in no zone.
    """
    groups = resolved_groups(inventory)
    networks = set(groups.get("lab_networks", []))
    hostvars = inventory.get("_meta", {}).get("hostvars", {})
    managed = set(groups.get("port_matrix_linux", []))
    gateways = set(groups.get("port_matrix_gateways", []))
    used = {endpoint for flow in flows(site) if flow.enabled for endpoint in flow.sources + flow.destinations}
    containers = {}
    for name, variables in hostvars.items():
        if name in networks:
            continue
        stations = _stations(name, variables, site)
        container_is_endpoint = any(
            owner == name for endpoint in used for owner, network in endpoint_networks(site, endpoint, name)
        )
        containers[name] = Container(
            name=name,
            stations=stations,
            router=bool(variables.get("lab_router")),
            judges_transit=_judged_endpoints(variables) if name in managed & gateways else None,
            judges_input=name in managed and container_is_endpoint,
            judges_output=name in managed and container_is_endpoint and bool(variables.get("linux_firewall_egress")),
            services=tuple(variables.get("lab_services") or ()),
            translates=tuple(variables.get("lab_nat") or ()),
        )
    pairs = [pair for host in site.hosts.values() for pair in host.everything()]
    advertised = {pair.local.network_address: pair.advertised.network_address for pair in pairs}
    return Lab(containers, advertised)


def _judged_endpoints(variables: Mapping[str, t.Any]) -> tuple[str, ...]:
    judged = variables.get("linux_firewall_judged_endpoints", ["conferencing_node"])
    if judged == "all" or judged == ["all"]:
        return ()
    return (judged,) if isinstance(judged, str) else tuple(judged)


def _judges_transit(site: Site, router: Container, source: Address, destination: Address) -> bool:
    if router.judges_transit is None:
        return False
    networks = [network for endpoint in router.judges_transit for network in every_address(site, endpoint, router.name)]
    return not router.judges_transit or any(
        address.version == network.version and address in network
        for address in (source, destination)
        for network in networks
    )


def _stations(name: str, variables: Mapping[str, t.Any], site: Site) -> tuple[Station, ...]:
    zones: dict[str, list[Network]] = {
        zone: [ipaddress.ip_network(subnet) for subnet in settings["subnets"]]
        for zone, settings in (variables.get("lab_zones") or {}).items()
    }
    host = site.hosts[name]
    texts = [str(text) for text in variables.get("lab_addresses") or []]
    if not texts:
        pairs = dict.fromkeys(host.addresses + (host.every_interface() if host.interfaces else ()))
        texts = [str(pair.local.network_address) for pair in pairs]
    stations = []
    for text in dict.fromkeys(texts):
        address = ipaddress.ip_interface(text).ip
        zone = next((zone for zone, subnets in zones.items() if any(address in subnet for subnet in subnets)), None)
        if zone is None:
            raise SiteError(f"host {name}: {address} lies in no zone of lab_zones")
        stations.append(Station(name, address, zone))
    if not stations:
        raise SiteError(f"host {name} has no address: set lab_addresses, or put it into the group lab_networks")
    return tuple(stations)
