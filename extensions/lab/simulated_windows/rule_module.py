# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What community.windows.win_firewall_rule does, step by step as in its source (win_firewall_rule.ps1 of 3.1)."""

from __future__ import annotations

import contextlib
import fnmatch
import re
import typing as t
from collections.abc import Callable, Iterable

from simulated_windows.com import ALL_PROFILES, ComError, FirewallRule, RuleCollection

Arguments = t.Mapping[str, t.Any]

# Property and option, in the order of $fwPropertiesToCompare. An existing rule is edited in this order, ports before
# the protocol.
_COMPARED = (
    ("Description", "description"),
    ("Direction", "direction"),
    ("Action", "action"),
    ("ApplicationName", "program"),
    ("Grouping", "group"),
    ("ServiceName", "service"),
    ("Enabled", "enabled"),
    ("Profiles", "profiles"),
    ("LocalAddresses", "localip"),
    ("RemoteAddresses", "remoteip"),
    ("LocalPorts", "localport"),
    ("RemotePorts", "remoteport"),
    ("Protocol", "protocol"),
    ("IcmpTypesAndCodes", "icmp_type_code"),
)
# What the module shows of a rule: $fwPropertiesToCompare.
_SHOWN = (
    *(name for name, _option in _COMPARED[:-1]),
    "InterfaceTypes",
    "EdgeTraversalOptions",
    "SecureFlags",
    "IcmpTypesAndCodes",
)
_PROFILE_BITS = {"domain": 1, "private": 2, "public": 4}
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmpv4*": 1, "icmpv6*": 58}
_ENVIRONMENT = {
    "systemroot": r"C:\Windows",
    "windir": r"C:\Windows",
    "systemdrive": "C:",
    "programdata": r"C:\ProgramData",
    "programfiles": r"C:\Program Files",
    "programfiles(x86)": r"C:\Program Files (x86)",
}


def _protocol(value: str) -> int:
    with contextlib.suppress(ValueError):
        return round(float(value))  # -as [int]
    for pattern, number in _PROTOCOLS.items():
        if fnmatch.fnmatchcase(value.lower(), pattern):
            return number
    raise ComError(f"Unknown protocol '{value}'.")


def _profiles(values: list[str]) -> int:
    # Select-Object -Unique tells upper from lower case, and switch does not: two spellings of a profile count twice.
    unique = dict.fromkeys(values)
    for value in unique:
        if value.lower() not in _PROFILE_BITS:
            raise ComError(f"Unknown profile '{value}'.")
    bits = sum(_PROFILE_BITS[value.lower()] for value in unique)
    return ALL_PROFILES if bits == 7 else bits


def _program(value: str) -> str:
    """[System.Environment]::ExpandEnvironmentVariables: what is not a variable stays."""
    return re.sub("%([^%]+)%", lambda found: _ENVIRONMENT.get(found[1].lower(), found[0]), value)


# Order, property, option, conversion: how a new rule is filled. With "any" the property stays as it is.
_FILLED: tuple[tuple[str, str, Callable[[t.Any], t.Any], bool], ...] = (
    ("Description", "description", str, False),
    ("Grouping", "group", str, False),
    ("ApplicationName", "program", _program, True),
    ("ServiceName", "service", str, True),
    ("Protocol", "protocol", _protocol, True),
    ("LocalPorts", "localport", str, True),
    ("RemotePorts", "remoteport", str, True),
    ("LocalAddresses", "localip", str, True),
    ("RemoteAddresses", "remoteip", str, True),
    ("IcmpTypesAndCodes", "icmp_type_code", str, True),
    ("Direction", "direction", {"in": 1, "out": 2}.__getitem__, False),
    ("Action", "action", {"block": 0, "allow": 1}.__getitem__, False),
    ("Profiles", "profiles", _profiles, False),
)


def as_the_host_reads_them(arguments: Arguments) -> dict[str, t.Any]:
    """Return the arguments as Get-AnsibleParam takes them: choices in any case, lists of text without blanks."""
    read = dict(arguments)
    for option in ("direction", "action", "state"):
        if isinstance(read.get(option), str):
            read[option] = read[option].lower()
    for option in ("profiles", "profile", "icmp_type_code"):
        if isinstance(read.get(option), str):
            read[option] = [item.strip() for item in read[option].split(",")]
    return read


