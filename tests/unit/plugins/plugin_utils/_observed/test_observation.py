# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of flows that nothing permits, and what would permit them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from observed_site import (
    CLIENT,
    EVERYTHING,
    MANAGER,
    MEDIA,
    MONITOR,
    NODE,
    SCAN,
    SCANNER,
    SECOND,
    TURN,
    applied,
    found,
    observed,
    variables,
)  # fmt: skip
from remembered import answer, flow

NO_ROW = "no row comes near, what does not match: "
SOURCE, DESTINATION, PORT = "source address", "destination address", "destination port"


def test_each_flow_has_the_reason_why_it_is_not_permitted_and_the_heaviest_comes_first() -> None:
    observation = observed(EVERYTHING)
    assert found(observation) == [
        ("row_group_off", MANAGER, NODE, "node_esp", ""),
        ("missing_host", CLIENT, NODE, "media_to_nodes", SOURCE),
        ("missing_host", MONITOR, NODE, "snmp_poll", SOURCE),
        ("missing_row", MONITOR, NODE, "sip_signaling", f"{SOURCE}, {PORT}"),
        ("missing_row", MONITOR, SECOND, "sip_signaling", f"{SOURCE}, {PORT}"),
        ("scan", SCANNER, NODE, "", ""),
        ("unknown", NODE, TURN, "media_nodes_to_turn", "source port"),
        ("missing_host", "2001:db8:9::1", "2001:db8:1::11", "conference_avatar", SOURCE),
        ("missing_host", NODE, CLIENT, "media_from_nodes", DESTINATION),
    ]
    (media,) = [one for one in observation.findings if one.reason.nearest_row == "media_to_nodes"]
    assert media.weight.packets == 300
    assert media.what() == f"UDP from {CLIENT} to node1 ({NODE}) port 40000-40198 (100 ports of these)"
    assert len(media.as_mapping()["destination_ports"]) == 100
    assert observation.findings[0].as_mapping()["row_group"] == "platform"
    assert observation.findings[2].as_mapping()["row_group"] == "platform"


def test_with_what_is_proposed_nothing_is_left_but_scans_and_what_only_the_source_port_tells() -> None:
    observation = observed(EVERYTHING)
    after = applied(observation)
    assert after.row_groups == ["integration", "platform"]
    assert t.cast("t.Any", after.endpoints)["client"] == {"networks": [CLIENT, "2001:db8:9::1"]}
    again = observed(EVERYTHING, after)
    assert not again.proposal
    assert [one for one in found(again) if one[0] != "scan"] == [
        ("unknown", NODE, TURN, "media_nodes_to_turn", "source port"),
        ("unknown", NODE, CLIENT, "media_from_nodes", "source port"),
    ]


def test_the_order_of_flows_and_hosts_changes_nothing() -> None:
    one = observe(variables(), {"fw": answer(EVERYTHING), "fw2": answer(SCAN)})
    other = observe(variables(), {"fw2": answer(SCAN[::-1]), "fw": answer(EVERYTHING[::-1])})
    assert (one.findings, one.memories) == (other.findings, other.memories)
    assert one.proposal.wider() == other.proposal.wider()


def test_the_same_flow_stays_apart_by_gateway_and_family_and_counts_of_one_add_up() -> None:
    ipv6 = flow("2001:db8:9::1", "2001:db8:1::11", "tcp", 80)
    seen = flow(CLIENT, NODE, "tcp", 80, 2)
    observation = observe(variables(), {"fw": answer([seen, seen, ipv6]), "fw2": answer([seen])})
    assert [(f.pair.gateway, f.pair.family, f.weight.packets) for f in observation.findings] == [
        ("fw", "ipv4", 4),
        ("fw2", "ipv4", 2),
        ("fw", "ipv6", 1),
    ]


