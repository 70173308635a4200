# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import random
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import (
    WindowsState,
    differences,
    find_changes,
    read_state,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.rules import (
    GROUP,
    RuleArguments,
    render_windows_rules,
)
from hypothesis import given
from hypothesis import strategies as st
from simulated_windows import rule_module, state_module
from simulated_windows.com import FirewallRule, RuleCollection

WANTED: RuleArguments = {
    "name": "Pexip SfB r1 in udp ipv4 1",
    "group": GROUP,
    "description": "Row r1: Media (x to y)",
    "enabled": True,
    "direction": "in",
    "action": "allow",
    "protocol": "udp",
    "profiles": ["domain", "private", "public"],
    "localip": "10.0.0.131",
    "remoteip": "192.0.2.11,192.0.2.128/25",
    "localport": "443,50000-59999",
    "remoteport": "any",
    "program": "any",
    "service": "any",
}
FOUND: dict[str, t.Any] = {
    **WANTED,
    "localip": "10.0.0.131/255.255.255.255",
    "remoteip": "192.0.2.128/255.255.255.128,192.0.2.11/255.255.255.255",
    "remoteport": "*",
    "other": {},
}


def state(*rules: dict[str, t.Any], foreign: tuple[dict[str, t.Any], ...] = ()) -> WindowsState:
    return WindowsState(rules, foreign)


def test_a_rule_as_windows_writes_it_is_the_same_rule() -> None:
    assert differences(WANTED, FOUND) == []
    assert find_changes([WANTED], state(FOUND)).calls == ()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("localip", "10.0.0.131/32"),
        ("remoteip", "192.0.2.11-192.0.2.11,192.0.2.128-192.0.2.255"),
        ("remoteip", "192.0.2.128/26,192.0.2.192/26,192.0.2.11"),
        ("localport", "50000-59999,443"),
        ("localport", "443, 50000-55000, 55001-59999"),
        ("remoteport", ""),
        ("description", "ROW R1: media (x to y)"),
        ("profiles", ["public", "domain", "private"]),
        ("program", ""),
        ("service", None),
        ("name", "PEXIP SFB R1 in udp ipv4 1"),
    ],
)
def test_what_means_the_same_is_left_alone(option: str, value: object) -> None:
    assert differences(WANTED, {**FOUND, option: value}) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("description", "x"),
        ("enabled", False),
        ("action", "block"),
        ("profiles", ["domain"]),
        ("localip", "*"),
        ("remoteip", "192.0.2.11/255.255.255.255"),
        ("remoteip", "LocalSubnet"),
        ("remoteip", "192.0.2.11,192.0.2.128/25,LocalSubnet"),
        ("remoteip", "192.0.2.11,192.0.2.128-zzz"),
        ("localport", "443"),
        ("localport", "RPC"),
        ("remoteport", "40000-49999"),
        ("remoteport", "1-65535"),
    ],
)
def test_an_edited_rule_is_mended_by_one_call(option: str, value: object) -> None:
    there = {**FOUND, option: value}
    assert differences(WANTED, there) == [option]
    assert find_changes([WANTED], state(there)).calls == ({**WANTED, "state": "present"},)


MADE_ANEW = ({"name": WANTED["name"], "state": "absent"}, {**WANTED, "state": "present"})
SECOND = WANTED["name"] + " in between 1"
# What the rule lets in stays open meanwhile.
MADE_ANEW_BESIDE_A_SECOND = (
    {**WANTED, "name": SECOND, "state": "present"},
    *MADE_ANEW,
    {"name": SECOND, "state": "absent"},
)


@pytest.mark.parametrize(("option", "value"), [("direction", "out"), ("protocol", "tcp")])
def test_a_rule_that_one_call_cannot_mend_is_made_anew(option: str, value: object) -> None:
    assert find_changes([WANTED], state({**FOUND, option: value})).calls == MADE_ANEW


