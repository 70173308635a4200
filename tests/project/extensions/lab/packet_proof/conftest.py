# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small site in a lab, and a crew that plays its network without any container."""

from __future__ import annotations

import copy
import ipaddress
import typing as t
from collections.abc import Callable, Iterable, Mapping

import pytest
from packet_proof.crew import Shot, Sighting
from packet_proof.lab import Lab, build_lab
from packet_proof.oracle import Packet, permitted
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
        "port_matrix_interfaces": {"internal": both(2, 31), "av_edge": both(4, 31)},
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


@pytest.fixture
def inventory() -> dict[str, t.Any]:
    """As `ansible-inventory --list` prints it."""
    hostvars = {name: {"lab_zones": ZONES} | copy.deepcopy(variables) for name, variables in HOSTS.items()}
    groups = {name: {"hosts": list(hosts)} for name, hosts in GROUPS.items()}
    return {"_meta": {"hostvars": hostvars}, "all": {"children": list(groups)}, **groups}


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
        return {"subject": "wac1", "version": "TLSv1.3"}


@pytest.fixture
def crew(site: Site, lab: Lab) -> FakeCrew:
    return FakeCrew(site, lab)
