# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import Changes, WindowsState
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.preflight import (
    find_blocks,
    find_findings,
    finding_warnings,
)

PROFILE = {
    "name": "public",
    "active": True,
    "enabled": True,
    "local_rules_apply": True,
    "inbound_blocked": False,
    "default_inbound": "block",
    "default_outbound": "block",
}
WINRM = {
    "name": "own",
    "direction": "in",
    "action": "allow",
    "protocol": "tcp",
    "enabled": True,
    "localport": "5985-5986",
}


def findings(changes: Changes | None = None, **profile: t.Any) -> list[dict[str, t.Any]]:
    state = WindowsState((), (), ({**PROFILE, **profile},))
    return [finding.as_mapping() for finding in find_findings(state, changes or Changes(), [22, 5985, 5986])]


def test_a_firewall_that_is_on_and_blocks_by_default_is_fine() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("profile", "check", "fatal", "message"),
    [
        ({"enabled": False}, "profile_off", True, "profile public (in use now): the firewall is off"),
        ({"local_rules_apply": False}, "local_rules_void", True, "AllowLocalFirewallRules is False"),
        ({"inbound_blocked": True}, "inbound_blocked", True, "allow rules included"),
        ({"default_outbound": "allow"}, "outbound_default_allow", False, "our outbound rules change nothing there"),
        ({"enabled": False, "active": False}, "profile_off", True, "profile public (not in use now)"),
    ],
)
def test_what_makes_rules_void_is_said(profile: dict[str, t.Any], check: str, fatal: bool, message: str) -> None:
    (finding,) = findings(**profile)
    assert (finding["check"], finding["fatal"]) == (check, fatal)
    assert message in finding["message"]


def test_a_profile_that_is_off_says_only_that() -> None:
    assert [finding["check"] for finding in findings(enabled=False, default_outbound="allow")] == ["profile_off"]


def test_profiles_come_in_one_order() -> None:
    profiles = tuple({**PROFILE, "name": name, "enabled": False} for name in ("public", "domain", "private"))
    found = find_findings(WindowsState((), (), profiles), Changes(), [])
    assert [finding.message.split()[1] for finding in found] == ["domain", "private", "public"]


def test_taking_away_the_way_in_is_said() -> None:
    (finding,) = findings(Changes(removed=(WINRM,)))
    assert (finding["check"], finding["fatal"]) == ("management_port", True)
    assert "rule 'own', which is to be removed or changed, lets TCP port 5985, 5986 in" in finding["message"]


@pytest.mark.parametrize(
    "other",
    [
        {"direction": "out"},
        {"action": "block"},
        {"protocol": "udp"},
        {"enabled": False},
        {"localport": "*"},
        {"localport": "RPC"},
        {"localport": "443,8057"},
        {"localport": None},
    ],
)
def test_any_other_rule_is_no_way_in(other: dict[str, t.Any]) -> None:
    assert findings(Changes(removed=({**WINRM, **other},))) == []


ALL_PROFILES = ["domain", "private", "public"]
WANTED = {
    "name": "Pexip SfB r1 in udp ipv4 1",
    "enabled": True,
    "direction": "in",
    "action": "allow",
    "protocol": "udp",
    "profiles": ALL_PROFILES,
    "localip": "10.0.0.131",
    "remoteip": "192.0.2.11,192.0.2.13",
    "localport": "50000-59999",
    "remoteport": "40000-49999",
    "program": "any",
    "service": "any",
}
BLOCK = {
    "name": "Hardening",
    "group": "theirs",
    "enabled": True,
    "direction": "in",
    "action": "block",
    "protocol": "any",
    "profiles": ALL_PROFILES,
    "localip": "*",
    "remoteip": "192.0.2.0/255.255.255.0",
    "localport": "",
    "remoteport": "",
    "program": "any",
    "service": "any",
    "other": {},
}


def blocks(*rules: dict[str, t.Any], wanted: list[dict[str, t.Any]] | None = None) -> list[dict[str, t.Any]]:
    state = WindowsState((), (), (), tuple({**BLOCK, **rule} for rule in rules))
    return [block.as_mapping() for block in find_blocks([WANTED] if wanted is None else wanted, state)]


