# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparison of two reports: what it says is exact, packet by packet."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import Changes, compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from example_site import GROUPS, MESH, example_site
from hypothesis import event, given, settings
from hypothesis import strategies as st
from random_sites import cases, drawn_packets, expected_rows, matching_rows


def _kinds(changes: Changes) -> dict[str, list[tuple[str, str, t.Any, t.Any]]]:
    def said(rule: Rule) -> tuple[str, str, t.Any, t.Any]:
        data = rule.as_mapping()
        return rule.row, rule.protocol, data["source"], data["destination"]

    return {kind: [said(rule) for rule in rules] for kind, rules in changes.by_kind().items() if rules}


def _without_host(host: str, group: str) -> list[Rule]:
    groups = {**GROUPS, group: [name for name in GROUPS[group] if name != host]}
    return expand_site(example_site(groups=groups, allow_empty=["turn_server"]))


@settings(max_examples=40)
@given(st.data())
def test_what_was_plus_what_changed_is_what_is(data: st.DataObject) -> None:
    before, now = data.draw(cases()), data.draw(cases())
    changes = compare(expand_site(before.core), expand_site(now.core), "x")
    for case in (before, now):
        for packet in drawn_packets(data, case, None):
            was, is_now = (expected_rows(one, packet, None, None, None) for one in (before, now))
            new = matching_rows([*changes.added, *changes.widened], packet)
            gone = matching_rows([*changes.removed, *changes.narrowed], packet)
            event("changed" if new or gone else "unchanged")
            # What overlaps keeps its row, so rows are compared rather than rules.
            assert new == is_now - was
            assert gone == was - is_now


def test_the_same_site_has_no_changes() -> None:
    rules = expand_site(example_site([MESH]))
    assert not compare(rules, rules, "x")
    assert not compare(rules, [dataclasses.replace(rule, purpose="said otherwise") for rule in rules], "x")


def test_a_host_that_is_gone_narrows_the_flows_that_others_have_too() -> None:
    changes = compare(expand_site(example_site()), _without_host("node2", "pexip_conferencing_nodes"), "x")
    assert set(_kinds(changes)) == {"narrowed"}
    assert ("wac_content", "tcp", ["192.0.2.13/32"], ["198.51.100.51/32"]) in _kinds(changes)["narrowed"]


def test_the_last_host_that_is_gone_removes_the_flow() -> None:
    changes = compare(expand_site(example_site()), _without_host("turn1", "turn_servers"), "x")
    nodes = ["192.0.2.11/32", "192.0.2.13/32"]
    assert _kinds(changes) == {"removed": [("media_nodes_to_turn", "udp", nodes, ["198.51.100.41/32"])]}
    changes = compare(_without_host("turn1", "turn_servers"), expand_site(example_site()), "x")
    assert _kinds(changes) == {"added": [("media_nodes_to_turn", "udp", nodes, ["198.51.100.41/32"])]}


def test_other_ports_widen_and_narrow_the_same_flow() -> None:
    other = expand_site(example_site(ports={"turn": "3479-3480"}))
    wider = expand_site(example_site(ports={"turn": "3478-3480"}))
    rules = expand_site(example_site())

    def ports(part: tuple[Rule, ...]) -> list[list[str]]:
        return [rule.as_mapping()["destination_ports"] for rule in part]

    changes = compare(rules, other, "x")
    assert (ports(changes.widened), ports(changes.narrowed)) == ([["3479-3480"]], [["3478"]])
    changes = compare(rules, wider, "x")
    assert (ports(changes.widened), ports(changes.narrowed)) == ([["3479-3480"]], [])


def test_one_more_machine_of_a_mesh_is_said_in_two_parts() -> None:
    row = {**MESH, "source": "conferencing_node"}
    hosts = {f"n{number:02}": {"port_matrix_addresses": [f"192.0.2.{2 * number + 20}"]} for number in range(20)}

    def rules(names: list[str]) -> list[Rule]:
        return expand_site(
            example_site([row], hostvars=hosts, groups={**GROUPS, "pexip_conferencing_nodes": names}, strict=False)
        )

    changes = compare(rules(sorted(hosts)[1:]), rules(sorted(hosts)), "x")
    assert not changes.narrowed
    pieces = [rule for rule in changes.widened if rule.row == "mesh"]
    new = int(ipaddress.ip_address("192.0.2.20"))
    assert len(pieces) == 2
    assert all({new} == set(_members(rule.source)) or {new} == set(_members(rule.destination)) for rule in pieces)
    assert sum(rule.source.size() * rule.destination.size() for rule in pieces) == 2 * 19


def _members(found: IntervalSet) -> list[int]:
    return [value for first, last in found.intervals for value in range(first, last + 1)]