def test_what_is_permitted_by_now_is_left_out() -> None:
    allowed = [flow("198.51.100.21", NODE, "tcp", 5061), flow("198.18.3.4", NODE, "udp", 41000)]
    assert not observed(allowed).findings
    rule = {"name": "probe", "hook": "forward", "protocol": "tcp", "source": [MONITOR], "destination_ports": 9100}
    flows = [flow(MONITOR, NODE, "tcp", 9100), flow(MONITOR, NODE, "tcp", 9101)]
    (left,) = observed(flows, extra_rules={"fw": [rule]}).findings
    assert left.as_mapping()["destination_ports"] == ["9101"]
    narrow = {**rule, "source_ports": 1, "name": "narrow"}
    assert len(observed(flows, extra_rules={"fw": [narrow]}).findings[0].as_mapping()["destination_ports"]) == 1
    with pytest.raises(PortMatrixError, match="host 'fw' linux_firewall_extra_rules"):
        observed(flows, extra_rules={"fw": [{}]})


def test_the_time_of_the_rules_tells_whether_the_source_port_was_another() -> None:
    seen = flow(NODE, TURN, "udp", 3478)
    earlier, later, unknown = (
        observe(variables(), {"fw": answer([seen], rules_since=time)})
        for time in ("2026-05-04T10:00:00Z", "2026-05-04T09:59:59Z", "")
    )
    assert not earlier.findings
    assert found(unknown) == [("unknown", NODE, TURN, "media_nodes_to_turn", "source port")]
    assert found(later) == [("missing_row", NODE, TURN, "media_nodes_to_turn", "source port")]
    assert later.findings[0].why() == "nearest is row media_nodes_to_turn, what does not match: source port"
    assert not observed([seen], applied(later)).findings


def test_what_was_last_seen_before_a_time_is_left_out_and_counted() -> None:
    old = flow(CLIENT, NODE, "tcp", 80, last_seen="2026-05-03T23:59:59Z")
    observation = observed([old, flow(MONITOR, NODE, "tcp", 9100)], since="2026-05-04T00:00:00Z")
    assert observation.older == 1
    assert [one.pair.source for one in observation.findings] == [0xC6336463]


def test_many_addresses_of_a_network_are_that_network_and_it_says_so() -> None:
    clients = [flow(f"10.9.0.{number}", NODE, "tcp", 80) for number in range(1, 9)]
    clients += [flow(f"10.9.1.{number}", NODE, "tcp", 80) for number in range(1, 8)]
    proposal = observed(clients).proposal
    networks = [one.cidr() for one in proposal.additions]
    assert networks == ["10.9.0.0/24", *(f"10.9.1.{number}" for number in range(1, 8))]
    assert "10.9.0.0/24 is wider than what was seen: 8 addresses of this network were" in proposal.wider()


@pytest.mark.parametrize(
    "neighbour",
    [
        flow("10.9.0.200", NODE, "tcp", 9100),  # somebody else
        flow("10.9.0.200", NODE, "tcp", 80, hook="output"),  # nobody there sends as itself
    ],
)
def test_a_network_with_somebody_else_in_it_is_not_proposed(neighbour: t.Any) -> None:
    clients = [flow(f"10.9.0.{number}", NODE, "tcp", 80) for number in range(1, 9)]
    networks = [one.cidr() for one in observed([*clients, neighbour]).proposal.additions]
    assert "10.9.0.0/24" not in networks
    scan = [flow("10.9.0.200", NODE, "tcp", port) for port in range(1, 30)]
    assert "10.9.0.0/24" not in [one.cidr() for one in observed([*clients, *scan]).proposal.additions]
    server = {**variables().hosts, "fe1": {"port_matrix_addresses": ["10.9.0.77"]}}
    observation = observed(clients, variables(hosts=server))
    assert "10.9.0.0/24" not in [one.cidr() for one in observation.proposal.additions]