@pytest.mark.parametrize(
    ("option", "value"),
    [("program", r"C:\evil.exe"), ("service", "RTCSRV"), ("other", {"InterfaceTypes": "Wireless"})],
)
def test_what_such_a_rule_permits_in_part_stays_open(option: str, value: object) -> None:
    assert find_changes([WANTED], state({**FOUND, option: value})).calls == MADE_ANEW_BESIDE_A_SECOND
    assert find_changes([WANTED], state({**FOUND, option: value, "enabled": False})).calls == MADE_ANEW


def test_duplicates_of_our_name_are_made_one() -> None:
    changes = find_changes([WANTED], state(FOUND, {**FOUND, "name": FOUND["name"].upper()}))
    assert changes.calls == MADE_ANEW_BESIDE_A_SECOND
    assert len(changes.removed) == 2


@pytest.mark.parametrize(
    ("before", "after", "closes"),
    [
        ("5986", "443", True),
        ("5986", "443,5986", False),
        ("any", "443", True),
        ("5986", "any", False),
        ("RPC", "443", True),
    ],
)
def test_an_edit_that_closes_ports_is_told_like_a_removal(before: str, after: str, closes: bool) -> None:
    changes = find_changes([{**WANTED, "localport": after}], state({**FOUND, "localport": before}))
    assert len(changes.calls) == 1
    assert len(changes.removed) == closes


def test_stale_rules_go_after_new_ones_came_each_name_once() -> None:
    stale = {**FOUND, "name": "somebody's"}
    calls = find_changes([WANTED], state(stale, stale)).calls
    assert calls == ({**WANTED, "state": "present"}, {"name": "somebody's", "state": "absent"})


def test_a_rule_of_sfb_is_left_alone_even_in_our_group() -> None:
    changes = find_changes([], state({**FOUND, "name": "CS RTCSRV"}))
    assert (changes.calls, changes.conflicts) == ((), ())
    assert changes.notes == (
        "rule 'CS RTCSRV' is in the group 'Pexip SfB port matrix' and has a name of Skype for Business: left alone",
    )


@pytest.mark.parametrize("wanted", [[WANTED], []])
def test_a_foreign_rule_of_the_same_name_is_in_the_way(wanted: list[RuleArguments]) -> None:
    foreign = {**FOUND, "name": WANTED["name"].upper(), "group": "theirs"}
    changes = find_changes(wanted, state(FOUND, foreign=(foreign,)))
    assert changes.calls == ()
    (conflict,) = changes.conflicts
    assert "another rule of this name exists that is not ours (its group: 'theirs')" in conflict


def test_a_rule_without_a_name_is_in_the_way() -> None:
    changes = find_changes([], state({**FOUND, "name": ""}))
    assert (changes.calls, len(changes.conflicts)) == ((), 1)
    assert "remove it by hand" in changes.conflicts[0]


def test_a_foreign_rule_of_a_similar_name_is_nothing_to_us() -> None:
    foreign = {**FOUND, "name": WANTED["name"] + "0", "group": "theirs"}
    changes = find_changes([WANTED], state(FOUND, foreign=(foreign,)))
    assert changes.as_mapping() == {"calls": [], "conflicts": [], "notes": []}


def test_two_wanted_rules_of_one_name_are_refused() -> None:
    with pytest.raises(PortMatrixError, match="two rules are named"):
        find_changes([WANTED, {**WANTED, "name": WANTED["name"].lower()}], state())


def test_a_failed_read_is_no_state() -> None:
    with pytest.raises(PortMatrixError, match="state: has no foreign_rules, profiles, rules; accepted: what win_fire"):
        read_state({"failed": True, "msg": "no"})
    read = read_state({"rules": [FOUND], "foreign_rules": [], "profiles": [], "changed": False})
    assert read == state(FOUND)


