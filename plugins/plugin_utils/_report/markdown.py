# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, for a ticket or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .._rules.canonical import Rule
from .._rules.protocols import protocol_text
from .._rules.words import rule_cidrs, rule_ports, side_ports
from .._values.words import display, people_cidrs, some
from .baseline import Changes
from .reasons import origin, reason, sections
from .report import Flow, Party, Report
from .words import (
    CHANGE_TITLES,
    DIRECTIONS,
    NOTHING,
    change_summary,
    protocols_text,
    scope_sentence,
    source_lines,
    summary,
)

# Beyond these a list of addresses makes a table unreadable, and it is in the list below the table anyway.
_IN_A_CELL = 6


def report_as_markdown(report: Report) -> str:
    """Return the report as Markdown. Whatever texts of the site hold, it stays text."""
    parts = [
        f"# {_text(report.title)}",
        f"{_text(scope_sentence(report.scope))} {', '.join(summary(report))}. Revision `{report.revision()}`.",
    ]
    if report.changes is not None:
        parts += ["## Changes", *_changes(report, report.changes)]
    if report.flows:
        why = "\n".join(_why(flow) for flow in _one_of_each_row(report.flows))
        parts += ["## Flows", *_flows(report), "## Why", why]
        parts += ["## Addresses", *(part for party in report.parties for part in _party(party))]
    else:
        parts += ["## Flows", NOTHING]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {_text(note)}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def _flows(report: Report) -> Iterable[str]:
    with_hook = any(flow.hook in ("input", "output") for flow in report.flows)
    header = ["#", "row", "protocol", "from", "source ports", "to", "destination ports", "purpose"]

    def cells(flow: Flow) -> list[str]:
        found = [
            str(flow.number),
            f"`{flow.row}`",
            protocols_text(flow),
            _side(flow.source),
            side_ports(flow.protocols[0], flow.source_ports),
            _side(flow.destination),
            side_ports(flow.protocols[0], flow.destination_ports),
            _text(flow.purpose),
        ]
        return [*found[:2], DIRECTIONS[flow.hook], *found[2:]] if with_hook and flow.hook else found

    if with_hook:
        header.insert(2, "direction")
    for title, flows in sections(report.flows):
        if title:
            yield f"### {title}"
        yield _table(header, (cells(flow) for flow in flows))


def _side(party: Party) -> str:
    return f"{_text(party.title)}: {some(people_cidrs(party.addresses), _IN_A_CELL)}"


def _one_of_each_row(flows: Iterable[Flow]) -> list[Flow]:
    return list({flow.row: flow for flow in reversed(list(flows))}.values())[::-1]


def _why(flow: Flow) -> str:
    reference = f" Source: {_text(flow.reference)}" if flow.reference else ""
    why = f" {_text(reason(flow))}" if reason(flow) else ""
    return f"- **{flow.number} `{flow.row}`** {_text(flow.purpose)}.{why} {_text(origin(flow))}{reference}"


def _party(party: Party) -> Iterable[str]:
    yield f"### {_text(party.title)} ({party.id})"
    lines = []
    for host, addresses in party.hosts:
        sources = "".join(f"; {_text(line)}" for line in source_lines(addresses, party.sources[host]))
        lines.append(f"- {_text(host)}: {', '.join(people_cidrs(addresses))}{sources}")
    yield "\n".join(lines)


def _changes(report: Report, changes: Changes) -> Iterable[str]:
    yield change_summary(report)
    for kind, rules in changes.by_kind().items():
        if rules:
            yield f"### {CHANGE_TITLES[kind]}"
            header = ("row", "protocol", "from", "source ports", "to", "destination ports")
            yield _table(header, (_change(rule) for rule in rules))


def _change(rule: Rule) -> Sequence[str]:
    source, destination = rule_cidrs(rule)
    source_ports, destination_ports = rule_ports(rule)
    return (
        f"`{rule.row}`",
        f"{protocol_text(rule.protocol)} {rule.family.replace('ipv', 'IPv')}",
        ", ".join(source),
        source_ports,
        ", ".join(destination),
        destination_ports,
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Escape *text* so that Markdown, and HTML within it, take it for text on one line."""
    escaped = re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", display(text).replace("&", "&amp;"))
    return escaped.replace("\\<", "&lt;").replace("\\>", "&gt;")
