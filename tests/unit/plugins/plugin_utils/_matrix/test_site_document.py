# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import (
    read_site,
    site_as_document,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import ACCEPTED
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


def _site() -> Site:
    return build_site(
        {
            "node1": {
                "port_matrix_addresses": [{"address": "10.0.0.11", "advertised": "192.0.2.11"}, "2001:db8::11"],
                "port_matrix_interfaces": {
                    "media": [{"address": "10.0.0.11", "advertised": "192.0.2.11"}, "2001:db8::11"],
                    "internal": ["10.0.1.11", "2001:db8:1::11"],
                },
                "port_matrix_location": ["oslo", "nyc"],
            },
            "fe1": {"port_matrix_addresses": ["198.51.100.20", "198.51.100.21/24"], "port_matrix_location": "paris"},
            "lan": {
                "port_matrix_addresses": ["203.0.113.0/25"],
                "port_matrix_view": "local",
                "pexip_sfb_sources": [
                    {"system": "s", "record": "r", "name": "n", "read": "now", "addresses": ["203.0.113.0"]}
                ],
            },
            "fw": {"port_matrix_view": {"default": "local", "conferencing_node": "advertised"}},
        },
        {"pexip_conferencing_nodes": ["node1"], "sfb_front_ends": ["fe1"], "sfb_clients": ["lan"]},
        select_rows(disabled_rows=["sip_signaling"], strict_clients=True),
        endpoints={"edge": {"networks": ["192.0.2.128/25"]}},
        allow_empty=["edge_av", "edge_internal", "turn_server", "wac_server"],
        same_location_rows=["media_to_nodes"],
    )


def test_a_site_survives_being_written_as_json() -> None:
    site = _site()
    text = json.dumps(site_as_document(site))
    assert read_site(json.loads(text)) == site
    assert read_site(text) == site


def test_what_is_special_about_hosts_is_written() -> None:
    document = site_as_document(_site())
    assert document["views"] == {
        "fw": {"default": "local", "others": ["node1"]},
        "lan": {"default": "local", "others": []},
    }
    assert document["further"] == {"node1": ["10.0.1.11/32", "2001:db8:1::11/128"]}
    assert document["locations"] == {"fe1": ["paris"], "node1": ["nyc", "oslo"]}
    assert document["same_location_rows"] == ["media_to_nodes"]
    assert document["sources"] == {
        "lan": [{"system": "s", "record": "r", "name": "n", "read": "now", "addresses": ["203.0.113.0/32"]}]
    }
    assert document["warnings"]


def test_a_member_is_written_with_what_is_special_about_it() -> None:
    endpoints = site_as_document(_site())["endpoints"]
    assert endpoints["conferencing_node"] == [
        {
            "host": "node1",
            "local": ["10.0.0.11/32", "2001:db8::11/128"],
            "advertised": ["192.0.2.11/32", "2001:db8::11/128"],
            "translated": [["10.0.0.11/32", "192.0.2.11/32"]],
        }
    ]
    assert endpoints["front_end"] == [{"host": "fe1", "local": ["198.51.100.20/31"]}]
    assert endpoints["client"] == [{"host": "lan", "local": ["203.0.113.0/25"], "networks": True}]
    assert endpoints["edge"] == [{"host": None, "local": ["192.0.2.128/25"], "networks": True}]
    assert endpoints["turn_server"] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"endpoints": None}, "site: has no endpoints; accepted: what the filter site returned"),
        (
            {"extra": 1},
            "site: unknown key 'extra'; "
            "accepted: endpoints, further, locations, notes, rows, same_location_rows, sources, views, warnings",
        ),
        ({"rows": True}, "site: True is not a list; accepted: a list"),
        ({"same_location_rows": True}, "site: True is not a list; accepted: a list"),
        ({"warnings": True}, "site: True is not a list; accepted: a list"),
        ({"views": {"fw": {"default": "x"}}}, "site view: unknown value 'x'; accepted: advertised, local"),
        ({"further": 5}, "site further: 5 is not a mapping; accepted: a mapping"),
        ({"locations": {"h": True}}, "site locations: True is not a list; accepted: a list"),
        ({"notes": [None]}, "site: [None] holds something that is not a string; accepted: a list of strings"),
        ({"sources": {"h": True}}, "host 'h' pexip_sfb_sources: True is not a list; accepted: a list"),
        (
            {"endpoints": {"e": ["h"]}},
            "site member: 'h' is not a mapping; accepted: a mapping with the keys advertised, host, local, networks, "
            "translated",
        ),
        (
            {"endpoints": {"e": [{"translated": [["192.0.2.1"]]}]}},
            "site member translated: ['192.0.2.1'] is not a pair; accepted: two addresses",
        ),
        ({"endpoints": {"e": [{"local": ["x"]}]}}, f"site: 'x' is not an address; accepted: {ACCEPTED}"),
        (
            {"endpoints": {"e": [{"networks": "maybe"}]}},
            "site member networks: 'maybe' is not a boolean; accepted: true or false",
        ),
    ],
)
def test_refuses_what_is_no_site(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_site({**site_as_document(_site()), **changes})
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [["x"], '["x"]'])
def test_refuses_what_is_no_mapping(value: object) -> None:
    with pytest.raises(PortMatrixError, match=r"^site: \['x'\] is not a mapping; accepted: a mapping with the keys"):
        read_site(value)


def test_refuses_text_that_is_no_json() -> None:
    with pytest.raises(PortMatrixError, match=r"^site: is not JSON .*; accepted: what the filter site returned"):
        read_site("x")
