# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lint of the data file. What is expected here is written out from the vendor's table, not computed from the data."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import __file__ as matrix_module
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import load_port_matrix
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import format_ports

MEDIA, EDGE_MEDIA, EPHEMERAL = "media", "edge_media", "ephemeral"
VIDEO = "video_endpoints"

# id, source, destination, bidirectional, protocols, source ports, destination ports, tls, group
TABLE: list[tuple[str, str, str, bool, str, str, str, bool, str]] = [
    (
        "sip_signaling",
        "director front_end sfb_vip",
        "conferencing_node",
        True,
        "tcp",
        "any",
        "sip",
        False,
        "integration",
    ),
    ("media_to_nodes", "client sfb_server", "conferencing_node", False, "udp", "any", MEDIA, False, "integration"),
    ("conference_avatar", "client", "conferencing_node", False, "tcp", "any", "avatar", False, "integration"),
    ("media_nodes_to_edge", "conferencing_node", "edge_av", False, "tcp udp", MEDIA, EDGE_MEDIA, False, "integration"),
    ("media_edge_to_nodes", "edge_av", "conferencing_node", False, "tcp udp", EDGE_MEDIA, MEDIA, False, "integration"),
    (
        "media_from_nodes",
        "conferencing_node",
        "client sfb_server",
        False,
        "tcp udp",
        MEDIA,
        "any",
        False,
        "integration",
    ),
    ("media_nodes_to_turn", "conferencing_node", "turn_server", False, "udp", MEDIA, "turn", False, "integration"),
    ("psom_content", "conferencing_node", "web_conferencing", False, "tcp", EPHEMERAL, "psom", True, "integration"),
    (
        "https_content",
        "conferencing_node",
        "edge front_end sfb_vip",
        False,
        "tcp",
        EPHEMERAL,
        "https",
        True,
        "integration",
    ),
    ("wac_content", "conferencing_node", "wac_server", False, "tcp", EPHEMERAL, "https", True, "integration"),
    ("strict_client_relay", "client", "edge_internal", False, "udp", "any", "edge_relay", False, "strict_clients"),
    ("strict_edge_media", "edge_av", "conferencing_node", False, "tcp udp", "any", MEDIA, False, "strict_clients"),
    ("node_ike", "pexip_node", "pexip_node", True, "udp", "500", "500", False, "platform"),
    ("node_esp", "pexip_node", "pexip_node", True, "esp", "", "", False, "platform"),
    ("management_web", "administrator", "management_node", False, "tcp", "any", "80 443", False, "platform"),
    ("management_ssh", "administrator", "pexip_node", False, "tcp", "any", "22", False, "platform"),
    ("platform_dns", "pexip_machine", "dns_server", False, "tcp udp", EPHEMERAL, "53", False, "platform"),
    ("platform_ntp", "pexip_machine", "ntp_server", False, "udp", "any", "123", False, "platform"),
    ("platform_syslog", "pexip_machine", "syslog_server", False, "tcp udp", "any", "514 6514", False, "platform"),
    ("snmp_poll", "snmp_manager", "pexip_machine", False, "udp", "any", "161", False, "platform"),
    ("management_ldap", "management_node", "ldap_server", False, "tcp", EPHEMERAL, "389 636", False, "platform"),
    ("web_app", "video_endpoint", "conferencing_node", False, "tcp", "any", "80 443", False, VIDEO),
    ("h323_ras", "video_endpoint", "conferencing_node", False, "udp", "any", "1719", False, VIDEO),
    ("h323_call", "video_endpoint", "conferencing_node", False, "tcp", "any", "1720", False, VIDEO),
    ("sip_endpoints", "video_endpoint", "conferencing_node", False, "tcp", "any", "5060 5061", False, VIDEO),
    ("sip_udp", "video_endpoint", "conferencing_node", False, "udp", "any", "5060", False, VIDEO),
    ("signalling_in", "video_endpoint", "conferencing_node", False, "tcp udp", "any", "signalling", False, VIDEO),
    ("endpoint_media_in", "video_endpoint", "conferencing_node", False, "tcp udp", "any", MEDIA, False, VIDEO),
    ("signalling_out", "conferencing_node", "video_endpoint", False, "tcp udp", "signalling", "any", False, VIDEO),
    ("endpoint_media_out", "conferencing_node", "video_endpoint", False, "tcp udp", MEDIA, "any", False, VIDEO),
    ("federation_sip", "access_edge", "conferencing_node", True, "tcp", "any", "5061", False, "federation"),
]

