# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories of docs/inventories.md, taken from the page: each is a valid site and means what the page says."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import examples, run_playbook

INVENTORIES = examples("docs/inventories.md", "inventory")
ON_PREMISES, STATIC_NAT, EDGE_POOL = (
    "on-premises pool", "DMZ nodes with static NAT", "Edge pool with three external addresses"
)  # fmt: skip
BOTH_FAMILIES = {"ipv4", "ipv6"}


class Report:
    """The flows of one report, to look for the addresses of a row in."""

    def __init__(self, directory: Path, shape: str, scope: str) -> None:
        output = run_playbook(
            directory, INVENTORIES[shape], "uc_firewall.pexip_sfb.report", port_matrix_report_formats=["json"],
            port_matrix_report_scope=scope,
        )  # fmt: skip
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

    def families(self, row: str) -> set[str]:
        return {flow["family"] for flow in self.flows if flow["row"] == row}

    def rows(self) -> set[str]:
        return {flow["row"] for flow in self.flows}


def test_the_page_has_the_three_shapes() -> None:
    assert list(INVENTORIES) == [ON_PREMISES, STATIC_NAT, EDGE_POOL]


@pytest.mark.parametrize("shape", INVENTORIES)
def test_the_inventory_gets_as_far_as_its_hosts(shape: str, tmp_path: Path) -> None:
    """The validation has nothing to say, and the first thing that fails is the connection."""
    output = run_playbook(tmp_path, INVENTORIES[shape], "uc_firewall.pexip_sfb.site", ansible_connection="untouchable")
    assert "a host was touched" in output
    assert "Ask the host who connects to it" in output
    assert "[WARNING]: host" not in output
    assert "[WARNING]: endpoint" not in output


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