def test_who_tries_many_ports_or_addresses_that_nobody_has_scans() -> None:
    assert {one[0] for one in found(observed(SCAN))} == {"scan"}
    assert not observed(SCAN).proposal
    sweep = [flow(SCANNER, f"192.0.2.{number}", "icmp") for number in range(100, 112)]
    assert {one[0] for one in found(observed(sweep))} == {"scan"}
    assert {one[0] for one in found(observed(SCAN, scan=100))} == {"missing_row"}
    inside = [flow("198.18.0.9", NODE, "tcp", port) for port in range(1, 40)]
    assert {one[0] for one in found(observed(inside))} == {"scan"}


@pytest.mark.parametrize(("port", "nearest", "most"), [(40000, "media_to_nodes", 97), (9999, "", 97), (0, "", 0)])
def test_of_a_crowd_those_with_the_most_packets_have_a_proposal_and_that_is_said(
    port: int, nearest: str, most: int
) -> None:
    false_senders = [flow(f"100.{n}.{m}.9", NODE, "udp", port) for n in range(4) for m in range(100)]
    network = [flow(f"10.9.1.{n}", NODE, "udp", 40000, 2) for n in range(1, 10)]
    real = [flow(MONITOR, NODE, "tcp", 9100, 50), flow(MANAGER, NODE, "esp"), flow(NODE, "203.0.113.99", "tcp", 443, 9)]
    observation = observed([*false_senders, *network, *real])
    what = {one.what for one in observation.proposed()}
    assert {"row group platform", "10.9.1.0/24 in endpoint client"} < what
    assert {"row observed_tcp_9100_to_node1", "row observed_tcp_443_to_203_0_113_99"} < what
    assert ("unknown", nearest) in {
        (kind, row) for kind, source, _to, row, _d in found(observation) if source[:4] == "100."
    }
    endpoints = t.cast("t.Any", applied(observation).endpoints).values()
    assert sum(one.startswith("100.") for endpoint in endpoints for one in endpoint["networks"]) == most
    assert [problem.split(" with ")[0] for problem in observation.proposal.problems] == ["303 strangers"] * bool(most)


def test_the_other_side_of_a_nat_gets_no_row_and_the_view_is_named() -> None:
    turn = {"port_matrix_addresses": [{"address": TURN, "advertised": "203.0.113.41"}]}
    site = variables(hosts={**variables().hosts, "turn1": turn})
    flows = [
        flow(NODE, TURN, "udp", 3478), flow(NODE, "203.0.113.41", "udp", 3478), flow(NODE, "203.0.113.41", "udp", 9),
        flow(NODE, TURN, "udp", 9), flow(SECOND, "203.0.113.41", "udp", 9),
    ]  # fmt: skip
    whys = {one.what().split(" to ")[1]: one.why() for one in observed(flows, site).findings}
    assert {to for to, why in whys.items() if "NAT" in why} == {"turn1 (203.0.113.41) port 3478"}
    assert whys["turn1 (203.0.113.41) port 3478"].endswith(
        "does not match: destination address, which is the other side of a NAT (port_matrix_view)"
    )
    assert not any(one.what.startswith("row observed_udp_3478") for one in observed(flows, site).proposed())


def test_a_crowd_that_a_row_group_permits_is_one_proposal() -> None:
    everybody = {"port_matrix_addresses": ["0.0.0.0/0"]}
    site = variables(
        hosts={**variables().hosts, "all": everybody},
        groups={**variables().groups, "pexip_video_endpoints": ["all"]},
    )
    observation = observed([flow(f"100.0.{n}.9", NODE, "tcp", 1720) for n in range(200)], site)
    assert [one.what for one in observation.proposed()] == ["row group video_endpoints"]
    assert observation.proposal.problems == ()


def test_a_machine_of_the_inventory_does_not_scan_and_a_call_is_no_scan() -> None:
    busy = [flow(MANAGER, NODE, "tcp", port) for port in range(1, 40)]
    assert "scan" not in {one[0] for one in found(observed(busy))}
    assert "scan" not in {one[0] for one in found(observed(MEDIA))}
    whole_range = [flow(SCANNER, NODE, "udp", port) for port in range(40000, 41002)]
    assert {one[0] for one in found(observed(whole_range))} == {"scan"}


