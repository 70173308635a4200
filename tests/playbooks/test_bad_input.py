# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-playbook uc_firewall.pexip_sfb.site`` with bad input ends before a host is touched, and says why."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from warm_ansible import ansible_playbook

HERE = Path(__file__).parent
MOST_LINES = 25  # of output, with one that may be long for each problem
NTP = {
    "id": "ntp",
    "source": "conferencing_node",
    "destination": "front_end",
    "protocols": "udp",
    "destination_ports": 123,
}


def inventory() -> dict[str, Any]:
    """A small site that is right."""

    def group(**hosts: Any) -> dict[str, Any]:
        return {"hosts": hosts}

    return {
        "all": {
            "vars": {"ansible_connection": "untouchable"},
            "children": {
                "pexip_conferencing_nodes": group(
                    node1={"port_matrix_addresses": ["192.0.2.11"]}, node2={"port_matrix_addresses": ["192.0.2.12"]}
                ),
                "sfb_front_ends": group(fe1={"port_matrix_addresses": ["198.51.100.21"]}),
                "sfb_edges": group(
                    edge1={"port_matrix_interfaces": {"internal": ["198.51.100.31"], "av_edge": ["192.0.2.131"]}}
                ),
                "turn_servers": group(turn1={"port_matrix_addresses": ["198.51.100.41"]}),
                "wac_servers": group(wac1={"port_matrix_addresses": ["198.51.100.51"]}),
                "sfb_clients": group(client_lan={"port_matrix_addresses": ["203.0.113.0/25"]}),
                "port_matrix_gateways": group(fw={"ansible_host": "198.51.100.2"}),
                "port_matrix_linux": group(fw={}, turn1={}),
            },
        }
    }


