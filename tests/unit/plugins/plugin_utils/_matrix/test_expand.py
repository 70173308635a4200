# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import random
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import (
    expand,
    expand_host,
    expand_site,
    expand_transit,
    hooks_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import site_as_document
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.views import LOCAL
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import AddressSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given, settings
from hypothesis import strategies as st

Flow = tuple[str, str, str]  # protocol, source, destination


def _flows(rules: list[Rule]) -> list[Flow]:
    """Protocol, sources and destinations of each rule, in short."""
    written = [rule.as_mapping() for rule in rules]
    return [(rule["protocol"], " ".join(rule["source"]), " ".join(rule["destination"])) for rule in written]


def _site(
    hosts: dict[str, dict[str, t.Any]], groups: dict[str, list[str]], *, source: t.Any, destination: t.Any, **row: t.Any
) -> Site:
    full = {"id": "r1", "protocols": "udp", "destination_ports": 9, "source": source, "destination": destination, **row}
    names = {source} if isinstance(source, str) else set(source)
    names |= {destination} if isinstance(destination, str) else set(destination)
    return build_site(hosts, groups, [full], endpoints={name: {"groups": [name]} for name in names})


def _hosts(**addresses: str) -> dict[str, dict[str, t.Any]]:
    return {name: {"port_matrix_addresses": text.split()} for name, text in addresses.items()}


TWO = _hosts(a="10.0.0.1", b="10.0.0.3 2001:db8::3", c="10.0.1.1 2001:db8::5")


def test_one_rule_for_each_protocol_and_family() -> None:
    site = _site(TWO, {"x": ["a", "b"], "y": ["c"]}, source="x", destination="y", protocols=["udp", "tcp"])
    assert _flows(expand_site(site)) == [
        ("tcp", "10.0.0.1/32 10.0.0.3/32", "10.0.1.1/32"),
        ("tcp", "2001:db8::3/128", "2001:db8::5/128"),
        ("udp", "10.0.0.1/32 10.0.0.3/32", "10.0.1.1/32"),
        ("udp", "2001:db8::3/128", "2001:db8::5/128"),
    ]


def test_a_row_in_both_directions_goes_to_the_same_port_each_way() -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y", bidirectional=True)
    rules = [rule.as_mapping() for rule in expand_site(site)]
    assert [(r["source"], r["destination"], r["source_ports"], r["destination_ports"]) for r in rules] == [
        (["10.0.0.1/32"], ["10.0.1.1/32"], [], ["9"]),
        (["10.0.1.1/32"], ["10.0.0.1/32"], [], ["9"]),
    ]


def test_a_rule_tells_its_row() -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y", purpose="P", tls=True, reference="R")
    (rule,) = expand_site(site)
    assert (rule.row, rule.purpose, rule.tls, rule.reference, rule.group, rule.hook) == (
        "r1",
        "P",
        True,
        "R",
        "custom",
        None,
    )
    assert (rule.source_endpoint, rule.destination_endpoint) == (("x",), ("y",))


def test_a_host_has_input_for_traffic_to_it_and_output_for_traffic_from_it() -> None:
    site = _site(TWO, {"x": ["a", "b"], "y": ["c"]}, source="x", destination="y")
    assert _flows(expand_host(site, "a", "output")) == [("udp", "10.0.0.1/32", "10.0.1.1/32")]
    assert _flows(expand_host(site, "a", "input")) == []
    assert _flows(expand_host(site, "c", "output")) == []
    assert _flows(expand_host(site, "c", "input")) == [
        ("udp", "10.0.0.1/32 10.0.0.3/32", "10.0.1.1/32"),
        ("udp", "2001:db8::3/128", "2001:db8::5/128"),
    ]


def test_hooks_are_expanded_in_a_fixed_order() -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y", bidirectional=True)
    rules = expand(site, "a", ["forward", "output", "input", "output"])
    assert [(rule.hook, *_flows([rule])[0][1:]) for rule in rules] == [
        ("input", "10.0.1.1/32", "10.0.0.1/32"),
        ("output", "10.0.0.1/32", "10.0.1.1/32"),
        ("forward", "10.0.0.1/32", "10.0.1.1/32"),
        ("forward", "10.0.1.1/32", "10.0.0.1/32"),
    ]


def test_an_unknown_hook_is_an_error() -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y")
    with pytest.raises(PortMatrixError) as caught:
        expand(site, "a", ["prerouting"])
    assert str(caught.value) == "hooks: unknown value 'prerouting'; accepted: forward, input, output"


@pytest.mark.parametrize(
    ("host", "gateway", "egress", "hooks"),
    [
        ("a", False, False, ("input",)),
        ("a", False, True, ("input", "output")),
        ("a", True, True, ("input", "output", "forward")),
        ("a", True, False, ("input", "forward")),
        ("fw", True, True, ("forward",)),
    ],
)
def test_hooks_of_a_host(host: str, gateway: bool, egress: bool, hooks: tuple[str, ...]) -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y")
    assert hooks_of(site, host, gateway, egress) == hooks


def test_a_host_that_has_no_part_in_the_matrix_is_refused() -> None:
    site = _site(TWO, {"x": ["a"], "y": ["c"]}, source="x", destination="y")
    with pytest.raises(PortMatrixError) as caught:
        hooks_of(site, "fw", False, True)
    assert str(caught.value) == (
        "host 'fw': is neither an endpoint of an enabled row nor a gateway, so there is nothing to apply; "
        "accepted: a host in a group of an endpoint or in port_matrix_gateways"
    )


# --- static NAT ---------------------------------------------------------------------------------------------

NAT: dict[str, dict[str, t.Any]] = {
    "edge": {"port_matrix_addresses": [{"address": "10.0.0.1", "advertised": "203.0.113.1"}]},
    "node": {"port_matrix_addresses": [{"address": "10.0.1.1", "advertised": "203.0.113.2"}]},
    "inner": {"port_matrix_view": "local"},
}


@pytest.mark.parametrize(
    ("view_of_node", "edges_seen_by_node"), [("advertised", "203.0.113.1/32"), ("local", "10.0.0.1/32")]
)
def test_a_natted_host_has_local_addresses_itself_and_sees_those_of_its_view(
    view_of_node: str, edges_seen_by_node: str
) -> None:
    hosts = {**NAT, "node": {**NAT["node"], "port_matrix_view": view_of_node}}
    site = _site(hosts, {"x": ["edge"], "y": ["node"]}, source="x", destination="y", bidirectional=True)
    assert _flows(expand_host(site, "node", "input")) == [("udp", edges_seen_by_node, "10.0.1.1/32")]
    assert _flows(expand_host(site, "node", "output")) == [("udp", "10.0.1.1/32", edges_seen_by_node)]


def test_the_site_and_a_gateway_outside_see_advertised_addresses() -> None:
    site = _site(NAT, {"x": ["edge"], "y": ["node"]}, source="x", destination="y")
    assert _flows(expand_site(site)) == [("udp", "203.0.113.1/32", "203.0.113.2/32")]
    assert _flows(expand_transit(site, "outer")) == [("udp", "203.0.113.1/32", "203.0.113.2/32")]


def test_a_gateway_inside_sees_local_addresses() -> None:
    site = _site(NAT, {"x": ["edge"], "y": ["node"]}, source="x", destination="y")
    assert _flows(expand_transit(site, "inner")) == [("udp", "10.0.0.1/32", "10.0.1.1/32")]


# --- nobody talks to himself --------------------------------------------------------------------------------


def _pairs(rules: list[Rule]) -> list[tuple[int, int]]:
    """Every (source, destination) that the rules permit, as often as they do."""
    return [
        (source, destination)
        for rule in rules
        for first, last in rule.source.intervals
        for source in range(first, last + 1)
        for begin, end in rule.destination.intervals
        for destination in range(begin, end + 1)
    ]


@pytest.mark.parametrize("neighbours", [False, True], ids=["addresses apart", "neighbouring addresses"])
@pytest.mark.parametrize(("machines", "rectangles"), [(1, 0), (2, 2), (3, 4), (4, 4), (5, 6), (16, 8), (17, 10)])
def test_a_mesh_is_every_pair_but_itself_in_few_rectangles(machines: int, rectangles: int, neighbours: bool) -> None:
    step = 1 if neighbours else 2
    addresses = [f"10.0.0.{10 + step * index}" for index in range(machines)]
    hosts = {f"fe{index}": {"port_matrix_addresses": [address]} for index, address in enumerate(addresses)}
    site = _site(hosts, {"fes": list(hosts)}, source="fes", destination="fes", bidirectional=True)
    rules = expand_transit(site, "fw")
    assert len(rules) == rectangles
    numbers = [0x0A00000A + step * index for index in range(machines)]
    assert set(_pairs(rules)) == {(a, b) for a in numbers for b in numbers if a != b}


def test_a_mesh_of_machines_with_neighbouring_addresses_leaves_out_the_whole_machine() -> None:
    hosts = _hosts(a="10.0.0.1 10.0.0.2 10.0.0.3", b="10.0.0.4")
    site = _site(hosts, {"x": ["a", "b"]}, source="x", destination="x")
    base = 0x0A000000
    assert sorted(_pairs(expand_transit(site, "fw"))) == sorted(
        (base + s, base + d) for s, d in [(1, 4), (2, 4), (3, 4), (4, 1), (4, 2), (4, 3)]
    )
    assert _flows(expand_host(site, "a", "input")) == [("udp", "10.0.0.4/32", "10.0.0.1/32 10.0.0.2/31")]


def test_sides_that_share_some_machines_are_covered_exactly() -> None:
    hosts = _hosts(a="10.0.0.1", b="10.0.0.3", c="10.0.0.5", d="10.0.0.7")
    site = _site(hosts, {"x": ["a", "b", "c"], "y": ["b", "c", "d"]}, source="x", destination="y")
    numbers = {name: 0x0A000001 + 2 * index for index, name in enumerate("abcd")}
    expected = sorted((numbers[a], numbers[b]) for a in "abc" for b in "bcd" if a != b)
    assert sorted(_pairs(expand_site(site))) == expected


def test_members_of_a_network_may_talk_to_each_other() -> None:
    site = _site(_hosts(lan="10.0.0.0/30"), {"x": ["lan"]}, source="x", destination="x")
    assert _flows(expand_site(site)) == [("udp", "10.0.0.0/30", "10.0.0.0/30")]
    assert _flows(expand_host(site, "lan", "input")) == [("udp", "10.0.0.0/30", "10.0.0.0/30")]


def test_the_interfaces_of_a_machine_do_not_talk_to_each_other() -> None:
    hosts = {"edge": {"port_matrix_interfaces": {"internal": ["10.0.0.1"], "av_edge": ["10.0.1.1"]}}}
    row = {"id": "r1", "source": "edge_internal", "destination": "edge_av", "protocols": "udp", "destination_ports": 9}
    site = build_site(hosts, {"sfb_edges": ["edge"]}, [row])
    assert expand_site(site) == []
    assert expand(site, "edge", ["input", "output", "forward"]) == []


def test_a_host_with_a_network_on_one_interface_is_judged_alike_everywhere() -> None:
    hosts = {"edge": {"port_matrix_interfaces": {"internal": ["10.0.0.0/30"], "av_edge": ["10.0.1.1"]}}}
    row = {"id": "r1", "source": "edge_av", "destination": "edge_internal", "protocols": "udp", "destination_ports": 9}
    site = build_site(hosts, {"sfb_edges": ["edge"]}, [row])
    flow = ("udp", "10.0.1.1/32", "10.0.0.0/30")
    assert _flows(expand(site, "edge", ["input", "output", "forward"])) == [flow] * 3


def test_the_host_of_a_mesh_leaves_out_only_itself() -> None:
    site = _site(TWO, {"x": ["a", "b", "c"]}, source="x", destination="x")
    assert _flows(expand_host(site, "b", "input")) == [
        ("udp", "10.0.0.1/32 10.0.1.1/32", "10.0.0.3/32"),
        ("udp", "2001:db8::5/128", "2001:db8::3/128"),
    ]


# --- canonical form -----------------------------------------------------------------------------------------

SITE_GROUPS = {
    "pexip_conferencing_nodes": ["node1", "node2", "node3"],
    "sfb_front_ends": ["fe1", "fe2"],
    "sfb_edges": ["edge1"],
    "sfb_clients": ["lan"],
    "turn_servers": ["turn1"],
    "wac_servers": ["wac1"],
}
SITE_HOSTS: dict[str, dict[str, t.Any]] = {
    **_hosts(
        node1="192.0.2.11 2001:db8:1::11", node2="192.0.2.12", node3="192.0.2.13",
        fe1="198.51.100.21 2001:db8:2::21", fe2="198.51.100.22", turn1="198.51.100.41", wac1="198.51.100.51",
        lan="203.0.113.0/25 203.0.113.128/25 2001:db8:3::/64",
    ),
    "edge1": {"port_matrix_interfaces": {"av_edge": ["192.0.2.131"], "internal": ["198.51.100.31/24"]}},
}  # fmt: skip
OWN_ROWS = [
    {"id": "mesh", "source": ["front_end", "conferencing_node"], "destination": ["conferencing_node", "front_end"],
     "protocols": ["udp", "tcp"], "source_ports": ["media", 80], "destination_ports": [443, "sip", 442]},
    {"id": "another", "source": "client", "destination": "front_end", "protocols": "tcp", "destination_ports": 80},
]  # fmt: skip


def _shuffled(value: t.Any, shuffle: random.Random) -> t.Any:
    """The same inputs in another order, all the way down."""
    if isinstance(value, dict):
        items = [(key, _shuffled(item, shuffle)) for key, item in value.items()]
        shuffle.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [_shuffled(item, shuffle) for item in value]
        shuffle.shuffle(items)
        return items
    return value


def _everything(hosts: t.Any, groups: t.Any, rows: t.Any) -> str:
    site = build_site(hosts, groups, rows)
    rules = [expand_site(site), *(expand(site, host, ["input", "output", "forward"]) for host in ("fe1", "lan", "fw"))]
    return json.dumps([site_as_document(site), [[rule.as_mapping() for rule in part] for part in rules]])


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_order_of_the_inputs_does_not_matter(seed: int) -> None:
    rows = select_rows(OWN_ROWS, strict_clients=True)
    shuffle = random.Random(seed)
    shuffled = [_shuffled(value, shuffle) for value in (SITE_HOSTS, SITE_GROUPS, rows)]
    assert _everything(*shuffled) == _everything(SITE_HOSTS, SITE_GROUPS, rows)


def test_rules_have_merged_addresses_and_ports_of_one_family() -> None:
    site = build_site(SITE_HOSTS, SITE_GROUPS, select_rows(OWN_ROWS, strict_clients=True))
    written = [rule.as_mapping() for rule in expand_site(site)]
    lans = {tuple(rule["source"]) for rule in written if rule["source_endpoint"] == ["client"]}
    assert lans == {("203.0.113.0/24",), ("2001:db8:3::/64",)}
    assert {tuple(rule["destination_ports"]) for rule in written if rule["row"] == "mesh"} == {("442-443", "5061")}
    for rule in written:
        assert {":" in cidr for cidr in (*rule["source"], *rule["destination"])} == {rule["family"] == "ipv6"}


def test_no_rule_repeats_another() -> None:
    site = build_site(SITE_HOSTS, SITE_GROUPS, select_rows(OWN_ROWS, strict_clients=True))
    rules = expand_site(site)
    assert len(set(rules)) == len(rules)


def test_a_mesh_of_mixed_families_repeats_no_rule() -> None:
    hosts = _hosts(a="10.0.0.1", b="10.0.0.3", c="10.0.0.5", d="10.0.0.7 2001:db8::7", e="2001:db8::9")
    site = _site(hosts, {"x": list(hosts)}, source="x", destination="x")
    ipv6 = [flow for flow in _flows(expand_site(site)) if ":" in flow[1]]
    assert sorted(ipv6) == [
        ("udp", "2001:db8::7/128", "2001:db8::9/128"),
        ("udp", "2001:db8::9/128", "2001:db8::7/128"),
    ]


def test_an_endpoint_that_may_be_empty_has_no_rules() -> None:
    row = {"id": "r1", "source": "client", "destination": "wac_server", "protocols": "tcp", "destination_ports": 443}
    site = build_site(SITE_HOSTS, {"sfb_clients": ["lan"]}, [row], allow_empty=["wac_server"])
    assert expand_site(site) == []
    assert site.side(("wac_server",)).seen(LOCAL) == AddressSet()
