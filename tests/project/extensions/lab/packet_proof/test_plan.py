# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import itertools
import typing as t

import pytest
from packet_proof.judge import Judge, outside, samples
from packet_proof.lab import Lab, build_lab
from packet_proof.oracle import Packet, permitted
from packet_proof.plan import Kind, Plan, Probe, batches, make_plan
from packet_proof.site import Site, SiteError, site_from_inventory


@pytest.fixture
def plan(site: Site, lab: Lab) -> Plan:
    return make_plan(site, lab)


def kinds(plan: Plan, row: str, protocol: str, family: str) -> set[Kind]:
    wanted = (row, protocol, family)
    return {
        kind for probe in plan.probes for line, kind in probe.claims if (line.row, line.protocol, line.family) == wanted
    }


def test_nothing_is_left_unplanned(plan: Plan) -> None:
    assert plan.errors == []
    assert plan.notes == []


def test_every_enabled_line_has_permitted_and_refused_probes(plan: Plan) -> None:
    assert {line.enabled for line in plan.lines} == {True, False}
    for line in plan.lines:
        found = kinds(plan, line.row, line.protocol, line.family)
        if line.enabled:
            assert Kind.PERMITTED in found, line
            assert len(found) >= 3, line
        else:
            assert found == {Kind.OFF}, line


def test_each_kind_of_refusal_is_sent_where_it_is_possible(plan: Plan) -> None:
    assert kinds(plan, "media_nodes_to_turn", "udp", "ipv6") == set(Kind) - {Kind.OFF}
    assert Kind.SOURCE_PORT not in kinds(plan, "conference_avatar", "tcp", "ipv4")
    assert Kind.DESTINATION_PORT not in kinds(plan, "media_from_nodes", "udp", "ipv4")


def test_expectations_are_the_oracles(site: Site, plan: Plan) -> None:
    assert {probe.permitted for probe in plan.probes if probe.claims} == {True, False}
    for probe in plan.probes:
        assert probe.permitted == all(permitted(site, probe.packet, at) for at in probe.judges)
        for _line, kind in probe.claims:
            assert (kind is Kind.PERMITTED) == probe.permitted


def test_probes_cross_somebody_who_judges(plan: Plan) -> None:
    assert {probe.judges for probe in plan.probes} == {("fw",), ("fw", "turn1"), ("turn1",)}


def test_same_zone_strangers_and_borrowed_names_prove_the_host_itself(plan: Plan) -> None:
    at_turn = [probe for probe in plan.probes if probe.judges == ("turn1",)]
    assert any(probe.sender == probe.source.container == "fe1" for probe in at_turn)
    assert any(probe.sender == "fw" and probe.source.container == "node1" for probe in at_turn)
    assert not any(probe.permitted for probe in at_turn)


def test_edges_of_every_range(plan: Plan) -> None:
    ports = {
        probe.packet.destination_port
        for probe in plan.probes
        for line, kind in probe.claims
        if line.row == "media_edge_to_nodes" and kind is Kind.DESTINATION_PORT
    }
    assert ports == {39999, 50000}


def test_what_another_row_permits_is_named(plan: Plan) -> None:
    found = {(line.row, line.protocol, kind, rows) for line, kind, rows in plan.covered}
    assert ("wac_content", "tcp", Kind.DESTINATION, ("psom_content", "https_content")) in found
    assert ("media_edge_to_nodes", "udp", Kind.SOURCE, ("media_to_nodes",)) in found


