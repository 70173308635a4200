# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import (
    Scope,
    read_scope,
    rules_in_scope,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import MESH, NTP, NTP_SERVER, example_site

SITE = example_site([NTP, MESH], endpoints=NTP_SERVER)


def _rules(scope: str) -> list[tuple[str, str | None, str, str]]:
    rules = rules_in_scope(SITE, read_scope(scope, "scope", SITE, ["fw"]))
    return [
        (rule.row, rule.hook, " ".join(rule.as_mapping()["source"]), " ".join(rule.as_mapping()["destination"]))
        for rule in rules
        if rule.family == "ipv4" and rule.protocol == "udp"
    ]


def test_a_host_has_what_reaches_it_and_what_it_sends_in_its_own_addresses() -> None:
    nodes, edge = "192.0.2.11/32 192.0.2.13/32", "10.0.0.31/32"
    assert _rules("host:edge1") == [
        ("media_nodes_to_edge", "input", nodes, edge),
        ("strict_client_relay", "input", "198.18.0.0/16", "198.51.100.31/32"),
        ("media_edge_to_nodes", "output", edge, nodes),
        ("strict_edge_media", "output", edge, nodes),
    ]


def test_a_gateway_has_the_whole_matrix_in_the_addresses_that_it_sees() -> None:
    rules = _rules("gateway:fw")
    assert {rule[0] for rule in rules} == {rule[0] for rule in _rules("site")}
    assert ("media_edge_to_nodes", "forward", "10.0.0.31/32", "192.0.2.11/32 192.0.2.13/32") in rules
    assert ("media_edge_to_nodes", None, "203.0.113.31/32", "192.0.2.11/32 192.0.2.13/32") in _rules("site")


def test_a_pair_has_both_directions_and_only_its_own_addresses() -> None:
    nodes, clients = "192.0.2.11/32 192.0.2.13/32", "198.18.0.0/16"
    assert _rules("pair:client:conferencing_node") == [
        ("media_to_nodes", None, clients, nodes),
        ("media_from_nodes", None, nodes, clients),
    ]
    assert _rules("pair:conferencing_node:client") == _rules("pair:client:conferencing_node")
    assert _rules("pair:ntp_server:turn_server") == [("ntp", None, "198.51.100.41/32", "192.0.2.123/32")]


def test_a_pair_of_one_endpoint_is_its_mesh() -> None:
    assert _rules("pair:conferencing_node:conferencing_node") == [
        ("mesh", None, "192.0.2.11/32", "192.0.2.13/32"),
        ("mesh", None, "192.0.2.13/32", "192.0.2.11/32"),
    ]


def test_a_row_of_both_directions_gives_a_pair_both() -> None:
    rules = rules_in_scope(SITE, Scope("pair", ("front_end", "conferencing_node")))
    sip = [(rule.source_endpoint, rule.destination_endpoint) for rule in rules if rule.row == "sip_signaling"]
    assert set(sip) == {(("front_end",), ("conferencing_node",)), (("conferencing_node",), ("front_end",))}


@pytest.mark.parametrize("text", ["site", "host:fe1", "gateway:fw", "pair:client:edge_internal"])
def test_a_scope_is_written_as_it_is_read(text: str) -> None:
    assert read_scope(text, "scope", SITE, ["fw"]).text() == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "s: 5 is not a string; accepted: site, host:NAME, gateway:NAME or pair:ENDPOINT:ENDPOINT"),
        ("hots:fe1", "s: 'hots:fe1' is not a scope; accepted: site"),
        ("host", "s: 'host' is not a scope"),
        ("pair:client", "s: 'pair:client' is not a scope"),
        (
            "host:fe9",
            "s: there is no host that is an endpoint of an enabled row 'fe9'; accepted: 'edge1', 'fe1',",
        ),
        ("host:fw", "s: there is no host that is an endpoint of an enabled row 'fw'"),
        ("gateway:fe1", "s: there is no gateway 'fe1'; accepted: 'fw'"),
        (
            "pair:client:edeg",
            "s: there is no endpoint of an enabled row 'edeg', the nearest is edge; accepted: 'client',",
        ),
    ],
)
def test_what_is_no_scope_is_an_error(value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_scope(value, "s", SITE, ["fw"])
    assert str(caught.value).startswith(message)


def test_an_error_lists_thirty_hosts_and_no_more() -> None:
    with pytest.raises(PortMatrixError, match=r"'g0', .*'g35' and 70 more$"):
        read_scope("gateway:x", "s", SITE, [f"g{number}" for number in range(100)])
    with pytest.raises(PortMatrixError, match="none, as there is none"):
        read_scope("gateway:x", "s", SITE)


def test_each_scope_has_files_of_its_own() -> None:
    hosts = ["a/b", "a_b", "a:b", "../../x", "a\nb", "A" * 200, "A" * 201, "", ".", "x" * 3]
    stems = [Scope("host", (host,)).file_stem() for host in hosts]
    assert len(set(stems)) == len(stems)
    for stem in [*stems, Scope().file_stem(), Scope("pair", ("client", "edge")).file_stem()]:
        assert stem.startswith("port-matrix")
        assert stem.isascii()
        assert not set(stem) & set("/\\:\n ")
        assert len(stem) < 120


@pytest.mark.parametrize("end", ["-pairs", "-changes"])
def test_no_report_is_the_further_file_of_another(end: str) -> None:
    assert not Scope("host", (f"fe1{end}",)).file_stem().endswith(end)
