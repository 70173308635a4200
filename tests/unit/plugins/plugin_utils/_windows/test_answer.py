# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.answer import answer

WANTED = [{"name": f"Pexip SfB {name} 1", "group": "g"} for name in ("a in udp ipv4", "a in udp ipv6", "b in tcp ipv4")]


def test_a_host_that_is_as_it_should_be_is_unchanged_and_so_it_stays() -> None:
    told = answer("edge1", WANTED, differs=False)
    revision = told["revision"]
    assert len(revision) == 12
    assert told == {
        "rules": 3,
        "rows": 2,
        "revision": revision,
        "changed": False,
        "text": f"edge1: 3 rules of 2 rows, revision {revision}, unchanged",
        "once_written": {},
    }
    assert answer("edge1", WANTED[:2], differs=False)["revision"] != revision


@pytest.mark.parametrize(("check", "done"), [(False, "changed"), (True, "would change")])
def test_a_host_that_differs_is_changed_once_that_is_written(check: bool, done: str) -> None:
    told = answer("edge1", WANTED[:1], differs=True, check=check)
    assert (told["changed"], told["text"]) == (False, "edge1: not written yet")
    text = f"edge1: 1 rule of 1 row, revision {told['revision']}, {done}"
    assert told["once_written"] == {"changed": True, "text": text}


def test_where_no_rule_is_wanted_it_says_what_became_of_them() -> None:
    def said(differs: bool, check: bool) -> tuple[str, str]:
        told = answer("edge1", [], differs=differs, absent=True, check=check)
        return told["text"], told["once_written"].get("text", "")

    assert said(differs=False, check=False) == ("edge1: unchanged, nothing of ours was there", "")
    assert said(differs=True, check=False) == ("edge1: not taken off yet", "edge1: taken off")
    assert said(differs=True, check=True) == ("edge1: not taken off yet", "edge1: would be taken off")