@pytest.mark.parametrize("limit", [1, "ten", True])
def test_a_limit_that_makes_everybody_a_scanner_is_refused(limit: object) -> None:
    with pytest.raises(PortMatrixError, match="port_matrix_observed_scan"):
        observed([], scan=limit)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (flow(NODE, "224.0.0.251", "udp", 5353), f"{NO_ROW}destination address"),
        (flow("0.0.0.0", "255.255.255.255", "udp", 67), f"{NO_ROW}source address"),
        (flow("2001:db8:9::1", "2001:db8:1::11", "icmp"), f"{NO_ROW}protocol"),
        (flow(CLIENT, NODE, "udp"), f"{NO_ROW}destination port"),
        (flow(NODE, NODE, "udp", 7), f"{NO_ROW}source and destination, which are the same"),
        (flow("10.1.1.1", "10.2.2.2", "tcp", 5), f"nearest is row media_from_nodes, what does not match: {SOURCE}, "
         "destination address"),
        (flow("10.1.1.1", NODE, "tcp", 22, hook="input"), f"{NO_ROW}family, as no row has"),
    ],
)  # fmt: skip
def test_what_nothing_can_be_proposed_for_is_said(seen: t.Any, why: str) -> None:
    observation = observed([seen])
    (finding,) = observation.findings
    assert finding.reason.kind == "unknown"
    assert finding.why().startswith(why)
    assert not observation.proposal


def test_a_row_that_is_disabled_is_named_and_what_was_seen_gets_a_row_of_its_own() -> None:
    site = variables(disabled_rows=["conference_avatar"])
    observation = observed([flow("198.18.0.1", NODE, "tcp", 80)], site)
    (finding,) = observation.findings
    assert finding.reason.kind == "missing_row"
    assert finding.why() == "row conference_avatar would permit it, but it is off (port_matrix_disabled_rows)"
    (row,) = observation.proposal.rows
    assert row.endpoints == {f"{row.row['id']}_source": ["198.18.0.1"], f"{row.row['id']}_destination": [NODE]}
    assert not observed([flow("198.18.0.1", NODE, "tcp", 80)], applied(observation)).findings


def test_a_row_that_applies_by_name_is_switched_on_by_it() -> None:
    hosts = {**variables().hosts, "room": {"port_matrix_addresses": ["10.5.0.1"]}}
    site = variables(hosts=hosts, groups={**variables().groups, "pexip_video_endpoints": ["room"]})
    flows = [flow("10.5.0.1", NODE, "udp", 5060)]
    observation = observed(flows, site)
    assert list(observation.proposal.switches) == ["sip_udp"]
    assert observation.findings[0].as_mapping()["row_group"] == "video_endpoints"
    assert not observed(flows, applied(observation)).findings


def test_strict_clients_stay_on_in_a_complete_list() -> None:
    observation = observed([flow(MANAGER, NODE, "esp")], variables(strict_clients=True))
    assert applied(observation).row_groups == ["integration", "strict_clients", "platform"]


def test_hosts_of_a_row_group_that_is_off_may_be_wrong_and_what_was_seen_gets_a_row() -> None:
    # The row group would come with SNMP from IPv6 to nodes that have none: the site would be refused.
    hosts = {**variables().hosts, "poller": {"port_matrix_addresses": ["2001:db8:77::1"]}}
    hosts["node1"] = {"port_matrix_addresses": [NODE]}
    hosts["fe1"] = {"port_matrix_addresses": ["198.51.100.21"]}
    site = variables(hosts=hosts, groups={**variables().groups, "snmp_managers": ["poller"]})
    flows = [flow(MANAGER, NODE, "esp")]
    observation = observed(flows, site)
    assert not observation.proposal.switches
    assert not observed(flows, applied(observation)).findings