# Row → the page that it is from. All others are from the vendor's page for Skype for Business.
PORT_USAGE = "https://docs.pexip.com/admin/port_usage.htm"
PORT_USAGE_V14 = "https://docs.pexip.com/v14/admin/port_usage.htm"
AZURE = "https://docs.pexip.com/admin/azure_security_groups.htm"
API = "https://docs.pexip.com/api_manage/api_configuration.htm"
REFERENCES = {
    "node_ike": PORT_USAGE, "node_esp": PORT_USAGE, "platform_ntp": PORT_USAGE,
    "management_web": PORT_USAGE_V14, "management_ssh": PORT_USAGE_V14, "platform_dns": PORT_USAGE_V14,
    "snmp_poll": PORT_USAGE_V14, "management_ldap": PORT_USAGE_V14,
    "platform_syslog": API, "signalling_out": API, "endpoint_media_out": API,
    "web_app": AZURE, "h323_ras": AZURE, "h323_call": AZURE, "sip_endpoints": AZURE, "sip_udp": AZURE,
    "signalling_in": AZURE, "endpoint_media_in": AZURE,
    "federation_sip": (
        "https://learn.microsoft.com/skypeforbusiness/plan-your-deployment/edge-server-deployments/"
        "edge-environmental-requirements"
    ),
}  # fmt: skip

# name → default ports, bounds, least number of ports
RANGES = {
    "sip": (["5061"], None, 1),
    "media": (["40000-49999"], ["10000-49999"], 100),
    "edge_media": (["50000-59999"], ["1024-65535"], 1),
    "ephemeral": (["55000-65535"], None, 1),
    "avatar": (["80"], None, 1),
    "turn": (["3478"], None, 1),
    "psom": (["443", "8057"], None, 1),
    "https": (["443"], None, 1),
    "edge_relay": (["3478"], None, 1),
    "signalling": (["33000-39999"], ["10000-49999"], 100),
}

PEXIP_NODES = ("pexip_conferencing_nodes", "pexip_transcoding_nodes", "pexip_management_nodes")
# name → groups, fallback endpoints, interface
ENDPOINTS = {
    "conferencing_node": (("pexip_conferencing_nodes",), (), "media"),
    "front_end": (("sfb_front_ends",), (), None),
    "edge": (("sfb_edges",), (), "*"),
    "edge_av": (("sfb_edges",), (), "av_edge"),
    "edge_internal": (("sfb_edges",), (), "internal"),
    "client": (("sfb_clients",), (), None),
    "sfb_server": (("sfb_front_ends", "sfb_servers"), (), None),
    "web_conferencing": (("sfb_web_conferencing",), ("front_end", "edge"), "web_conferencing"),
    "turn_server": (("turn_servers",), (), None),
    "wac_server": (("wac_servers",), (), None),
    "director": (("sfb_directors",), (), None),
    "sfb_vip": (("sfb_vips",), (), None),
    "edge_web_conferencing": (("sfb_edges",), (), "web_conferencing"),
    "pexip_node": (PEXIP_NODES, (), "internode"),
    "pexip_machine": (PEXIP_NODES, (), "*"),
    "management_node": (("pexip_management_nodes",), (), None),
    "administrator": (("pexip_administrators",), (), None),
    "dns_server": (("dns_servers",), (), None),
    "ntp_server": (("ntp_servers",), (), None),
    "syslog_server": (("syslog_servers",), (), None),
    "snmp_manager": (("snmp_managers",), (), None),
    "ldap_server": (("ldap_servers",), (), None),
    "video_endpoint": (("pexip_video_endpoints",), (), None),
    "access_edge": (("sfb_edges", "sfb_federated_edges"), (), "access_edge"),
}


