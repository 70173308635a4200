# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories of docs/inventories.md, taken from the page: each is a valid site and means what the page says."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Network
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import examples, page, run_playbook

INVENTORIES = examples("docs/inventories.md", "inventory")
ON_PREMISES, STATIC_NAT, EDGE_POOL, TWO_LOCATIONS, FEDERATION = (
    "on-premises pool", "DMZ nodes with static NAT", "Edge pool with three external addresses",
    "proxying and transcoding nodes", "federation with unknown partners",
)  # fmt: skip
BOTH_FAMILIES = {"ipv4", "ipv6"}
# All that the page's sites are warned of, each of which it explains.
OPEN_TO_EVERYBODY = "endpoint access_edge is every address or almost, so everybody may send what federation_sip permits"
WARNINGS = {FEDERATION: {OPEN_TO_EVERYBODY}}

RULESET = """
- hosts: {gateway}
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {{name: uc_firewall.pexip_sfb.port_matrix}}
    - ansible.builtin.copy:
        content: >-
          {{{{ __port_matrix_site_text | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname, gateway=true) }}}}
        dest: "{directory}/ruleset.nft"
        mode: "0600"
      delegate_to: localhost
"""


def warnings(output: str) -> set[str]:
    """What Ansible warned of: the site's, and not of itself."""
    return set(re.findall(r"^\[WARNING\]: ((?:hosts? '|endpoint |row ).*)$", output, re.MULTILINE))


def each_address(cidrs: list[str]) -> list[IPv4Address]:
    """The addresses of small networks, one by one."""
    return [address for cidr in cidrs for address in IPv4Network(cidr)]


class Report:
    """The flows of one report, to look for the addresses of a row in."""

    def __init__(self, directory: Path, shape: str, scope: str, **variables: object) -> None:
        output = run_playbook(
            directory, INVENTORIES[shape], "uc_firewall.pexip_sfb.report", port_matrix_report_formats=["json"],
            port_matrix_report_scope=scope, **variables,
        )  # fmt: skip
        self.warnings = warnings(output)
        (path,) = (directory / "port-matrix-report").glob("*.json")
        assert "failed=0" in output, output
        self.text = path.read_text(encoding="utf-8")
        self.flows: list[dict[str, Any]] = json.loads(self.text)["flows"]

    def addresses(self, row: str, side: str, family: str = "ipv4") -> set[str]:
        """The addresses at one side (source, destination) of *row*."""
        return {
            cidr.removesuffix("/32")
            for flow in self.flows
            if flow["row"] == row and flow["family"] == family
            for cidr in flow[side]
        }

    def pairs(self, row: str) -> set[tuple[str, str]]:
        """Who may send to whom by *row*, an address at each side."""
        return {
            (str(source), str(destination))
            for flow in self.flows
            if flow["row"] == row
            for source in each_address(flow["source"])
            for destination in each_address(flow["destination"])
        }

    def ports(self, row: str) -> set[str]:
        return {port for flow in self.flows if flow["row"] == row for port in flow["destination_ports"]}

    def families(self, row: str) -> set[str]:
        return {flow["family"] for flow in self.flows if flow["row"] == row}

    def rows(self) -> set[str]:
        return {flow["row"] for flow in self.flows}


def test_the_page_has_the_five_shapes() -> None:
    assert list(INVENTORIES) == [ON_PREMISES, STATIC_NAT, EDGE_POOL, TWO_LOCATIONS, FEDERATION]


@pytest.mark.parametrize("shape", INVENTORIES)
def test_the_inventory_gets_as_far_as_its_hosts(shape: str, tmp_path: Path) -> None:
    """The validation says nothing but what the page explains, and the first thing that fails is the connection."""
    output = run_playbook(tmp_path, INVENTORIES[shape], "uc_firewall.pexip_sfb.site", ansible_connection="untouchable")
    assert "a host was touched" in output
    assert "Ask the host who connects to it" in output
    assert warnings(output) == WARNINGS.get(shape, set())
    assert all(warning in page("docs/inventories.md") for warning in warnings(output))


def test_an_on_premises_pool(tmp_path: Path) -> None:
    report = Report(tmp_path, ON_PREMISES, "site")
    assert len(report.rows()) == 10
    assert "10.20.0.25" in report.addresses("media_to_nodes", "source")
    assert "10.20.0.25" in report.addresses("media_from_nodes", "destination")
    assert not {"10.20.0.25", "10.20.0.24/31"} & report.addresses("sip_signaling", "source")
    assert report.addresses("media_nodes_to_edge", "destination") == {"203.0.113.31"}
    assert {"203.0.113.31", "10.20.0.31"} <= report.addresses("https_content", "destination")
    assert report.families("wac_content") == {"ipv4"}
    assert report.families("media_to_nodes") == BOTH_FAMILIES
    assert report.addresses("media_nodes_to_turn", "destination") == {"203.0.113.41"}


