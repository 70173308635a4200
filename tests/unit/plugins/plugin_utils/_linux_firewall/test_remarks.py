# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.remarks import (
    counted,
    of_first_rules,
    of_flows_that_go_on,
    refusal_of_drops,
    removed,
    seen,
)

OBSERVED = {"enforcing": False, "full": False, "limit": 3, "missed": 7}
FLOWS = [f"UDP from 192.0.2.11 to 198.51.100.{n} port 53" for n in range(1, 43)]


def drop(table: str = "filter", family: str = "inet", **more: t.Any) -> dict[str, t.Any]:
    where = {"family": family, "table": table, "chain": "forward_chain", "hook": "forward"}
    said = {"where": f"table {family} {table}, chain forward_chain, policy drop", "rows": ["a", "b"]}
    return {**where, **said, "example": "udp 192.0.2.11:1024", "advice": "", **more}


def test_what_drops_is_named_with_what_to_do() -> None:
    drops = [drop(), drop(hook="prerouting", chain="raw"), drop(table="other", advice="Ask them.")]
    assert refusal_of_drops("fw", drops, "nftables", {}, as_wanted=False).splitlines() == [
        "Nothing was changed on fw. What the port matrix permits would not come through there.",
        "A packet, and the answer to it, has to be accepted by every table on its way:",
        "- table inet filter, chain forward_chain, policy drop: rows a, b; for example udp 192.0.2.11:1024",
        "- table inet filter, chain forward_chain, policy drop: rows a, b; for example udp 192.0.2.11:1024",
        "- table inet other, chain forward_chain, policy drop: rows a, b; for example udp 192.0.2.11:1024. Ask them.",
        "Let it through there, or put our rules at the head of that chain with linux_firewall_join: "
        '{"table": "filter", "chains": {"forward": "forward_chain"}}. If that is intended, '
        "linux_firewall_fail_on_foreign_drop: false makes this a warning.",
    ]


@pytest.mark.parametrize(
    ("one", "backend", "join"),
    [
        (drop(family="ip"), "nftables", {}),
        (drop(table="firewalld"), "nftables", {}),
        (drop(), "nftables", {"table": "filter"}),
        (drop(), "firewalld", {}),
    ],
)
def test_a_chain_that_cannot_be_joined_is_not_offered(
    one: dict[str, t.Any], backend: str, join: dict[str, object]
) -> None:
    said = refusal_of_drops("fw", [one], backend, join, as_wanted=True)
    assert "linux_firewall_join" not in said
    assert ("does not come through on fw, although firewalld has its objects" in said) == (backend == "firewalld")


def test_what_firewalld_does_before_it_has_ours_is_said_to_be_that() -> None:
    said = refusal_of_drops("fw", [drop()], "firewalld", {}, as_wanted=False)
    assert said.startswith("What the port matrix permits does not come through on fw, as firewalld is now.")


def test_what_was_seen_is_listed_before_it_is_dropped() -> None:
    lines = seen("fw", OBSERVED, {"refused": FLOWS, "doubtful": FLOWS[:1]}, 7, remember=False).splitlines()
    assert lines[0] == "Seen and not permitted, so it would be dropped on fw in the last 7 days:"
    assert lines[40:44] == [
        f"- {FLOWS[39]}",
        "- and 2 more",
        "The playbook uc_firewall.pexip_sfb.observed says what that is, and which variables permit it.",
        "linux_firewall_accept_observed: true enforces all the same.",
    ]
    assert lines[44].startswith("Seen before the rules became what they are, and permitted from some source ports only")
    assert lines[45:] == [
        f"- {FLOWS[0]}",
        "linux_firewall_remember: true remembers what is dropped then, and each run shows it.",
    ]


def test_what_was_dropped_is_listed_and_that_there_may_be_more() -> None:
    found = {"refused": FLOWS[:1], "doubtful": []}
    said = seen("fw", {**OBSERVED, "enforcing": True, "full": True}, found, 7, remember=True)
    assert said.startswith(f"Dropped on fw in the last 7 days:\n- {FLOWS[0]}\n")
    assert "The memory is full (3 flows a set), and 7 packets found no place in it" in said
    assert "accept_observed" not in said
    assert "linux_firewall_remember:" not in said


def test_nothing_is_said_of_nothing() -> None:
    assert seen("fw", OBSERVED, {"refused": [], "doubtful": []}, 7, remember=False) == ""
    assert counted([]) == []
    assert list(of_flows_that_go_on(ends_flows=False, one_way=0, narrowed=False)) == []
    assert list(of_flows_that_go_on(ends_flows=True, one_way=0, narrowed=True)) == []


def test_flows_that_go_on_are_counted() -> None:
    (one,) = of_flows_that_go_on(ends_flows=True, one_way=3, narrowed=True)
    assert one.startswith("3 flows are let through in one direction only, and go on.")
    (other,) = of_flows_that_go_on(ends_flows=False, one_way=0, narrowed=True)
    assert other.startswith("Rules were taken out or became narrower.")


def test_counters_are_shown() -> None:
    one = {"chain": "forward_judged", "comment": "default_deny", "packets": 7, "bytes": 420}
    assert counted([one]) == ["forward_judged default_deny: 7 packets, 420 bytes"]


@pytest.mark.parametrize(
    ("judged", "enforce", "said"),
    [
        (["conferencing_node"], True, "Everything else from and to the hosts of conferencing_node is dropped on this"),
        ("a", False, "Everything else from and to the hosts of a would be dropped on this gateway from now on"),
        ("all", True, "Everything else from and to anybody is dropped"),
    ],
)
def test_the_first_rules_say_what_is_dropped(judged: object, enforce: bool, said: str) -> None:
    dropped, older = of_first_rules(True, judged, ["integration"], enforce, 20)
    assert dropped.startswith(said)
    assert "those of UDP for 20 s" in older


@pytest.mark.parametrize(
    ("groups", "off"),
    [
        ("integration", ["platform", "video_endpoints", "federation"]),
        (["integration", "strict_clients"], ["platform", "video_endpoints", "federation"]),
        (["integration", "video_endpoints"], ["platform", "federation"]),
        (["integration", "platform", "federation"], ["video_endpoints"]),
    ],
)
def test_the_first_rules_name_each_row_group_that_is_off(groups: object, off: list[str]) -> None:
    dropped, _older = of_first_rules(True, "all", groups, True, 20)
    assert re.findall(r"(\w+) \(", dropped) == off


@pytest.mark.parametrize(
    ("gateway", "groups"),
    [(False, ["integration"]), (True, ["integration", "platform", "video_endpoints", "federation"])],
)
def test_who_judges_little_or_has_all_groups_hears_of_older_flows_only(gateway: bool, groups: list[str]) -> None:
    (older,) = of_first_rules(gateway, "all", groups, True, 30)
    assert older.startswith("Nothing of ours was on this host before")


def test_what_was_taken_off_is_told() -> None:
    said = [removed("fw", changed, check) for changed, check in ((False, False), (True, True), (True, False))]
    assert said == ["fw: unchanged, nothing of ours was there", "fw: would be taken off", "fw: taken off"]
