# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our win_firewall_state does, as in its source (plugins/modules/win_firewall_state.ps1)."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from simulated_windows.com import FirewallRule, RuleCollection

_PROTOCOL_NAMES = {6: "tcp", 17: "udp", 256: "any"}
_PROFILE_BITS = {"domain": 1, "private": 2, "public": 4}
_DEFAULTS_OF_OTHERS: Mapping[str, tuple[str, ...]] = {
    "InterfaceTypes": ("", "all"),
    "Interfaces": ("",),
    "EdgeTraversal": ("", "false"),
    "EdgeTraversalOptions": ("", "0"),
    "SecureFlags": ("", "0"),
    "IcmpTypesAndCodes": ("", "*"),
    "LocalAppPackageId": ("",),
    "LocalUserOwner": ("",),
    "LocalUserAuthorizedList": ("",),
    "RemoteUserAuthorizedList": ("",),
    "RemoteMachineAuthorizedList": ("",),
}


def run(
    arguments: Mapping[str, t.Any], rules: RuleCollection, profiles: Iterable[Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Run the module."""
    in_group = [rule for rule in rules if _is_in(rule, arguments["group"])]
    outside = [rule for rule in rules if rule not in in_group]
    names = {_text(rule["Name"]).lower() for rule in in_group}
    prefix = arguments["name_prefix"].lower()
    foreign = [r for r in outside if _text(r["Name"]).lower() in names or _text(r["Name"]).lower().startswith(prefix)]
    return {
        "changed": False,
        "rules": [_as_data(rule) for rule in in_group],
        "foreign_rules": [_as_data(rule) for rule in foreign],
        "blocking_rules": [_as_data(rule) for rule in outside if rule["Enabled"] and rule["Action"] == 0],
        "profiles": [dict(profile) for profile in profiles],
    }


def _is_in(rule: FirewallRule, group: str) -> bool:
    return rule["Grouping"] is not None and str(rule["Grouping"]).lower() == group.lower()


def _as_data(rule: FirewallRule) -> dict[str, t.Any]:
    others = {name: _text(rule[name]) for name in _DEFAULTS_OF_OTHERS}
    return {
        "name": _text(rule["Name"]),
        "group": _text(rule["Grouping"]),
        "description": _text(rule["Description"]),
        "enabled": bool(rule["Enabled"]),
        "direction": "out" if rule["Direction"] == 2 else "in",
        "action": "allow" if rule["Action"] == 1 else "block",
        "protocol": _PROTOCOL_NAMES.get(rule["Protocol"], str(rule["Protocol"])),
        "profiles": [name for name, bit in _PROFILE_BITS.items() if (rule["Profiles"] or 0) & bit],
        "localip": _text(rule["LocalAddresses"]),
        "remoteip": _text(rule["RemoteAddresses"]),
        "localport": _text(rule["LocalPorts"]),
        "remoteport": _text(rule["RemotePorts"]),
        "program": _text(rule["ApplicationName"]) or "any",
        "service": _text(rule["ServiceName"]) or "any",
        "other": {name: value for name, value in others.items() if value.lower() not in _DEFAULTS_OF_OTHERS[name]},
    }


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
