# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.rules import (
    RuleArguments,
    render_windows_rules,
)
from simulated_windows.documented import argument_spec, checked_arguments

MODULE = "community.windows.win_firewall_rule"
HOSTILE = "x|y @evil {{ lookup('pipe', 'id') }} \"'`$(id);\u0007"


def site_of_edge(nodes: int = 2, **variables: t.Any) -> Site:
    """An Edge behind static NAT, and nodes whose addresses do not merge."""
    hosts: dict[str, dict[str, t.Any]] = {
        f"node{n}": {"port_matrix_addresses": [f"192.0.{n // 120}.{n % 120 * 2 + 1}"]} for n in range(nodes)
    }
    hosts["edge1"] = {
        "port_matrix_interfaces": {
            "internal": ["198.51.100.31"],
            "av_edge": [{"address": "10.0.0.131", "advertised": "203.0.113.131"}],
        }
    }
    groups = {"pexip_conferencing_nodes": [f"node{n}" for n in range(nodes)], "sfb_edges": ["edge1"]}
    empty = ["front_end", "client", "sfb_server", "turn_server", "wac_server"]
    return build_site(hosts, groups, **{"rows": select_rows([], [], True), "allow_empty": empty, **variables})


def rules_of(site: Site, host: str = "edge1") -> list[RuleArguments]:
    return render_windows_rules(expand(site, host, ["input", "output"]))


def named(rules: list[RuleArguments], start: str) -> RuleArguments:
    (found,) = [rule for rule in rules if rule["name"].startswith(f"Pexip SfB {start}")]
    return found


def own_row(**row: t.Any) -> list[RuleArguments]:
    """The rules of host b for one row of our own, from a to b."""
    hosts = {
        "a": {"port_matrix_addresses": row.pop("addresses", ["192.0.2.1"])},
        "b": {"port_matrix_addresses": ["192.0.2.9", "2001:db8::9"]},
    }
    full = {"id": "r1", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 9, **row}
    full = {key: value for key, value in full.items() if value is not ...}
    endpoints = {"x": {"groups": ["g"]}, "y": {"groups": ["h"]}}
    return rules_of(build_site(hosts, {"g": ["a"], "h": ["b"]}, [full], endpoints=endpoints), "b")


def test_an_inbound_rule_as_a_whole() -> None:
    assert named(rules_of(site_of_edge()), "media_nodes_to_edge in udp") == {
        "name": "Pexip SfB media_nodes_to_edge in udp ipv4 1",
        "group": "Pexip SfB port matrix",
        "description": "Row media_nodes_to_edge: RTP/RTCP/RDP media (conferencing_node to edge_av)",
        "enabled": True,
        "direction": "in",
        "action": "allow",
        "protocol": "udp",
        "profiles": ["domain", "private", "public"],
        "localip": "10.0.0.131",
        "remoteip": "192.0.0.1,192.0.0.3",
        "localport": "50000-59999",
        "remoteport": "40000-49999",
        "program": "any",
        "service": "any",
    }


def test_an_outbound_rule_swaps_the_sides() -> None:
    rule = named(rules_of(site_of_edge()), "media_edge_to_nodes out tcp")
    assert (rule["direction"], rule["localip"], rule["remoteip"]) == ("out", "10.0.0.131", "192.0.0.1,192.0.0.3")
    assert (rule["localport"], rule["remoteport"]) == ("50000-59999", "40000-49999")


def test_others_see_the_advertised_address() -> None:
    outbound = named(rules_of(site_of_edge(), "node0"), "media_nodes_to_edge out udp")
    assert outbound["remoteip"] == "203.0.113.131"


def test_the_internal_interface_is_bound_to_its_address() -> None:
    site = site_of_edge(endpoints={"client": {"networks": ["198.18.2.0/25"]}})
    rule = named(rules_of(site), "strict_client_relay in udp")
    assert (rule["localip"], rule["remoteip"]) == ("198.51.100.31", "198.18.2.0/25")


def test_every_documented_option_is_given_but_those_for_icmp_and_state() -> None:
    options = set(argument_spec(MODULE)) - {"icmp_type_code", "state"}
    rules = rules_of(site_of_edge())
    assert rules
    for rule in rules:
        assert set(rule) == options
        assert checked_arguments(MODULE, rule)[1] == ""


def test_ports_are_written_in_one_way() -> None:
    (rule,) = own_row(destination_ports=[8057, "443", "8050-8056"], source_ports="any")
    assert (rule["localport"], rule["remoteport"]) == ("443,8050-8057", "any")


@pytest.mark.parametrize(("nodes", "chunks"), [(5, 1), (200, 1), (201, 2), (500, 5)])
def test_a_rule_holds_at_most_200_addresses(nodes: int, chunks: int) -> None:
    few, many = rules_of(site_of_edge(5)), rules_of(site_of_edge(nodes))
    assert len(many) == len(few) * chunks
    assert max(len(rule["remoteip"].split(",")) for rule in many) <= 200
    together = [rule["remoteip"] for rule in many if rule["name"].startswith("Pexip SfB media_nodes_to_edge in udp")]
    assert sorted(",".join(together).split(",")) == sorted(f"192.0.{n // 120}.{n % 120 * 2 + 1}" for n in range(nodes))


