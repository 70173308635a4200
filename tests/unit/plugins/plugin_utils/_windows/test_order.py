# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is permitted before and after a change is permitted after each of its calls, and within them."""

from __future__ import annotations

import itertools
import random
import typing as t
from collections.abc import Iterable

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import parse_ports
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import find_changes, read_state
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.lists import read_addresses
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.rules import (
    GROUP,
    PROFILES,
    RuleArguments,
    render_windows_rules,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_windows import rule_module, state_module
from simulated_windows.com import FirewallRule, RuleCollection

Flow = tuple[t.Any, ...]
ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
PORTS = ["1", "2"]
PROTOCOLS = {6: "tcp", 17: "udp"}


def argument(name: str, remote: Iterable[str], **options: t.Any) -> RuleArguments:
    return {
        "name": name,
        "group": GROUP,
        "description": name,
        "enabled": True,
        "direction": "in",
        "action": "allow",
        "protocol": "udp",
        "profiles": list(PROFILES),
        "localip": "192.0.2.1",
        "remoteip": ",".join(remote),
        "localport": "1",
        "remoteport": "any",
        "program": "any",
        "service": "any",
        **options,
    }


def read(rules: RuleCollection) -> dict[str, t.Any]:
    return state_module.run({"group": GROUP, "name_prefix": "Pexip SfB "}, rules, [])


def written(arguments: Iterable[RuleArguments]) -> RuleCollection:
    rules = RuleCollection([])
    for options in arguments:
        rule_module.run({**options, "state": "present"}, rules, False, False, lambda rule, name: None)
    return rules


def names_of(calls: Iterable[RuleArguments]) -> list[str]:
    return [("" if call["state"] == "present" else "-") + call["name"] for call in calls]


def changes(before: list[RuleArguments], after: list[RuleArguments]) -> list[str]:
    return names_of(find_changes(after, read_state(read(written(before)))).calls)


A, B, C = (ADDRESSES[n : n + 1] for n in range(3))


@pytest.mark.parametrize(
    ("before", "after", "calls"),
    [
        # B moves to the rule before, or to the one behind: that is written first.
        ({"1": A, "2": B + C}, {"1": A + B, "2": C}, ["1", "2"]),
        ({"1": A + B, "2": C}, {"1": A, "2": B + C}, ["2", "1"]),
        # One chunk more at the front, one less.
        ({"1": A, "2": B}, {"1": C, "2": A, "3": B}, ["3", "2", "1"]),
        ({"1": A, "2": B, "3": C}, {"1": B, "2": C}, ["1", "2", "-3"]),
        # They exchange what they have.
        ({"1": A, "2": B}, {"1": B, "2": A}, ["2 in between 1", "1", "2", "-2 in between 1"]),
        ({"1": A, "2": B, "3": C}, {"1": B, "2": C, "3": A}, ["3 in between 1", "1", "2", "3", "-3 in between 1"]),
        # The name for that is taken.
        (
            {"1": A, "2": B, "2 in between 1": C},
            {"1": B, "2": A},
            ["2 in between 2", "1", "2", "-2 in between 2", "-2 in between 1"],
        ),
        # Nothing that stays is in both.
        ({"1": A, "2": B}, {"1": C, "2": A + C}, ["2", "1"]),
        ({"1": A, "2": B}, {"1": C, "2": B + C}, ["1", "2"]),
        # It is in the other one all the time.
        ({"1": A + B, "2": B}, {"1": A, "2": B + C}, ["1", "2"]),
    ],
)
def test_what_gets_an_address_is_written_before_what_loses_it(
    before: dict[str, list[str]], after: dict[str, list[str]], calls: list[str]
) -> None:
    old, new = ([argument(name, remote) for name, remote in rules.items()] for rules in (before, after))
    assert changes(old, new) == calls


@pytest.mark.parametrize(
    "options",
    [
        {"direction": "out"},
        {"protocol": "tcp"},
        {"localport": "2"},
        {"remoteport": "7"},
        {"localip": "192.0.2.9"},
    ],
)
def test_rules_for_other_traffic_do_not_wait(options: dict[str, t.Any]) -> None:
    first, second = argument("1", A, remoteport="5"), argument("2", B, **options)
    assert changes([first, second], [{**first, "remoteip": "192.0.2.2"}, {**second, "remoteip": "192.0.2.1"}]) == [
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({"enabled": False}, False),
        ({"action": "block"}, False),
        ({"remoteip": "192.0.2.3"}, False),
        ({"remoteip": "LocalSubnet"}, True),
        ({"remoteip": "any"}, True),
        ({"protocol": "any", "localport": None}, True),
        ({"localport": "RPC"}, True),
    ],
)
def test_what_may_be_permitted_is_kept(options: dict[str, t.Any], waits: bool) -> None:
    """The first rule was edited by hand. Whether it lets in what the second will is not always known."""
    state = {**argument("1", A), "other": {}, **options}
    other = {**argument("2", B), "other": {}}
    found = read_state({"rules": [state, other], "foreign_rules": [], "profiles": []})
    calls = names_of(find_changes([argument("1", ["192.0.2.9"]), argument("2", A)], found).calls)
    assert [name for name in calls if name in ("1", "2")] == (["2", "1"] if waits else ["1", "2"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["1", "2"]),
        ({"profiles": ["domain"]}, ["2", "1"]),
        ({"localport": "RPC"}, ["2", "1"]),
        # It may hold an address that the first gets, too.
        ({"remoteip": "LocalSubnet"}, ["2 in between 1", "1", "2", "-2 in between 1"]),
        ({"remoteip": "any"}, ["1", "2"]),
    ],
)
def test_what_is_only_permitted_perhaps_is_not_relied_on(options: dict[str, t.Any], expected: list[str]) -> None:
    """The first rule loses an address that the second has, as it may have had before."""
    state = {**argument("2", A + B), "other": {}, **options}
    found = read_state({"rules": [{**argument("1", A), "other": {}}, state], "foreign_rules": [], "profiles": []})
    assert names_of(find_changes([argument("1", C), argument("2", A)], found).calls) == expected


