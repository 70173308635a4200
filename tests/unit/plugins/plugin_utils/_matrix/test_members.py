# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.endpoints import EndpointDefinition
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.members import resolve_members
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import parse_network
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, ProblemList


def _hosts(**addresses: str) -> dict[str, dict[str, t.Any]]:
    return {name: {"port_matrix_addresses": text.split()} for name, text in addresses.items()}


def _resolved(
    definitions: list[EndpointDefinition], hosts: dict[str, dict[str, t.Any]], groups: dict[str, list[str]]
) -> dict[str | None, list[str]]:
    """Who the members of the first of *definitions* are, each with its IPv4 addresses."""
    problems = ProblemList()
    name = definitions[0].name
    members = resolve_members({d.name: d for d in definitions}, [name], hosts, groups, problems)
    problems.raise_if_any()
    return {member.host: member.addresses.local.cidrs("ipv4") for member in members.of_endpoint[name]}


@pytest.mark.parametrize(
    ("groups", "hosts"),
    [
        ({"first": ["b", "a"], "second": ["b", "c"], "third": ["d"]}, ["a", "b", "c"]),
        ({"second": ["c"], "third": ["d"]}, ["c"]),
        ({"first": [], "third": ["d"], "fourth": ["b", "d"]}, ["b", "d"]),
        ({}, []),
    ],
)
def test_the_fallback_counts_only_while_the_groups_have_no_host(groups: dict[str, list[str]], hosts: list[str]) -> None:
    definitions = [
        EndpointDefinition("e", groups=("first", "second"), fallback=("f", "g")),
        EndpointDefinition("f", groups=("third",)),
        EndpointDefinition("g", groups=("fourth",)),
    ]
    site = _hosts(a="192.0.2.1", b="192.0.2.2", c="192.0.2.3", d="192.0.2.4")
    assert list(_resolved(definitions, site, groups)) == hosts


def test_literal_networks_take_the_place_of_the_fallback() -> None:
    networks = parse_network("192.0.2.0/24", "W")
    definitions = [
        EndpointDefinition("e", groups=("first",), fallback=("f",), networks=networks),
        EndpointDefinition("f", groups=("second",)),
    ]
    assert list(_resolved(definitions, _hosts(d="198.51.100.1"), {"second": ["d"]})) == [None]


def test_the_fallback_has_the_literal_networks_of_its_endpoints() -> None:
    definitions = [
        EndpointDefinition("e", groups=("first",), fallback=("f", "g")),
        EndpointDefinition("f", groups=("second",), networks=parse_network("203.0.113.0/24", "W")),
        EndpointDefinition("g", networks=parse_network("203.0.114.0/24", "W")),
    ]
    assert _resolved(definitions, _hosts(d="198.51.100.1"), {"second": ["d"]}) == {
        "d": ["198.51.100.1/32"],
        None: ["203.0.113.0/24", "203.0.114.0/24"],
    }


ADDRESSES = {"own": "192.0.2.1", "first": "192.0.2.3", "second": "192.0.2.5", "third": "192.0.2.7"}


@pytest.mark.parametrize(
    ("interface", "of_fallback", "found"),
    [
        ("first", "second", ["first"]),
        ("lacking", "second", ["second"]),
        ("lacking", "lacking", ["own"]),
        ("lacking", None, ["own"]),
        ("lacking", "*", ["own"]),
        (None, "second", ["own"]),
        ("*", "second", ["first", "second", "third"]),
    ],
)
def test_of_a_host_without_the_interface_that_of_the_fallback_counts(
    interface: str | None, of_fallback: str | None, found: list[str]
) -> None:
    definitions = [
        EndpointDefinition("e", fallback=("f",), interface=interface),
        EndpointDefinition("f", groups=("group",), interface=of_fallback),
    ]
    interfaces = {name: [address] for name, address in ADDRESSES.items() if name != "own"}
    hosts = {"h": {"port_matrix_addresses": [ADDRESSES["own"]], "port_matrix_interfaces": interfaces}}
    assert _resolved(definitions, hosts, {"group": ["h"]}) == {"h": [f"{ADDRESSES[name]}/32" for name in found]}


def test_a_host_of_two_fallbacks_is_one_member() -> None:
    definitions = [
        EndpointDefinition("e", fallback=("f", "g"), interface="lacking"),
        EndpointDefinition("f", groups=("group",), interface="first"),
        EndpointDefinition("g", groups=("group",), interface="third"),
    ]
    interfaces = {name: [address] for name, address in ADDRESSES.items() if name != "own"}
    found = _resolved(definitions, {"h": {"port_matrix_interfaces": interfaces}}, {"group": ["h"]})
    assert found == {"h": ["192.0.2.3/32", "192.0.2.7/32"]}


