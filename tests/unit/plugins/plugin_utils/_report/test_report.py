# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report, row_numbers
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from example_site import MESH, NTP, NTP_SERVER, example_report, example_site
from hypothesis import given
from random_sites import Case, cases


@given(cases())
def test_flows_hold_exactly_the_rules(case: Case) -> None:
    report = build_report(case.core, Scope(), "t")
    of_flows = {
        (flow.row, protocol, flow.source.endpoints, flow.destination.endpoints)
        for flow in report.flows
        for protocol in flow.protocols
    }
    assert of_flows == {
        (rule.row, rule.protocol, rule.source_endpoint, rule.destination_endpoint) for rule in report.rules
    }
    for rule, number in zip(report.rules, report.rule_numbers.of_rules, strict=True):
        (flow,) = [flow for flow in report.flows if number in flow.rules]
        assert (flow.row, flow.source.endpoints) == (rule.row, rule.source_endpoint)
        assert flow.destination.endpoints == rule.destination_endpoint
        assert rule.source.issubset(flow.source.addresses.of_family(rule.family))
        assert rule.destination.issubset(flow.destination.addresses.of_family(rule.family))
        assert (rule.source_ports, rule.destination_ports) == (flow.source_ports, flow.destination_ports)
    for party in report.parties:
        # Whoever has an address is named with it, and nobody has another one.
        united = [cidr for _host, a in party.hosts for cidr in a.cidrs("ipv4") + a.cidrs("ipv6")]
        assert read_cidrs(united) == party.addresses


def test_a_set_of_addresses_exists_once() -> None:
    report = example_report()
    assert len({(party.endpoints, party.addresses) for party in report.parties}) == len(report.parties)
    used = {id(party) for flow in report.flows for party in (flow.source, flow.destination)}
    assert used == {id(party) for party in report.parties}
    assert len({party.id for party in report.parties}) == len(report.parties)


def test_literal_networks_are_named_as_such() -> None:
    report = build_report(example_site([NTP], endpoints=NTP_SERVER), Scope(), "t")
    (party,) = [party for party in report.parties if party.endpoints == ("ntp_server",)]
    assert [host for host, _addresses in party.hosts] == ["literal networks"]


def test_a_mesh_is_one_flow() -> None:
    report = build_report(example_site([MESH]), Scope(), "t")
    (mesh,) = [flow for flow in report.flows if flow.row == "mesh"]
    assert mesh.source is mesh.destination
    assert [host for host, _addresses in mesh.source.hosts] == ["node1", "node2"]


def test_rows_have_the_number_of_the_table_and_own_rows_follow() -> None:
    numbers = row_numbers(["ntp", "wac_content", "own"])
    assert (numbers["sip_signaling"], numbers["strict_edge_media"]) == (1, 12)
    assert (numbers["ntp"], numbers["own"]) == (13, 14)


def test_a_revision_depends_on_flows_and_not_on_texts() -> None:
    one, other = ({**NTP, "purpose": text} for text in ("Time", "Clock"))
    reports = [build_report(example_site([row], endpoints=NTP_SERVER), Scope(), "t") for row in (one, other)]
    assert reports[0].revision() == reports[1].revision()
    assert reports[0].revision() != example_report().revision()
