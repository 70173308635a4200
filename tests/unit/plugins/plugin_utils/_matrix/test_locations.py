# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.endpoints import Member, Side
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand, expand_transit
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.locations import Locations, read_locations
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows import Row, parse_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given
from hypothesis import strategies as st

ROW: dict[str, t.Any] = {
    "id": "r1", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 9,
}  # fmt: skip


def _rows(*ids: str) -> tuple[Row, ...]:
    return parse_rows([{**ROW, "id": row_id} for row_id in ids], "W", {})


def _side(hosts: str) -> Side:
    return Side(Member(host, parse_host(host, {"port_matrix_addresses": ["192.0.2.1"]}).own) for host in hosts)


def _pairs(locations: Locations, here: Side, there: Side) -> list[tuple[str, str]]:
    """Who may talk to whom, as texts: the hosts of either side of each rectangle."""

    def text(side: Side) -> str:
        return "".join(sorted(str(host) for host in side.members))

    return [(text(one), text(other)) for one, other in locations.sides("r1", here, there)]


@pytest.mark.parametrize(
    ("of_host", "rectangles"),
    [
        ({}, [("abc", "xyz")]),
        ({"a": "1", "b": "1", "c": "1", "x": "1", "y": "1", "z": "1"}, [("abc", "xyz")]),
        ({"a": "1", "b": "2", "x": "1", "y": "2"}, [("a", "xz"), ("b", "yz"), ("c", "xyz")]),
        ({"a": "1", "b": "2", "c": "3"}, [("abc", "xyz")]),
        ({"x": "1", "y": "2", "z": "3"}, [("abc", "xyz")]),
        ({"a": "1", "b": "2", "c": "2", "x": "1", "y": "1", "z": "3"}, [("a", "xy")]),
        ({"a": "12", "b": "1", "c": "2", "x": "1", "y": "2", "z": "3"}, [("ab", "x"), ("ac", "y")]),
        ({"a": "1", "b": "2", "c": "3", "x": "12", "y": "12", "z": "3"}, [("ab", "xy"), ("c", "z")]),
    ],
    ids=[
        "nobody is anywhere", "all at one place", "two places and hosts without", "only the sources are somewhere",
        "only the destinations are", "somebody meets nobody", "a host at two places",
        "places that are the same to a side",
    ],
)  # fmt: skip
def test_rectangles(of_host: Mapping[str, str], rectangles: list[tuple[str, str]]) -> None:
    locations = Locations({host: frozenset(places) for host, places in of_host.items()}, frozenset({"r1"}))
    assert _pairs(locations, _side("abc"), _side("xyz")) == rectangles


PLACES = st.dictionaries(st.sampled_from("abcdxyzw"), st.frozensets(st.sampled_from("123"), min_size=1))


@given(PLACES)
def test_rectangles_join_just_those_who_share_a_place_in_as_few_as_there_are_places(
    of_host: dict[str, frozenset[str]],
) -> None:
    locations = Locations(of_host, frozenset({"r1"}))
    pairs = _pairs(locations, _side("abcd"), _side("xyzw"))
    joined = {(one, other) for hosts, others in pairs for one in hosts for other in others}
    assert joined == {
        (one, other)
        for one in "abcd"
        for other in "xyzw"
        if not of_host.get(one) or not of_host.get(other) or of_host[one] & of_host[other]
    }
    assert all(locations.join("r1", one, other) == ((one, other) in joined) for one in "abcd" for other in "xyzw")
    assert len(pairs) <= 1 + len({place for places in of_host.values() for place in places})


def test_a_row_that_keeps_to_no_location_joins_all() -> None:
    locations = Locations({"a": frozenset("1"), "x": frozenset("2")}, frozenset({"r2"}))
    assert _pairs(locations, _side("ab"), _side("xy")) == [("ab", "xy")]
    assert locations.join("r1", "a", "x")
    assert not locations.join("r2", "a", "x")
    assert locations.join("r2", "a", None)


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ([], set()),
        ("r1", {"r1"}),
        (["r1", "sip_signaling"], {"r1", "sip_signaling"}),
        ("custom", {"r1", "r2"}),
        ("all", {"r1", "r2", "sip_signaling"}),
        ("strict_clients", set()),
        (["wac_content"], set()),
    ],
)
def test_rows_are_named_by_id_by_group_or_all(named: object, kept: set[str]) -> None:
    (signaling,) = parse_rows([{**ROW, "id": "sip_signaling", "group": "integration"}], "W", {})
    assert read_locations({}, named, (*_rows("r1", "r2"), signaling)).rows == kept