def test_members_are_hosts_in_order_and_then_literal_networks() -> None:
    networks = parse_network("203.0.113.0/24", "W")
    definitions = {"e": EndpointDefinition("e", groups=("g",), networks=networks)}
    problems = ProblemList()
    hosts = _hosts(b="192.0.2.2", a="192.0.2.1")
    members = resolve_members(definitions, ["e"], hosts, {"g": ["b", "a"]}, problems)
    problems.raise_if_any()
    found = members.of_endpoint["e"]
    assert [member.host for member in found] == ["a", "b", None]
    assert found[2].addresses.local == networks
    assert members.notes == []


def test_a_host_without_address_and_a_wrong_host_are_both_reported_once() -> None:
    definitions = {name: EndpointDefinition(name, groups=("g",)) for name in ("e", "f")}
    problems = ProblemList()
    hosts: dict[str, dict[str, object]] = {
        "wrong": {"port_matrix_addresses": 5},
        "named": {"ansible_host": "n.example"},
    }
    groups = {"g": ["wrong", "named", "unknown"]}
    members = resolve_members(definitions, ["e", "f"], hosts, groups, problems)
    assert members.of_endpoint == {"e": (), "f": ()}
    assert members.incomplete == {"e", "f"}
    with pytest.raises(PortMatrixError) as caught:
        problems.raise_if_any()
    assert str(caught.value).splitlines() == [
        "host 'named': ansible_host 'n.example' is a name, and the rules need an address; "
        "accepted: set port_matrix_addresses for this host",
        "host 'unknown': has no address; accepted: set port_matrix_addresses for this host",
        "host 'wrong' port_matrix_addresses: 5 is not a list; accepted: a list",
    ]


EDGE = {"port_matrix_interfaces": {"internal": ["192.0.2.1"], "av-edge": ["192.0.2.3"]}}


def test_a_missing_interface_is_an_error_that_names_those_there_and_the_nearest() -> None:
    problems = ProblemList()
    definitions = {"e": EndpointDefinition("e", ("g",), interface="av_edge")}
    members = resolve_members(definitions, ["e"], {"h": EDGE}, {"g": ["h"]}, problems)
    with pytest.raises(PortMatrixError) as caught:
        problems.raise_if_any()
    assert str(caught.value) == (
        "host 'h' port_matrix_interfaces: has no av_edge, which e needs; it has av-edge, internal, and av-edge is the "
        "nearest; accepted: av_edge with its addresses, or with the name of the interface that has them"
    )
    assert members.of_endpoint == {"e": ()}
    assert members.incomplete == {"e"}


@pytest.mark.parametrize(
    ("definition", "variables", "addresses"),
    [
        (EndpointDefinition("e", ("g",), interface="internal"), EDGE, ["192.0.2.1/32"]),
        (EndpointDefinition("e", ("g",), interface="*"), EDGE, ["192.0.2.1/32", "192.0.2.3/32"]),
        (EndpointDefinition("e", ("g",)), EDGE, ["192.0.2.1/32", "192.0.2.3/32"]),
        (EndpointDefinition("e", ("g",), interface="av_edge"), {"ansible_host": "192.0.2.1"}, ["192.0.2.1/32"]),
    ],
    ids=["there", "all", "none asked for", "host without any"],
)
def test_an_interface_that_is_not_missing(
    definition: EndpointDefinition, variables: dict[str, t.Any], addresses: list[str]
) -> None:
    assert _resolved([definition], {"h": variables}, {"g": ["h"]}) == {"h": addresses}


def test_a_service_on_hosts_of_others_may_be_on_any_of_their_interfaces_and_that_is_told() -> None:
    definitions = {
        "e": EndpointDefinition("e", fallback=("f",), interface="web"),
        "f": EndpointDefinition("f", ("g",), interface="*"),
    }
    hosts = {"a": EDGE, "b": {"port_matrix_addresses": ["192.0.2.9"]}}
    members = resolve_members(definitions, ["e", "f"], hosts, {"g": ["a", "b"]}, ProblemList())
    assert members.of_endpoint["e"] == members.of_endpoint["f"]
    assert {key: list(found) for key, found in members.unspecific.items()} == {("e", "web"): ["a"]}


# --- further addresses, and what is excluded -----------------------------------------------------------------------


def _of(definitions: list[EndpointDefinition], hosts: dict[str, t.Any], groups: dict[str, list[str]]) -> t.Any:
    problems = ProblemList()
    names = [definition.name for definition in definitions]
    members = resolve_members({d.name: d for d in definitions}, names, hosts, groups, problems)
    problems.raise_if_any()
    return members


NATTED = {"address": "192.0.2.1", "advertised": "203.0.113.1"}


def test_what_a_host_has_besides_the_addresses_of_its_endpoints_is_kept() -> None:
    hosts = {
        "a": {"port_matrix_interfaces": {"media": [NATTED], "internal": ["192.0.2.5", "2001:db8::5"]}},
        "b": {"port_matrix_addresses": ["192.0.2.9"], "port_matrix_interfaces": {"media": ["192.0.2.11"]}},
        "c": {"port_matrix_addresses": ["192.0.2.13"]},
    }
    members = _of([EndpointDefinition("e", ("g",), interface="media")], hosts, {"g": ["a", "b", "c"]})
    assert {
        host: one.cidrs("ipv4") + one.cidrs("ipv6") for host, one in members.further(members.of_endpoint).items()
    } == {
        "a": ["192.0.2.5/32", "2001:db8::5/128"],
        "b": ["192.0.2.9/32"],
    }


