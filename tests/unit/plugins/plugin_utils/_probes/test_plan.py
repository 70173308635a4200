# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import json
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.plan import plan_probes, read_wishes
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given, settings
from hypothesis import strategies as st

Plan = dict[str, t.Any]
Variables = dict[str, dict[str, t.Any]]

GROUPS = {
    "pexip_conferencing_nodes": ["node1", "node2"],
    "sfb_front_ends": ["fe1"],
    "sfb_edges": ["edge1"],
    "turn_servers": ["turn1"],
    "wac_servers": ["wac1"],
    "sfb_clients": ["client_lan"],
}
HOSTS: Variables = {
    "node1": {"port_matrix_addresses": ["192.0.2.11", "2001:db8:1::11"]},
    "node2": {"port_matrix_addresses": ["192.0.2.12"]},
    "fe1": {"port_matrix_addresses": ["198.51.100.21", "2001:db8:2::21"]},
    "edge1": {
        "port_matrix_interfaces": {
            "internal": ["198.51.100.31"],
            "av_edge": [{"address": "10.0.0.131", "advertised": "203.0.113.131"}],
        }
    },
    "turn1": {"port_matrix_addresses": ["198.51.100.41"]},
    "wac1": {"port_matrix_addresses": ["198.51.100.51"]},
    "client_lan": {"port_matrix_addresses": ["10.9.0.0/24"]},
    "client1": {"port_matrix_addresses": ["10.9.0.20"]},
}


def site(hosts: Variables | None = None, strict: bool = True, **more: t.Any) -> Site:
    return build_site(hosts or HOSTS, GROUPS, select_rows(more.pop("extra", ()), strict_clients=strict), **more)


def plan(managed: t.Iterable[str], built: Site | None = None, hosts: Variables | None = None, **wishes: t.Any) -> Plan:
    every = hosts or HOSTS
    asked = read_wishes(
        wishes.get("limit", 1000), wishes.get("tls", False), wishes.get("responders", ()), wishes.get("listening")
    )
    return plan_probes(built or site(), {name: parse_host(name, every[name]) for name in managed}, asked)


def listening(planned: Plan) -> dict[str, dict[str, t.Any]]:
    """What the module returns where every port is free."""
    return {
        host: {"token": f"token of {host}", "listening": {one["id"]: {"port": one["port"]} for one in wanted}}
        for host, wanted in planned["responders"].items()
    }


def with_responders(managed: list[str], responders: list[str], **wishes: t.Any) -> Plan:
    first = plan(managed, responders=responders, **wishes)
    return plan(managed, responders=responders, listening=listening(first), **wishes)


def shown(probes: t.Iterable[dict[str, t.Any]], row: str) -> set[str]:
    return {
        f"{p['source']} {p['destination_host']} {p['destination']} {p['destination_port']} {p['probe']}"
        for p in probes
        if p["row"] == row
    }


def test_services_are_probed_from_permitted_source_ports() -> None:
    made = plan(["node1"])["probes"]["node1"]
    assert shown(made, "media_nodes_to_turn") == {"192.0.2.11 turn1 198.51.100.41 3478 stun"}
    assert shown(made, "sip_signaling") == {
        "192.0.2.11 fe1 198.51.100.21 5061 tcp_connect",
        "2001:db8:1::11 fe1 2001:db8:2::21 5061 tcp_connect",
    }
    assert {tuple(p["source_ports"]) for p in made if p["row"] == "media_nodes_to_turn"} == {("40000-49999",)}
    assert {tuple(p["source_ports"]) for p in made if p["row"] == "wac_content"} == {("55000-65535",)}
    assert {tuple(p["source_ports"]) for p in made if p["row"] == "sip_signaling"} == {()}


def test_stun_and_tls_follow_the_port_of_the_site() -> None:
    built = site(ports={"turn": 3479, "edge_relay": 3480, "sip": 5062})
    made = plan(["node1", "client1"], built, tls=True)
    assert shown(made["probes"]["node1"], "media_nodes_to_turn") == {"192.0.2.11 turn1 198.51.100.41 3479 stun"}
    assert "192.0.2.11 fe1 198.51.100.21 5062 tls" in shown(made["probes"]["node1"], "sip_signaling")
    assert shown(made["probes"]["client1"], "strict_client_relay") == {"10.9.0.20 edge1 198.51.100.31 3480 stun"}
    assert {p["probe"] for p in made["probes"]["client1"] if p["row"] == "conference_avatar"} == {"tcp_connect"}


