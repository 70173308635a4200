# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The section of the HTML report with what was observed: the words are those of the playbook's table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._observed.findings import Finding, Kind, gather, some_ports
from .._observed.table import TITLES, memory_line, scan_lines
from .._rules.protocols import has_ports, protocol_text
from .._values.words import count, display, some
from .html_tables import End
from .observed import Observed

_LINES = 200  # of each kind; observed.json has the others
_CAPTIONS: dict[Kind, str] = {
    "row_group_off": "A row of the table permits it, and its row group is off.",
    "missing_host": "A row permits it where an endpoint has this address, too.",
    "missing_row": "No row comes that near, so that it takes a row of its own.",
    "unknown": "Only people can tell whether this is to be permitted, and by what.",
}


@dataclass(frozen=True)
class SeenLine:
    """What one pair was seen to do."""

    protocol: str
    source: End
    destination: End
    ports: str
    seen: str
    last_seen: str
    why: str
    proposed: str


@dataclass(frozen=True)
class SeenTable:
    """The findings of one kind, and what is said of those that are too many."""

    id: str
    title: str
    caption: str
    lines: tuple[SeenLine, ...]
    more: str


@dataclass(frozen=True)
class ObservedTables:
    """What was observed: what each host says, tables, those who scan, how the proposals are wider, and the rest."""

    memories: tuple[str, ...]
    tables: tuple[SeenTable, ...]
    scans: tuple[str, ...]
    wider: tuple[str, ...]
    notes: tuple[str, ...]


def observed_tables(observed: Observed) -> ObservedTables:
    """Return what the section shows."""
    proposed: dict[int, list[str]] = {}
    for thing in observed.proposed:
        for place in thing.flows:
            proposed.setdefault(place, []).append(display(thing.what))
    tables = []
    for kind, title in TITLES.items():
        places = [place for place, one in enumerate(observed.findings) if one.reason.kind == kind]
        found = gather([observed.findings[place] for place in places])
        if found:
            lines = tuple(
                _line(one, dict.fromkeys(what for part in of_one for what in proposed.get(places[part], ())))
                for one, of_one in found[:_LINES]
            )
            tables.append(SeenTable(f"observed-{kind}", title.rstrip(":"), _CAPTIONS[kind], lines, _more(len(found))))
    scans = scan_lines(observed.findings)
    return ObservedTables(
        memories=tuple(memory_line(memory) for memory in observed.memories),
        tables=tuple(tables),
        scans=(*scans[:_LINES], *filter(None, [_more(len(scans))])),
        wider=tuple(dict.fromkeys(display(text) for thing in observed.proposed for text in thing.wider)),
        notes=tuple(_notes(observed)),
    )


def _line(finding: Finding, proposed: Iterable[str]) -> SeenLine:
    protocol = finding.pair.protocol
    source, destination = finding.addresses
    return SeenLine(
        protocol=protocol_text(protocol),
        source=End(_name(finding.source.name), source, None),
        destination=End(_name(finding.destination.name), destination, None),
        ports=some_ports(finding.ports) if has_ports(protocol) else "none",
        seen=finding.seen(),
        last_seen=finding.weight.last_seen,
        why=finding.why(),
        proposed=some(list(proposed)) or "nothing",
    )


def _name(name: str) -> str:
    return display(name) if name else ""


def _more(number: int) -> str:
    return f"and {number - _LINES:,} more, which observed.json has" if number > _LINES else ""


def _notes(observed: Observed) -> Iterable[str]:
    yield from (f"Not proposed: {display(problem)}" for problem in observed.not_proposed)
    if not observed.findings:
        yield "Nothing else was observed that is not permitted."
    if observed.permitted:
        yield f"{count(observed.permitted, 'finding')} left out, as the flows of this report permit what was seen."
    if observed.elsewhere:
        yield f"{count(observed.elsewhere, 'finding')} left out, as this report is not about them."
