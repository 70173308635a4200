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

# id, source, destination, bidirectional, protocols, source ports, destination ports, tls, group
TABLE: list[tuple[str, str, str, bool, str, str, str, bool, str]] = [
    ("sip_signaling", "front_end", "conferencing_node", True, "tcp", "any", "sip", False, "integration"),
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
    ("https_content", "conferencing_node", "edge front_end", False, "tcp", EPHEMERAL, "https", True, "integration"),
    ("wac_content", "conferencing_node", "wac_server", False, "tcp", EPHEMERAL, "https", True, "integration"),
    ("strict_client_relay", "client", "edge_internal", False, "udp", "any", "edge_relay", False, "strict_clients"),
    ("strict_edge_media", "edge_av", "conferencing_node", False, "tcp udp", "any", MEDIA, False, "strict_clients"),
]

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
}

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
        " ".join(row["source_ports"]),
        " ".join(row["destination_ports"]),
        row.get("tls", False),
        row["group"],
    )
    assert found == expected


def test_the_strict_rows_are_the_last_two_and_no_other() -> None:
    groups = [row["group"] for row in load_port_matrix().rows]
    assert groups == ["integration"] * 10 + ["strict_clients"] * 2


def test_ids_are_unique() -> None:
    ids = [row["id"] for row in load_port_matrix().rows]
    assert len(set(ids)) == len(ids) == 12


@pytest.mark.parametrize("index", range(12))
def test_each_row_says_what_it_is_for_and_cites_the_vendors_page(index: int) -> None:
    row = load_port_matrix().rows[index]
    assert row["reference"] == "https://docs.pexip.com/sfb/ports.htm"
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
    used = {name for row in load_port_matrix().rows for name in (*row["source"], *row["destination"])}
    assert used == set(ENDPOINTS)


def test_every_range_is_used_by_a_row() -> None:
    used = {name for row in load_port_matrix().rows for name in (*row["source_ports"], *row["destination_ports"])}
    assert used == {*RANGES, "any"}