def test_a_host_probes_from_its_local_address_and_sees_the_others_in_its_view() -> None:
    assert "10.0.0.131" in {
        p["source"] for p in with_responders(["edge1", "node1"], ["node1"])["responder_probes"]["edge1"]
    }
    assert "203.0.113.131" in {
        p["destination"] for p in plan(["node1"])["probes"]["node1"] if p["row"] == "https_content"
    }
    inside = {**HOSTS, "node1": {**HOSTS["node1"], "port_matrix_view": "local"}}
    made = plan(["node1"], site(inside), inside)["probes"]["node1"]
    assert {p["destination"] for p in made if p["row"] == "https_content" and p["destination_host"] == "edge1"} == {
        "10.0.0.131",
        "198.51.100.31",
    }


def test_a_responder_behind_nat_listens_at_its_local_address_and_is_probed_at_the_advertised_one() -> None:
    made = with_responders(["node1", "edge1"], ["edge1"])
    (addresses,) = {tuple(one["addresses"]) for one in made["responders"]["edge1"]}
    assert addresses == ("10.0.0.131",)
    probes = [p for p in made["responder_probes"]["node1"] if p["row"] == "media_nodes_to_edge"]
    assert {p["destination"] for p in probes} == {"203.0.113.131"}
    assert {(p["protocol"], p["destination_port"]) for p in probes} == {
        (protocol, port) for protocol in ("tcp", "udp") for port in (50000, 55000, 59999)
    }
    assert {p["token"] for p in probes} == {"token of edge1"}
    assert all("token" not in p for p in made["probes"]["node1"])


def test_ranges_are_not_probeable_without_a_responder_and_say_why() -> None:
    made = plan(["node1", "fe1"])["not_probeable"]
    why = {(p["row"], p["source_host"], p["destination_host"]): p["detail"] for p in made}
    idle = "nobody listens there without a call"
    assert why["media_to_nodes", "fe1", "node1"] == f"{idle}; port_matrix_verify_responders can name its host"
    assert why["media_to_nodes", "fe1", "node2"] == f"{idle}, and Ansible does not manage the host"
    assert why["media_from_nodes", "node1", "client_lan"] == "a network, and Ansible manages no host in it"
    assert why["strict_client_relay", "", ""] == "from client to edge_internal: Ansible manages none of client_lan"
    assert why["media_edge_to_nodes", "", ""] == "from edge_av to conferencing_node: Ansible manages none of edge1"
    assert {p["verdict"] for p in made} == {"not_probeable"}


def test_a_managed_host_in_a_network_stands_for_it() -> None:
    made = with_responders(["node1", "client1"], ["client1"])
    assert shown(made["probes"]["client1"], "conference_avatar") == {
        "10.9.0.20 node1 192.0.2.11 80 tcp_connect",
        "10.9.0.20 node2 192.0.2.12 80 tcp_connect",
    }
    probes = [p for p in made["responder_probes"]["node1"] if p["row"] == "media_from_nodes"]
    assert {(p["destination_host"], p["destination"]) for p in probes} == {("client1", "10.9.0.20")}
    assert not [p for p in made["not_probeable"] if p["destination_host"] == "client_lan"]


def test_a_responder_that_does_not_listen_is_said() -> None:
    first = plan(["node1", "fe1"], responders=["node1"])
    heard = listening(first)
    wanted = [one["id"] for one in first["responders"]["node1"] if one["protocol"] == "udp" and ":" not in one["id"]]
    heard["node1"]["listening"].update({name: {"problem": "port 40000: taken"} for name in wanted})
    made = plan(["node1", "fe1"], responders=["node1"], listening=heard)
    (entry,) = [
        p
        for p in made["not_probeable"]
        if (p["row"], p["family"], p["destination_host"]) == ("media_to_nodes", "ipv4", "node1")
    ]
    assert entry["detail"] == "nobody listens there without a call, and no responder did: port 40000: taken"
    assert {p["family"] for p in made["responder_probes"]["fe1"]} == {"ipv6"}


@pytest.mark.parametrize(
    ("heard", "why"),
    [
        ({}, "it was not started"),
        ({"node1": {"msg": "no Python"}}, "no Python"),
        ({"node1": {"listening": {}, "token": "x"}}, "it was not asked for"),
    ],
)
def test_a_responder_that_did_not_start_is_said(heard: dict[str, t.Any], why: str) -> None:
    made = plan(["node1", "fe1"], responders=["node1"], listening=heard)
    details = {p["detail"] for p in made["not_probeable"] if p["destination_host"] == "node1"}
    assert details == {f"nobody listens there without a call, and no responder did: {why}"}
    assert made["responder_probes"] == {"fe1": [], "node1": []}


