# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small site in a lab, and a crew that plays its network without any container."""

from __future__ import annotations

import copy
import ipaddress
import typing as t
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest
from packet_proof.crew import Shot, Sighting
from packet_proof.lab import Lab, build_lab
from packet_proof.oracle import Packet, permitted
from packet_proof.plan import Plan, make_plan
from packet_proof.site import Site, site_from_inventory

ZONES = {
    "pexip": {"subnets": ["10.1.0.0/24", "2001:db8:1::/64"]},
    "server": {"subnets": ["10.2.0.0/24", "2001:db8:2::/64"]},
    "client": {"subnets": ["10.3.0.0/24", "2001:db8:3::/64"]},
    "perimeter": {"subnets": ["10.4.0.0/24", "2001:db8:4::/64"]},
}


def both(zone: int, host: int) -> list[str]:
    return [f"10.{zone}.0.{host}", f"2001:db8:{zone}::{host}"]


HOSTS: dict[str, dict[str, t.Any]] = {
    "node1": {"port_matrix_addresses": both(1, 11)},
    "fe1": {"port_matrix_addresses": both(2, 21)},
    "edge1": {
        "port_matrix_interfaces": {
            "internal": both(2, 31),
            "av_edge": both(4, 31),
            "web_conferencing": "av_edge",
            "access_edge": "av_edge",
        },
        "lab_default_zone": "perimeter",
    },
    "turn1": {"port_matrix_addresses": both(2, 41), "lab_services": ["coturn"]},
    "wac1": {"port_matrix_addresses": both(2, 51), "lab_services": ["https"]},
    "client_lan": {"port_matrix_addresses": ["10.3.0.0/25", "2001:db8:3::/65"]},
    "client1": {"lab_addresses": both(3, 20)},
    "outsider": {"lab_addresses": ["10.3.0.200", "2001:db8:3:0:8000::200"]},
    "fw": {
        "lab_router": True,
        "lab_addresses": [address for zone in (1, 2, 3, 4) for address in both(zone, 2)],
        "linux_firewall_judged_endpoints": "all",
    },
}
GROUPS = {
    "pexip_conferencing_nodes": ["node1"],
    "sfb_front_ends": ["fe1"],
    "sfb_edges": ["edge1"],
    "turn_servers": ["turn1"],
    "wac_servers": ["wac1"],
    "sfb_clients": ["client_lan"],
    "port_matrix_gateways": ["fw"],
    "port_matrix_linux": ["fw", "turn1"],
    "lab_networks": ["client_lan"],
}
# What the groups of rows beyond Skype for Business need, in zones of their own.
PLATFORM_ZONES = {
    "internode": {"subnets": ["10.5.0.0/24", "2001:db8:5::/64"]},
    "platform": {"subnets": ["10.6.0.0/24", "2001:db8:6::/64"]},
}
PLATFORM_HOSTS: dict[str, dict[str, t.Any]] = {
    "node1": {
        "port_matrix_interfaces": {"media": both(1, 11), "internode": both(5, 11)},
        "port_matrix_location": "north",
        "lab_default_zone": "pexip",
    },
    "node2": {"port_matrix_addresses": both(1, 12), "port_matrix_location": ["south"]},
    "trans1": {"port_matrix_addresses": both(6, 12), "port_matrix_location": "north"},
    "mgr1": {"port_matrix_addresses": both(6, 11)},
    "infra1": {"port_matrix_addresses": both(2, 61), "lab_services": ["unbound", "chrony"]},
    "turn1": {
        "port_matrix_addresses": [{"address": "10.2.0.41", "advertised": "203.0.113.41"}, "2001:db8:2::41"],
        "lab_services": ["coturn"],
    },
    "admin1": {"port_matrix_addresses": both(3, 130)},
    "room1": {"port_matrix_addresses": both(3, 140)},
    "partner1": {"port_matrix_addresses": both(4, 51)},
    "fw": HOSTS["fw"]
    | {
        "lab_addresses": [address for zone in range(1, 7) for address in both(zone, 2)],
        "lab_nat": ["server"],
        "port_matrix_view": {"default": "advertised", "turn_server": "local"},
    },
}
PLATFORM_GROUPS = {
    "pexip_conferencing_nodes": ["node1", "node2"],
    "pexip_transcoding_nodes": ["trans1"],
    "pexip_management_nodes": ["mgr1"],
    "pexip_administrators": ["admin1"],
    "pexip_video_endpoints": ["room1"],
    "sfb_federated_edges": ["partner1"],
    **{name: ["infra1"] for name in ("dns_servers", "ntp_servers", "syslog_servers", "snmp_managers", "ldap_servers")},
}
EVERY_GROUP = ["integration", "strict_clients", "platform", "video_endpoints", "federation", "sip_udp"]


@pytest.fixture
def inventory() -> dict[str, t.Any]:
    """As `ansible-inventory --list` prints it."""
    return as_listed(ZONES, HOSTS, GROUPS)


