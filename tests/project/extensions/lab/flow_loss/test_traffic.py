# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of the demo, held against the oracle of the packet proof: a flow that no row permits proves nothing."""

from __future__ import annotations

import ipaddress
import itertools
import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from filter_plugins.lab_topology import RESERVED_PORTS, sysctls
from flow_loss.agent import FLOW_SOURCE_PORTS, Orders
from flow_loss.traffic import CALL_PORTS, FLOW_PORTS, orders
from packet_proof.lab import Lab, build_lab
from packet_proof.oracle import Packet, permitted
from packet_proof.site import Site, site_from_inventory

INVENTORY = Path(__file__).parents[5] / "extensions/lab/demo/inventory"


@pytest.fixture(scope="module")
def site_and_lab() -> tuple[Site, Lab]:
    command = ["ansible-inventory", "--inventory", str(INVENTORY), "--extra-vars", "lab_state_directory=/tmp", "--list"]
    inventory = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    site = site_from_inventory(inventory, {"port_matrix_strict_clients": True})
    return site, build_lab(inventory, site)


def packet(order: Orders, protocol: str) -> Packet:
    (source, source_port), (destination, destination_port) = order["local"], order["remote"]
    return Packet(
        ipaddress.ip_address(source), ipaddress.ip_address(destination), protocol, source_port, destination_port
    )


def starting(given: dict[str, Orders]) -> list[Packet]:
    calls = [packet(call, "udp") for order in given.values() for call in order["calls"] if not call["waits"]]
    return calls + [packet(one, "tcp") for order in given.values() for one in order["dialled"]]


@pytest.mark.parametrize("measurement", [0, 9])
def test_a_row_permits_whatever_begins(site_and_lab: tuple[Site, Lab], measurement: int) -> None:
    site, lab = site_and_lab
    begins = starting(orders(lab, measurement))
    assert [begin for begin in begins if not permitted(site, begin)] == []
    assert {row for begin in begins for row in permitted(site, begin)} >= {
        "sip_signaling", "media_from_nodes", "media_nodes_to_edge", "media_edge_to_nodes", "strict_client_relay",
    }  # fmt: skip


def test_no_program_gets_a_port_of_the_traffic_by_chance(site_and_lab: tuple[Site, Lab]) -> None:
    """baresip has two sockets whose ports the kernel chooses, and one of them took a port of a call."""
    _site, lab = site_and_lab
    ends = (end for number in range(10) for order in orders(lab, number).values() for end in order["calls"])
    used = {end["local"][1] for end in ends} | {FLOW_SOURCE_PORTS[0], FLOW_SOURCE_PORTS[-1]}
    assert used <= {*RESERVED_PORTS, 3478}
    assert sysctls({}, 1)["net.ipv4.ip_local_reserved_ports"] == "40000-52199"


def test_a_row_permits_the_new_flows(site_and_lab: tuple[Site, Lab]) -> None:
    site, lab = site_and_lab
    flows = orders(lab, 0)["node1"]["flows"]
    assert len(flows) == 2
    for flow, source, destination in itertools.product(
        flows, (FLOW_SOURCE_PORTS[0], FLOW_SOURCE_PORTS[-1]), (FLOW_PORTS[0], FLOW_PORTS[-1])
    ):
        ends = ipaddress.ip_address(flow["local"]), ipaddress.ip_address(flow["remote"])
        assert permitted(site, Packet(*ends, "udp", source, destination))


def test_the_firewall_counts_each_call_once_and_no_new_flow_as_one(site_and_lab: tuple[Site, Lab]) -> None:
    for begin in starting(orders(site_and_lab[1], 9)):
        assert [port in CALL_PORTS for port in (begin.source_port, begin.destination_port)].count(True) == 1
    assert not set(FLOW_SOURCE_PORTS) & set(CALL_PORTS)


def test_no_two_measurements_share_a_flow(site_and_lab: tuple[Site, Lab]) -> None:
    every = [orders(site_and_lab[1], measurement) for measurement in range(10)]
    begins = [begin for given in every for begin in starting(given)]
    assert len(set(begins)) == len(begins)
    ports = [port for given in every for port in given["fe1"]["flow_ports"]]
    assert sorted(ports) == list(FLOW_PORTS)


def test_both_ends_agree(site_and_lab: tuple[Site, Lab]) -> None:
    given = orders(site_and_lab[1], 0)
    ends: list[tuple[t.Any, ...]] = []
    turned: list[tuple[t.Any, ...]] = []
    for order in given.values():
        for end in (*order["calls"], *order["dialled"], *order["answered"]):
            ends.append((end["sends"], end["receives"], *end["local"], *end["remote"]))
            turned.append((end["receives"], end["sends"], *end["remote"], *end["local"]))
    assert sorted(ends) == sorted(turned)
    assert len({end[0] for end in ends}) == len(ends)
    assert len([call for order in given.values() for call in order["calls"]]) == 2 * 20
