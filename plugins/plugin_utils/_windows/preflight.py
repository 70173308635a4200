# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: what the state of a host's firewall means for our rules, said before anything is changed."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._values.addresses import FAMILIES, AddressSet, format_address
from .._values.errors import shown
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT
from .._values.words import some
from .changes import Changes, WindowsState
from .lists import read_port_list
from .order import StateRule, Traffic, conditions_of, traffic_of
from .rules import PROFILES, WITH_PORTS, RuleArguments

_MOST_NAMES = 3
MANAGEMENT_PORT = "management_port"


@dataclass(frozen=True)
class Finding:
    """One fact. A ``fatal`` one makes our rules void or endangers the connection, the others are worth knowing."""

    check: str
    fatal: bool
    message: str

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        return {"check": self.check, "fatal": self.fatal, "message": self.message}


def find_findings(state: WindowsState, changes: Changes, management_ports: Sequence[int]) -> list[Finding]:
    """Return what the profiles of *state* do to our rules, and what *changes* do to the ports that Ansible uses."""
    found = [finding for profile in _in_order(state.profiles) for finding in _of_profile(profile)]
    found += _of_management(changes, management_ports)
    return found


def finding_warnings(messages: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one line for each finding, with the hosts that have it.

    :param messages: host → the messages of its findings.
    """
    hosts: dict[str, list[str]] = {}
    for host in sorted(messages):
        for message in messages[host]:
            hosts.setdefault(message, []).append(shown(host))
    return [f"host{'s' if len(there) > 1 else ''} {some(there)}: {message}" for message, there in hosts.items()]


def _in_order(profiles: Sequence[Mapping[str, t.Any]]) -> list[Mapping[str, t.Any]]:
    return sorted(profiles, key=lambda profile: PROFILES.index(profile["name"]))


def _of_profile(profile: Mapping[str, t.Any]) -> Iterator[Finding]:
    where = f"profile {profile['name']} ({'in use now' if profile.get('active') else 'not in use now'})"
    if not profile["enabled"]:
        yield Finding("profile_off", True, f"{where}: the firewall is off, so everything is open and no rule counts")
        return
    if not profile["local_rules_apply"]:
        yield Finding(
            "local_rules_void",
            True,
            f"{where}: a policy has switched off the merging of local rules (AllowLocalFirewallRules is False), so "
            "rules that are written on this host have no effect; put the rules into that policy, or allow the merging",
        )
    if profile.get("inbound_blocked"):
        yield Finding(
            "inbound_blocked",
            True,
            f"{where}: all inbound traffic is blocked, allow rules included (AllowInboundRules)",
        )
    if profile["default_outbound"] == "allow":
        yield Finding(
            "outbound_default_allow",
            False,
            f"{where}: outbound traffic is allowed by default, so our outbound rules change nothing there; "
            "they count once DefaultOutboundAction is Block",
        )


def _of_management(changes: Changes, ports: Sequence[int]) -> Iterator[Finding]:
    for rule in changes.removed:
        opened = [port for port in ports if _opens(rule, port)]
        if opened:
            yield Finding(
                MANAGEMENT_PORT,
                True,
                f"rule {rule['name']!r}, which is to be removed or changed, lets TCP port "
                f"{', '.join(map(str, opened))} in, and Ansible may depend on it; let that port in by a rule of your "
                "own outside of our group first",
            )


def _opens(rule: StateRule, port: int) -> bool:
    """Tell whether a rule was made for *port*. One for any port is not: it is for a row that names source ports."""
    allows = rule.get("enabled") is True and rule.get("direction") == "in" and rule.get("action") == "allow"
    ports = read_port_list(str(rule.get("localport") or ""))
    named = isinstance(ports, IntervalSet) and ports != ANY_PORT and port in ports
    return allows and rule.get("protocol") == "tcp" and named


@dataclass(frozen=True)
class Block:
    """A rule of somebody else that blocks what rules of ours permit, for certain or (``conditions``) perhaps."""

    rule: StateRule
    names: tuple[str, ...]
    conditions: tuple[str, ...]
    example: str

    @property
    def is_certain(self) -> bool:
        """Whether it counts whatever the program, the profile and the network."""
        return not self.conditions

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        return {
            "rule": self.rule["name"],
            "group": self.rule.get("group") or "",
            "blocked": list(self.names),
            "certain": self.is_certain,
            "conditions": list(self.conditions),
            "example": self.example,
        }

    def message(self) -> str:
        """Say it to people."""
        listed = ", ".join(shown(name) for name in self.names[:_MOST_NAMES])
        more = f" and {len(self.names) - _MOST_NAMES} more" if len(self.names) > _MOST_NAMES else ""
        verb = "blocks" if self.is_certain else "may block"
        why = "" if self.is_certain else f" It is for {', '.join(self.conditions)}."
        return (
            f"rule {shown(self.rule['name'])} (group {shown(self.rule.get('group') or '')}) {verb} what rules of ours "
            f"allow, and a rule that blocks beats all that allow: {listed}{more}, for example {self.example}.{why}"
        )


def find_blocks(wanted: Sequence[RuleArguments], state: WindowsState) -> list[Block]:
    """Return the rules of others that block what *wanted* permits, those that do so for certain first."""
    permitted = [(str(arguments["name"]), traffic_of(arguments)[0]) for arguments in wanted]
    found = [block for rule in state.blocks_of_others() for block in _blocks_of(rule, permitted)]
    return sorted(found, key=lambda block: (not block.is_certain, str(block.rule["name"])))


def _blocks_of(rule: StateRule, permitted: Sequence[tuple[str, Traffic]]) -> Iterator[Block]:
    may, surely = traffic_of(rule)
    conditions = conditions_of(rule) or ["addresses or ports that Windows alone knows"]
    for blocked, why in ((surely, []), (may, conditions)):
        hits = [(name, both) for name, traffic in permitted if (both := blocked.intersection(traffic))]
        if hits:
            yield Block(rule, tuple(name for name, _both in hits), tuple(why), _example(hits[0][1]))
            return


def _example(traffic: Traffic) -> str:
    protocol = min(traffic.protocols)
    local, remote = (
        f"{_first(addresses)} port {ports.intervals[0][0]}" if protocol in WITH_PORTS else _first(addresses)
        for addresses, ports in ((traffic.local, traffic.local_ports), (traffic.remote, traffic.remote_ports))
    )
    source, destination = (remote, local) if traffic.direction == "in" else (local, remote)
    return f"{protocol if protocol in WITH_PORTS else f'protocol {protocol}'} from {source} to {destination}"


def _first(addresses: AddressSet) -> str:
    family = next(family for family in FAMILIES if addresses.of_family(family))
    return format_address(addresses.of_family(family).intervals[0][0], family)
