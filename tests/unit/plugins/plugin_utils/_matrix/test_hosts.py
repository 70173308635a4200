# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import Addresses, parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import ACCEPTED
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted

PAIR = {"address": "192.0.2.10", "advertised": "203.0.113.10"}


def _both(addresses: Addresses) -> tuple[list[str], list[str]]:
    local, advertised = addresses.local, addresses.advertised
    return local.cidrs("ipv4") + local.cidrs("ipv6"), advertised.cidrs("ipv4") + advertised.cidrs("ipv6")


@pytest.mark.parametrize(
    ("variables", "addresses"),
    [
        (
            {"port_matrix_addresses": ["192.0.2.2", "192.0.2.1", "2001:db8::1"]},
            ["192.0.2.1/32", "192.0.2.2/32", "2001:db8::1/128"],
        ),
        ({"port_matrix_addresses": ["192.0.2.0/24"], "ansible_host": "198.51.100.1"}, ["192.0.2.0/24"]),
        ({"ansible_host": "198.51.100.1"}, ["198.51.100.1/32"]),
        ({"ansible_host": "2001:db8::1"}, ["2001:db8::1/128"]),
        ({"ansible_host": "fe1.example", "inventory_hostname": "192.0.2.7"}, ["192.0.2.7/32"]),
        ({"ansible_host": "fe1.example"}, []),
        ({}, []),
        ({"port_matrix_addresses": []}, []),
        (
            {"port_matrix_interfaces": {"a": ["192.0.2.1"], "b": ["192.0.2.9"]}, "ansible_host": "198.51.100.1"},
            ["192.0.2.1/32", "192.0.2.9/32"],
        ),
        ({"port_matrix_interfaces": {"a": ["192.0.2.1"]}, "port_matrix_addresses": ["192.0.2.5"]}, ["192.0.2.5/32"]),
        ({"port_matrix_interfaces": None, "ansible_host": "198.51.100.1"}, ["198.51.100.1/32"]),
    ],
)
def test_own_addresses(variables: dict[str, t.Any], addresses: list[str]) -> None:
    local, advertised = _both(parse_host("h", variables).own)
    assert local == advertised == addresses


@pytest.mark.parametrize(
    ("interface", "addresses"),
    [
        ("av_edge", ["192.0.2.131/32"]),
        ("internal", ["198.51.100.31/32"]),
        ("*", ["192.0.2.131/32", "198.51.100.31/32"]),
        ("web_conferencing", ["192.0.2.131/32"]),
        (None, ["192.0.2.200/32"]),
    ],
    ids=["one", "another", "all", "one by the name of another", "the host itself"],
)
def test_addresses_on_an_interface(interface: str | None, addresses: list[str]) -> None:
    host = parse_host(
        "edge1",
        {
            "port_matrix_addresses": ["192.0.2.200"],
            "port_matrix_interfaces": {
                "web_conferencing": "external",
                "internal": ["198.51.100.31"],
                "av_edge": ["192.0.2.131"],
                "external": "av_edge",
            },
        },
    )
    assert _both(host.on(interface))[0] == addresses


@pytest.mark.parametrize("interface", ["av_edge", "*", None])
def test_a_host_without_interfaces_has_its_own_addresses_on_each(interface: str | None) -> None:
    assert _both(parse_host("h", {"port_matrix_addresses": ["192.0.2.1"]}).on(interface))[0] == ["192.0.2.1/32"]


def test_a_natted_address_is_local_to_the_host_and_advertised_to_others() -> None:
    host = parse_host("h", {"port_matrix_interfaces": {"av_edge": [PAIR, "192.0.2.20"]}})
    local, advertised = _both(host.on("av_edge"))
    assert local == ["192.0.2.10/32", "192.0.2.20/32"]
    assert advertised == ["192.0.2.20/32", "203.0.113.10/32"]
    assert host.on("av_edge").seen("local") == host.on("av_edge").local
    assert host.on("av_edge").seen("advertised") == host.on("av_edge").advertised


def test_a_pair_without_advertised_is_a_plain_address() -> None:
    host = parse_host("h", {"port_matrix_addresses": [{"address": "192.0.2.10"}]})
    assert _both(host.own) == (["192.0.2.10/32"], ["192.0.2.10/32"])


