# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One source and one destination a line: together just what the rules permit."""

from __future__ import annotations

import csv
import io
from itertools import groupby
from operator import itemgetter

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.csv import pairs_as_csv
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.pairs import HEADER, Pairs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from example_site import HOSTILE, HOSTILE_NAMES, NTP, NTP_SERVER, example_report, example_site, hostile_site
from hypothesis import given
from random_sites import Case, cases


def _pairs(site: Site, scope: str = "site") -> Pairs:
    return Pairs(example_report(scope, site=site), site)


@given(cases())
def test_pairs_are_the_rules_taken_apart(case: Case) -> None:
    report = build_report(case.core, Scope(), "t")
    pairs = Pairs(report, case.core)
    listed = list(pairs)
    assert len(listed) == len(pairs)
    for rule, (number, lines) in zip(report.rules, groupby(listed, itemgetter("rule")), strict=True):
        together = list(lines)
        sources = {(line["source_host"], line["source"]) for line in together}
        destinations = {(line["destination_host"], line["destination"]) for line in together}
        assert number.startswith("R")
        assert len(together) == len(sources) * len(destinations)
        assert read_cidrs(source for _host, source in sources).of_family(rule.family) == rule.source
        assert read_cidrs(address for _host, address in destinations).of_family(rule.family) == rule.destination
        assert (together[0]["protocol"], together[0]["row"]) == (rule.protocol, rule.row)


def test_the_csv_has_the_promised_header_and_names_hosts() -> None:
    assert ",".join(HEADER) == (
        "rule,row,purpose,protocol,family,source_host,source,source_ports,destination_host,destination,"
        "destination_ports,tls,owner,ticket,expires,reference"
    )
    row = {**NTP, "owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"}
    lines = list(csv.DictReader(io.StringIO(pairs_as_csv(_pairs(example_site([row], endpoints=NTP_SERVER))))))
    ntp = [line for line in lines if line["row"] == "ntp"]
    assert [(line["source_host"], line["source"], line["destination_host"]) for line in ntp] == [
        ("node1", "192.0.2.11/32", "literal networks"),
        ("node2", "192.0.2.13/32", "literal networks"),
        ("turn1", "198.51.100.41/32", "literal networks"),
    ]
    assert {(line["owner"], line["ticket"], line["expires"]) for line in ntp} == {("UC team", "CHG-4711", "2027-03-31")}
    assert {line["destination_ports"] for line in ntp} == {"123"}


def test_a_host_is_named_by_either_address() -> None:
    for scope, address in (("site", "203.0.113.31/32"), ("gateway:fw", "10.0.0.31/32")):
        pairs = _pairs(example_site(), scope)
        assert {line["source"] for line in pairs if line["source_host"] == "edge1"} == {address}


def test_no_text_is_taken_for_a_formula() -> None:
    for text, name in HOSTILE:
        lines = list(csv.reader(io.StringIO(pairs_as_csv(_pairs(hostile_site(text, name))))))
        assert not [
            cell for line in lines for cell in line if cell.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d"))
        ]
        assert all(len(line) == len(HEADER) for line in lines)
    assert len(HOSTILE) == len(HOSTILE_NAMES)