def test_a_host_with_networks_is_no_responder() -> None:
    hosts = {**HOSTS, "client_lan": {"port_matrix_addresses": ["10.9.0.0/24", "10.8.0.7"]}}
    wishes = {"built": site(hosts), "hosts": hosts, "responders": ["client_lan"]}
    made = plan(["node1", "client_lan"], listening=listening(plan(["node1", "client_lan"], **wishes)), **wishes)
    found = {p["detail"] for p in made["not_probeable"] if p["destination"] == "10.8.0.7"}
    reason = "a host that has networks among its addresses is not a responder"
    assert found == {f"nobody listens there without a call, and {reason}"}


@pytest.mark.parametrize("limit", range(1, 41))
def test_responders_do_not_change_what_has_been_probed_before_them(limit: int) -> None:
    managed, responders = ["node1", "fe1", "turn1"], ["fe1", "turn1"]
    before = plan(managed, responders=responders, limit=limit)
    heard = listening(before)
    heard["fe1"]["listening"] = {}
    for listen in (listening(before), heard):
        after = plan(managed, responders=responders, limit=limit, listening=listen)
        assert after["probes"] == before["probes"]
        assert all(len(after["probes"][host]) + len(after["responder_probes"][host]) <= limit for host in managed)


def test_a_limit_is_shared_between_services_and_responders() -> None:
    made = with_responders(["node1", "fe1", "turn1"], ["fe1", "turn1"], limit=12)
    assert len(made["probes"]["node1"]) + len(made["responder_probes"]["node1"]) == 12
    assert made["responder_probes"]["node1"]
    assert {item["row"] for item in made["left_out"]} >= {"media_from_nodes"}


def test_rows_of_the_user_are_probed_like_those_of_the_table() -> None:
    extra = [
        {"id": "api", "source": "front_end", "destination": "wac_server", "protocols": ["tcp", "udp"],
         "destination_ports": [8443, "9000-9001", "20000-20999"], "source_ports": "30000-30009"},
        {"id": "own_stun", "source": "front_end", "destination": "wac_server", "protocols": "udp",
         "destination_ports": 3478},
    ]  # fmt: skip
    made = plan(["fe1", "wac1"], site(extra=extra))
    assert shown(made["probes"]["fe1"], "api") == {
        f"198.51.100.21 wac1 198.51.100.51 {port} tcp_connect" for port in (8443, 9000, 9001)
    }
    assert shown(made["probes"]["fe1"], "own_stun") == {"198.51.100.21 wac1 198.51.100.51 3478 stun"}
    assert [(p["protocol"], p["destination_host"]) for p in made["not_probeable"] if p["row"] == "api"] == [
        ("tcp", "wac1"),
        ("udp", "wac1"),
    ]
    answered = with_responders(["fe1", "wac1"], ["wac1"], built=site(extra=extra))
    ports = {(p["protocol"], p["destination_port"]) for p in answered["responder_probes"]["fe1"] if p["row"] == "api"}
    assert ports == {("tcp", 20000), ("tcp", 20500), ("tcp", 20999), ("udp", 8443), ("udp", 20498), ("udp", 20999)}


def test_nodes_probe_each_other_and_none_itself() -> None:
    mesh = {"id": "mesh", "source": "conferencing_node", "destination": "conferencing_node", "protocols": "tcp",
            "destination_ports": 8443}  # fmt: skip
    hosts = {**HOSTS, "node1": {"port_matrix_addresses": ["192.0.2.11"]}}
    nodes = ["node1", "node2"]
    made = plan(nodes, site(hosts, extra=[mesh]), hosts)["probes"]
    assert shown(made["node1"], "mesh") == {"192.0.2.11 node2 192.0.2.12 8443 tcp_connect"}
    assert shown(made["node2"], "mesh") == {"192.0.2.12 node1 192.0.2.11 8443 tcp_connect"}


def test_literal_addresses_are_probed_and_networks_are_not() -> None:
    built = site(endpoints={"wac_server": {"groups": [], "networks": ["198.51.100.99", "10.77.0.0/16"]}})
    made = plan(["node1"], built)
    assert shown(made["probes"]["node1"], "wac_content") == {"192.0.2.11 198.51.100.99 198.51.100.99 443 tcp_connect"}
    (entry,) = [p for p in made["not_probeable"] if p["row"] == "wac_content"]
    assert (entry["destination_host"], entry["destination"]) == ("", "10.77.0.0/16")


