# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was observed in a report: only what the report does not permit, in the words of the playbook's table."""

from __future__ import annotations

import html
import re

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.documents import as_json
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.earlier import read_observed
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import Observation, observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.table import table_lines
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import report_as_html
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.observed import Observed, still_observed
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from example_site import HOSTILE
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
    observed,
    variables,
)
from remembered import answer, flow

SITE = Scope()


def left_of(observation: Observation, site: Site | None = None, scope: Scope = SITE) -> Observed:
    """What of an observation is left in a report."""
    return still_observed(read_observed(as_json(observation), "W"), site or variables().site(), scope)


def page_of(observation: Observation, site: Site | None = None) -> str:
    """The section of the page, without markup."""
    earlier = read_observed(as_json(observation), "W")
    page = report_as_html(build_report(site or variables().site(), Scope(), "t", observed=earlier))
    section = re.search(r'<section id="observed".*?</section>', page, re.DOTALL)
    assert section
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", section[0])))


def test_a_report_without_an_observation_has_no_such_section() -> None:
    page = report_as_html(build_report(variables().site(), Scope(), "t"))
    assert 'id="observed"' not in page
    assert "#observed" not in page


def test_the_section_has_what_the_table_on_the_screen_has() -> None:
    observation = observe(variables(), {"fw": answer(EVERYTHING), "fw2": {"failed": True, "msg": "no <nft>"}})
    section = page_of(observation)
    lines = table_lines(observation)
    for line in ("fw: 146 flows, lets it through", "fw2: what it remembers is not in this: no <nft>"):
        assert line in lines
        assert line in section
    for finding in observation.findings:
        if finding.reason.kind != "scan":
            assert finding.why() in section
            assert f"{finding.seen()}, last {finding.weight.last_seen}" in section
    for one in observation.proposed():
        assert one.what in section
        assert all(text in section for text in one.wider)
    for title in (
        "Rows that are off",
        "Hosts that an endpoint lacks",
        "No row for this",
        "Nothing is proposed for these",
    ):
        assert title in section
    assert f"{SCANNER} tried 39 ports of {NODE}: 39 packets at fw, last 2026-05-04T10:00:00Z" in section
    assert f"manager {MANAGER} to node1 {NODE} ESP none 900 packets at fw (forward)" in section


def test_what_the_report_permits_by_now_is_left_out_and_counted() -> None:
    observation = observed(EVERYTHING)
    with_proposal = applied(observation).site()
    left = left_of(observation, with_proposal)
    assert {one.reason.kind for one in left.findings} == {"unknown", "scan"}
    assert left.proposed == ()
    assert left.permitted == len(observation.findings) - len(left.findings)
    section = page_of(observation, with_proposal)
    assert f"{left.permitted} findings left out, as the flows of this report permit what was seen." in section
    assert "What is proposed permits more" not in section
    assert "Nothing else was observed" not in section
    assert "Nothing else was observed that is not permitted." in page_of(observed(MEDIA), with_proposal)


def test_what_came_from_another_source_port_than_rows_have_stays() -> None:
    turn = [flow(NODE, TURN, "udp", 3478)]
    answers = {"fw": answer(turn, rules_since="2026-05-01T00:00:00Z")}
    assert [one.reason.kind for one in left_of(observe(variables(), answers)).findings] == ["missing_row"]


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope(), {MANAGER, MONITOR, CLIENT}),
        (Scope("gateway", ("fw",)), {MANAGER, CLIENT}),
        (Scope("host", ("node2",)), {MONITOR}),
        (Scope("host", ("fw2",)), {MONITOR}),
        (Scope("pair", ("conferencing_node", "front_end")), {MANAGER, MONITOR, CLIENT}),
        (Scope("pair", ("front_end", "wac_server")), set()),
    ],
)
def test_a_report_on_a_part_of_the_site_has_what_concerns_it(scope: Scope, left: set[str]) -> None:
    answers = {
        "fw": answer([flow(MANAGER, NODE, "esp"), *MEDIA]),
        "fw2": answer([flow(MONITOR, SECOND, "tcp", 9100)]),
    }
    found = left_of(observe(variables(), answers), scope=scope)
    names = {MANAGER: "manager", MONITOR: "", CLIENT: ""}
    assert {one.what().split(" to ")[0].split(" from ")[1] for one in found.findings} == {
        f"{names[one]} ({one})" if names[one] else one for one in left
    }
    assert found.elsewhere == 3 - len(left)
    places = {place for one in found.proposed for place in one.flows}
    assert places == set(range(len(left)))
    if scope.kind == "gateway":
        assert [one.gateway for one in found.memories] == ["fw"]
        earlier = read_observed(as_json(observe(variables(), answers)), "W")
        page = report_as_html(build_report(variables().site(), scope, "t", gateways=["fw"], observed=earlier))
        assert "1 finding left out, as this report is not about them." in page


def test_more_than_anybody_reads_is_counted() -> None:
    many = [flow(source, NODE, str(protocol)) for source in (MANAGER, SECOND) for protocol in range(140, 254)]
    section = page_of(observed(many))
    assert "and 28 more, which observed.json has" in section


def test_what_is_not_proposed_is_said() -> None:
    observation = observed(SCAN)
    vars(observation.proposal)["problems"] = ("row group x cannot be proposed: y",)
    assert "Not proposed: row group x cannot be proposed: y" in page_of(observation)


@pytest.mark.parametrize(("text", "name"), HOSTILE)
def test_hostile_texts_cannot_break_out_of_the_section(text: str, name: str) -> None:
    hosts = {**variables().hosts, name: {"port_matrix_addresses": ["192.0.2.99"]}}
    groups = {**variables().groups, "pexip_conferencing_nodes": ["node1", "node2", name]}
    site = variables(hosts=hosts, groups=groups)
    observation = observe(site, {name: answer([flow(MONITOR, "192.0.2.99", "tcp", 9100)]), "b": {"msg": text}})
    page = report_as_html(build_report(site.site(), Scope(), "t", observed=read_observed(as_json(observation), "W")))
    outside = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    assert outside.count("<script") == 0
    assert 'onmouseover="alert' not in outside
    assert not any(character in outside for character in "\x1b\u202e\r")