def _document() -> dict[str, t.Any]:
    text = Path(matrix_module).with_name("port_matrix.yml").read_text(encoding="utf-8")
    document: dict[str, t.Any] = yaml.safe_load(text)
    return document


def test_the_rows_are_the_vendors_in_the_vendors_order() -> None:
    assert [row["id"] for row in load_port_matrix().rows] == [row[0] for row in TABLE]


@pytest.mark.parametrize(("index", "expected"), list(enumerate(TABLE)), ids=[row[0] for row in TABLE])
def test_row(index: int, expected: tuple[object, ...]) -> None:
    row = load_port_matrix().rows[index]
    found = (
        row["id"],
        " ".join(sorted(row["source"])),
        " ".join(sorted(row["destination"])),
        row.get("bidirectional", False),
        " ".join(sorted(row["protocols"])),
        " ".join(map(str, row.get("source_ports", ()))),
        " ".join(map(str, row.get("destination_ports", ()))),
        row.get("tls", False),
        row["group"],
    )
    assert found == expected


def test_each_group_is_one_piece_of_the_table() -> None:
    groups = [row["group"] for row in load_port_matrix().rows]
    assert groups == (
        ["integration"] * 10 + ["strict_clients"] * 2 + ["platform"] * 9 + ["video_endpoints"] * 9 + ["federation"]
    )
    assert load_port_matrix().left_out_when_empty == {"platform", "video_endpoints", "federation"}


def test_ids_are_unique() -> None:
    ids = [row["id"] for row in load_port_matrix().variants()]
    assert len(ids) == len(TABLE) + 2  # the two rows of a split PSOM
    assert len(set(ids)) == len(TABLE) + 1


def test_sip_over_udp_applies_only_where_it_is_named() -> None:
    assert load_port_matrix().only_by_name == {"sip_udp"}


def test_what_may_be_empty_is_in_front_of_a_pool() -> None:
    assert {name for name, e in load_port_matrix().endpoints.items() if e.may_be_empty} == {"director", "sfb_vip"}


@pytest.mark.parametrize("row", load_port_matrix().variants(), ids=lambda row: row["id"])
def test_each_row_says_what_it_is_for_and_cites_a_page(row: dict[str, t.Any]) -> None:
    assert row["reference"] == REFERENCES.get(row["id"], "https://docs.pexip.com/sfb/ports.htm")
    assert row["purpose"]


def test_both_editions_are_cited() -> None:
    assert _document()["editions"] == {
        "current": "https://docs.pexip.com/sfb/ports.htm",
        "v11": "https://docs.pexip.com/v11/lync/ports.htm",
    }


def test_the_ranges_have_the_vendors_defaults_and_bounds() -> None:
    found = {
        name: (format_ports(r.ports), format_ports(r.within) if r.within else None, r.at_least)
        for name, r in load_port_matrix().ranges.items()
    }
    assert found == RANGES


def test_the_endpoints_are_those_of_the_contract() -> None:
    found = {name: (e.groups, e.fallback, e.interface) for name, e in load_port_matrix().endpoints.items()}
    assert found == ENDPOINTS


def test_every_endpoint_is_used_by_a_row() -> None:
    used = {name for row in load_port_matrix().variants() for name in (*row["source"], *row["destination"])}
    assert used == set(ENDPOINTS)


def test_every_range_is_used_by_a_row() -> None:
    used = {
        name
        for row in load_port_matrix().rows
        for name in (*row.get("source_ports", ()), *row.get("destination_ports", ()))
        if isinstance(name, str)
    }
    assert used == {*RANGES, "any"}
