# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import datetime
import json
import typing as t
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.change_request import (
    FIELDS,
    read_change_request,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.csv import rules_as_csv
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.json import read_report, report_as_json
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import (
    Report,
    build_report,
    revision_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import NUMBERS, has_ports
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import HOSTILE_NAMES, NTP, NTP_SERVER, example_report, example_site, hostile_site
from hypothesis import given, settings
from random_sites import Case, cases

SCHEMA = json.loads((Path(__file__).parents[5] / "docs/port-matrix-report.schema.json").read_text(encoding="utf-8"))


def _valid(report: Report) -> dict[str, t.Any]:
    document: dict[str, t.Any] = json.loads(report_as_json(report))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_schema_is_one_and_is_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = _valid(example_report())
    for spoiled in (
        {**document, "more": 1},
        {**document, "scope": "everything"},
        {**document, "flows": [{**document["flows"][0], "protocol": "ipsec"}]},
        {**document, "flows": [{**document["flows"][0], "source_ports": ["any"]}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(spoiled)


def test_protocols_without_ports_fit_the_schema_and_are_read_back() -> None:
    own = {"source": "conferencing_node", "destination": "front_end"}
    rows = [{**own, "id": f"own{number}", "protocols": name} for number, name in enumerate((*NUMBERS, 89, 255))
            if not has_ports(str(name))]  # fmt: skip
    report = build_report(example_site(rows), Scope(), "t")
    document = _valid(report)
    assert {"esp", "ah", "gre", "icmp", "icmpv6", "89", "255"} <= {flow["protocol"] for flow in document["flows"]}
    assert read_report(document, "baseline").rules == report.rules
    cells = [line for line in csv.DictReader(rules_as_csv(report.rules).splitlines()) if line["protocol"] == "esp"]
    assert [(line["source_ports"], line["destination_ports"]) for line in cells] == [("", "")] * 2


@settings(max_examples=40)
@given(cases())
def test_the_report_of_a_random_site_fits_the_schema_and_is_read_back_as_it_was(case: Case) -> None:
    report = build_report(case.core, Scope(), "Port matrix")
    _valid(report)
    earlier = read_report(report_as_json(report), "baseline")
    assert earlier.rules == report.rules
    assert earlier.scope == "site"
    assert revision_of(earlier.rules) == report.revision()


@pytest.mark.parametrize("scope", ["host:edge1", "gateway:fw", "pair:client:conferencing_node"])
def test_every_scope_fits_the_schema_and_is_read_back(scope: str) -> None:
    report = example_report(scope)
    assert _valid(report)["scope"] == scope
    assert read_report(json.loads(report_as_json(report)), "baseline").rules == report.rules


def test_where_addresses_are_from_fits_the_schema() -> None:
    found = {
        "system": "s",
        "record": "r",
        "name": "n",
        "read": "now",
        "looked_up_in": "DNS",
        "addresses": ["192.0.2.11"],
    }
    hostvars = {"node1": {"port_matrix_addresses": ["192.0.2.11"], "pexip_sfb_sources": [found]}}
    endpoints = _valid(example_report(site=example_site(hostvars=hostvars)))["endpoints"]
    sources = [member["sources"] for one in endpoints for member in one["members"] if "sources" in member]
    assert sources
    assert all(of_host == [{**found, "addresses": ["192.0.2.11/32"]}] for of_host in sources)


def test_a_report_says_who_is_who() -> None:
    document = _valid(example_report())
    assert document["rows"][3] == {
        "number": 4,
        "id": "media_nodes_to_edge",
        "purpose": "RTP/RTCP/RDP media",
        "group": "integration",
        "tls": False,
        "reference": "https://docs.pexip.com/sfb/ports.htm",
        "owner": "",
        "ticket": "",
        "expires": "",
    }
    edges = [endpoint for endpoint in document["endpoints"] if endpoint["names"] == ["edge_av"]]
    assert edges == [
        {
            "names": ["edge_av"],
            "titles": ["Edge Server, A/V Edge interface"],
            "members": [{"host": "edge1", "addresses": ["203.0.113.31/32"]}],
        }
    ]
    assert document["changes"] is None


def test_a_report_carries_its_change_request_and_who_answers_for_a_row() -> None:
    row = {**NTP, "owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"}
    change = read_change_request({"ticket": "CHG-4712", "valid_until": "2027-03-31", "risk": ["low", "known"]}, "c")
    report = build_report(example_site([row], endpoints=NTP_SERVER), Scope(), "t", change_request=change)
    document = _valid(report)
    assert document["change_request"] == {
        **dict.fromkeys(FIELDS, ""),
        "ticket": "CHG-4712",
        "valid_until": "2027-03-31",
        "risk": "low\nknown",
    }
    said = {"owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"}
    for listed in (document["rows"][-1], document["flows"][-1]):
        assert {key: listed[key] for key in said} == said
    assert read_report(document, "baseline").rules == report.rules
    assert (report.flows[-1].owner, report.flows[-1].ticket) == ("UC team", "CHG-4711")
    assert report.flows[-1].expires == datetime.date(2027, 3, 31)


def test_a_report_of_the_first_releases_is_read_too() -> None:
    document = _valid(example_report())
    for flow in document["flows"]:
        for key in ("rule", "owner", "ticket", "expires"):
            del flow[key]
    del document["change_request"]
    assert read_report(document, "baseline").rules == example_report().rules


def test_each_flow_has_the_number_of_its_rule() -> None:
    report = example_report()
    document = _valid(report)
    assert tuple(flow["rule"] for flow in document["flows"]) == report.rule_numbers.of_rules
    assert {flow.rule for flow in report.flows} == {flow["rule"].partition("-")[0] for flow in document["flows"]}


def test_changes_fit_the_schema() -> None:
    site = example_site([NTP], endpoints=NTP_SERVER)
    before = example_report().rules
    report = build_report(site, Scope(), "t", compare(before, build_report(site, Scope(), "t").rules, "0" * 12))
    changes = _valid(report)["changes"]
    assert [flow["row"] for flow in changes["added"]] == ["ntp"]
    assert changes["baseline_revision"] == "0" * 12


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_texts_stay_text(name: str) -> None:
    document = _valid(build_report(hostile_site("x", name), Scope(), "t"))
    assert name in {member["host"] for endpoint in document["endpoints"] for member in endpoint["members"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: "{", "b: is not JSON ("),
        (lambda d: [], "b: [] is not a mapping"),
        (lambda d: {}, "b: is not a report, or one of another version (None); accepted: the JSON file of an earlier"),
        (lambda d: {**d, "version": 2}, "b: is not a report, or one of another version (2)"),
        (lambda d: {**d, "flows": {}}, "b flows: {} is not a list"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "family": "ipx"}]}, "b flows family: unknown value 'ipx'"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "row": "<img>"}]}, "b flows row: '<img>' cannot be an id"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "source": ["x"]}]}, "b flows source: 'x' is not an address"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "source_ports": ["0"]}]}, "b flows source_ports: '0': port 0"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "purpose": True}]}, "b flows purpose: [True] holds something"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "tls": "maybe"}]}, "b flows tls: 'maybe' is not a boolean"),
        (lambda d: {**d, "flows": [{**d["flows"][0], "hook": "up"}]}, "b flows hook: unknown value 'up'"),
    ],
)
def test_what_is_no_earlier_report_is_an_error(change: t.Callable[[t.Any], object], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_report(change(json.loads(report_as_json(example_report()))), "b")
    assert str(caught.value).startswith(message)
