# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites as people have them: NAT on two firewalls, nodes with two network cards, locations, clients in a /8."""

from __future__ import annotations

import copy
import ipaddress
import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.expand import expand_filter as expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.firewalld_objects import firewalld_objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.nftables_ruleset import nftables_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site as site_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.windows_rules import windows_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows

HostVars = dict[str, dict[str, t.Any]]


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that Ansible was to display."""
    said: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, message: said.append(message))
    return said


GROUPS = {
    "pexip_conferencing_nodes": ["px1", "px2"],
    "sfb_front_ends": ["fe1"],
    "sfb_edges": ["edge1"],
    "sfb_clients": ["lan"],
    "port_matrix_gateways": ["fw_nodes", "fw_edge"],
}


def _hosts(**changes: dict[str, t.Any]) -> HostVars:
    return {
        "px1": {"port_matrix_addresses": [{"address": "10.8.0.11", "advertised": "198.51.100.11"}]},
        "px2": {"port_matrix_addresses": [{"address": "10.8.0.13", "advertised": "198.51.100.13"}]},
        "fe1": {"port_matrix_addresses": ["10.9.0.21"]},
        "edge1": {
            "port_matrix_interfaces": {
                "internal": ["10.9.0.31"],
                "av_edge": [{"address": "172.20.0.31", "advertised": "203.0.113.31"}],
                "web_conferencing": "av_edge",
            }
        },
        "lan": {"port_matrix_addresses": ["10.7.0.0/16"]},
        "fw_nodes": {"port_matrix_view": {"conferencing_node": "local"}},  # translates the nodes, and not the Edge
        "fw_edge": {"port_matrix_view": {"sfb_edges": "local"}},  # translates the Edge, and not the nodes
        **changes,
    }


def _site(hosts: HostVars, groups: dict[str, list[str]] | None = None, **arguments: t.Any) -> dict[str, t.Any]:
    return site_filter(
        copy.deepcopy(hosts), groups or GROUPS, select_rows(), allow_empty=["turn_server", "wac_server"],
        play_hosts=[host for host in hosts if host.startswith("fw")], **arguments,
    )  # fmt: skip


def _addresses(rules: list[dict[str, t.Any]], row: str, side: str) -> set[str]:
    return {cidr for rule in rules if rule["row"] == row for cidr in rule[side]}


# --- NAT on more than one device ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gateway", "nodes", "edge"),
    [
        ("fw_nodes", {"10.8.0.11/32", "10.8.0.13/32"}, {"203.0.113.31/32"}),
        ("fw_edge", {"198.51.100.11/32", "198.51.100.13/32"}, {"172.20.0.31/32"}),
    ],
)
def test_each_firewall_sees_what_it_translates_itself(gateway: str, nodes: set[str], edge: set[str]) -> None:
    rules = expand(_site(_hosts()), gateway, ["forward"])
    assert _addresses(rules, "media_nodes_to_edge", "source") == nodes
    assert _addresses(rules, "media_nodes_to_edge", "destination") == edge


def _judged(ruleset: str) -> set[str]:
    """The addresses whose traffic jumps to the judgement, as destination. That they are sources, too, is asserted."""
    sets = {
        name: set(re.split(r"[,\s]+", elements.strip()))
        for name, elements in re.findall(r"set (\w+) \{.*?elements = \{(.*?)\}", ruleset, re.DOTALL)
    }
    found = {side: re.findall(rf"ip {side} (\S+) jump forward_judged", ruleset) for side in ("saddr", "daddr")}
    assert found["saddr"] == found["daddr"]
    parts = [sets[match.removeprefix("@")] if match.startswith("@") else {match} for match in found["daddr"]]
    return {address for part in parts for address in part}


@pytest.mark.parametrize(
    "view", [None, "advertised", "local", {"px1": "local"}, {"default": "local", "conferencing_node": "advertised"}]
)
def test_both_addresses_of_a_node_are_judged_whatever_a_gateway_is_said_to_see(view: object) -> None:
    variables = {} if view is None else {"port_matrix_view": view}
    ruleset = nftables_ruleset(_site(_hosts(fw_nodes=variables)), "fw_nodes", gateway=True)
    assert _judged(ruleset) == {"10.8.0.11", "10.8.0.13", "198.51.100.11", "198.51.100.13"}


@pytest.mark.parametrize(
    ("judged", "addresses"),
    [
        (["edge_av"], {"10.9.0.31", "172.20.0.31", "203.0.113.31"}),
        (["front_end", "edge_internal"], {"10.9.0.21", "10.9.0.31", "172.20.0.31", "203.0.113.31"}),
    ],
)
def test_all_interfaces_of_a_judged_host_are_judged(judged: list[str], addresses: set[str]) -> None:
    site = site_filter(
        _hosts(), GROUPS, select_rows(strict_clients=True), allow_empty=["turn_server", "wac_server"], play_hosts=[]
    )
    assert _judged(nftables_ruleset(site, "fw_nodes", gateway=True, judged_endpoints=judged)) == addresses


def test_who_has_not_said_what_the_gateways_see_is_warned(display: list[str]) -> None:
    _site(_hosts(fw_nodes={}))
    (warning,) = display
    assert warning.startswith(
        "host 'fw_nodes': port_matrix_view is not set, and 3 hosts of the site are behind static NAT"
    )


# --- nodes with two network cards ---------------------------------------------------------------------------------

TWO_CARDS: dict[str, t.Any] = {
    "internal": ["10.6.0.11"],
    "external": [{"address": "10.8.0.11", "advertised": "198.51.100.11"}],
}


def test_which_card_has_media_is_asked() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        _site(_hosts(px1={"port_matrix_interfaces": TWO_CARDS}))
    assert str(caught.value).splitlines()[1:] == [
        "host 'px1' port_matrix_interfaces: has no media, which conferencing_node needs; it has external, internal; "
        "accepted: media with its addresses, or with the name of the interface that has them, as in {media: external}"
    ]


def test_rows_go_to_the_card_with_media_and_both_are_judged() -> None:
    site = _site(_hosts(px1={"port_matrix_interfaces": {**TWO_CARDS, "media": "external"}}))
    for gateway in ("fw_nodes", "fw_edge"):
        assert "10.6.0.11" not in str(expand(site, gateway, ["forward"]))
        assert {"10.6.0.11", "10.8.0.11", "198.51.100.11"} <= _judged(nftables_ruleset(site, gateway, gateway=True))


# --- two locations, and clients in a network that contains everything ----------------------------------------------

PLACES = ("oslo", "nyc")
TWO_PLACES: HostVars = {
    f"{place}_{name}": {"port_matrix_location": place, **variables}
    for octet, place in enumerate(PLACES, start=1)
    for name, variables in {
        "px": {"port_matrix_addresses": [f"10.{octet}.0.11"]},
        "fe": {"port_matrix_addresses": [f"10.{octet}.1.21"]},
        "edge": {
            "port_matrix_interfaces": {
                "internal": [f"10.{octet}.1.31"],
                "av_edge": [f"203.0.113.{octet}"],
                "web_conferencing": "av_edge",
            }
        },
    }.items()
} | {"lan": {"port_matrix_addresses": ["10.0.0.0/8"]}, "fw": {}}  # fmt: skip
GROUPS_OF_PLACES = {
    "pexip_conferencing_nodes": ["oslo_px", "nyc_px"],
    "sfb_front_ends": ["oslo_fe", "nyc_fe"],
    "sfb_edges": ["oslo_edge", "nyc_edge"],
    "sfb_clients": ["lan"],
    "port_matrix_gateways": ["fw"],
}
NARROW: dict[str, t.Any] = {
    "same_location_rows": "all",
    "endpoints": {"client": {"exclude": ["conferencing_node", "edge", "10.1.1.0/24", "10.2.1.0/24"]}},
}


def test_what_the_networks_of_the_clients_contain_is_named(display: list[str]) -> None:
    _site(TWO_PLACES, GROUPS_OF_PLACES)
    (warning,) = display
    hosts = "'nyc_edge', 'nyc_fe', 'nyc_px', 'oslo_edge', 'oslo_fe', 'oslo_px'"
    assert f"endpoint client: its networks contain the hosts {hosts} of other endpoints" in warning
    assert "(conference_avatar, media_from_nodes, media_to_nodes)" in warning
    assert "port_matrix_endpoints.client.exclude" in warning


def _permitted(rules: list[dict[str, t.Any]], one: str, other: str) -> set[str]:
    """The rows that lead from one address to the other."""
    source, destination = ipaddress.ip_address(one), ipaddress.ip_address(other)
    return {
        rule["row"]
        for rule in rules
        if any(source in ipaddress.ip_network(cidr) for cidr in rule["source"])
        and any(destination in ipaddress.ip_network(cidr) for cidr in rule["destination"])
    }


def test_locations_and_exclusions_open_nothing_between_places_and_nodes(display: list[str]) -> None:
    site = _site(TWO_PLACES, GROUPS_OF_PLACES, **NARROW)
    assert display == []
    rules = expand(site, "fw", ["forward"])
    assert _permitted(rules, "10.1.0.11", "203.0.113.1") >= {"media_nodes_to_edge", "https_content", "psom_content"}
    assert _permitted(rules, "10.2.1.21", "10.2.0.11") == {"sip_signaling", "media_to_nodes"}
    for one, other in [
        ("10.1.0.11", "203.0.113.2"),  # a node and the Edge of the other place
        ("203.0.113.2", "10.1.0.11"),
        ("10.1.1.21", "10.2.0.11"),  # a Front End and the node of the other place
        ("10.1.0.11", "10.2.0.11"),  # node and node
        ("10.2.0.11", "10.1.1.31"),  # a node and the inside of an Edge
    ]:
        assert _permitted(rules, one, other) == set()
    assert _permitted(rules, "10.1.0.11", "10.1.1.31") == {"https_content"}  # every interface of the Edge at its place
    assert _permitted(rules, "10.1.0.11", "10.55.0.1") == {"media_from_nodes"}  # clients are nowhere
    assert len(rules) <= 2 * len(expand(_site(TWO_PLACES, GROUPS_OF_PLACES), "fw", ["forward"]))


def test_every_back_end_lacks_what_is_excluded() -> None:
    site = _site(TWO_PLACES, GROUPS_OF_PLACES, **NARROW)
    written = {
        "nftables": nftables_ruleset(site, "fw", gateway=True),
        "firewalld": str(firewalld_objects(site, "fw", gateway=True)),
        "windows": str(windows_rules(site, "lan")),
    }
    for back_end, text in written.items():
        assert "10.0.0.0/8" not in text, back_end
        assert "10.128.0.0/9" in text or "10.2.2.0-10.255.255.255" in text, back_end


# --- variables with typing errors ---------------------------------------------------------------------------------


def test_each_misspelled_name_is_an_error_with_the_nearest() -> None:
    everybody = {"port_matrix_strict_client": True, "port_matrix_port": {"media": "42000-47999"}}
    hosts = _hosts(
        px1={"ansible_host": "10.99.9.9", "port_matrix_adresses": ["10.8.0.11"]},
        edge1={"port_matrix_interfaces": {"internal": ["10.9.0.31"], "av-edge": ["203.0.113.31"]}},
    )
    hosts = {host: {**everybody, **variables} for host, variables in hosts.items()}
    groups = {("port_matrix_gateway" if name == "port_matrix_gateways" else name): of for name, of in GROUPS.items()}
    with pytest.raises(AnsibleFilterError) as caught:
        _site(hosts, groups, variables=["port_matrix_disable_rows"])
    lines = str(caught.value).splitlines()[1:]
    meant = [re.search(r"accepted: (port_matrix_\w+)(?:, which is the nearest name)?$", line) for line in lines[:5]]
    assert [match[1] for match in meant if match] == [
        "port_matrix_addresses",
        "port_matrix_disabled_rows",
        "port_matrix_ports",
        "port_matrix_strict_clients",
        "port_matrix_gateways",
    ]
    assert [line.partition("; accepted: ")[0].partition(" (of ")[0] for line in lines] == [
        "port_matrix_adresses",
        "port_matrix_disable_rows: is not a variable of this collection",
        "port_matrix_port",
        "port_matrix_strict_client",
        "group 'port_matrix_gateway': is not known, and there is no group port_matrix_gateways",
        "host 'edge1' port_matrix_interfaces: has no av_edge, which edge_av needs; it has av-edge, internal, and "
        "av-edge is the nearest",
    ]