def as_read(arguments: list[RuleArguments], order: random.Random) -> WindowsState:
    """The state of a host after win_firewall_rule was called with *arguments*, in any order of rules and addresses."""
    rules = RuleCollection([])
    for options in arguments:
        result = rule_module.run({**options, "state": "present"}, rules, False, False, lambda rule, name: None)
        assert result["changed"], result
    data = state_module.run({"group": GROUP, "name_prefix": "Pexip SfB "}, rules, [])
    for rule in data["rules"]:
        for option in ("localip", "remoteip"):
            items = rule[option].split(",")
            order.shuffle(items)
            rule[option] = ",".join(items)
    order.shuffle(data["rules"])
    return read_state(data)


NETWORKS = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda text: 1 <= int(text.split(".")[0]) <= 126),
    st.tuples(st.integers(0, 2**16 - 1), st.integers(1, 16)).map(lambda n: f"2001:db8:{n[0]:x}::/{n[1] + 48}"),
    st.integers(0, 255).map(lambda n: f"100.{n}.0.0/18"),
    st.sampled_from(["0.0.0.0/0", "::/0"]),
)
PORTS = st.one_of(
    st.just("any"),
    st.lists(st.integers(1, 65535), min_size=1, max_size=4),
    st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(lambda pair: f"{min(pair)}-{max(pair)}"),
)


@given(
    networks=st.lists(NETWORKS, min_size=1, max_size=6),
    ports=st.tuples(PORTS, PORTS),
    bidirectional=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_what_was_written_is_read_as_no_difference(
    networks: list[str], ports: tuple[t.Any, t.Any], bidirectional: bool, order: random.Random
) -> None:
    site = build_site(
        {"b": {"port_matrix_addresses": ["192.0.2.9", "2001:db8:ffff::9"]}},
        {"h": ["b"]},
        [
            {
                "id": "r1",
                "source": "x",
                "destination": "y",
                "protocols": ["udp", "tcp"],
                "source_ports": ports[0],
                "destination_ports": ports[1],
                "bidirectional": bidirectional,
            }
        ],
        endpoints={"x": {"networks": networks}, "y": {"groups": ["h"]}},
    )
    wanted = render_windows_rules(expand(site, "b", ["input", "output"]))
    assert wanted
    read = as_read(wanted, order)
    assert find_changes(wanted, read).as_mapping() == {"calls": [], "conflicts": [], "notes": []}
    removed = find_changes([], read).calls
    assert sorted(call["name"] for call in removed) == sorted(rule["name"] for rule in wanted)


@given(st.sampled_from(sorted(set(FirewallRule.DEFAULTS) - {"Name", "Grouping"})))
def test_whatever_property_somebody_edits_is_seen_and_mended(name: str) -> None:
    rules = RuleCollection([])
    rule_module.run({**WANTED, "state": "present"}, rules, False, False, lambda rule, written: None)
    (rule,) = list(rules)
    edited = {
        **dict.fromkeys(("Description", "ApplicationName", "ServiceName", "IcmpTypesAndCodes"), "x"),
        "Protocol": 6,
        "Direction": 2,
        "Action": 0,
        "Enabled": False,
        "Profiles": 1,
        "InterfaceTypes": "Lan",
        "EdgeTraversal": True,
        "EdgeTraversalOptions": 1,
        "SecureFlags": 1,
        **dict.fromkeys(("Interfaces", "LocalAppPackageId", "LocalUserOwner", "LocalUserAuthorizedList"), "x"),
        **dict.fromkeys(("RemoteUserAuthorizedList", "RemoteMachineAuthorizedList"), "x"),
        "LocalPorts": "1",
        "RemotePorts": "1",
        "LocalAddresses": "*",
        "RemoteAddresses": "LocalSubnet",
    }
    before = copy.deepcopy(rule.as_mapping())
    rule[name] = edited[name]
    for call in find_changes([WANTED], read_again(rules)).calls:
        rule_module.run(call, rules, False, False, lambda rule, written: None)
    (mended,) = list(rules)
    assert mended.as_mapping() == before


def read_again(rules: RuleCollection) -> WindowsState:
    return read_state(state_module.run({"group": GROUP, "name_prefix": "Pexip SfB "}, rules, []))
