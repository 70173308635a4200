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

# More hosts than these have a line of the table's whole width below the flow.
_IN_A_CELL = 6
# What is new or gone is why people look, so more of it is shown than in the table of flows.
_SHOWN = 60


@dataclass(frozen=True)
class ChangedSide:
    """Whose addresses one side of a change is about, and how many more than are shown.

    ``below`` says how many there are where they do not fit into a cell.
    """

    lines: tuple[Line, ...]
    more: str
    below: str


@dataclass(frozen=True)
class ChangeLine:
    """A rule, or the part of one, that is new or gone."""

    kind: str
    row: str
    number: str
    protocol: str
    source: ChangedSide
    source_ports: str
    destination: ChangedSide
    destination_ports: str


@dataclass(frozen=True)
class ChangesTable:
    """What changed. ``exact`` says how many flows there are in ``lines``, and of how many rules these are."""

    summary: str
    facts: tuple[Fact, ...]
    exact: str
    lines: tuple[ChangeLine, ...]


def changes_table(report: Report) -> ChangesTable:
    """What changed: as people ask for it, and exactly, a line for each rule or part of one."""
    changes = list(exact_changes(report))
    lines = tuple(map(_line, changes))
    rules = sum(len(change.protocols) for change in changes)
    exact = f"The {count(len(lines), 'exact flow')}"
    if rules != len(lines):
        exact += f", which are {count(rules, 'rule')} of one protocol each"
    return ChangesTable(change_summary(report), change_facts(report), exact, lines)


def _line(change: ExactChange) -> ChangeLine:
    source_ports, destination_ports = rule_ports(change.rule)
    return ChangeLine(
        kind=change.kind,
        row=change.rule.row,
        number=change.number,
        protocol=change_protocols(change),
        source=_side(change.source),
        source_ports=source_ports,
        destination=_side(change.destination),
        destination_ports=destination_ports,
    )


def _side(hosts: Mapping[str, list[str]]) -> ChangedSide:
    lines = [Line(word(host), tuple(map(Address, cidrs))) for host, cidrs in hosts.items()]
    rest = len(lines) - _SHOWN
    return ChangedSide(
        tuple(lines[:_SHOWN]),
        f"and {count(rest, 'more', 'more')}" if rest > 0 else "",
        f"{len(lines):,}, listed below" if len(lines) > _IN_A_CELL else "",
    )