def run(
    arguments: Arguments, rules: RuleCollection, check_mode: bool, diff: bool, on_write: Callable[[str, str], None]
) -> dict[str, t.Any]:
    """Run the module.

    :param on_write: is told rule and property before each write, and may raise :class:`ComError`.
    :return: the result; with ``failed`` where COM threw, and then what was written before that stays.
    """
    result: dict[str, t.Any] = {"changed": False}
    if arguments.get("icmp_type_code") is not None:
        arguments = {**arguments, "icmp_type_code": ",".join(arguments["icmp_type_code"])}
    if not arguments.get("name") and not arguments.get("group"):
        return {**result, "failed": True, "msg": "Either name or group must be specified"}
    if diff:
        result["diff"] = {"prepared": ""}
    try:
        existing = [rule for rule in rules if _matches(rule, arguments)]
        new = _new_rule(arguments)
        if arguments["state"] == "absent":
            _remove(arguments, rules, existing, check_mode, on_write, result)
        elif not existing and arguments.get("name"):
            _show(result, "+", new)
            if not check_mode:
                on_write(new["Name"], "Name")
                rules.add(new)
            result.update(changed=True, msg=f"Firewall rule '{arguments['name']}' created.")
        elif existing:
            _edit(arguments, existing, new, check_mode, on_write, result)
    except ComError as error:
        return {**result, "failed": True, "msg": str(error)}
    return result


def _matches(rule: FirewallRule, arguments: Arguments) -> bool:
    if arguments.get("name"):
        return _equal(rule["Name"], arguments["name"])
    return _equal(rule["Grouping"], arguments["group"])


def _new_rule(arguments: Arguments) -> FirewallRule:
    rule = FirewallRule()
    if arguments.get("name"):
        rule["Name"] = arguments["name"]
    enabled = arguments.get("enabled")
    rule["Enabled"] = True if enabled is None else enabled
    for name, option, convert, any_is_nothing in _FILLED:
        value = arguments.get(option)
        if value is not None and not (any_is_nothing and str(value).lower() == "any"):
            rule[name] = convert(value)
    return rule


def _remove(
    arguments: Arguments,
    rules: RuleCollection,
    existing: list[FirewallRule],
    check_mode: bool,
    on_write: Callable[[str, str], None],
    result: dict[str, t.Any],
) -> None:
    if not existing:
        result["msg"] = f"No firewall rules in group '{arguments.get('group')}' exist."
        if arguments.get("name"):
            result["msg"] = f"Firewall rule '{arguments['name']}' does not exist."
        return
    for rule in existing:
        _show(result, "-", rule)
        if not check_mode:
            on_write(rule["Name"], "Name")
            rules.remove(rule["Name"])  # by name, whatever the group
        result["changed"] = True
    result["msg"] = f"Firewall rule(s) {_quoted(rule['Name'] for rule in existing)} removed."


def _edit(
    arguments: Arguments,
    existing: list[FirewallRule],
    new: FirewallRule,
    check_mode: bool,
    on_write: Callable[[str, str], None],
    result: dict[str, t.Any],
) -> None:
    changed: list[str] = []
    unchanged: list[str] = []
    for rule in existing:
        if "diff" in result:
            result["diff"]["prepared"] += f"[{rule['Name']}]\n"
        different = False
        for name, option in _COMPARED:
            # Only what the task gives is compared.
            if arguments.get(option) is None or _same(name, rule[name], new[name]):
                continue
            if "diff" in result:
                result["diff"]["prepared"] += f"-{_line(name, rule)}+{_line(name, new)}"
            if not check_mode:
                on_write(rule["Name"], name)
                rule[name] = new[name]
            different = True
        (changed if different else unchanged).append(rule["Name"])
        result["changed"] = result["changed"] or different
    result["msg"] = f"Firewall rule(s) changed {_quoted(changed)} - unchanged {_quoted(unchanged)}"


def _same(name: str, existing: t.Any, new: t.Any) -> bool:
    if name.endswith("Addresses"):  # Compare-Object, whatever the order
        return sorted(str(existing).lower().split(",")) == sorted(str(new).lower().split(","))
    return _equal(existing, new)


def _equal(existing: t.Any, new: t.Any) -> bool:
    """PowerShell's -eq: strings are equal whatever their case."""
    if isinstance(existing, str) and isinstance(new, str):
        return existing.lower() == new.lower()
    return bool(existing == new)


def _show(result: dict[str, t.Any], sign: str, rule: FirewallRule) -> None:
    if "diff" in result:
        lines = [f"{sign}[{rule['Name']}]\n", *(f"{sign}{_line(name, rule)}" for name in _SHOWN)]
        result["diff"]["prepared"] += "".join(lines)


def _line(name: str, rule: FirewallRule) -> str:
    return f"{name}='{'' if rule[name] is None else rule[name]}'\n"


def _quoted(names: Iterable[str]) -> str:
    return "'" + "', '".join(names) + "'"
