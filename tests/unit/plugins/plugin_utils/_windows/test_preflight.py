# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import Changes, WindowsState
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.preflight import CHECKS, find_findings

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
    assert check in CHECKS


def test_a_profile_that_is_off_says_only_that() -> None:
    assert [finding["check"] for finding in findings(enabled=False, default_outbound="allow")] == ["profile_off"]


def test_profiles_come_in_one_order() -> None:
    profiles = tuple({**PROFILE, "name": name, "enabled": False} for name in ("public", "domain", "private"))
    found = find_findings(WindowsState((), (), profiles), Changes(), [])
    assert [finding.message.split()[1] for finding in found] == ["domain", "private", "public"]


def test_taking_away_the_way_in_is_said() -> None:
    (finding,) = findings(Changes(removed=(WINRM,)))
    assert (finding["check"], finding["fatal"]) == ("management_port", True)
    assert "rule 'own', which is to be removed, lets TCP port 5985, 5986 in" in finding["message"]


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