def test_strict_rows_cover_source_ports_of_row_5(inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(inventory, {"port_matrix_strict_clients": True})
    plan = make_plan(site, build_lab(inventory, site))
    assert plan.errors == []
    found = {(line.row, kind, rows) for line, kind, rows in plan.covered}
    assert ("media_edge_to_nodes", Kind.SOURCE_PORT, ("strict_edge_media",)) in found
    assert Kind.PERMITTED in kinds(plan, "strict_client_relay", "udp", "ipv4")


def test_a_row_without_containers_is_an_error_unless_it_may_be_empty(inventory: dict[str, t.Any]) -> None:
    inventory["wac_servers"]["hosts"] = []
    site = site_from_inventory(inventory)
    assert any("wac_content" in error for error in make_plan(site, build_lab(inventory, site)).errors)
    site = site_from_inventory(inventory, {"port_matrix_allow_empty": ["wac_server"]})
    plan = make_plan(site, build_lab(inventory, site))
    assert plan.errors == []
    assert any("wac_content" in note for note in plan.notes)


def test_only_some_rows_in_a_lab_without_the_other_hosts(inventory: dict[str, t.Any]) -> None:
    for group in ("sfb_front_ends", "sfb_edges", "wac_servers", "port_matrix_gateways"):
        inventory[group]["hosts"] = []
    inventory["_meta"]["hostvars"]["node1"]["port_matrix_addresses"] = ["10.2.0.11", "2001:db8:2::11"]
    site = site_from_inventory(inventory)
    lab = build_lab(inventory, site)
    plan = make_plan(site, lab, ["media_nodes_to_turn"])
    assert plan.errors == []
    assert {line.row for line in plan.lines} == {"media_nodes_to_turn"}
    assert {probe.judges for probe in plan.probes} == {("turn1",)}
    with pytest.raises(SiteError, match=r"no_row: no such row; rows are .*wac_content"):
        make_plan(site, lab, ["no_row"])


def test_nobody_judges(inventory: dict[str, t.Any]) -> None:
    inventory["port_matrix_linux"]["hosts"] = []
    site = site_from_inventory(inventory)
    plan = make_plan(site, build_lab(inventory, site))
    assert plan.probes == []
    assert any("nothing can be proven" in error for error in plan.errors)


def test_a_router_that_judges_nodes_only_is_asked_about_nodes_only(inventory: dict[str, t.Any]) -> None:
    del inventory["_meta"]["hostvars"]["fw"]["linux_firewall_judged_endpoints"]
    site = site_from_inventory(inventory)
    lab = build_lab(inventory, site)
    stations = {station.address: station for station in lab.stations}
    client, front_end, node = (stations[ipaddress.ip_address(a)] for a in ("10.3.0.20", "10.2.0.21", "10.1.0.11"))
    assert lab.judges(site, client, front_end) == []
    assert lab.judges(site, client, node) == ["fw"]


def test_egress_makes_the_sender_judge(inventory: dict[str, t.Any]) -> None:
    inventory["_meta"]["hostvars"]["turn1"]["linux_firewall_egress"] = True
    site = site_from_inventory(inventory)
    lab = build_lab(inventory, site)
    stations = {station.address: station for station in lab.stations}
    turn, node = (stations[ipaddress.ip_address(a)] for a in ("10.2.0.41", "10.1.0.11"))
    assert lab.judges(site, turn, node) == ["turn1", "fw"]


def test_an_address_outside_all_zones(inventory: dict[str, t.Any]) -> None:
    inventory["_meta"]["hostvars"]["client1"]["lab_addresses"] = ["10.9.9.9"]
    with pytest.raises(SiteError, match=r"client1: 10\.9\.9\.9 lies in no zone"):
        build_lab(inventory, site_from_inventory(inventory))


def test_batches_hold_no_flow_twice_and_no_reverse_flow(plan: Plan) -> None:
    parts = batches(plan.probes)
    assert sorted(probe.number for part in parts for probe in part) == [probe.number for probe in plan.probes]
    for part in parts:
        packets = [probe.packet for probe in part]
        assert len(set(packets)) == len(packets)
        assert not set(packets) & {packet.reply() for packet in packets}


def test_every_receiver_has_a_control(plan: Plan) -> None:
    assert all(plan.controls.values())
    assert {(probe.packet.destination, probe.packet.protocol) for probe in plan.probes} == set(plan.controls)
    turn = ipaddress.ip_address("10.2.0.41")
    assert {control.packet.destination_port for control in plan.controls[turn, "tcp"]} == {3478}
    outsider = ipaddress.ip_address("10.3.0.200")
    assert {control.source.container for control in plan.controls[outsider, "tcp"]} == {"fw", "client1"}


def test_services_are_visited_in_both_families_from_a_legal_port(plan: Plan) -> None:
    found = {(check.service, check.family, check.source.container) for check in plan.services}
    assert found == set(itertools.product(("coturn", "https"), ("ipv4", "ipv6"), ("node1",)))


def test_every_row_of_every_group_is_planned(whole_site: Site, whole_plan: Plan) -> None:
    plan = whole_plan
    assert plan.errors == []
    assert plan.notes == []
    assert {line.row for line in plan.lines} == {flow.row for flow in Judge(whole_site).flows}
    assert all(Kind.PERMITTED in kinds(plan, line.row, line.protocol, line.family) for line in plan.lines)
    assert plan.protocols() == {"tcp", "udp", "sctp", "esp", "ah"}
    assert kinds(plan, "node_esp", "esp", "ipv4") == {Kind.PERMITTED, Kind.PROTOCOL, Kind.SOURCE, Kind.DESTINATION}
    assert {(check.service, check.packet.protocol) for check in plan.services} == {
        ("coturn", "udp"), ("https", "tcp"), ("unbound", "udp"), ("unbound", "tcp"), ("chrony", "udp"),
    }  # fmt: skip


def test_rows_of_the_other_groups_are_shown_to_be_closed(whole_inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(whole_inventory)
    plan = make_plan(site, build_lab(whole_inventory, site))
    assert plan.errors == []
    assert kinds(plan, "node_esp", "esp", "ipv6") == {Kind.OFF}
    assert kinds(plan, "federation_sip", "tcp", "ipv4") == {Kind.OFF}


def test_a_row_of_another_group_without_hosts_is_left_out(inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(inventory, {"port_matrix_row_groups": ["integration", "video_endpoints"]})
    plan = make_plan(site, build_lab(inventory, site))
    assert plan.errors == []
    assert "web_app: nobody is in one of its endpoints, so it is left out" in plan.notes
    assert "web_app" not in {line.row for line in plan.lines}


def test_nobody_sends_within_a_location_row_from_elsewhere(whole_plan: Plan) -> None:
    permitted: dict[tuple[str, str], set[bool]] = {}
    for probe in whole_plan.probes:
        if probe.packet.protocol == "esp":
            ends = probe.source.container, probe.destination.container
            permitted.setdefault(ends, set()).add(probe.permitted)
    assert permitted["trans1", "node1"] == {True, False}  # to either interface
    assert permitted["mgr1", "node2"] == {True}
    assert permitted["trans1", "node2"] == {False}


def test_translated_addresses(whole_plan: Plan) -> None:
    plan = whole_plan
    inside, outside = ipaddress.ip_address("10.2.0.41"), ipaddress.ip_address("203.0.113.41")
    to_turn = [probe for probe in plan.probes if probe.packet.destination == inside]
    # Nobody translates what does not pass the router, or what it sends in somebody's name.
    assert {(probe.sent.destination, probe.judges == ("turn1",)) for probe in to_turn} == {
        (outside, False),
        (inside, True),
    }
    assert any(probe.permitted for probe in to_turn)
    from_turn = [probe for probe in plan.probes if probe.packet.source == inside]
    assert from_turn
    assert all(probe.sent.source == inside for probe in from_turn)
    sent = {control.sent.destination for control in plan.controls[inside, "udp"]}
    assert outside in sent
    visits = {check.sent.destination for check in plan.services if check.service == "coturn"}
    assert visits == {outside, ipaddress.ip_address("2001:db8:2::41")}


def test_a_receiver_sees_the_translated_source(whole_inventory: dict[str, t.Any]) -> None:
    whole_inventory["port_matrix_linux"]["hosts"].append("node2")
    site = site_from_inventory(whole_inventory)
    lab = build_lab(whole_inventory, site)
    stations = {str(station.address): station for station in lab.stations}
    turn, node = stations["10.2.0.41"], stations["10.1.0.12"]
    assert lab.judges(site, turn, node) == ["fw", "node2"]
    seen = [tuple(map(str, lab.seen(turn, node, at))) for at in ("turn1", "fw", "node2")]
    assert seen == [("10.2.0.41", "10.1.0.12"), ("10.2.0.41", "10.1.0.12"), ("203.0.113.41", "10.1.0.12")]
    probe = Packet(turn.address, node.address, "udp", 1, 2)
    assert str(lab.on_wire(probe, turn, node, own_name=False).source) == "203.0.113.41"


def test_all_addresses_of_judged_hosts_are_judged(whole_inventory: dict[str, t.Any]) -> None:
    del whole_inventory["_meta"]["hostvars"]["fw"]["linux_firewall_judged_endpoints"]
    site = site_from_inventory(whole_inventory)
    lab = build_lab(whole_inventory, site)
    stations = {str(station.address): station for station in lab.stations}
    assert lab.judges(site, stations["10.6.0.11"], stations["10.5.0.11"]) == ["fw"]
    assert lab.judges(site, stations["10.6.0.11"], stations["10.2.0.61"]) == []


def test_corners_find_a_refused_combination_whenever_there_is_one(site: Site) -> None:
    judge = Judge(site)
    node, front_end = ipaddress.ip_address("10.1.0.11"), ipaddress.ip_address("10.2.0.21")
    template = Packet(node, front_end, "tcp", 0, 0)
    legal = judge.legal_ports(((0, 65535),))
    refused = judge.refused(template, legal, [443], ["fw"])[0]
    assert refused is not None
    assert permitted(site, refused, "fw") == ()
    assert judge.refused(template, judge.legal_ports(((40000, 49999),)), legal, ["fw"]) == (
        None,
        ("media_from_nodes", "sip_signaling"),
    )


def test_ports() -> None:
    assert samples([(0, 65535), (443, 443)]) == [32768, 1, 65535, 443]
    assert outside([(1, 10), (11, 20), (65535, 65535)]) == [21, 65534]


def test_probe_is_permitted_when_rows_name_it(plan: Plan) -> None:
    probe: Probe = plan.probes[0]
    assert probe.permitted
    assert probe.rows == ("sip_signaling",)
    assert str(next(iter(probe.claims))[0]) == "sip_signaling (front_end → conferencing_node, tcp, ipv4)"