@pytest.mark.parametrize(
    ("addresses", "networks"),
    [
        (["192.0.2.10"], False),
        (["192.0.2.10", "192.0.2.11"], False),
        (["2001:db8::10", "2001:db8::11", "2001:db8::12"], False),
        (["192.0.2.10/24"], False),
        ([PAIR, {"address": "192.0.2.11", "advertised": "203.0.113.11"}], False),
        (["192.0.2.10/31"], True),
        (["192.0.2.1", "2001:db8::/64"], True),
    ],
    ids=["one", "neighbours", "IPv6 neighbours", "interface address", "NATed neighbours", "network", "with network"],
)
def test_neighbouring_addresses_of_a_machine_are_no_network(addresses: list[object], networks: bool) -> None:
    assert parse_host("h", {"port_matrix_addresses": addresses}).own.networks is networks


def test_interface_addresses_are_noted_wherever_they_stand() -> None:
    variables = {
        "port_matrix_addresses": ["192.0.2.10/24", "192.0.2.0/24", "192.0.2.11", PAIR],
        "port_matrix_interfaces": {"internal": ["2001:db8::1/64"]},
    }
    assert parse_host("h", variables).notes == (
        "host 'h': '192.0.2.10/24' is an interface address and counts as the one address 192.0.2.10",
        "host 'h': '2001:db8::1/64' is an interface address and counts as the one address 2001:db8::1",
    )