def chunks(addresses: set[int]) -> list[RuleArguments]:
    """The rules of a server for *addresses*."""
    ports, own = parse_ports([1], "port"), IntervalSet(((1 << 24, 1 << 24),))
    remote = IntervalSet.of((address, address) for address in addresses)
    side = ("x",), remote, IntervalSet(((0, 65535),))
    rule = Rule("r", "", "", False, "", "udp", "ipv4", *side, ("y",), own, ports, hook="input")
    return render_windows_rules([rule])


def remote_addresses(rules: Iterable[RuleArguments]) -> IntervalSet:
    return IntervalSet.union(read_addresses(rule["remoteip"])[0].ipv4 for rule in rules)


@pytest.mark.large
@pytest.mark.parametrize("size", [150, 450, 2000])
@pytest.mark.parametrize("share", [0.002, 0.1, 0.6])
@pytest.mark.parametrize("bits", [14, 28])
def test_no_address_of_a_long_list_is_closed_in_between(size: int, share: float, bits: int) -> None:
    choose = random.Random(f"{size} {share} {bits}")
    addresses = {(10 << 24) + choose.getrandbits(bits) for n in range(size)}
    for _round in range(5):
        gone = {address for address in addresses if choose.random() < share}
        come = {(10 << 24) + choose.getrandbits(bits) for n in range(choose.randrange(int(size * share) + 2))}
        before, after = chunks(addresses), chunks(addresses - gone | come)
        stays = remote_addresses(before).intersection(remote_addresses(after))
        there = {rule["name"].lower(): rule for rule in before}
        state = read_state(
            {"rules": [{**rule, "other": {}} for rule in before], "foreign_rules": [], "profiles": []},
        )
        for call in find_changes(after, state).calls:
            there.pop(call["name"].lower(), None)
            if call["state"] == "present":
                there[call["name"].lower()] = {option: call[option] for option in call if option != "state"}
            assert stays.issubset(remote_addresses(there.values()))
        assert sorted(there) == sorted(rule["name"].lower() for rule in after)
        assert all(there[rule["name"].lower()] == rule for rule in after)
        addresses = addresses - gone | come