def test_a_literal_address_behind_nat_is_probed_as_the_host_sees_it() -> None:
    behind_nat = {"address": "10.8.0.7", "advertised": "203.0.113.7"}
    hosts: Variables = {**HOSTS, "client_lan": {"port_matrix_addresses": ["10.9.0.0/24", behind_nat]}}
    row = {
        "id": "api",
        "source": "conferencing_node",
        "destination": "client",
        "protocols": "tcp",
        "destination_ports": 8443,
    }
    for view, address in (("advertised", "203.0.113.7"), ("local", "10.8.0.7")):
        hosts["node2"] = {**HOSTS["node2"], "port_matrix_view": view}
        made = plan(["node2"], site(hosts, extra=[row]), hosts)
        assert shown(made["probes"]["node2"], "api") == {f"192.0.2.12 client_lan {address} 8443 tcp_connect"}


def test_an_address_that_is_also_a_machine_is_probed_once() -> None:
    built = site(endpoints={"wac_server": {"networks": ["198.51.100.51"]}})
    assert shown(plan(["node1"], built)["probes"]["node1"], "wac_content") == {
        "192.0.2.11 wac1 198.51.100.51 443 tcp_connect"
    }


def test_a_gateway_has_nothing_to_probe() -> None:
    made = plan(["fw"], hosts={**HOSTS, "fw": {"port_matrix_addresses": ["198.51.100.2"]}})
    assert made["probes"] == {"fw": []}


def big_site(count: int) -> tuple[Site, Variables]:
    hosts: Variables = {
        **{f"node{n:04}": {"port_matrix_addresses": [f"10.1.{n // 200}.{n % 200 + 1}"]} for n in range(count)},
        **{f"fe{n:04}": {"port_matrix_addresses": [f"10.2.{n // 200}.{n % 200 + 1}"]} for n in range(count)},
    }
    groups = {
        "pexip_conferencing_nodes": [name for name in hosts if name.startswith("node")],
        "sfb_front_ends": [name for name in hosts if name.startswith("fe")],
    }
    empty = ["client", "edge", "edge_av", "turn_server", "wac_server"]
    return build_site(hosts, groups, select_rows(), allow_empty=empty), hosts


def test_the_plan_of_a_large_site_is_bounded_and_counts_what_it_leaves_out() -> None:
    built, hosts = big_site(2000)
    managed = [f"fe{n:04}" for n in range(50)]
    made = plan(managed, built, hosts, limit=20)
    assert all(len(probes) == 20 for probes in made["probes"].values())
    assert len(made["not_probeable"]) < 50 * 20 + 20
    assert {item["count"] for item in made["left_out"] if item["row"] == "sip_signaling"} == {1980}
    # Together the hosts reach more destinations than one of them may.
    assert len({p["destination_host"] for probes in made["probes"].values() for p in probes}) == 69


def test_a_small_limit_still_takes_from_every_row() -> None:
    made = plan(["node1"], limit=5)["probes"]["node1"]
    assert {p["row"] for p in made} == {
        "sip_signaling", "media_nodes_to_turn", "psom_content", "https_content", "wac_content",
    }  # fmt: skip