def run_site(tmp_path: Path, content: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the playbook as a user does. Any connection to a host ends in the text "a host was touched"."""
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "COLUMNS": "10000",
    }
    return ansible_playbook(["-i", path, "uc_firewall.pexip_sfb.site"], env=environment)


def host(name: str, group: str, **variables: Any) -> dict[str, Any]:
    """An inventory in which the host *name* of *group* has other variables."""
    content = inventory()
    content["all"]["children"][group]["hosts"][name] = variables
    return content


def site(**variables: Any) -> dict[str, Any]:
    """An inventory with variables of the site."""
    content = inventory()
    content["all"]["vars"].update(variables)
    return content


def without(group: str) -> dict[str, Any]:
    """An inventory that lacks a group."""
    content = inventory()
    del content["all"]["children"][group]
    return content


BAD_INPUTS = {
    "port 0": (
        site(port_matrix_ports={"sip": 0}),
        "port_matrix_ports.sip: 0: port 0 is out of range; accepted: a port 1-65535",
    ),
    "port above 65535": (
        site(port_matrix_ports={"turn": "65536"}),
        "port_matrix_ports.turn: '65536': port 65536 is out of",
    ),
    "a range backwards": (
        site(port_matrix_ports={"media": "49999-40000"}),
        "port_matrix_ports.media: '49999-40000' ends before it begins",
    ),
    "a range that the vendor does not accept": (
        site(port_matrix_ports={"media": "4000-4999"}),
        "port_matrix_ports.media: 4000-4999 is outside what can be set; accepted: ports in 10000-49999",
    ),
    "an unknown range name": (
        site(port_matrix_ports={"meda": 1}),
        "port_matrix_ports: unknown key 'meda', the nearest is media; accepted: avatar",
    ),
    "an undefined range name in a row": (
        site(port_matrix_extra_rows=[{**NTP, "destination_ports": "ntp"}]),
        "row 'ntp' destination_ports: the range name 'ntp' is not defined",
    ),
    "an unknown endpoint": (
        site(port_matrix_extra_rows=[{**NTP, "destination": "time_server"}]),
        "port_matrix_extra_rows row 'ntp': unknown endpoint 'time_server', the nearest is ntp_server; accepted: acc",
    ),
    "an unknown protocol": (
        site(port_matrix_extra_rows=[{**NTP, "protocols": "ntp"}]),
        "row 'ntp' protocols: unknown value 'ntp'; accepted: ah, esp",
    ),
    "an unknown row": (
        site(port_matrix_disabled_rows=["avatar"]),
        "port_matrix_disabled_rows: there is no row 'avatar', the nearest is conference_avatar; accepted: conf",
    ),
    "a row id twice": (
        site(port_matrix_extra_rows=[{**NTP, "id": "sip_signaling"}]),
        "port_matrix_extra_rows: row id sip_signaling occurs twice",
    ),
    "an unknown key of a row": (
        site(port_matrix_extra_rows=[{**NTP, "port": 1}]),
        "unknown key 'port'; accepted: bidirectional",
    ),
    "a hostile row id": (
        site(port_matrix_extra_rows=[{**NTP, "id": 'x" accept; }\n'}]),
        "cannot be an id; accepted: a lower-case letter",
    ),
    "an address that is none": (
        host("node1", "pexip_conferencing_nodes", port_matrix_addresses=["192.0.2.256"]),
        "host 'node1' port_matrix_addresses: '192.0.2.256' is not an address",
    ),
    "garbage behind the slash": (
        host("client_lan", "sfb_clients", port_matrix_addresses=["203.0.113.0/x"]),
        "host 'client_lan' port_matrix_addresses: '203.0.113.0/x' is not an address",
    ),
    "a host name as address": (
        host("node1", "pexip_conferencing_nodes", port_matrix_addresses=["node1.example.net"]),
        "host 'node1' port_matrix_addresses: 'node1.example.net' is a host name, and the rules need an address",
    ),
    "a host name as ansible_host": (
        host("node1", "pexip_conferencing_nodes", ansible_host="node1.example.net"),
        "host 'node1': ansible_host 'node1.example.net' is a name, and the rules need an address; accepted: set port_m",
    ),
    "an endpoint without addresses": (
        without("wac_servers"),
        "endpoint wac_server: has no addresses, and row wac_content needs them",
    ),
    "families that do not meet": (
        host("edge1", "sfb_edges", port_matrix_addresses=["2001:db8::31"]),
        "rows media_nodes_to_edge, media_edge_to_nodes: endpoint conferencing_node has only ipv4, and edge_av has only",
    ),
    "an unknown view": (
        host("fw", "port_matrix_gateways", ansible_host="198.51.100.2", port_matrix_view="inside"),
        "port_matrix_view",
    ),
    "a view of nobody": (
        host(
            "fw", "port_matrix_gateways", ansible_host="198.51.100.2", port_matrix_view={"conferencing_nodes": "local"}
        ),
        "host 'fw' port_matrix_view: 'conferencing_nodes' is not known, the nearest is conferencing_node; accepted",
    ),
    "a host without the interface that a row needs": (
        host("edge1", "sfb_edges", port_matrix_interfaces={"internal": ["198.51.100.31"], "av-edge": ["192.0.2.131"]}),
        "host 'edge1' port_matrix_interfaces: has no av_edge, which edge_av needs; it has av-edge, internal, and",
    ),
    "an interface by the name of one that is not there": (
        host("edge1", "sfb_edges", port_matrix_interfaces={"av_edge": "external", "internal": ["198.51.100.31"]}),
        "host 'edge1' port_matrix_interfaces.av_edge: 'external' is neither an address nor an interface of this host",
    ),
    "a misspelled variable of a host that is not managed": (
        host("node1", "pexip_conferencing_nodes", ansible_host="192.0.2.11", port_matrix_adresses=["192.0.2.12"]),
        "port_matrix_adresses (of 'node1'): is not a variable of this collection; accepted: port_matrix_addresses",
    ),
    "a misspelled variable of a role": (
        site(linux_firewall_egres=True),
        "is not a variable of this collection; accepted: linux_firewall_egress, which is the nearest name",
    ),
    "a location row that is none": (
        site(port_matrix_same_location_rows=["media"]),
        "port_matrix_same_location_rows: 'media' is not known",
    ),
    "an unknown key of an endpoint": (
        site(port_matrix_endpoints={"client": {"network": ["203.0.113.0/25"]}}),
        "port_matrix_endpoints.client: unknown key 'network', the nearest is networks; accepted: exclude",
    ),
    "an extra rule of one host": (
        host(
            "turn1",
            "port_matrix_linux",
            linux_firewall_extra_rules=[{"name": "ntp", "protocol": "udp", "source": ["192.0.2.256"]}],
        ),
        "linux_firewall_extra_rules ntp source: '192.0.2.256' is not an address",
    ),
    "an address with host bits as a way in": (
        host(
            "fw",
            "port_matrix_gateways",
            ansible_host="198.51.100.2",
            linux_firewall_management=[
                {"name": "ssh", "protocol": "tcp", "source": ["198.51.100.99/24"], "destination_ports": [22]}
            ],
        ),
        "linux_firewall_management ssh source: '198.51.100.99/24' may be one address or a network; accepted: "
        "198.51.100.99 or 198.51.100.99/32 for the address, 198.51.100.0/24 for the network",
    ),
    "hosts that disagree": (
        host("turn1", "port_matrix_linux", port_matrix_strict_clients=True),
        "port_matrix_strict_clients: differs between the hosts 'fw', 'turn1'; accepted: one value for all",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_ends_the_play_before_a_host_is_touched(case: str, tmp_path: Path) -> None:
    content, message = BAD_INPUTS[case]
    result = run_site(tmp_path, content)
    output = re.sub(r"\s+", " ", result.stdout + result.stderr)
    assert result.returncode != 0
    assert output.count(message) == 1
    assert "a host was touched" not in output
    assert "Finalization" not in output
    assert len((result.stdout + result.stderr).splitlines()) <= MOST_LINES


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    content = site(port_matrix_ports={"sip": 0})
    children = content["all"]["children"]
    children["pexip_conferencing_nodes"]["hosts"]["node1"] = {"port_matrix_addresses": ["192.0.2.300"]}
    children["turn_servers"]["hosts"]["turn1"] = {"port_matrix_addresses": ["turn.example.net"]}
    output = run_site(tmp_path, content).stdout
    assert "port_matrix_ports.sip" in output
    assert "192.0.2.300" in output
    assert "turn.example.net" in output


def test_good_input_does_reach_the_hosts(tmp_path: Path) -> None:
    """Otherwise the tests above would pass for a play that never gets anywhere."""
    result = run_site(tmp_path, inventory())
    assert "a host was touched" in result.stdout + result.stderr
