# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the HTML report shows of changes: what people ask for first, and the exact flows.

tables.html.j2 makes markup of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._rules.words import rule_ports
from .._values.words import count
from .html_hosts import Address, Line, word
from .report import Report
from .site_changes import ExactChange, Fact, change_facts, change_protocols, exact_changes
from .words import change_summary

# What is new or gone is why people look, so more of it is shown than in the table of flows.
_IN_A_CELL = 60


@dataclass(frozen=True)
class ChangedSide:
    """Whose addresses one side of a change is about, and how many more than are shown."""

    lines: tuple[Line, ...]
    more: str


@dataclass(frozen=True)
class ChangeLine:
    """A rule, or the part of one, that is new or gone."""

    kind: str
    row: str
    protocol: str
    source: ChangedSide
    source_ports: str
    destination: ChangedSide
    destination_ports: str


@dataclass(frozen=True)
class ChangesTable:
    """What changed. ``exact`` says how many flows there are in ``lines``."""

    summary: str
    facts: tuple[Fact, ...]
    exact: str
    lines: tuple[ChangeLine, ...]


def changes_table(report: Report) -> ChangesTable:
    """What changed: as people ask for it, and exactly, a line for each rule or part of one."""
    lines = tuple(map(_line, exact_changes(report)))
    return ChangesTable(change_summary(report), change_facts(report), f"The {count(len(lines), 'exact flow')}", lines)


def _line(change: ExactChange) -> ChangeLine:
    source_ports, destination_ports = rule_ports(change.rule)
    return ChangeLine(
        kind=change.kind,
        row=change.rule.row,
        protocol=change_protocols(change),
        source=_side(change.source),
        source_ports=source_ports,
        destination=_side(change.destination),
        destination_ports=destination_ports,
    )


def _side(hosts: Mapping[str, list[str]]) -> ChangedSide:
    lines = [Line(word(host), tuple(map(Address, cidrs))) for host, cidrs in hosts.items()]
    rest = len(lines) - _IN_A_CELL
    return ChangedSide(tuple(lines[:_IN_A_CELL]), f"and {count(rest, 'more', 'more')}" if rest > 0 else "")
