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
    scope_sentence,
)
from example_site import example_report


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        (Scope(), "What must be open for the whole site."),
        (
            Scope("host", ("a\nb",)),
            "What must be open on the host a\\nb, in the addresses that it has and sees.",
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
