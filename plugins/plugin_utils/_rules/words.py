# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a canonical rule is worded for people."""

from __future__ import annotations

from .._values.addresses import AddressSet
from .._values.words import people_cidrs, ports_text, some
from .canonical import Rule


def rule_line(rule: Rule) -> str:
    """Write a rule on one line, for a screen."""
    source, destination = rule_cidrs(rule)
    return (
        f"{rule.row}: {rule.protocol.upper()} from {some(source)} port {ports_text(rule.source_ports)}"
        f" to {some(destination)} port {ports_text(rule.destination_ports)}"
    )


def rule_cidrs(rule: Rule) -> tuple[list[str], list[str]]:
    """Write the addresses of both sides of a rule for people."""
    source, destination = (people_cidrs(AddressSet(**{rule.family: side})) for side in (rule.source, rule.destination))
    return source, destination
