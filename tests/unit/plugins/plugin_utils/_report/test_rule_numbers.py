# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers of rules: each another one, and the same in every report that has the rule."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report import rule_numbers
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.rule_numbers import RuleNumbers
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from example_site import GROUPS, MESH, NTP, NTP_SERVER, example_report, example_site
from hypothesis import given
from random_sites import Case, cases

FORM = re.compile(r"R[0-9A-HJKMNP-TV-Z]{6,}-[a-z0-9]+-[46](-[0-9A-HJKMNP-TV-Z]{3,})?")


def _numbers(report: Report) -> dict[Rule, str]:
    return dict(zip(report.rules, report.rule_numbers.of_rules, strict=True))


@given(cases())
def test_each_rule_has_a_number_of_its_own(case: Case) -> None:
    rules = build_report(case.core, Scope(), "t").rules
    numbers = RuleNumbers(rules, {}).of_rules
    assert len(set(numbers)) == len(rules)
    assert all(FORM.fullmatch(number) for number in numbers)


def test_numbers_stay_when_hosts_and_rows_come_and_go() -> None:
    hostvars = {"node9": {"port_matrix_addresses": ["192.0.2.1"]}}
    groups = {**GROUPS, "pexip_conferencing_nodes": ["node1", "node9"]}
    site = example_site([NTP], hostvars=hostvars, groups=groups, endpoints=NTP_SERVER, disabled=["sip_signaling"])
    later = build_report(site, Scope(), "t")

    def by_identity(report: Report) -> dict[tuple[object, ...], str]:
        return {
            (rule.row, rule.source_endpoint, rule.protocol, rule.family): number
            for rule, number in _numbers(report).items()
        }

    before, after = by_identity(example_report()), by_identity(later)
    common = before.keys() & after.keys()
    assert len(common) > 10
    assert {key: before[key] for key in common} == {key: after[key] for key in common}
    assert after.keys() - common


def test_a_gateway_has_the_numbers_of_the_site() -> None:
    assert set(example_report("gateway:fw").rule_numbers.of_rules) == set(example_report().rule_numbers.of_rules)


def test_rules_of_one_protocol_and_family_are_told_apart_by_their_lowest_addresses() -> None:
    nodes = {f"n{i}": {"port_matrix_addresses": [f"192.0.2.{i + 1}"]} for i in range(5)}
    groups = {**GROUPS, "pexip_conferencing_nodes": list(nodes)}

    def mesh(number: int) -> list[str]:
        site = example_site([MESH], hostvars=nodes, groups={**groups, "pexip_conferencing_nodes": list(nodes)[:number]})
        return [no for rule, no in _numbers(build_report(site, Scope(), "t")).items() if rule.row == "mesh"]

    assert len(mesh(2)) == 2
    assert len({number.rpartition("-")[0] for number in mesh(5)}) == 1
    assert set(mesh(3)) <= set(mesh(4)) | set(mesh(5))


def _of_row(site: Site, row: str, scope: Scope) -> set[str]:
    report = build_report(site, scope, "t", gateways=["fw"])
    return {number for rule, number in _numbers(report).items() if rule.row == row}


def test_rules_that_keep_to_a_location_have_its_number_whoever_is_there() -> None:
    """The hosts with the lowest addresses go, and others are at two locations or at none."""
    places = {"a": "oslo", "b": "oslo", "c": "rome", "d": "rome", "e": ["oslo", "rome"]}

    def site(nodes: str, front_ends: str, without: str = "") -> Site:
        hostvars = {
            f"{kind}-{name}": {
                "port_matrix_addresses": [f"192.0.2.{number * 16 + index}"],
                **({} if name in without else {"port_matrix_location": place}),
            }
            for number, kind in enumerate(("px", "fe"), start=1)
            for index, (name, place) in enumerate(places.items())
        }
        groups = {
            **GROUPS,
            "pexip_conferencing_nodes": [f"px-{name}" for name in nodes],
            "sfb_front_ends": [f"fe-{name}" for name in front_ends],
        }
        return example_site(hostvars=hostvars, groups=groups, same_location_rows=["sip_signaling"])

    whole = _of_row(site("abcd", "abcd"), "sip_signaling", Scope())
    assert len(whole) == 4
    for nodes, front_ends in (("bd", "abcd"), ("abcd", "bd"), ("abcde", "bd"), ("bd", "abcde")):
        assert _of_row(site(nodes, front_ends), "sip_signaling", Scope()) == whole
    # On one host there is one rule of each direction, and it has the number that it has elsewhere.
    assert len(alone := _of_row(site("abcd", "abcd"), "sip_signaling", Scope("host", ("px-a",)))) == 2
    assert alone < whole
    assert alone == _of_row(site("a", "a"), "sip_signaling", Scope())
    # Where nobody has a location, there is nothing to tell apart.
    nowhere = _of_row(site("abcd", "abcd", "abcde"), "sip_signaling", Scope())
    assert {number.count("-") for number in nowhere} == {2}
    # Locations that have all of their hosts in common are one.
    assert len(_of_row(site("e", "abcd"), "sip_signaling", Scope())) == 2


def test_what_comes_in_and_goes_out_is_told_apart() -> None:
    site = example_site([MESH])
    report = build_report(site, Scope("host", ("node1",)), "t")
    mesh = {rule.hook: number for rule, number in _numbers(report).items() if rule.row == "mesh"}
    assert len(set(mesh.values())) == 2
    (rule,) = [one for one in report.rules if one.row == "mesh" and one.hook == "input"]
    alike = (rule, replace(rule, hook="output"), replace(rule, hook="forward"))
    assert len(set(RuleNumbers(alike, {}).of_rules)) == 3


def test_numbers_that_would_be_equal_are_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    report = example_report()
    monkeypatch.setattr(rule_numbers, "_FLOW_DIGITS", 1)
    numbers = RuleNumbers(report.rules, {})
    assert len(set(numbers.of_rules)) == len(report.rules)
    flows = {number.partition("-")[0] for number in numbers.of_rules}
    assert {len(flow) for flow in flows} >= {2, 3}
    gone = replace(report.rules[0], row="gone")
    assert re.fullmatch(r"R[0-9A-Z]-tcp-4", numbers.short(gone))