def some(values: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=len(values), unique=True).map(sorted).map(",".join)


WANTED = st.builds(
    argument,
    st.sampled_from(["r1", "r2", "r3", "r4"]),
    some(ADDRESSES).map(lambda text: text.split(",")),
    direction=st.sampled_from(["in", "in", "out"]),
    protocol=st.sampled_from(["udp", "udp", "tcp"]),
    localip=some(ADDRESSES[:2]),
    localport=some(PORTS),
    remoteport=st.sampled_from(["any", "1"]),
)
EDITED = st.fixed_dictionaries(
    {},
    optional={
        "Enabled": st.booleans(),
        "Action": st.sampled_from([0, 1]),
        "ApplicationName": st.just("x.exe"),
        "ServiceName": st.just("x"),
        "InterfaceTypes": st.just("Wireless"),
        "Profiles": st.just(1),
        "RemoteAddresses": st.sampled_from(["*", "LocalSubnet"]),
        "Name": st.sampled_from(["r1", "r2", "r5"]),
    },
)


def permitted(rules: Iterable[FirewallRule]) -> set[Flow]:
    """Every packet of a small world that a rule lets pass. The local subnet has one address."""
    flows: set[Flow] = set()
    for rule in rules:
        if rule["Enabled"] is not True or rule["Action"] != 1:
            continue
        remote = "192.0.2.2" if rule["RemoteAddresses"] == "LocalSubnet" else rule["RemoteAddresses"]
        local, remote = (
            [a for a in ADDRESSES if text == "*" or a in text] for text in (rule["LocalAddresses"], remote)
        )
        ports = ([p for p in PORTS if text == "*" or p in text] for text in (rule["LocalPorts"], rule["RemotePorts"]))
        programs = ["x.exe"] if rule["ApplicationName"] else ["x.exe", "y.exe"]
        services = ["x"] if rule["ServiceName"] else ["x", "y"]
        interfaces = ["Wireless"] if rule["InterfaceTypes"] == "Wireless" else ["Wireless", "Lan"]
        profiles = [1] if rule["Profiles"] == 1 else [1, 4]
        fixed = [[rule["Direction"]], [rule["Protocol"]]]
        flows.update(itertools.product(*fixed, local, remote, *ports, programs, services, interfaces, profiles))
    return flows


@settings(max_examples=3 * settings().max_examples)
@given(
    before=st.lists(st.tuples(WANTED, EDITED), max_size=6),
    after=st.lists(WANTED, max_size=4, unique_by=lambda rule: rule["name"]),
)
def test_nothing_that_stays_permitted_is_closed_in_between(
    before: list[tuple[RuleArguments, dict[str, t.Any]]], after: list[RuleArguments]
) -> None:
    there: list[FirewallRule] = []
    for arguments, edited in before:
        (rule,) = written([arguments])
        there.append(FirewallRule({**rule.as_mapping(), **edited}))
    rules = RuleCollection(there)
    stays = permitted(rules) & permitted(written(after))

    def look(rule: str = "", name: str = "") -> None:
        assert stays <= permitted(rules)

    for call in find_changes(after, read_state(read(rules))).calls:
        result = rule_module.run(call, rules, False, False, look)
        assert result["changed"], (call, result)
        look()
    assert find_changes(after, read_state(read(rules))).calls == ()
    assert sorted(str(rule["Name"]) for rule in rules) == sorted(rule["name"] for rule in after)


def test_the_small_world_is_the_one_of_the_rules() -> None:
    """So that the test above tests something."""
    flows = permitted(written([argument("r1", A, localport="1,2")]))
    assert len(flows) == 2 * 2 * 2 * 2 * 2 * 2
    assert read_cidrs(ADDRESSES).ipv4.size() == 3