def test_what_a_host_gets_itself_is_permitted_by_one_of_its_own_endpoints() -> None:
    flows = [flow(MONITOR, TURN, "tcp", 9100, hook="input"), flow(TURN, MONITOR, "tcp", 514, hook="output")]
    observation = observed(flows, gateway="turn1")
    rows = [one.row for one in observation.proposal.rows]
    assert [(row["source"], row["destination"]) for row in rows] == [
        (["turn_server"], ["observed_tcp_514_to_198_51_100_99_destination"]),
        (["observed_tcp_9100_to_turn_server_source"], ["turn_server"]),
    ]
    assert not observed(flows, applied(observation), "turn1").findings


def test_an_endpoint_of_several_hosts_is_wider_and_says_so() -> None:
    flows = [flow(MONITOR, NODE, "tcp", 9100, hook="input")]
    observation = observed(flows, gateway="node1")
    assert observation.proposal.wider() == [
        "row observed_tcp_9100_to_conferencing_node: it is for all of conferencing_node: 2 hosts"
    ]


def test_ports_that_are_many_become_ranges_and_it_says_so() -> None:
    flows = [flow(NODE, "203.0.113.9", "udp", 1000 + 2 * number) for number in range(40)]
    flows += [flow(NODE, "203.0.113.9", "udp", 50000)]
    observation = observed(flows)
    (row,) = observation.proposal.rows
    assert row.row["destination_ports"] == ["1000-1078", "50000"]
    assert row.wider == ("of its 80 ports, 41 were seen",)
    assert not observed(flows, applied(observation)).findings


def test_a_protocol_without_ports_here_is_wider_and_says_so() -> None:
    flows = [flow(MANAGER, NODE, "136", 5004)]
    (row,) = observed(flows).proposal.rows
    assert row.wider == ("all of IP protocol 136, which has no ports here",)
    assert "destination_ports" not in row.row


def test_sources_and_destinations_are_joined_only_where_each_talks_to_each() -> None:
    flows = [flow(one, other, "tcp", 9100) for one in (MONITOR, "198.51.100.98") for other in (NODE, SECOND)]
    flows.append(flow(MONITOR, MANAGER, "tcp", 9100))
    rows = observed(flows).proposal.rows
    assert [sorted(row.endpoints.values()) for row in rows] == [
        [[NODE, SECOND], ["198.51.100.98", MONITOR]],
        [[MANAGER], [MONITOR]],
    ]


def test_ids_are_not_those_that_are_there() -> None:
    own = {"id": "observed_tcp_9100_to_node1", "source": "client", "destination": "turn_server", "protocols": "tcp",
           "destination_ports": 1}  # fmt: skip
    observation = observed([flow(MONITOR, NODE, "tcp", 9100)], variables(extra_rows=[own]))
    assert [row.row["id"] for row in observation.proposal.rows] == ["observed_tcp_9100_to_node1_2"]
    assert t.cast("list[t.Any]", applied(observation).extra_rows)[0] == own


def test_an_endpoint_of_an_earlier_proposal_takes_who_came_later() -> None:
    first = applied(observed([flow(MONITOR, NODE, "tcp", 9100)]))
    flows = [flow(MONITOR, NODE, "tcp", 9100), flow("198.51.100.98", NODE, "tcp", 9100)]
    later = observed(flows, first)
    assert later.proposal.endpoints() == ["observed_tcp_9100_to_node1_source"]
    assert not observed(flows, applied(later)).findings


def test_networks_and_settings_that_an_endpoint_has_stay() -> None:
    own = {"client": {"groups": ["sfb_clients"], "networks": ["10.1.0.0/16"], "exclude": ["10.1.0.1"]}}
    observation = observed(MEDIA, variables(endpoints=own))
    assert t.cast("t.Any", applied(observation).endpoints)["client"] == {
        "groups": ["sfb_clients"], "networks": ["10.1.0.0/16", CLIENT], "exclude": ["10.1.0.1"],
    }  # fmt: skip


