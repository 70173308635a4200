# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a canonical rule is worded for people."""

from __future__ import annotations

from .._values.addresses import AddressSet
from .._values.intervals import IntervalSet
from .._values.words import people_cidrs, ports_text, some
from .canonical import Rule
from .protocols import has_ports, protocol_text


def rule_line(rule: Rule) -> str:
    """Write a rule on one line, for a screen."""
    source, destination = rule_cidrs(rule)
    source_ports, destination_ports = (
        f" port {ports_text(ports)}" if rule.has_ports else "" for ports in (rule.source_ports, rule.destination_ports)
    )
    return (
        f"{rule.row}: {protocol_text(rule.protocol)} from {some(source)}{source_ports}"
        f" to {some(destination)}{destination_ports}"
    )


def rule_ports(rule: Rule) -> tuple[str, str]:
    """Write the source ports and the destination ports of a rule for people."""
    return side_ports(rule.protocol, rule.source_ports), side_ports(rule.protocol, rule.destination_ports)


def side_ports(protocol: str, ports: IntervalSet) -> str:
    """Write *ports* of *protocol*, which may have none, for people."""
    return ports_text(ports) if has_ports(protocol) else "none"


def rule_cidrs(rule: Rule) -> tuple[list[str], list[str]]:
    """Write the addresses of both sides of a rule for people."""
    source, destination = (people_cidrs(AddressSet(**{rule.family: side})) for side in (rule.source, rule.destination))
    return source, destination