def test_a_rule_that_blocks_what_ours_allow_is_found() -> None:
    assert blocks({}) == [
        {
            "rule": "Hardening",
            "group": "theirs",
            "blocked": [WANTED["name"]],
            "certain": True,
            "conditions": [],
            "example": "udp from 192.0.2.11 port 40000 to 10.0.0.131 port 50000",
        }
    ]
    out = {**WANTED, "direction": "out", "remoteip": "2001:db8::11", "localip": "2001:db8::131", "protocol": "tcp"}
    (found,) = blocks({"direction": "out", "remoteip": "2001:db8::-2001:db8::ffff", "group": None}, wanted=[out])
    assert found["example"] == "tcp from 2001:db8::131 port 50000 to 2001:db8::11 port 40000"
    assert found["group"] == ""


@pytest.mark.parametrize("protocol", ["50", "any"])
def test_a_rule_that_blocks_a_protocol_without_ports_is_found(protocol: str) -> None:
    esp = {key: WANTED[key] for key in WANTED if key not in ("localport", "remoteport")}
    (found,) = blocks({"protocol": protocol, "localport": "", "remoteport": ""}, wanted=[{**esp, "protocol": "50"}])
    assert (found["certain"], found["example"]) == (True, "protocol 50 from 192.0.2.11 to 10.0.0.131")
    assert blocks({"protocol": "51"}, wanted=[{**esp, "protocol": "50"}]) == []


@pytest.mark.parametrize(
    "apart",
    [
        {"direction": "out"},
        {"protocol": "tcp"},
        {"protocol": "1"},
        {"localip": "10.0.0.132"},
        {"remoteip": "192.0.2.12"},
        {"protocol": "udp", "localport": "49999"},
        {"protocol": "udp", "remoteport": "50000-65535"},
        {"enabled": False},
        {"action": "allow"},
    ],
)
def test_a_rule_about_something_else_is_not(apart: dict[str, t.Any]) -> None:
    assert blocks(apart) == []


@pytest.mark.parametrize(
    ("narrowed", "condition"),
    [
        ({"program": r"C:\x.exe"}, r"program C:\x.exe"),
        ({"service": "Dnscache"}, "service Dnscache"),
        ({"profiles": ["public", "private"]}, "profile private or public"),
        ({"profiles": []}, "profile none"),
        ({"other": {"InterfaceTypes": "Wireless"}}, "InterfaceTypes Wireless"),
        ({"remoteip": "LocalSubnet"}, "addresses or ports that Windows alone knows"),
        ({"protocol": "udp", "localport": "Teredo"}, "addresses or ports that Windows alone knows"),
    ],
)
def test_a_rule_that_counts_now_and_then_may_block(narrowed: dict[str, t.Any], condition: str) -> None:
    (found,) = blocks(narrowed)
    assert (found["certain"], found["conditions"]) == (False, [condition])


def test_what_blocks_for_certain_is_said_first_and_how_much_more_there_is() -> None:
    wanted = [{**WANTED, "name": f"rule {number}"} for number in range(5)]
    rules = ({**BLOCK, "name": "a", "program": "x.exe"}, BLOCK)
    first, second = (block.message() for block in find_blocks(wanted, WindowsState((), (), (), rules)))
    assert first == (
        "rule 'Hardening' (group 'theirs') blocks what rules of ours allow, and a rule that blocks beats all that "
        "allow: 'rule 0', 'rule 1', 'rule 2' and 2 more, for example udp from 192.0.2.11 port 40000 to "
        "10.0.0.131 port 50000."
    )
    assert second.startswith("rule 'a' (group 'theirs') may block what rules of ours allow")
    assert second.endswith("port 50000. It is for program x.exe.")


def test_a_rule_of_sfb_in_our_group_is_somebody_elses_and_one_of_ours_is_mended() -> None:
    state = WindowsState(({**BLOCK, "name": "CS RTCSRV"}, {**BLOCK, "name": "Pexip SfB x"}), ())
    assert [block.rule["name"] for block in find_blocks([WANTED], state)] == ["CS RTCSRV"]


def test_where_nothing_is_wanted_nothing_is_blocked() -> None:
    assert blocks({}, wanted=[]) == []


def test_what_many_hosts_have_is_one_warning() -> None:
    assert finding_warnings({"edge2": ["off"], "edge1": ["void", "off"], "edge3": []}) == [
        "host 'edge1': void",
        "hosts 'edge1', 'edge2': off",
    ]
    many = {f"edge{number}": ["off"] for number in range(9)}
    assert finding_warnings(many) == ["hosts 'edge0', 'edge1', 'edge2', 'edge3' and 5 more: off"]
