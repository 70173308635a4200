# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.views import (
    ADVERTISED,
    LOCAL,
    Named,
    View,
    parse_view,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

NAMED = Named(
    hosts=frozenset({"node1", "node2", "edge1", "edge2"}),
    groups={"nodes": ["node1", "node2"], "edges": ["edge1", "edge2"], "first": ["node1", "edge1"]},
    endpoints={"conferencing_node": lambda: ["node1", "node2"], "edge": lambda: ["edge1", "edge2"]},
)


@pytest.mark.parametrize(("value", "view"), [("advertised", ADVERTISED), ("local", LOCAL), ({}, ADVERTISED)])
def test_one_side_of_everybody(value: object, view: View) -> None:
    assert parse_view(value, "W", NAMED) == view
    assert view.of("node1") == view.of(None) == view.sight


@pytest.mark.parametrize(
    ("value", "local"),
    [
        ({"conferencing_node": "local"}, ["node1", "node2"]),
        ({"default": "local", "conferencing_node": "advertised"}, ["edge1", "edge2"]),
        ({"default": "local", "edge": "local"}, ["edge1", "edge2", "node1", "node2"]),
        ({"nodes": "advertised", "conferencing_node": "local"}, []),
        ({"node1": "local", "nodes": "advertised", "conferencing_node": "local"}, ["node1"]),
        ({"first": "local", "conferencing_node": "advertised"}, ["edge1", "node1"]),
        ({"first": "local", "nodes": "advertised", "node1": "advertised"}, ["edge1"]),
    ],
    ids=[
        "an endpoint", "a default", "all the same", "a group before an endpoint", "a host before both",
        "a group across endpoints", "a host where groups disagree",
    ],
)  # fmt: skip
def test_a_host_comes_before_a_group_and_that_before_an_endpoint(value: object, local: list[str]) -> None:
    view = parse_view(value, "W", NAMED)
    assert [host for host in sorted(NAMED.hosts) if view.of(host) == "local"] == local


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("inside", "W: unknown value 'inside'; accepted: advertised, local"),
        (5, "W: unknown value 5; accepted: advertised, local"),
        ({"default": "x"}, "W.default: unknown value 'x'; accepted: advertised, local"),
        ({"edge": "x"}, "W.edge: unknown value 'x'; accepted: advertised, local"),
        (
            {"conferencing_nodes": "local"},
            "W: 'conferencing_nodes' is not known, the nearest is conferencing_node; accepted: default, or a host, "
            "group or endpoint: conferencing_node, edge, edge1, edge2, edges, first, node1, node2, nodes",
        ),
        (
            {"a\nb": "local"},
            "W: 'a\\nb' is not known; accepted: default, or a host, "
            "group or endpoint: conferencing_node, edge, edge1, edge2, edges, first, node1, node2, nodes",
        ),
        (
            {"first": "local", "nodes": "advertised"},
            "W: names host 'node1' as advertised, local; accepted: one of them, or the host by its own name",
        ),
    ],
)
def test_refuses_what_is_no_view(value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_view(value, "W", NAMED)
    assert str(caught.value) == message
