# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The question, against the oracle of the packet proof and on a small site with static NAT."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import resolve_ranges
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows_off import RowsOff, rows_off
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._query.question import Answer, ask
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import ACCEPTED as PROTOCOLS
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import GROUPS, HOSTVARS, MESH, example_site
from hypothesis import event, given, settings
from hypothesis import strategies as st
from packet_proof import oracle
from random_sites import GATEWAY, HOSTS, Case, cases, drawn_packets, expected_rows

SITE = example_site(strict=False)
SEARCHED = {"source address", "destination address", "protocol", "source port", "destination port"}


def _asked(case: Case, packet: oracle.Packet, at: str | None) -> Answer:
    question = (str(packet.source), str(packet.destination), packet.protocol, packet.source_port)
    return ask(case.core, *question, packet.destination_port, at, [GATEWAY])


def _rows(answer: Answer) -> set[str]:
    return set(answer.as_mapping()["rows"])


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("at", [None, GATEWAY])
def test_an_answer_about_addresses_is_that_of_the_oracle(at: str | None, data: st.DataObject) -> None:
    case = data.draw(cases())
    for packet in drawn_packets(data, case, at):
        answer = _asked(case, packet, at)
        event("permitted" if answer.matches else "denied")
        assert _rows(answer) == expected_rows(case, packet, at, None, None)
        assert bool(answer.matches) == (answer.nearest is None and not answer.mismatches)


@settings(max_examples=40)
@given(st.data())
def test_an_answer_at_a_host_is_that_of_the_oracle_for_what_it_sends_and_receives(data: st.DataObject) -> None:
    case = data.draw(cases())
    host = data.draw(st.sampled_from([name for name in HOSTS if case.core.endpoints_of(name)] or [GATEWAY]))
    for packet in drawn_packets(data, case, host):
        if host != GATEWAY:
            sent, received = (expected_rows(case, packet, host, *ends) for ends in ((host, None), (None, host)))
            assert _rows(_asked(case, packet, host)) == sent | received


@settings(max_examples=40)
@given(st.data())
def test_what_does_not_match_is_what_would_have_to_be_another(data: st.DataObject) -> None:
    """The parts that are named are the ones in which the packet differs from the rule that comes nearest."""
    case = data.draw(cases())
    for packet in drawn_packets(data, case, None):
        answer = _asked(case, packet, None)
        rule = answer.nearest
        if rule is None:
            continue
        fits = {
            "source address": int(packet.source) in rule.source,
            "destination address": int(packet.destination) in rule.destination,
            "protocol": packet.protocol == rule.protocol,
            "source port": packet.source_port in rule.source_ports,
            "destination port": packet.destination_port in rule.destination_ports,
        }
        assert set(answer.mismatches) == {part for part, fit in fits.items() if not fit}


@settings(max_examples=40)
@given(st.data())
def test_a_name_stands_for_the_addresses_of_the_host(data: st.DataObject) -> None:
    case = data.draw(cases())
    # Nobody knows a host that no row needs.
    endpoints = sorted({name for row in case.core.rows for name in row.endpoints()})
    for packet in drawn_packets(data, case, None):
        sources = oracle.owners(case.oracle, endpoints, packet.source) & set(HOSTS)
        destinations = oracle.owners(case.oracle, endpoints, packet.destination) & set(HOSTS)
        wanted = _rows(_asked(case, packet, None))
        for source in sources:
            for destination in destinations:
                question = (source, destination, packet.protocol, packet.source_port, packet.destination_port)
                assert wanted <= _rows(ask(case.core, *question))


def test_a_permitted_question_is_answered_with_the_rules_narrowed_down_to_it() -> None:
    answer = ask(SITE, "node1", "turn1", "udp", destination_port="3478").as_mapping()
    assert answer["permitted"] is True
    assert answer["rows"] == ["media_nodes_to_turn"]
    (match,) = answer["matches"]
    assert (match["source"], match["source_ports"]) == (["192.0.2.11/32"], ["40000-49999"])
    assert (match["destination"], match["destination_ports"]) == (["198.51.100.41/32"], ["3478"])
    assert answer["text"] == [
        "Permitted: UDP from node1 (192.0.2.11, 2001:db8:1::11) to turn1 (198.51.100.41) port 3478",
        "  by row media_nodes_to_turn: UDP from 192.0.2.11 port 40000-49999 to 198.51.100.41 port 3478",
    ]


