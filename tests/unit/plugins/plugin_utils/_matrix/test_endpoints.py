# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.endpoints import (
    EndpointDefinition,
    Member,
    Side,
    no_address_message,
    parse_endpoint,
    resolve_members,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import AddressSet, parse_network
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, ProblemList


def _hosts(**addresses: str) -> dict[str, dict[str, t.Any]]:
    return {name: {"port_matrix_addresses": text.split()} for name, text in addresses.items()}


def _member(name: str | None, *addresses: object) -> Member:
    return Member(name, parse_host("h", {"port_matrix_addresses": addresses}).own)


def _resolved(
    definitions: list[EndpointDefinition], hosts: dict[str, dict[str, t.Any]], groups: dict[str, list[str]]
) -> dict[str | None, list[str]]:
    """Who the members of the first of *definitions* are, each with its IPv4 addresses."""
    problems = ProblemList()
    name = definitions[0].name
    members, _notes = resolve_members({d.name: d for d in definitions}, [name], hosts, groups, problems)
    problems.raise_if_any()
    return {member.host: member.addresses.local.cidrs("ipv4") for member in members[name]}


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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("e", {"group": "x"}, "W: unknown key 'group'; accepted: fallback, groups, interface, may_be_empty, title"),
        ("e", {"groups": 5}, "W groups: 5 is not a list; accepted: a list"),
        ("e", {"interface": 5}, "W interface: 5 is not a string; accepted: one line of text"),
        (
            "E",
            {},
            "W: 'E' cannot be an id"
            "; accepted: a lower-case letter, then up to 62 lower-case letters, digits and underscores",
        ),
    ],
)
def test_refuses_what_is_no_endpoint(name: str, value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_endpoint(name, value, "W")
    assert str(caught.value) == message


def test_an_endpoint_has_its_name_for_a_title_unless_given_one() -> None:
    assert parse_endpoint("e", {}, "W").title == "e"
    assert parse_endpoint("e", {"title": "The  Edge"}, "W").title == "The Edge"


@pytest.mark.parametrize(
    ("member", "machine"),
    [
        (_member("h", "192.0.2.1"), True),
        (_member("h", "192.0.2.1", "192.0.2.2", "2001:db8::1"), True),
        (_member("h", "192.0.2.0/31"), False),
        (_member(None, "192.0.2.1"), False),
    ],
    ids=["machine", "machine with neighbouring addresses", "network", "literal network"],
)
def test_machines(member: Member, machine: bool) -> None:
    assert member.is_machine() is machine


def test_a_host_in_two_endpoints_of_a_side_is_one_member() -> None:
    side = Side([_member("h", "192.0.2.1"), _member("h", "198.51.100.1"), _member(None, "203.0.113.0/24")])
    assert set(side.members) == {"h", None}
    assert side.machines == {"h"}
    assert side.seen("local").cidrs("ipv4") == ["192.0.2.1/32", "198.51.100.1/32", "203.0.113.0/24"]
    assert side.part("local", lambda host: host == "h").cidrs("ipv4") == ["192.0.2.1/32", "198.51.100.1/32"]


def test_a_side_is_seen_with_the_addresses_of_the_view() -> None:
    side = Side([_member("h", {"address": "192.0.2.1", "advertised": "203.0.113.1"})])
    assert side.seen("local").cidrs("ipv4") == ["192.0.2.1/32"]
    assert side.seen("advertised").cidrs("ipv4") == ["203.0.113.1/32"]


def test_members_are_hosts_in_order_and_then_literal_networks() -> None:
    networks = parse_network("203.0.113.0/24", "W")
    definitions = {"e": EndpointDefinition("e", groups=("g",), networks=networks)}
    problems = ProblemList()
    members, notes = resolve_members(
        definitions, ["e"], _hosts(b="192.0.2.2", a="192.0.2.1"), {"g": ["b", "a"]}, problems
    )
    problems.raise_if_any()
    assert [member.host for member in members["e"]] == ["a", "b", None]
    assert members["e"][2].addresses.local == networks
    assert notes == []


def test_a_host_without_address_and_a_wrong_host_are_both_reported_once() -> None:
    definitions = {name: EndpointDefinition(name, groups=("g",)) for name in ("e", "f")}
    problems = ProblemList()
    hosts: dict[str, dict[str, object]] = {
        "wrong": {"port_matrix_addresses": 5},
        "named": {"ansible_host": "n.example"},
    }
    groups = {"g": ["wrong", "named", "unknown"]}
    assert resolve_members(definitions, ["e", "f"], hosts, groups, problems)[0] == {"e": (), "f": ()}
    with pytest.raises(PortMatrixError) as caught:
        problems.raise_if_any()
    assert str(caught.value).splitlines() == [
        "host 'named': ansible_host 'n.example' is a name, and the rules need an address; "
        "accepted: set port_matrix_addresses for this host",
        "host 'unknown': has no address; accepted: set port_matrix_addresses for this host",
        "host 'wrong' port_matrix_addresses: 5 is not a list; accepted: a list",
    ]


EDGE = {"port_matrix_interfaces": {"internal": ["192.0.2.1"]}}


@pytest.mark.parametrize(
    ("definition", "variables", "noted"),
    [
        (EndpointDefinition("e", ("g",), interface="av_edge"), EDGE, True),
        (EndpointDefinition("e", ("g",), interface="internal"), EDGE, False),
        (EndpointDefinition("e", ("g",), interface="*"), EDGE, False),
        (EndpointDefinition("e", ("g",)), EDGE, False),
        (EndpointDefinition("e", ("g",), interface="av_edge"), {"ansible_host": "192.0.2.1"}, False),
        (EndpointDefinition("e", ("g",), ("f",), "av_edge"), EDGE, False),
    ],
    ids=["missing", "there", "all", "none asked for", "host without any", "endpoint with a fallback"],
)
def test_a_missing_interface_is_noted(definition: EndpointDefinition, variables: dict[str, t.Any], noted: bool) -> None:
    members, notes = resolve_members({"e": definition}, ["e"], {"h": variables}, {"g": ["h"]}, ProblemList())
    assert members["e"][0].addresses.local.cidrs("ipv4") == ["192.0.2.1/32"]
    assert notes == (["host 'h' has no interface av_edge: e takes its own addresses"] if noted else [])


@pytest.mark.parametrize(
    ("endpoint", "groups"),
    [
        (EndpointDefinition("e", ("b", "a")), "'a', 'b'"),
        (EndpointDefinition("e", ("a",), ("d", "c")), "'a'; without a host there: the endpoints c, d"),
        (EndpointDefinition("e"), "none"),
    ],
)
def test_the_message_of_an_empty_endpoint_names_every_way_out(endpoint: EndpointDefinition, groups: str) -> None:
    assert no_address_message(endpoint, "sip, psom") == (
        f"endpoint e: has no addresses, and row sip, psom needs them (its groups: {groups}); accepted: "
        "hosts in those groups, networks in port_matrix_endpoints.e, "
        "e in port_matrix_allow_empty, or the rows in port_matrix_disabled_rows"
    )


def test_no_member_means_no_address() -> None:
    assert Side([]).seen("local") == AddressSet()