def test_a_note_does_not_show_what_is_vaulted() -> None:
    assert parse_host("h", {"port_matrix_addresses": [Vaulted("192.0.2.10/24")]}).notes == (
        "host 'h': a vaulted value is an interface address and counts as the one address before the slash",
    )


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        (
            {"ansible_host": "fe1.example"},
            "host 'h': ansible_host 'fe1.example' is a name, and the rules need an address"
            "; accepted: set port_matrix_addresses for this host",
        ),
        ({}, "host 'h': has no address; accepted: set port_matrix_addresses for this host"),
    ],
)
def test_the_hint_says_which_host_and_variable_to_set(variables: dict[str, t.Any], hint: str) -> None:
    assert parse_host("h", variables).hint == hint


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"port_matrix_addresses": None}, "host 'h' port_matrix_addresses: None is not a list; accepted: a list"),
        (
            {"port_matrix_addresses": ["fe1.example"]},
            "host 'h' port_matrix_addresses: 'fe1.example' is a host name, and the rules need an address"
            f"; accepted: {ACCEPTED}",
        ),
        (
            {"port_matrix_addresses": ["192.0.2.300"]},
            f"host 'h' port_matrix_addresses: '192.0.2.300' is not an address; accepted: {ACCEPTED}",
        ),
        (
            {"ansible_host": "127.0.0.1"},
            "host 'h' ansible_host: '127.0.0.1' is a loopback address, which no other host can reach"
            f"; accepted: {ACCEPTED}",
        ),
        (
            {"port_matrix_interfaces": ["a"]},
            "host 'h' port_matrix_interfaces: ['a'] is not a mapping; accepted: a mapping",
        ),
        (
            {"port_matrix_interfaces": {"av_edge": 5}},
            "host 'h' port_matrix_interfaces.av_edge: 5 is not a list; accepted: a list",
        ),
        (
            {"port_matrix_interfaces": {"av_edge": ["192.0.2.1"], "web_conferencing": "av-edge"}},
            "host 'h' port_matrix_interfaces.web_conferencing: 'av-edge' is neither an address nor an interface of "
            "this host, and av_edge is the nearest; accepted: addresses, or one of av_edge, web_conferencing",
        ),
        (
            {"port_matrix_interfaces": {"a": "b", "b": "c", "c": "b", "d": ["192.0.2.1"]}},
            "host 'h' port_matrix_interfaces.a: a → b → c → b leads nowhere; "
            "accepted: an interface that finally has addresses\n"
            "host 'h' port_matrix_interfaces.b: b → c → b leads nowhere; "
            "accepted: an interface that finally has addresses\n"
            "host 'h' port_matrix_interfaces.c: c → b → c leads nowhere; "
            "accepted: an interface that finally has addresses",
        ),
        (
            {"port_matrix_interfaces": {"a": "a"}},
            "host 'h' port_matrix_interfaces.a: a → a leads nowhere; accepted: an interface that finally has addresses",
        ),
        (
            {"port_matrix_addresses": [{"adress": "192.0.2.1"}]},
            "host 'h' port_matrix_addresses: unknown key 'adress', the nearest is address; "
            "accepted: address, advertised",
        ),
        (
            {"port_matrix_addresses": [{"advertised": "192.0.2.1"}]},
            "host 'h' port_matrix_addresses: {'advertised': '192.0.2.1'} has no address"
            "; accepted: {address: …, advertised: …}",
        ),
        (
            {"port_matrix_addresses": [{"address": "192.0.2.0/24"}]},
            "host 'h' port_matrix_addresses address: '192.0.2.0/24' is a network; accepted: one IPv4 or IPv6 address",
        ),
        (
            {"port_matrix_addresses": [{"address": "192.0.2.1", "advertised": "x"}]},
            "host 'h' port_matrix_addresses advertised: 'x' is a host name, and the rules need an address"
            f"; accepted: {ACCEPTED}",
        ),
        (
            {"port_matrix_addresses": [{"address": "192.0.2.1", "advertised": "2001:db8::1"}]},
            "host 'h' port_matrix_addresses: {'address': '192.0.2.1', 'advertised': '2001:db8::1'} mixes IPv4 and IPv6"
            "; accepted: two addresses of one family",
        ),
    ],
)
def test_refuses_with_host_variable_value_and_what_is_accepted(variables: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_host("h", variables)
    assert str(caught.value) == message


def test_everything_wrong_with_a_host_is_reported() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_host("h", {"port_matrix_addresses": ["x!", "y!"], "port_matrix_interfaces": {"a": 1, "b": ["z!"]}})
    assert [line.partition(";")[0] for line in str(caught.value).splitlines()] == [
        "host 'h' port_matrix_interfaces.a: 1 is not a list",
        "host 'h' port_matrix_interfaces.b: 'z!' is not an address",
        "host 'h' port_matrix_addresses: 'x!' is not an address",
        "host 'h' port_matrix_addresses: 'y!' is not an address",
    ]


def test_a_hostile_host_name_stays_on_its_line() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_host("h\n} flush", {"port_matrix_addresses": 5})
    assert str(caught.value) == "host 'h\\n} flush' port_matrix_addresses: 5 is not a list; accepted: a list"


def test_a_hostile_interface_name_stays_on_its_line() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_host("h", {"port_matrix_interfaces": {"a\nb": 5}})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("interfaces", "message"),
    [
        (
            {"external": ["192.0.2.1"], "internal": ["192.0.2.3"], "mgmt": []},
            "host 'h' port_matrix_interfaces: has no media, which a row needs; it has external, internal; accepted: "
            "media with its addresses, or with the name of the interface that has them, as in {media: external}",
        ),
        (
            {"meda": ["192.0.2.1"], "a b": ["192.0.2.3"]},
            "host 'h' port_matrix_interfaces: has no media, which a row needs; it has a b, meda, and meda is the "
            "nearest; accepted: media with its addresses, or with the name of the interface that has them, as in "
            "{media: meda}",
        ),
        (
            {"media": []},
            "host 'h' port_matrix_interfaces: has no media, which a row needs; it has none with an address; accepted: "
            "media with its addresses, or with the name of the interface that has them",
        ),
    ],
)
def test_the_interface_that_a_row_needs_has_to_be_there(interfaces: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_host("h", {"port_matrix_interfaces": interfaces}).on("media")
    assert str(caught.value) == message


def test_all_addresses_of_a_host_are_its_own_and_those_of_its_interfaces() -> None:
    variables = {"port_matrix_addresses": ["192.0.2.1"], "port_matrix_interfaces": {"a": [PAIR], "b": "a"}}
    assert _both(parse_host("h", variables).all()) == (
        ["192.0.2.1/32", "192.0.2.10/32"],
        ["192.0.2.1/32", "203.0.113.10/32"],
    )
    assert parse_host("h", variables).all().all().cidrs("ipv4") == ["192.0.2.1/32", "192.0.2.10/32", "203.0.113.10/32"]


@pytest.mark.parametrize("addresses", ["192.0.2.1,2001:db8::1", "['192.0.2.1', '2001:db8::1']"])
def test_addresses_may_be_text(addresses: str) -> None:
    assert _both(parse_host("h", {"port_matrix_addresses": addresses}).own)[0] == ["192.0.2.1/32", "2001:db8::1/128"]
