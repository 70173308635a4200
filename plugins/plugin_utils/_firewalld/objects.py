# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders rules as firewalld objects of our own: ipsets, and a policy for each hook with rich rules.

The objects are plain data, in the words of firewalld. They permit and, but for egress, refuse nothing: what they do not
permit is up to the host's zones. Nothing that a user typed as free text gets into them: names are checked identifiers,
the rest are addresses and integers.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from .._rules.canonical import Hook, Rule
from .._rules.extra import ExtraRule
from .._rules.permissions import Permissions
from .._values.addresses import Family
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT, format_ports
from .ipsets import PREFIX, IpsetTable, Party

# firewalld takes 17 characters: the kernel's limit for chain names, less what firewalld puts around the policy's.
POLICY_NAMES: dict[Hook, str] = {hook: f"{PREFIX}{hook}" for hook in ("input", "output", "forward")}
DENY_EGRESS = f"{PREFIX}deny"
MAX_POLICY_NAME = 17
# Negative: before the zones, which else refuse first. Positive and the last that firewalld takes: after everybody's.
PERMIT_PRIORITY = -100
DENY_PRIORITY = 32767

_ZONES: dict[Hook, tuple[str, str]] = {"input": ("ANY", "HOST"), "output": ("HOST", "ANY"), "forward": ("ANY", "ANY")}
# How firewalld calls protocols: by the names of /etc/protocols, or by number.
_NAMES = {"icmpv6": "ipv6-icmp"}
# What IPv6 needs to find its neighbours and to tell switches its multicast groups (RFC 4890, section 4.4.1).
# firewalld lets ICMP errors through by itself, as related traffic.
_NEIGHBOURS = (
    'rule family="ipv6" destination address="ff02::/16" protocol value="ipv6-icmp" accept',
    'rule family="ipv6" icmp-type name="neighbour-advertisement" accept',
    'rule family="ipv6" icmp-type name="neighbour-solicitation" accept',
)
# How a host asks for its addresses, by DHCP and DHCPv6, and tells which IPv4 groups it is in. The answers are up to the
# zones, which have the service dhcpv6-client for them.
_UPKEEP = (
    'rule family="ipv4" destination address="224.0.0.0/4" protocol value="igmp" accept',
    'rule family="ipv4" port port="67" protocol="udp" accept',
    'rule family="ipv6" destination address="ff02::1:2" port port="547" protocol="udp" accept',
)


def render_objects(permissions: Permissions) -> dict[str, t.Any]:
    """Return ``ipsets`` and ``policies``, each name → settings: a policy for each hook. Equal permissions, equal data.

    :raises PortMatrixError: if there is no hook.
    """
    if not permissions.hooks:
        raise PortMatrixError.at("firewalld objects", "have no hook", "a host that is an endpoint or a gateway")
    sets = IpsetTable()
    policies = {POLICY_NAMES[hook]: _permitting_policy(sets, permissions, hook) for hook in permissions.hooks}
    if "output" in permissions.hooks:
        policies[DENY_EGRESS] = _policy(
            "output",
            "deny what nobody permits",
            "Refuses what leaves this host and no policy permits.",
            (*_NEIGHBOURS, *_UPKEEP),
            target="DROP",
            priority=DENY_PRIORITY,
        )
    return {"ipsets": sets.as_data(), "policies": policies}


def _permitting_policy(sets: IpsetTable, permissions: Permissions, hook: Hook) -> dict[str, t.Any]:
    rich_rules: list[str] = []
    rows: list[str] = []
    for extra in (*permissions.management, *permissions.extra_rules):
        if extra.hook == hook:
            rich_rules += _extra_rule(sets, extra)
            rows.append(extra.name)
    for rule in permissions.rules:
        if rule.hook == hook:
            rich_rules += _rule(sets, rule, hook)
            rows.append(rule.row)
    description = f"Permits: {', '.join(dict.fromkeys(rows)) or 'nothing'}."
    return _policy(hook, f"hook {hook}", description, rich_rules)


def _policy(
    hook: Hook,
    short: str,
    description: str,
    rich_rules: Sequence[str],
    target: str = "CONTINUE",
    priority: int = PERMIT_PRIORITY,
) -> dict[str, t.Any]:
    ingress, egress = _ZONES[hook]
    return {
        "short": f"Pexip SfB: {short}",
        "description": f"{description} Managed by Ansible, uc_firewall.pexip_sfb",
        "target": target,
        "priority": priority,
        "ingress_zones": [ingress],
        "egress_zones": [egress],
        "rich_rules": sorted(set(rich_rules)),
    }


def _rule(sets: IpsetTable, rule: Rule, hook: Hook) -> Iterator[str]:
    source = Party(rule.source_endpoint, rule.source, rule.family)
    destination = Party(rule.destination_endpoint, rule.destination, rule.family)
    ends = (source, rule.source_ports), (destination, rule.destination_ports)
    yield from _permit(sets, hook, rule.protocol, *ends)


def _extra_rule(sets: IpsetTable, extra: ExtraRule) -> Iterator[str]:
    for family in extra.families():
        everybody = Party((extra.name,), IntervalSet(((0, 2 ** (32 if family == "ipv4" else 128) - 1),)), family)
        source, destination = (
            everybody if addresses is None else Party((extra.name, side), addresses.of_family(family), family)
            for side, addresses in (("source", extra.source), ("destination", extra.destination))
        )
        ends = (source, extra.source_ports), (destination, extra.destination_ports)
        yield from _permit(sets, extra.hook, extra.protocol, *ends)


def _permit(
    sets: IpsetTable,
    hook: Hook,
    protocol: str,
    source: tuple[Party, IntervalSet],
    destination: tuple[Party, IntervalSet],
) -> Iterator[str]:
    party, source_ports = source
    there, destination_ports = destination
    matches = _matches(sets.name(hook, party, protocol, source_ports), sets.name(hook, there))
    if destination_ports == ANY_PORT:
        yield _rich_rule(party.family, matches, f'protocol value="{_NAMES.get(protocol, protocol)}"')
    for item in format_ports(destination_ports):
        yield _rich_rule(party.family, matches, f'port port="{item}" protocol="{protocol}"')


def _matches(source: str, destination: str) -> str:
    sides = (("source", source), ("destination", destination))
    return "".join(f' {side} ipset="{name}"' for side, name in sides if name)


def _rich_rule(family: Family, matches: str, element: str) -> str:
    return f'rule family="{family}"{matches} {element} accept'