@pytest.mark.parametrize(
    ("question", "row", "mismatches"),
    [
        (("node1", "turn1", "tcp", None, 3478), "media_nodes_to_turn", ["protocol"]),
        (("node1", "turn1", "udp", 39999, 3478), "media_nodes_to_turn", ["source port"]),
        (("node1", "turn1", "udp", 40000, 3479), "media_nodes_to_turn", ["destination port"]),
        (("192.0.2.12", "turn1", "udp", 40000, 3478), "media_nodes_to_turn", ["source address"]),
        (("node1", "198.51.100.42", "udp", 40000, 3478), "media_nodes_to_turn", ["destination address"]),
        (("fe1", "node1", "udp", None, 5061), "sip_signaling", ["protocol"]),
        (("fe1", "turn1", "tcp", 1, 1), "sip_signaling", ["destination address", "destination port"]),
    ],
)
def test_a_refusal_names_the_nearest_row_and_what_does_not_match(
    question: t.Any, row: str, mismatches: list[str]
) -> None:
    answer = ask(SITE, *question).as_mapping()
    assert answer["permitted"] is False
    assert answer["nearest"]["row"] == row
    assert answer["mismatches"] == mismatches
    assert answer["text"][0].startswith("Not permitted: ")
    assert answer["text"][2] == f"  what does not match: {', '.join(answer['mismatches'])}"


def test_an_edge_is_asked_about_by_interface() -> None:
    by_name = ask(SITE, "node1", "edge1", "udp", 40000, 50000)
    assert [rule.as_mapping()["destination"] for rule in by_name.matches] == [["203.0.113.31/32"]]
    assert ask(SITE, "node1", "203.0.113.31", "udp", 40000, 50000).matches
    internal = ask(SITE, "node1", "198.51.100.31", "udp", 40000, 50000)
    assert (internal.matches, internal.mismatches) == ((), ("destination address",))
    strict = example_site()
    assert ask(strict, "lan", "198.51.100.31", "udp", None, 3478).matches
    assert not ask(strict, "lan", "203.0.113.31", "udp", None, 3478).matches


def test_static_nat_is_seen_from_where_the_question_is_asked() -> None:
    question = ("node1", "10.0.0.31", "udp", 40000, 50000)
    outside = ask(SITE, *question)
    assert not outside.matches
    assert outside.notes == ("10.0.0.31 is an address of edge1 that is not seen here; what is seen is 203.0.113.31",)
    assert ask(SITE, *question, at="edge1").matches
    assert ask(SITE, *question, at="fw", gateways=["fw"]).matches
    assert not ask(SITE, "node1", "203.0.113.31", "udp", 40000, 50000, at="fw", gateways=["fw"]).matches
    at_edge = ask(SITE, "node1", "edge1", "udp", 40000, 50000, at="edge1")
    assert [rule.as_mapping()["destination"] for rule in at_edge.matches] == [["10.0.0.31/32"]]


def test_a_host_that_is_endpoint_and_gateway_judges_both_kinds_of_traffic() -> None:
    assert not ask(SITE, "node1", "turn1", "udp", at="edge1").matches
    assert ask(SITE, "node1", "turn1", "udp", at="edge1", gateways=["edge1"]).matches
    assert ask(SITE, "node1", "edge1", "udp", at="edge1", gateways=["edge1"]).matches


def test_the_way_back_is_mentioned() -> None:
    answer = ask(SITE, "node1", "lan", "tcp", 80, 1024)
    assert answer.notes == (
        "the other direction is permitted by conference_avatar, and answers to that pass on their own",
    )
    assert ask(SITE, "node1", "lan", "tcp", 81, 1024).notes == ()
    assert "  note: the other direction" in "\n".join(answer.text())


def test_what_is_left_out_may_be_anything() -> None:
    answer = ask(SITE, "node1", "wac1")
    assert {(rule.row, rule.protocol) for rule in answer.matches} == {("wac_content", "tcp")}
    assert answer.text()[0] == ("Permitted: traffic from node1 (192.0.2.11, 2001:db8:1::11) to wac1 (198.51.100.51)")


