# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digest of a run of ansible-playbook."""

from __future__ import annotations

import json
import typing as t

from audit import answer

Json = dict[str, t.Any]


def report(*tasks: tuple[str, Json]) -> Json:
    return {
        "stats": {"fw": {}, "turn1": {}},
        "plays": [{"tasks": [{"task": {"name": name}, "hosts": hosts} for name, hosts in tasks]}],
    }


def test_a_run_that_changes_nothing() -> None:
    nothing: Json = {"changed": [], "said": [], "failed": []}
    assert answer(report(("Gather", {"fw": {"changed": False}}))) == {"fw": nothing, "turn1": nothing}


def test_each_thing_that_differs_is_a_change_with_its_lines() -> None:
    kernel = {"before_header": "the kernel", "before": "a\n\tb\n", "after": "a\n\tc\nd\n"}
    file = {"before_header": "/etc/file (content)", "before": "", "after": "x\n"}
    found = answer(report(("role : Apply", {"fw": {"changed": True, "diff": [kernel, file]}})))
    assert found["fw"]["changed"] == [
        {"task": "Apply", "of": "the kernel", "gone": ["b"], "new": ["c", "d"]},
        {"task": "Apply", "of": "/etc/file", "gone": [], "new": ["x"]},
    ]
    assert found["turn1"]["changed"] == []


def test_a_line_that_is_there_more_often_is_a_difference() -> None:
    diff = {"before": "same\nsame\n", "after": "same\n"}
    found = answer(report(("Apply", {"fw": {"changed": True, "diff": diff}})))
    assert found["fw"]["changed"] == [{"task": "Apply", "of": "", "gone": ["same"], "new": []}]


def test_the_diffs_of_a_loop_are_found_and_data_is_compared_as_text() -> None:
    results = [
        {"diff": {"before_header": "a", "before": {"mode": "0644"}, "after": {"mode": "0640"}}},
        {"diff": {"before_header": "b", "before": None, "after": "x"}},
        {"changed": False, "diff": {"before": {"path": "/c"}, "after": {"path": "/c"}}},
        {"changed": False},
    ]
    found = answer(report(("Apply", {"fw": {"changed": True, "results": results}})))
    assert found["fw"]["changed"] == [
        {"task": "Apply", "of": "a", "gone": ['"mode": "0644"'], "new": ['"mode": "0640"']},
        {"task": "Apply", "of": "b", "gone": [], "new": ["x"]},
    ]


def test_a_change_without_a_diff_is_one_all_the_same() -> None:
    found = answer(report(("Run", {"fw": {"changed": True}})))
    assert found["fw"]["changed"] == [{"task": "Run", "of": "", "gone": [], "new": []}]


def test_messages_and_failures() -> None:
    found = answer(
        report(
            ("Say", {"fw": {"action": "ansible.builtin.debug", "msg": ["one", "two"]}}),
            ("Look", {"fw": {"changed": False, "said": ["three"]}}),
            ("Refuse", {"turn1": {"failed": True, "changed": True, "msg": "no"}}),
            ("Reach", {"fw": {"unreachable": True, "msg": "gone"}}),
        )
    )
    assert found["fw"] == {"changed": [], "said": [["one", "two"], "three"], "failed": ["gone"]}
    assert found["turn1"] == {"changed": [], "said": [], "failed": ["no"]}
    assert json.dumps(found)