def test_an_address_of_an_endpoint_that_no_row_uses_any_more_is_kept_apart() -> None:
    hosts = {"a": {"port_matrix_interfaces": {"media": ["192.0.2.1"], "internode": ["198.51.100.1"]}}}
    definitions = [EndpointDefinition("e", ("g",), interface="media"), EndpointDefinition("all", ("g",), interface="*")]
    members = _of(definitions, hosts, {"g": ["a"]})
    assert members.further(["e", "all"]) == {}
    assert members.further(["e"])["a"].cidrs("ipv4") == ["198.51.100.1/32"]


def test_nothing_is_kept_apart_where_endpoints_have_all_of_it() -> None:
    hosts = {"a": {"port_matrix_interfaces": {"media": [NATTED], "internal": ["192.0.2.5"]}}}
    definitions = [
        EndpointDefinition("e", ("g",), interface="media"),
        EndpointDefinition("f", ("g",), interface="internal"),
    ]
    members = _of(definitions, hosts, {"g": ["a"]})
    assert members.further(members.of_endpoint) == {}


def test_addresses_networks_and_endpoints_are_taken_out() -> None:
    hosts = {
        "lan": {"port_matrix_addresses": ["10.0.0.0/29", "10.1.0.0/30"]},
        "pc": {"port_matrix_addresses": ["10.0.0.9"]},
        "node": {"port_matrix_interfaces": {"media": [{"address": "10.0.0.1", "advertised": "10.0.0.6"}],
                                            "internal": ["10.0.0.3"]}},
    }  # fmt: skip
    client = EndpointDefinition(
        "client",
        ("c",),
        networks=parse_network("10.2.0.0/30", "W"),
        excluded=parse_network("10.1.0.0/31", "W"),
        excluded_endpoints=("server",),
    )
    server = EndpointDefinition("server", ("s",), interface="media", networks=parse_network("10.2.0.2", "W"))
    members = _of([client, server], hosts, {"c": ["lan", "pc"], "s": ["node"]})
    assert {m.host: m.addresses.local.cidrs("ipv4") for m in members.of_endpoint["client"]} == {
        "lan": ["10.0.0.0/32", "10.0.0.2/32", "10.0.0.4/31", "10.0.0.7/32", "10.1.0.2/31"],
        "pc": ["10.0.0.9/32"],
        None: ["10.2.0.0/31", "10.2.0.3/32"],
    }
    # What is excluded from a network is not of the client, so nobody who judges clients judges it.
    assert {host: one.cidrs("ipv4") for host, one in members.further(members.of_endpoint).items()} == {
        "node": ["10.0.0.3/32"]
    }


@pytest.mark.parametrize("excluded", ["192.0.2.1", "203.0.113.1"])
def test_both_addresses_of_a_pair_go_with_either_and_the_machine_is_judged_as_before(excluded: str) -> None:
    hosts = {"a": {"port_matrix_addresses": [NATTED, "192.0.2.5"]}}
    definition = EndpointDefinition("e", ("g",), excluded=parse_network(excluded, "W"))
    members = _of([definition], hosts, {"g": ["a"]})
    (member,) = members.of_endpoint["e"]
    assert member.addresses.local == member.addresses.advertised
    assert member.addresses.local.cidrs("ipv4") == ["192.0.2.5/32"]
    assert members.further(members.of_endpoint)["a"].cidrs("ipv4") == ["192.0.2.1/32", "203.0.113.1/32"]


def test_what_is_excluded_as_a_whole_is_noted() -> None:
    definition = EndpointDefinition(
        "e", ("g",), networks=parse_network("192.0.2.8/30", "W"), excluded=parse_network("192.0.2.0/24", "W")
    )
    members = _of([definition], _hosts(a="192.0.2.1"), {"g": ["a"]})
    assert members.of_endpoint == {"e": ()}
    assert members.notes == [
        "port_matrix_endpoints.e.exclude: leaves nothing of host 'a'",
        "port_matrix_endpoints.e.exclude: leaves nothing of its networks",
    ]


def test_the_fallback_lacks_what_its_endpoints_exclude() -> None:
    definitions = [
        EndpointDefinition("e", fallback=("f",), excluded=parse_network("192.0.2.5", "W")),
        EndpointDefinition("f", ("g",), excluded=parse_network("192.0.2.1", "W")),
    ]
    members = _of(definitions, _hosts(a="192.0.2.1 192.0.2.5 192.0.2.9"), {"g": ["a"]})
    assert members.of_endpoint["e"][0].addresses.local.cidrs("ipv4") == ["192.0.2.9/32"]