def test_an_address_that_the_endpoint_excludes_gets_a_row_of_its_own() -> None:
    observation = observed(MEDIA, variables(endpoints={"client": {"exclude": ["10.9.0.0/24"]}}))
    assert [one.reason.kind for one in observation.findings] == ["missing_row"]
    assert not observed(MEDIA, applied(observation)).findings


def test_an_endpoint_that_the_site_cannot_have_with_it_gets_nothing_and_that_is_said() -> None:
    # A client with IPv4 only would have no family in common with the other side of the site's own row.
    row = {"id": "own", "source": "client", "destination": "six", "protocols": "tcp", "destination_ports": 1}
    site = variables(
        groups={**variables().groups, "sfb_clients": []},
        endpoints={"six": {"networks": ["2001:db8:6::/64"]}},
        extra_rows=[row],
        allow_empty=["client"],
    )
    flows = [flow(CLIENT, NODE, "tcp", 80)]
    observation = observed(flows, site)
    assert observation.proposal.problems == (
        "endpoint client cannot be proposed: row own: endpoint client has only ipv4, and six has only ipv6; "
        "accepted: a family that both have, or the row in port_matrix_disabled_rows",
    )
    assert not observation.proposal.additions
    assert not observed(flows, applied(observation)).findings


def test_a_row_group_that_the_site_cannot_have_is_not_proposed_and_that_is_said() -> None:
    site = variables(groups={**variables().groups, "pexip_conferencing_nodes": []}, row_groups=["platform"])
    flows = [flow("198.18.0.1", "198.51.100.31", "udp", 3478)]
    observation = observed(flows, site)
    assert observation.proposal.problems[0].startswith(
        "row group strict_clients cannot be proposed: endpoint conferencing_node: has no addresses"
    )
    assert not observation.proposal.switches
    assert not observed(flows, applied(observation)).findings


def test_where_the_table_is_replaced_rows_are_added_to_that() -> None:
    rows = [row for row in variables().selected() if row["id"] == "sip_signaling"]
    site = variables(rows=rows)
    flows = [flow("198.18.0.1", NODE, "tcp", 80), flow(MANAGER, NODE, "esp")]
    observation = observed(flows, site)
    assert {one.reason.kind for one in observation.findings} == {"missing_row"}
    after = applied(observation)
    assert t.cast("list[t.Any]", after.rows)[0]["id"] == "sip_signaling"
    assert not observed(flows, after).findings


def test_names_are_those_of_the_inventory_as_the_gateway_sees_them() -> None:
    flows = [flow("10.0.0.31", NODE, "tcp", 9), flow("198.18.0.1", NODE, "tcp", 9), flow("10.7.7.7", NODE, "tcp", 9)]
    further = {"printer": {"ansible_host": "10.7.7.7"}, "broken": {"port_matrix_addresses": "x.y"}}
    observation = observed(flows, further_hosts=further)
    assert [one.source.name for one in observation.findings] == ["edge1", "printer", "lan"]


def test_an_address_that_no_row_uses_has_the_name_of_its_host() -> None:
    for management in ("10.3.0.41", "10.3.0.0/16"):
        turn = {"port_matrix_addresses": [TURN], "port_matrix_interfaces": {"management": [management]}}
        site = variables(hosts={**variables().hosts, "turn1": turn})
        (finding,) = observed([flow("10.3.0.41", NODE, "tcp", 9)], site).findings
        assert (finding.source.name, finding.source.is_machine) == ("turn1", "/" not in management)


def test_a_literal_network_has_the_name_of_its_endpoint_and_everybody_is_nobody() -> None:
    own = {"client": {"networks": ["10.1.0.0/16"]}, "video_endpoint": {"networks": ["0.0.0.0/0"]}}
    site = variables(endpoints=own, row_groups=["integration", "video_endpoints"])
    observation = observed([flow("10.1.0.1", NODE, "tcp", 9), flow("10.2.0.1", "10.3.0.1", "tcp", 9)], site)
    assert [(one.source.name, one.reason.kind) for one in observation.findings] == [
        ("client", "missing_row"),
        ("video_endpoint", "unknown"),
    ]
