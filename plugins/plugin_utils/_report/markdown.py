# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, for a ticket or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .._rules.words import rule_ports, side_ports
from .._values.words import day_text, display
from .change_request import ChangeRequest
from .host_lists import Entry, HostList, endpoint_title
from .reasons import origin, reason, sections
from .report import Flow, Party, Report, Translation
from .site_changes import ExactChange, change_facts, change_protocols, exact_changes
from .words import (
    CHANGE_TITLES,
    DIRECTIONS,
    NOTHING,
    change_fields,
    change_summary,
    protocols_text,
    scope_sentence,
    short_numbers,
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
    if report.change_request is not None:
        parts += ["## Change request", "\n".join(_change_request(report.change_request))]
    if report.changes is not None:
        parts += ["## Changes", *_changes(report)]
    if report.flows:
        why = "\n".join(_why(flow) for flow in _one_of_each_row(report.flows))
        parts += ["## Flows", *_flows(report), "## Why", why]
        parts += _nat(report.translations)
        parts += ["## Hosts and networks", *(part for one in report.lists for part in _list(one))]
    else:
        parts += ["## Flows", NOTHING]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {_text(note)}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def _change_request(change: ChangeRequest) -> Iterable[str]:
    for _key, label, text in change_fields(change):
        yield f"- **{label}:** {'; '.join(map(_text, text.splitlines()))}"


def _flows(report: Report) -> Iterable[str]:
    with_hook = any(flow.hook in ("input", "output") for flow in report.flows)
    numbers = dict(zip(report.flows, short_numbers(report.flows), strict=True))
    header = ["#", "rule", "row", "protocol", "from", "source ports", "to", "destination ports", "purpose"]

    def cells(flow: Flow) -> list[str]:
        found = [
            str(flow.number),
            " ".join(f"`{number}`" for number in numbers[flow]),
            f"`{flow.row}`",
            protocols_text(flow),
            _side(flow.source),
            side_ports(flow.protocols[0], flow.source_ports),
            _side(flow.destination),
            side_ports(flow.protocols[0], flow.destination_ports),
            _text(flow.purpose),
        ]
        return [*found[:3], DIRECTIONS[flow.hook], *found[3:]] if with_hook and flow.hook else found

    if with_hook:
        header.insert(3, "direction")
    for title, flows in sections(report.flows):
        if title:
            yield f"### {title}"
        yield _table(header, (cells(flow) for flow in flows))


def _side(party: Party) -> str:
    return "; ".join(
        f"{_text(endpoint_title(name) + one.qualifier)}: {_entries(one)}" for name, one in party.by_endpoint.items()
    )


def _entries(one: HostList) -> str:
    """Name the hosts of a list, or count them where they are too many for a cell: the list is below the table."""
    if sum(len(entry.cidrs) for entry in one.entries) > _IN_A_CELL:
        return one.counted()
    return ", ".join(f"{_text(entry.host)} {' '.join(entry.cidrs)}" for entry in one.entries)


def _one_of_each_row(flows: Iterable[Flow]) -> list[Flow]:
    return list({flow.row: flow for flow in reversed(list(flows))}.values())[::-1]


def _why(flow: Flow) -> str:
    reference = f" Source: {_text(flow.reference)}" if flow.reference else ""
    why = f" {_text(reason(flow))}" if reason(flow) else ""
    request = "".join(
        f" {label}: {_text(text)}."
        for label, text in (("Owner", flow.owner), ("Ticket", flow.ticket), ("Expires", day_text(flow.expires)))
        if text
    )
    return f"- **{flow.number} `{flow.row}`** {_text(flow.purpose)}.{why} {_text(origin(flow))}{request}{reference}"


def _nat(translations: Sequence[Translation]) -> Iterable[str]:
    if translations:
        header = ("host", "own address", "advertised address", "own seen by", "advertised seen by")
        yield "## Address translation"
        yield _table(header, (
            (_text(one.host), one.own, one.advertised, ", ".join(map(_text, (*one.own_seen_by, "itself"))),
             ", ".join(map(_text, (*one.advertised_seen_by, "everybody else"))))
            for one in translations
        ))  # fmt: skip


def _list(one: HostList) -> Iterable[str]:
    yield f"### {_text(one.title + one.qualifier)} ({one.counted()})"
    yield "\n".join(
        f"- {_text(entry.host)}: {', '.join(_addresses(entry))}{''.join(f'; {_text(line)}' for line in entry.sources)}"
        for entry in one.entries
    )


def _addresses(entry: Entry) -> Iterable[str]:
    others = {cidr: f" ({side} {other})" for cidr, side, other in entry.others}
    return (f"{cidr}{others.get(cidr, '')}" for cidr in entry.cidrs)


def _changes(report: Report) -> Iterable[str]:
    yield change_summary(report)
    facts = change_facts(report)
    if facts:
        yield "\n".join(f"- {_text(fact.text)}" for fact in facts)
    by_kind: dict[str, list[ExactChange]] = {}
    for change in exact_changes(report):
        by_kind.setdefault(change.kind, []).append(change)
    for kind, changes in by_kind.items():
        yield f"### {CHANGE_TITLES[kind]}"
        header = ("rule", "row", "protocol", "from", "source ports", "to", "destination ports")
        yield _table(header, map(_change, changes))


def _change(change: ExactChange) -> Sequence[str]:
    source_ports, destination_ports = rule_ports(change.rule)
    return (
        f"`{change.number}`",
        f"`{change.rule.row}`",
        change_protocols(change),
        _named(change.source),
        source_ports,
        _named(change.destination),
        destination_ports,
    )


def _named(hosts: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{_text(host)} {' '.join(cidrs)}".strip() for host, cidrs in hosts.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Escape *text* so that Markdown, and HTML within it, take it for text on one line."""
    escaped = re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", display(text).replace("&", "&amp;"))
    return escaped.replace("\\<", "&lt;").replace("\\>", "&gt;")
