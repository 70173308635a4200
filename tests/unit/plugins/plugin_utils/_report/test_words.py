# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.words import (
    change_lines,
    change_summary,
    count,
    people_cidrs,
    rule_line,
    scope_sentence,
    some,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from example_site import example_report


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        (Scope(), "What must be open for the whole site."),
        (
            Scope("host", ("a\nb",)),
            "What must be open on the host a\\nb, in the addresses that it has and sees itself.",
        ),
        (Scope("gateway", ("fw",)), "What must be open on the firewall fw, in the addresses that it sees."),
        (
            Scope("pair", ("client", "own")),
            "What must be open between SfB client and own, in both directions.",
        ),
    ],
)
def test_a_scope_is_said_in_a_sentence(scope: Scope, sentence: str) -> None:
    assert scope_sentence(scope) == sentence


def test_numbers_and_lists_are_worded() -> None:
    assert (count(1, "host"), count(2000, "host"), count(2, "entry", "entries")) == (
        "1 host",
        "2,000 hosts",
        "2 entries",
    )
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdef")) == "a, b, c, d and 2 more"


def test_single_addresses_have_no_prefix_length_for_people() -> None:
    found = read_cidrs(["192.0.2.1/32", "10.0.0.0/8", "2001:db8::1/128", "2001:db8:1::/32"])
    assert people_cidrs(found) == ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
    assert people_cidrs(read_cidrs(["2001:db8::1/128", "fd00::/32"])) == ["2001:db8::1", "fd00::/32"]


def test_changes_are_said_line_by_line() -> None:
    report = example_report()
    assert (change_summary(report), change_lines(report)) == ("", [])
    without = [rule for rule in report.rules if rule.row != "media_nodes_to_turn"]

    def changed(earlier: list[object]) -> Report:
        return dataclasses.replace(report, changes=compare(earlier, report.rules, "abc"))  # type: ignore[arg-type]

    assert change_summary(changed(list(report.rules))) == "No flow changed since revision abc."
    assert change_summary(changed(list(without))) == "Changes since revision abc: 1 added."
    assert change_lines(changed(list(without))) == [
        "added: media_nodes_to_turn: UDP from 192.0.2.11, 192.0.2.13 port 40000-49999 to 198.51.100.41 port 3478"
    ]


def test_a_rule_is_said_in_a_line() -> None:
    assert rule_line(example_report().rules[0]) == (
        "sip_signaling: TCP from 198.51.100.21 port any to 192.0.2.11, 192.0.2.13 port 5061"
    )