def as_listed(
    zones: Mapping[str, t.Any], hosts: Mapping[str, t.Any], groups: Mapping[str, list[str]]
) -> dict[str, t.Any]:
    hostvars = {name: {"lab_zones": zones} | copy.deepcopy(variables) for name, variables in hosts.items()}
    listed = {name: {"hosts": list(members)} for name, members in groups.items()}
    return {"_meta": {"hostvars": hostvars}, "all": {"children": list(listed)}, **listed}


@pytest.fixture
def whole_inventory() -> dict[str, t.Any]:
    """The same with hosts for every group of rows, two locations, and a TURN server behind NAT."""
    return _listed_whole()


def _listed_whole() -> dict[str, t.Any]:
    return as_listed(ZONES | PLATFORM_ZONES, HOSTS | PLATFORM_HOSTS, GROUPS | PLATFORM_GROUPS)


@pytest.fixture(scope="session")
def whole_site() -> Site:
    """With every group of rows, and IPsec within locations."""
    local = {"port_matrix_same_location_rows": ["node_ike", "node_esp"]}
    return site_from_inventory(_listed_whole(), {"port_matrix_row_groups": EVERY_GROUP} | local)


@pytest.fixture(scope="session")
def whole_lab(whole_site: Site) -> Lab:
    return build_lab(_listed_whole(), whole_site)


@pytest.fixture(scope="session")
def whole_plan(whole_site: Site, whole_lab: Lab) -> Plan:
    """Made once: it takes a second, and nobody changes it."""
    return make_plan(whole_site, whole_lab)


@pytest.fixture
def site(inventory: dict[str, t.Any]) -> Site:
    return site_from_inventory(inventory)


@pytest.fixture
def lab(inventory: dict[str, t.Any], site: Site) -> Lab:
    return build_lab(inventory, site)


class FakeCrew:
    """Plays the lab's network: judges filter by `permits`, connections are tracked, dead containers do nothing."""

    def __init__(self, site: Site, lab: Lab) -> None:
        self.dead: dict[str, str] = {}
        self.permits: Callable[[Packet, str], bool] = lambda packet, at: bool(permitted(site, packet, at))
        self.mute: set[str] = set()  # containers that neither send nor receive, without anybody noticing
        self.lose: Callable[[Packet], bool] = lambda packet: False
        self.sent: list[tuple[str, Packet]] = []
        self.answers: Callable[[Mapping[str, t.Any]], dict[str, t.Any]] = self._right_answer
        self._site, self._lab = site, lab
        self._tracked: set[Packet] = set()
        self._seen: dict[str, set[int]] = {name: set() for name in lab.containers}
        self._delivered: dict[str, set[int]] = {name: set() for name in lab.containers}

    def send(self, orders: Mapping[str, list[Shot]]) -> dict[str, dict[str, t.Any]]:
        for sender, shots in orders.items():
            for number, source, destination, protocol, source_port, destination_port in shots:
                ends = ipaddress.ip_address(source), ipaddress.ip_address(destination)
                packet = Packet(*ends, protocol, source_port, destination_port)
                self.sent.append((sender, packet))
                if sender not in self.mute and not self.lose(packet):
                    self._carry(sender, packet, number)
        return {name: {"refused": [], "errors": {}} for name in orders}

    def _carry(self, sender: str, packet: Packet, number: int) -> None:
        stations = {station.address: station for station in self._lab.stations}
        inside = {outside: address for address, outside in self._lab.advertised.items()}
        packet = replace(packet, destination=inside.get(packet.destination, packet.destination))
        destination = stations[packet.destination]
        direct = destination.zone in self._lab.containers[sender].zones
        router = None if direct else self._lab.path_router(stations[packet.source], destination)
        judges = [] if router is None else [router.name]
        judges += [destination.container] if self._lab.containers[destination.container].judges_input else []
        for at in dict.fromkeys([*judges, destination.container]):
            if at in self.mute:
                return
            self._seen[at].add(number)
            if at in judges and packet.reply() not in self._tracked and not self.permits(packet, at):
                return
        self._tracked.add(packet)
        self._delivered[destination.container].add(number)

    def collect(self) -> dict[str, Sighting]:
        found = {
            name: Sighting(frozenset(self._seen[name]), frozenset(self._delivered[name]))
            for name in self._lab.containers
        }
        for known in (*self._seen.values(), *self._delivered.values()):
            known.clear()
        return found

    def flush(self, containers: Iterable[str]) -> None:
        self._tracked.clear()

    def visit(self, container: str, request: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return self.answers(request)

    def _right_answer(self, request: Mapping[str, t.Any]) -> dict[str, t.Any]:
        if request["do"] == "stun":
            return {"mapped": [request["source"], request["source_port"]]}
        return {"subject": "wac1", "version": "TLSv1.3", "address": "192.0.2.53", "stratum": 8}


@pytest.fixture
def crew(site: Site, lab: Lab) -> FakeCrew:
    return FakeCrew(site, lab)