def test_of_a_host_that_is_a_network_a_part_may_be_excluded() -> None:
    whole, less = (
        example_site(strict=False, endpoints={"client": {"exclude": excluded}}) for excluded in ([], ["198.18.7.0/24"])
    )
    for source in ("lan", "198.18.0.0/16"):
        found = [ask(site, source, "node1", "tcp", None, 80, hostvars=HOSTVARS).is_partial for site in (whole, less)]
        assert found == [False, True]


def test_nobody_talks_to_itself_and_families_do_not_mix() -> None:
    mesh = example_site([MESH])
    assert ask(mesh, "node1", "node1").mismatches == ("source and destination, which are the same",)
    networks = example_site(
        [{**MESH, "source": "client", "destination": "client"}], groups={**GROUPS, "sfb_clients": ["lan"]}
    )
    assert ask(networks, "198.18.0.1", "198.18.0.2", "udp", 500, 500).matches
    itself = ask(networks, "198.18.0.1", "198.18.0.1", "udp", 500, 500)
    assert itself.mismatches == ("source and destination, which are the same",)
    assert itself.text()[1] == "  what does not match: source and destination, which are the same"
    assert ask(SITE, "2001:db8::1", "192.0.2.11").mismatches == ("family, as one is IPv4 and the other IPv6",)
    assert ask(SITE, "2001:db8::1", "2001:db8::2", at="turn1").mismatches == ("family, as no row has IPv6 here",)


