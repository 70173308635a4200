# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.answer import (
    Answer,
    revision_of_text,
    rules_in_objects,
    rules_in_ruleset,
)

GOLDEN = Path(__file__).parents[4] / "golden"
GIVEN: dict[str, t.Any] = {"host": "fw", "rules": 24, "rows": 12, "revision": "b18813ab0e1b", "changed": True}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"confirmed_in": 0.8},
            "fw: 24 rules of 12 rows, revision b18813ab0e1b, changed, confirmed over a new connection in 0.8 s",
        ),
        ({}, "fw: 24 rules of 12 rows, revision b18813ab0e1b, changed"),
        ({"changed": False, "rows": 1}, "fw: 24 rules of 1 row, revision b18813ab0e1b, unchanged"),
        ({"check": True, "rows": None}, "fw: 24 rules, revision b18813ab0e1b, would change"),
        (
            {"observing": True, "flows": 7, "changed": False},
            "fw: 24 rules of 12 rows, revision b18813ab0e1b, unchanged, observing: 7 flows would have been dropped "
            "(see playbook observed)",
        ),
        ({"observing": True}, "fw: 24 rules of 12 rows, revision b18813ab0e1b, changed, observing: drops nothing"),
    ],
)
def test_an_answer_is_one_line(changes: dict[str, t.Any], text: str) -> None:
    answer = Answer(**{**GIVEN, **changes})
    assert answer.text() == text
    assert answer.as_mapping()["text"] == text


def test_an_answer_is_data_too() -> None:
    data = Answer(**GIVEN, confirmed_in=0.8).as_mapping()
    del data["text"]
    assert data == {
        "rules": 24, "rows": 12, "revision": "b18813ab0e1b", "changed": True, "confirmed_in": 0.8, "flows": None,
    }  # fmt: skip


def test_rules_of_rows_are_counted_once_and_no_others() -> None:
    ruleset = (GOLDEN / "transit_extra_rules/ruleset.nft").read_text(encoding="utf-8")
    # In both families, and each direction; what their answers have for older flows is the same permission.
    assert rules_in_ruleset(ruleset, ["sip_signaling", "media_nodes_to_turn", "lacking"]) == (6, 2)
    assert rules_in_ruleset(ruleset, []) == (0, 0)


def test_rules_of_firewalld_are_those_of_all_policies() -> None:
    policies = {"pexip_sfb_input": {"rich_rules": ["a", "b"]}, "pexip_sfb_output": {"rich_rules": ["c"]}}
    assert rules_in_objects({"policies": policies}) == 3


def test_a_revision_is_that_of_the_text() -> None:
    assert revision_of_text("a") == revision_of_text("a") != revision_of_text("b")
    assert len(revision_of_text("")) == 12