@pytest.mark.parametrize(
    ("value", "locations"),
    [("oslo", {"oslo"}), (["oslo", "nyc"], {"oslo", "nyc"}), ("oslo,nyc", {"oslo", "nyc"}), (5, {"5"}), ([], set())],
)
def test_a_host_is_at_one_location_or_several(value: object, locations: set[str]) -> None:
    read = read_locations({"h": {"port_matrix_location": value}, "other": {}}, (), ())
    assert read.of("h") == locations
    assert read.of("other") == read.of(None) == frozenset()


def test_everything_wrong_is_reported() -> None:
    hosts = {"h": {"port_matrix_location": True}, "i": {"port_matrix_location": ["oslo", ""]}}
    with pytest.raises(PortMatrixError) as caught:
        read_locations(hosts, ["sip_signalling", "Custom", "r1"], _rows("r1"))
    lines = str(caught.value).splitlines()
    assert lines[:2] == [
        "host 'h' port_matrix_location: True is not a list; accepted: a list",
        "host 'i' port_matrix_location: holds an empty name; accepted: the names of locations, or no such variable",
    ]
    assert [line.partition("; ")[0] for line in lines[2:]] == [
        "port_matrix_same_location_rows: 'sip_signalling' is not known, the nearest is sip_signaling",
        "port_matrix_same_location_rows: 'Custom' is not known, the nearest is custom",
    ]
    assert "accepted: ids of rows, groups of rows, or all: all, conference_avatar, custom" in lines[2]


# --- what comes of them -------------------------------------------------------------------------------------------

GROUPS = ("pexip_conferencing_nodes", "sfb_front_ends", "sfb_edges", "sfb_clients", "turn_servers", "wac_servers")


def _two_places(hosts: int) -> Site:
    """A site at two places, with so many hosts of each kind, and one TURN server that is nowhere."""
    groups = {group: [f"{group}{index}" for index in range(hosts)] for group in GROUPS}
    variables: dict[str, dict[str, t.Any]] = {}
    for block, names in enumerate(groups.values()):
        for index, name in enumerate(names):
            addresses = [f"10.{block}.{index // 100}.{2 * (index % 100) + 1}"]
            variables[name] = {"port_matrix_addresses": addresses, "port_matrix_location": ["oslo", "nyc"][index % 2]}
    groups["turn_servers"] = ["turn"]
    variables["turn"] = {"port_matrix_addresses": ["192.0.2.41"]}
    mesh = {**ROW, "id": "mesh", "source": "conferencing_node", "destination": "conferencing_node"}
    return build_site(variables, groups, select_rows([mesh]), same_location_rows="all")


@pytest.mark.large
def test_a_row_has_a_rule_for_each_location_however_many_hosts_are_there() -> None:
    few, many = _two_places(10), _two_places(300)
    counts = [
        {row.id: sum(rule.row == row.id for rule in expand_transit(site, "fw")) for row in site.rows}
        for site in (few, many)
    ]
    assert counts[0]["conference_avatar"] == counts[1]["conference_avatar"] == 2
    assert counts[0]["media_nodes_to_turn"] == counts[1]["media_nodes_to_turn"] == 1
    assert {row: count for row, count in counts[0].items() if row != "mesh"} == {
        row: count for row, count in counts[1].items() if row != "mesh"
    }
    assert counts[0]["mesh"] == 2 * 2 * 3  # of five nodes at each place
    assert counts[1]["mesh"] == 2 * 2 * 8  # of 150


def test_a_host_has_one_rule_with_those_at_its_place() -> None:
    site = _two_places(4)
    rules = [rule.as_mapping() for rule in expand(site, "sfb_clients0", ["output"]) if rule.row == "conference_avatar"]
    assert [(rule["source"], rule["destination"]) for rule in rules] == [
        (["10.3.0.1/32"], ["10.0.0.1/32", "10.0.0.5/32"])
    ]
    (turn,) = [rule.as_mapping() for rule in expand(site, "turn", ["input"])]
    assert turn["source"] == ["10.0.0.1/32", "10.0.0.3/32", "10.0.0.5/32", "10.0.0.7/32"]