def test_a_further_chunk_says_where_it_begins() -> None:
    names = [rule["name"] for rule in rules_of(site_of_edge(201))]
    start = "Pexip SfB media_nodes_to_edge in udp ipv4 1"
    assert [name for name in names if name.startswith(start)] == [start, f"{start} remote 192.0.1.0"]


def test_both_sides_are_cut() -> None:
    addresses = [f"192.0.{n // 100}.{n % 100 * 2 + 1}" for n in range(201)]
    hosts = {"a": {"port_matrix_addresses": addresses}, "b": {"port_matrix_addresses": addresses}}
    row = {"id": "r1", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 9}
    endpoints = {"x": {"groups": ["g"]}, "y": {"groups": ["h"]}}
    names = [
        rule["name"] for rule in rules_of(build_site(hosts, {"g": ["a"], "h": ["b"]}, [row], endpoints=endpoints), "b")
    ]
    start = "Pexip SfB r1 in udp ipv4 1"
    ends = ["", " remote 192.0.2.0", " local 192.0.2.0", " local 192.0.2.0 remote 192.0.2.0"]
    assert names == [start + end for end in ends]


def test_an_address_in_front_of_1000_others_changes_one_rule() -> None:
    others = [f"192.0.{n // 120}.{n % 120 * 2 + 1}" for n in range(1000)]
    before = {rule["name"]: rule for rule in own_row(addresses=others)}
    after = own_row(addresses=["192.0.0.0", *others])
    assert len([rule for rule in after if rule != before[rule["name"]]]) == 1


def test_names_are_unique_and_do_not_depend_on_what_else_there_is() -> None:
    few, many = rules_of(site_of_edge(5)), rules_of(site_of_edge(500))
    names = [rule["name"].lower() for rule in many]
    assert len(set(names)) == len(names)
    assert {rule["name"] for rule in few} <= {rule["name"] for rule in many}


def test_a_host_on_both_sides_of_a_row_gets_a_name_for_each_part() -> None:
    hosts = {name: {"port_matrix_addresses": [f"192.0.2.{n}"]} for name, n in (("a", 1), ("b", 9), ("c", 5))}
    row = {"id": "r1", "source": "x", "destination": "y", "protocols": "tcp", "destination_ports": 9}
    endpoints = {"x": {"groups": ["g"]}, "y": {"groups": ["h"]}}
    groups = {"g": ["a", "b"], "h": ["b", "c"]}
    site = build_site(hosts, groups, [{**row, "bidirectional": True}], endpoints=endpoints)
    rules = render_windows_rules(expand(site, "b", ["input"]))
    assert [rule["name"] for rule in rules] == ["Pexip SfB r1 in tcp ipv4 1", "Pexip SfB r1 in tcp ipv4 2"]
    assert {rule["remoteip"] for rule in rules} == {"192.0.2.1", "192.0.2.5"}


def test_every_address_is_written_as_two_halves() -> None:
    v4, v6 = own_row(addresses=["0.0.0.0/0", "::/0"])
    assert (v4["remoteip"], v6["remoteip"]) == ("0.0.0.0/1,128.0.0.0/1", "::/1,8000::/1")


def test_single_addresses_have_no_prefix_and_families_do_not_mix() -> None:
    v4, v6 = own_row(addresses=["192.0.2.1", "2001:db8::1", "2001:db8:1::/64"])
    assert (v4["name"], v4["localip"], v4["remoteip"]) == ("Pexip SfB r1 in udp ipv4 1", "192.0.2.9", "192.0.2.1")
    assert (v6["localip"], v6["remoteip"]) == ("2001:db8::9", "2001:db8::1,2001:db8:1::/64")


def test_a_hostile_purpose_becomes_harmless() -> None:
    (rule,) = own_row(purpose=HOSTILE[:-1] + "ü" * 300)
    assert re.fullmatch(r"[\w .,:()/+-]+", rule["description"])
    assert len(rule["description"]) <= 250
    assert "ü" in rule["description"]


def test_a_transit_rule_has_no_place_on_a_server() -> None:
    site = site_of_edge()
    with pytest.raises(PortMatrixError, match="hook forward on a Windows server; accepted: input, output"):
        render_windows_rules(expand(site, "edge1", ["forward"]))


@pytest.mark.parametrize(("protocol", "number"), [("esp", "50"), (89, "89"), ("icmp", "1"), ("gre", "47")])
def test_a_protocol_without_ports_is_a_number_and_has_no_ports(protocol: object, number: str) -> None:
    (rule,) = own_row(protocols=[protocol], destination_ports=...)
    assert rule["name"] == f"Pexip SfB r1 in {protocol} ipv4 1"
    assert rule["protocol"] == number
    assert not {"localport", "remoteport"} & set(rule)


def test_icmp_of_ipv6() -> None:
    (rule,) = own_row(protocols="icmpv6", destination_ports=..., addresses=["2001:db8::1", "192.0.2.1"])
    assert (rule["protocol"], rule["localip"]) == ("58", "2001:db8::9")


def test_ports_that_windows_does_not_know_are_refused() -> None:
    assert own_row(protocols="sctp", destination_ports="any")[0]["protocol"] == "132"
    with pytest.raises(PortMatrixError) as caught:
        own_row(protocols="sctp", destination_ports=3868)
    assert str(caught.value) == (
        "row r1: Windows knows no ports of SCTP, and a rule without them would open all; "
        "accepted: any port, TCP or UDP, or the row in port_matrix_disabled_rows"
    )