def test_the_order_of_the_inventory_does_not_matter() -> None:
    turned = build_site(
        dict(reversed(HOSTS.items())), {k: v[::-1] for k, v in GROUPS.items()}, select_rows(strict_clients=True)[::-1]
    )
    managed = ["node1", "fe1", "client1"]
    assert json.dumps(plan(managed)) == json.dumps(plan(managed[::-1], turned))


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"limit": 0}, "port_matrix_verify_limit: 0 is not a limit; accepted: a number from 1 on"),
        ({"limit": True}, "port_matrix_verify_limit: True is not a limit"),
        ({"limit": "many"}, "port_matrix_verify_limit: 'many' is not a limit"),
        ({"tls": "maybe"}, "port_matrix_verify_tls: 'maybe' is not a boolean"),
        ({"responders": 5}, "port_matrix_verify_responders: 5 is not a list"),
        (
            {"responders": ["fe2"]},
            "port_matrix_verify_responders: 'fe2' is not a host of this play; accepted: 'fe1', 'node1'",
        ),
    ],
)
def test_wrong_wishes(wishes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        plan(["node1", "fe1"], **wishes)
    assert str(caught.value).startswith(message)


def permitted(built: Site, probe: dict[str, t.Any]) -> bool:
    """Whether the rules that the source host has for its own traffic let the probe out: these are the oracle."""
    source, destination = (int(ipaddress.ip_address(probe[key])) for key in ("source", "destination"))
    return any(
        (rule.row, rule.protocol, rule.family) == (probe["row"], probe["protocol"], probe["family"])
        and source in rule.source
        and destination in rule.destination
        and probe["destination_port"] in rule.destination_ports
        and probe["source_ports"] == rule.as_mapping()["source_ports"]
        for rule in expand_host(built, probe["source_host"], "output")
    )


@st.composite
def sites(draw: st.DrawFn) -> tuple[Site, Variables]:
    """Small sites whose hosts share groups, have NAT, other views, and one or both families."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 5)))]
    hosts: Variables = {}
    for number, name in enumerate(names):
        addresses: list[t.Any] = [f"192.0.2.{number + 1}"]
        if draw(st.booleans()):
            addresses = [{"address": f"10.0.0.{number + 1}", "advertised": f"192.0.2.{number + 1}"}]
        if draw(st.booleans()):
            addresses.append(f"2001:db8::{number + 1}")
        hosts[name] = {
            "port_matrix_addresses": addresses,
            "port_matrix_view": draw(st.sampled_from(["local", "advertised"])),
        }
    groups = {group: draw(st.lists(st.sampled_from(names), min_size=1, unique=True)) for group in GROUPS}
    return build_site(hosts, groups, select_rows(strict_clients=True)), hosts


@settings(max_examples=40)
@given(sites(), st.integers(1, 60), st.booleans())
def test_every_probe_is_permitted_and_none_goes_to_the_host_itself(
    drawn: tuple[Site, Variables], limit: int, tls: bool
) -> None:
    built, hosts = drawn
    managed = sorted(hosts)
    first = plan(managed, built, hosts, responders=managed, limit=limit, tls=tls)
    made = plan(managed, built, hosts, responders=managed, limit=limit, tls=tls, listening=listening(first))
    for host in managed:
        probes = [*made["probes"][host], *made["responder_probes"][host]]
        assert len(probes) <= limit
        for probe in probes:
            assert probe["source_host"] == host != probe["destination_host"]
            assert permitted(built, probe), probe


@settings(max_examples=40)
@given(sites())
def test_without_a_limit_every_pair_that_a_rule_permits_is_probed(drawn: tuple[Site, Variables]) -> None:
    built, hosts = drawn
    managed = sorted(hosts)
    first = plan(managed, built, hosts, responders=managed, limit=100000)
    made = plan(managed, built, hosts, responders=managed, limit=100000, listening=listening(first))
    assert made["left_out"] == []
    for host in managed:
        probed = {
            (
                p["row"],
                p["protocol"],
                int(ipaddress.ip_address(p["source"])),
                int(ipaddress.ip_address(p["destination"])),
            )
            for p in [*made["probes"][host], *made["responder_probes"][host]]
        }
        wanted = {
            (rule.row, rule.protocol, source, destination)
            for rule in expand_host(built, host, "output")
            for first_source, last_source in rule.source.intervals
            for source in range(first_source, last_source + 1)
            for first_destination, last_destination in rule.destination.intervals
            for destination in range(first_destination, last_destination + 1)
        }
        assert probed == wanted


@pytest.mark.parametrize(
    ("row", "protocol", "why"),
    [
        ({"protocols": "esp"}, "esp", "ESP: nothing answers to it that could be told from silence"),
        ({"protocols": "sctp", "destination_ports": 3868}, "sctp", "SCTP: there is no probe of it"),
    ],
)
def test_what_there_is_no_probe_of_is_said_once_for_each_family(row: Variables, protocol: str, why: str) -> None:
    own = {"id": "own", "source": "front_end", "destination": "conferencing_node", **row}
    built = build_site(HOSTS, GROUPS, [own])
    planned = plan(["fe1", "node1"], built, responders=["node1"])
    assert planned["probes"] == planned["responder_probes"] == {"fe1": [], "node1": []}
    assert planned["responders"] == {"node1": []}
    assert [
        (entry["protocol"], entry["family"], entry["probe"], entry["verdict"], entry["detail"])
        for entry in planned["not_probeable"]
    ] == [
        (protocol, family, "none", "not_probeable",
         f"from front_end to conferencing_node: {why}; the counters of the firewalls tell")
        for family in ("ipv4", "ipv6")
    ]  # fmt: skip


def test_every_responder_of_a_side_is_asked() -> None:
    planned = with_responders(["fe1", "node1", "node2"], ["node1", "node2"])
    asked = {probe["destination_host"] for probe in planned["responder_probes"]["fe1"]}
    assert asked == {"node1", "node2"}