def test_a_host_that_no_row_names_has_the_addresses_of_its_variables() -> None:
    hostvars = {"pc7": {"ansible_host": "198.18.7.7"}, "nobody": {}, "node1": {"port_matrix_addresses": ["192.0.2.11"]}}
    assert _rows(ask(SITE, "pc7", "node1", "tcp", None, 80, hostvars=hostvars)) == {"conference_avatar"}
    with pytest.raises(PortMatrixError, match="source: 'nobody' is not a host with an address"):
        ask(SITE, "nobody", "node1", hostvars=hostvars)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"source": "node9"},
            "source: 'node9' is not a host with an address, an endpoint or a group, the nearest is node2; "
            "accepted: the name of a host, an endpoint or a group, an address, or a network",
        ),
        (
            {"source": "x"},
            "source: 'x' is not a host with an address, an endpoint or a group; accepted: the name of a host",
        ),
        ({"source": 5}, "source: 5 is not a string; accepted: the name of a host, an endpoint or a group, an address"),
        ({"destination": "192.0.2.9/24"}, "destination: '192.0.2.9/24' may be one address or a network; accepted: "),
        ({"source": "", "destination": None}, "source and destination: neither is named; accepted: at least one of th"),
        (
            {"protocol": "x"},
            f"protocol: unknown value 'x'; accepted: {PROTOCOLS}",
        ),
        ({"source_port": 0}, "source_port: 0: port 0 is out of range"),
        (
            {"destination_port": "rtp"},
            "destination_port: the range name 'rtp' is not defined; accepted: a port 1-65535",
        ),
        ({"at": "fw"}, "at: 'fw' judges nothing; accepted: a host that is an endpoint, or a gateway"),
        ({"at": 5}, "at: 5 judges nothing"),
    ],
)
def test_what_cannot_be_asked_is_an_error(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        ask(SITE, **{"source": "node1", "destination": "turn1", **options})
    assert str(caught.value).startswith(message)


def test_people_ask_about_endpoints_groups_and_networks() -> None:
    groups = {"pexip_conferencing_nodes": ["node1", "node2"], "offices": ["lan", "pc9"], "empty": []}
    hostvars = {"pc9": {"ansible_host": "203.0.113.9"}}

    def asked(*question: t.Any, **options: t.Any) -> Answer:
        return ask(SITE, *question, groups=groups, hostvars=hostvars, **options)

    whole = asked("lan", "conferencing_node", "TCP", None, 80)
    assert (_rows(whole), whole.is_partial) == ({"conference_avatar"}, False)
    assert whole.text()[0] == (
        "Permitted: TCP from lan (198.18.0.0/16) to conferencing_node (192.0.2.11, 192.0.2.13, 2001:db8:1::11) port 80"
    )
    by_group = asked("lan", "pexip_conferencing_nodes", "tcp", None, 80)
    assert (by_group.matches, by_group.is_partial) == (whole.matches, False)
    # Of the group, one host is a client. Of the network, half is.
    for source in ("offices", "198.18.0.0/15"):
        part = asked(source, "node1", "tcp", None, 80)
        assert (part.as_mapping()["permitted"], part.as_mapping()["in_part"]) == (True, True)
        assert part.text()[0].startswith("Permitted, in part, by what follows: TCP from ")
    assert not asked("198.18.5.0/24", "node1", "tcp", None, 80).is_partial
    groups["offices"] = ["lan", "printer"]
    for port, permitted in ((80, True), (81, False)):
        answer = asked("offices", "node1", "tcp", None, port)
        assert bool(answer.matches) is permitted
        assert answer.notes[0] == "nothing is known about the addresses of printer, so this is not about them"
    assert _rows(asked("edge_av", "node1", "udp")) == {"media_edge_to_nodes"}
    at_edge = asked("edge_av", "node1", "udp", at="edge1")
    assert at_edge.question.source.text() == "edge_av (10.0.0.31)"
    with pytest.raises(
        PortMatrixError, match="source: 'empty' is not a host with an address, an endpoint or a group; accepted"
    ):
        asked("empty", "node1")


def test_people_ask_about_ranges_of_ports_by_their_names() -> None:
    ranges = resolve_ranges({}, "ports")
    whole = ask(SITE, "node1", "turn1", "udp", "media", "turn", ranges=ranges)
    assert (bool(whole.matches), whole.is_partial) == (True, False)
    assert whole.text()[0] == (
        "Permitted: UDP from node1 (192.0.2.11, 2001:db8:1::11) port media (40000-49999) to turn1 (198.51.100.41) "
        "port turn (3478)"
    )
    part = ask(SITE, "node1", "turn1", "udp", "30000-40010", "3478-3479", ranges=ranges)
    assert part.is_partial
    assert [rule.as_mapping()["source_ports"] for rule in part.matches] == [["40000-40010"]]
    assert not ask(SITE, "node1", "turn1", "udp", "1-39999").matches


def test_what_may_reach_a_host_and_what_it_may_reach() -> None:
    reach = ask(SITE, None, "turn1")
    assert _rows(reach) == {"media_nodes_to_turn"}
    assert reach.text() == [
        "What is permitted: traffic from anybody to turn1 (198.51.100.41)",
        "  by row media_nodes_to_turn: UDP from 192.0.2.11, 192.0.2.13 port 40000-49999 to 198.51.100.41 port 3478",
    ]
    assert _rows(ask(SITE, "lan", "", "tcp")) == {"conference_avatar"}
    assert _rows(ask(SITE, "node1")) >= {"media_nodes_to_turn", "sip_signaling", "wac_content"}
    nothing = ask(SITE, "turn1")
    assert nothing.text()[0] == "Not permitted: traffic from turn1 (198.51.100.41) to anybody"


def test_an_empty_port_is_none() -> None:
    assert ask(SITE, "node1", "turn1", "udp", "", "") == ask(SITE, "node1", "turn1", "udp")


ESP = {"id": "esp", "source": "conferencing_node", "destination": "conferencing_node", "protocols": ["esp"]}


def test_a_protocol_without_ports_can_be_asked_about_by_name_and_number() -> None:
    site = example_site([ESP], strict=False)
    for protocol in ("esp", 50, "50"):
        answer = ask(site, "node1", "node2", protocol)
        assert answer.text() == [
            "Permitted: ESP from node1 (192.0.2.11, 2001:db8:1::11) to node2 (192.0.2.13)",
            "  by row esp: ESP from 192.0.2.11 to 192.0.2.13",
        ]
    assert not ask(site, "node1", "node2", "ah").matches
    assert ask(site, "node1", "node2", "89").text()[0].startswith("Not permitted: IP protocol 89 from")


def test_a_question_about_a_port_is_not_about_a_protocol_without_ports() -> None:
    site = example_site([ESP], strict=False)
    assert ask(site, "node1", "node2").as_mapping()["rows"] == ["esp"]
    answer = ask(site, "node1", "node2", destination_port=500)
    assert (answer.matches, answer.mismatches) == ((), ("destination port",))
    with pytest.raises(PortMatrixError) as caught:
        ask(site, "node1", "node2", "esp", source_port=500)
    assert str(caught.value) == (
        "source_port: esp has no ports; accepted: no ports, or one of the protocols sctp, tcp, udp"
    )


NODES = {"pexip_management_nodes": ["manager"], "dns_servers": ["dns1"], "sfb_federated_edges": ["partner"]}
MANAGER = {
    "manager": {"port_matrix_addresses": ["192.0.2.10"]},
    "dns1": {"port_matrix_addresses": ["198.51.100.53"]},
    "partner": {"port_matrix_addresses": ["203.0.113.99"]},
}


def _with_rows_off(*question: t.Any, site: Site = SITE, hosts: t.Any = None, **options: t.Any) -> Answer:
    edge = {"port_matrix_interfaces": {**HOSTVARS["edge1"]["port_matrix_interfaces"], "access_edge": "av_edge"}}
    every = {**HOSTVARS, "edge1": edge, **(MANAGER if hosts is None else hosts)}
    return ask(
        site,
        *question,
        gateways=["fw"],
        hostvars=every,
        rows_off=lambda: rows_off(site, every, {**GROUPS, **NODES}),
        **options,
    )


@pytest.mark.parametrize(
    ("question", "note"),
    [
        (("manager", "node1", "esp"), "row node_esp would permit it, but its row group platform is off"),
        (("node1", "dns1", "udp", None, 53), "row platform_dns would permit it, but its row group platform is off"),
        (("partner", "node1", "tcp", None, 5061), "row federation_sip would permit it, but its row group federation"),
        (
            ("lan", "edge1", "udp", None, 3478),
            "row strict_client_relay would permit it, but its row group strict_clients",
        ),
    ],
)
def test_a_row_of_a_group_that_is_off_is_the_hint(question: tuple[t.Any, ...], note: str) -> None:
    for at in (None, "fw"):
        answer = _with_rows_off(*question, at=at)
        assert not answer.matches
        assert answer.notes[-1].startswith(note)
        assert answer.text()[-1].endswith("(port_matrix_row_groups)")


def test_a_row_that_is_off_by_itself_is_the_hint_too() -> None:
    site = example_site(strict=False, disabled=["wac_content"])
    assert _with_rows_off("node1", "wac1", "tcp", None, 443, site=site).notes == (
        "row wac_content would permit it, but it is off (port_matrix_disabled_rows)",
    )
    off = rows_off(SITE, {**HOSTVARS, **MANAGER}, {**GROUPS, "pexip_video_endpoints": ["partner"]})
    answer = ask(SITE, "203.0.113.99", "192.0.2.11", "udp", None, 5060, rows_off=lambda: off)
    assert answer.notes == ("row sip_udp would permit it, but it applies only if port_matrix_row_groups names it",)


def test_what_is_judged_at_a_host_that_is_no_endpoint_of_rows_that_are_off() -> None:
    assert _with_rows_off("node1", "dns1", "udp", None, 53, at="turn1").notes == ()
    assert "row platform_dns would permit it" in _with_rows_off("node1", "dns1", "udp", None, 53, at="node1").notes[-1]


def test_what_permits_it_needs_no_hint() -> None:
    def fail() -> RowsOff:
        raise AssertionError

    assert ask(SITE, "node1", "wac1", "tcp", rows_off=fail).matches


def test_hosts_of_another_group_that_is_off_do_not_spoil_the_hint() -> None:
    every = {**HOSTVARS, **MANAGER}  # edge1 has no access_edge, which only federation needs
    answer = ask(
        SITE, "manager", "node1", "esp", hostvars=every, rows_off=lambda: rows_off(SITE, every, {**GROUPS, **NODES})
    )
    assert answer.notes == ("row node_esp would permit it, but its row group platform is off (port_matrix_row_groups)",)


def test_a_hint_that_cannot_be_worked_out_is_said() -> None:
    answer = _with_rows_off("wac1", "fe1", "udp", None, 53, hosts={**MANAGER, "dns1": {"ansible_host": "dns.example"}})
    assert answer.notes[-1].startswith(
        "whether a row that is off would permit it cannot be told: row group platform: host 'dns1': ansible_host "
        "'dns.example' is a name"
    )
