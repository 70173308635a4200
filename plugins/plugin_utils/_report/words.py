# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a report words things: scopes, ports, protocols, addresses, in sentences that every format shares."""

from __future__ import annotations

from collections.abc import Sequence

from .._rules.canonical import Rule
from .._values.addresses import FAMILIES, AddressSet
from .._values.intervals import IntervalSet
from .._values.ports import format_ports
from .report import Flow, Report, display, endpoint_title
from .scope import Scope

NOTHING = "The port matrix opens nothing here."
DIRECTIONS = {"input": "in", "output": "out", "forward": "through"}
CHANGE_TITLES = {
    "added": "New flows",
    "removed": "Flows that are gone",
    "widened": "Flows that permit more: what is new in them",
    "narrowed": "Flows that permit less: what is gone from them",
}


def scope_sentence(scope: Scope) -> str:
    """Say what the report is about."""
    names = [display(name) for name in scope.names]
    if scope.kind == "host":
        return f"What must be open on the host {names[0]}, in the addresses that it has and sees itself."
    if scope.kind == "gateway":
        return f"What must be open on the firewall {names[0]}, in the addresses that it sees."
    if scope.kind == "pair":
        titles = [endpoint_title(name) for name in scope.names]
        return f"What must be open between {titles[0]} and {titles[1]}, in both directions."
    return "What must be open for the whole site."


def ports_text(ports: IntervalSet) -> str:
    """Write ports for people."""
    return ", ".join(format_ports(ports)) or "any"


def protocols_text(flow: Flow) -> str:
    """Write the protocols of a flow for people."""
    return " and ".join(protocol.upper() for protocol in flow.protocols) + (" (TLS)" if flow.tls else "")


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def summary(report: Report) -> list[str]:
    """How much there is in the report, in a few words each."""
    return [
        count(len({flow.row for flow in report.flows}), "row"),
        count(len(report.flows), "flow"),
        count(len(report.rules), "rule"),
    ]


def change_summary(report: Report) -> str:
    """Say in one sentence what changed; empty where there is nothing to compare with."""
    if report.changes is None:
        return ""
    if not report.changes:
        return f"No flow changed since revision {report.changes.baseline}."
    counted = ", ".join(f"{len(rules)} {kind}" for kind, rules in report.changes.by_kind().items() if rules)
    return f"Changes since revision {report.changes.baseline}: {counted}."


def people_cidrs(addresses: AddressSet) -> list[str]:
    """Write addresses for people: a single address without its prefix length."""
    return [
        cidr.removesuffix("/32" if family == "ipv4" else "/128")
        for family in FAMILIES
        for cidr in addresses.cidrs(family)
    ]


def some(items: Sequence[str], most: int = 4) -> str:
    """List the first of *items*, and say how many more there are."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest:,} more" if rest > 0 else "")


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


def change_lines(report: Report) -> list[str]:
    """Write every change on a line of its own, for a screen."""
    changes = report.changes.by_kind() if report.changes else {}
    return [f"{kind}: {rule_line(rule)}" for kind, rules in changes.items() for rule in rules]