def test_the_check_of_the_on_premises_gateways_is_judged_and_permitted(tmp_path: Path) -> None:
    """It goes to a node, which gateways judge by default, from a controller in the network of a client."""
    groups = yaml.safe_load(INVENTORIES[ON_PREMISES])["all"]["children"]
    (check,) = groups["port_matrix_gateways"]["vars"]["linux_firewall_confirm_checks"]
    office, _ipv6 = groups["sfb_clients"]["hosts"]["office_north"]["port_matrix_addresses"]
    assert check["from"] == "controller"
    assert check["host"] in groups["pexip_conferencing_nodes"]["hosts"]["node1"]["port_matrix_addresses"]
    report = Report(tmp_path, ON_PREMISES, "gateway:fw1")
    rows = {flow["row"] for flow in report.flows if flow["destination_ports"] == [str(check["port"])]}
    assert rows == {"conference_avatar"}
    assert check["host"] in report.addresses("conference_avatar", "destination")
    sources = report.addresses("conference_avatar", "source")
    assert any(IPv4Network(office).subnet_of(IPv4Network(source)) for source in sources)


@pytest.mark.parametrize(
    ("scope", "node", "edge"),
    [
        ("gateway:fw_inner", "10.0.10.11", "10.0.20.31"),
        ("gateway:fw_outer", "10.0.10.11", "10.0.20.31"),
        ("gateway:provider_router", "203.0.113.11", "203.0.113.31"),
        ("host:edge1", "203.0.113.11", "10.0.20.31"),
        ("site", "203.0.113.11", "203.0.113.31"),
    ],
)
def test_dmz_nodes_with_static_nat(scope: str, node: str, edge: str, tmp_path: Path) -> None:
    report = Report(tmp_path, STATIC_NAT, scope)
    assert report.addresses("media_edge_to_nodes", "source") == {edge}
    assert node in report.addresses("media_nodes_to_edge", "source")
    other = "10.0.10." if node.startswith("203") else "203.0.113.1"
    assert other not in report.text
    if scope == "gateway:fw_inner":
        assert {"10.1.0.21", node} <= report.addresses("sip_signaling", "source")


def test_an_edge_pool_with_three_external_addresses(tmp_path: Path) -> None:
    report = Report(tmp_path, EDGE_POOL, "site")
    av_edge = {"203.0.113.33", "203.0.113.38"}
    assert report.addresses("media_nodes_to_edge", "destination") == av_edge
    assert report.addresses("media_edge_to_nodes", "source") == av_edge
    assert report.addresses("strict_edge_media", "source") == av_edge
    assert report.addresses("psom_content", "destination") == {"203.0.113.32", "203.0.113.37", "10.1.0.21"}
    assert report.addresses("https_content", "destination") == {
        "10.1.0.21", "10.1.0.31", "10.1.0.36",
        "203.0.113.31", "203.0.113.32/31", "203.0.113.36/31", "203.0.113.38",
    }  # fmt: skip
    assert report.addresses("strict_client_relay", "destination") == {"10.1.0.31", "10.1.0.36"}


PROXY_OSLO, PROXY_YORK, MANAGER = "10.0.11.11", "10.0.21.11", "10.1.11.5"  # as Pexip nodes see each other
TRANSCODING_OSLO, TRANSCODING_YORK = {"10.1.11.21", "10.1.11.22"}, {"10.2.11.21"}
RESOLVER_OSLO, RESOLVER_YORK = "10.1.0.53", "10.2.0.53"
FRONT_ENDS, VIRTUAL, DIRECTOR = {"10.1.0.21", "10.1.0.22"}, "10.1.0.20", "10.1.0.25"


def test_in_two_locations_ipsec_is_between_pexip_nodes_that_need_it(tmp_path: Path) -> None:
    report = Report(tmp_path, TWO_LOCATIONS, "site")
    transcoding = TRANSCODING_OSLO | TRANSCODING_YORK
    meshes = [{PROXY_OSLO, *TRANSCODING_OSLO}, {PROXY_YORK, *TRANSCODING_YORK}, transcoding]
    meshes += [{MANAGER, node} for node in (PROXY_OSLO, PROXY_YORK, *transcoding)]
    wanted = {pair for mesh in meshes for pair in permutations(mesh, 2)}
    assert report.pairs("node_esp") == wanted
    assert report.pairs("node_ike") == wanted
    assert {flow["row"] for flow in report.flows if flow["protocol"] == "esp"} == {"node_esp"}


def test_in_two_locations_names_and_time_are_asked_for_at_ones_own(tmp_path: Path) -> None:
    report = Report(tmp_path, TWO_LOCATIONS, "site")
    oslo = {"203.0.113.11", PROXY_OSLO, *TRANSCODING_OSLO, MANAGER}
    york = {"198.51.100.11", PROXY_YORK, *TRANSCODING_YORK, MANAGER}
    wanted = {(node, RESOLVER_OSLO) for node in oslo} | {(node, RESOLVER_YORK) for node in york}
    assert report.pairs("platform_dns") == wanted
    assert report.pairs("platform_ntp") == wanted


def test_in_two_locations_what_stands_in_front_of_a_pool_has_no_media(tmp_path: Path) -> None:
    report = Report(tmp_path, TWO_LOCATIONS, "site")
    proxies = {"203.0.113.11", "198.51.100.11"}
    rows_of = {
        address: {
            flow["row"]
            for flow in report.flows
            for side in ("source", "destination")
            if any(IPv4Address(address) in IPv4Network(cidr) for cidr in flow[side])
        }
        for address in (VIRTUAL, DIRECTOR, *TRANSCODING_OSLO, *TRANSCODING_YORK)
    }
    assert rows_of[VIRTUAL] == {"sip_signaling", "https_content"}
    assert rows_of[DIRECTOR] == {"sip_signaling"}
    platform = {"node_ike", "node_esp", "management_ssh", "platform_dns", "platform_ntp"}
    assert all(rows_of[node] == platform for node in TRANSCODING_OSLO | TRANSCODING_YORK)
    in_front = FRONT_ENDS | {VIRTUAL, DIRECTOR}
    assert report.pairs("sip_signaling") == {
        pair for one in in_front for node in proxies for pair in permutations((one, node))
    }
    assert report.addresses("media_to_nodes", "source") >= FRONT_ENDS
    assert report.ports("psom_content") == {"8057"}
    assert report.addresses("psom_content", "destination") == FRONT_ENDS
    assert report.ports("psom_content_edge") == {"444"}
    assert report.addresses("psom_content_edge", "destination") == {"203.0.113.31", "203.0.113.32"}
    assert {"platform_syslog", "snmp_poll", "management_ldap"}.isdisjoint(report.rows())


@pytest.mark.parametrize(
    ("gateway", "nodes", "edges"),
    [
        ("fw_oslo", {"10.0.10.11", "198.51.100.11"}, {"10.0.12.31", "10.0.12.32"}),
        ("fw_york", {"203.0.113.11", "10.0.20.11"}, {"203.0.113.31", "203.0.113.32"}),
    ],
)
def test_in_two_locations_a_firewall_sees_what_it_translates_and_judges_both_sides(
    gateway: str, nodes: set[str], edges: set[str], tmp_path: Path
) -> None:
    report = Report(tmp_path, TWO_LOCATIONS, f"gateway:{gateway}")
    assert report.pairs("media_nodes_to_edge") == {(node, edge) for node in nodes for edge in edges}
    playbook = tmp_path / "ruleset.yml"
    playbook.write_text(RULESET.format(gateway=gateway, directory=tmp_path), encoding="utf-8")
    output = run_playbook(tmp_path, INVENTORIES[TWO_LOCATIONS], str(playbook))
    assert "failed=0" in output, output
    ruleset = (tmp_path / "ruleset.nft").read_text(encoding="utf-8")
    (judged,) = re.findall(r"set judged_v4 \{.*?elements = \{(.*?)\}", ruleset, re.DOTALL)
    assert set(re.findall(r"[\d./-]+", judged)) == {
        "203.0.113.11", "10.0.10.11", PROXY_OSLO, "198.51.100.11", "10.0.20.11", PROXY_YORK,
    }  # fmt: skip


def test_federation_with_unknown_partners(tmp_path: Path) -> None:
    report = Report(tmp_path, FEDERATION, "site")
    nodes = {"192.0.2.11", "192.0.2.12"}
    assert report.warnings == {OPEN_TO_EVERYBODY}
    assert report.families("federation_sip") == BOTH_FAMILIES
    assert report.addresses("federation_sip", "source") == {"0.0.0.0/0", *nodes}
    assert report.addresses("federation_sip", "destination") == {"0.0.0.0/0", *nodes}
    assert report.ports("federation_sip") == {"5061"}
    open_to_everybody = [
        flow["row"] for flow in report.flows if {"0.0.0.0/0", "::/0"} & {*flow["source"], *flow["destination"]}
    ]
    assert set(open_to_everybody) == {"federation_sip"}
    assert report.addresses("media_edge_to_nodes", "source") == {"203.0.113.33", "198.51.100.43"}


def test_media_of_unknown_partners_is_said_in_two_more_warnings(tmp_path: Path) -> None:
    everybody = ["0.0.0.0/0", "::/0"]
    text = page("docs/inventories.md")
    (shown,) = re.findall(r"^```yaml\n(port_matrix_endpoints:\n  access_edge:.*?)```", text, re.MULTILINE | re.DOTALL)
    endpoints = yaml.safe_load(shown)["port_matrix_endpoints"]
    assert endpoints == {"access_edge": {"networks": everybody}, "edge_av": {"networks": everybody}}
    report = Report(tmp_path, FEDERATION, "site", port_matrix_endpoints=endpoints)
    assert report.addresses("media_edge_to_nodes", "source") == {"0.0.0.0/0"}
    rows, hosts = sorted(report.warnings - {OPEN_TO_EVERYBODY})
    assert rows.startswith(
        "endpoint edge_av is every address or almost, so everybody may send what media_edge_to_nodes"
    )
    assert "endpoint edge_av: its networks contain the hosts 'fe1', 'node1', 'node2', 'oos1'" in hosts
