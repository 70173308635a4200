# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tables of the HTML report show, and where they show less. tables.html.j2 makes markup of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._probes.verification import Probe, Verification
from .._rules.words import side_ports
from .._values.ports import format_ports
from .._values.words import count, day_text, display
from .host_lists import endpoint_title
from .html_hosts import ShownSide, shown_sides
from .reasons import origin, reason, sections
from .report import Flow, Report
from .words import DIRECTIONS, NOTHING, protocols_text, short_numbers

# More probes that did not fail are folded.
_PROBES_AT_ONCE = 40

_VERDICTS = {
    "open": "open",
    "refused": "refused",
    "filtered": "filtered (no answer)",
    "not_probeable": "not probeable when idle",
    "error": "error",
}


@dataclass(frozen=True)
class FlowLine:
    """A line of the table of flows: one direction of a row between two parties. ``lists`` are those of both sides.

    ``rules`` are the numbers of its rules in short.
    """

    rules: tuple[str, ...]
    endpoints: tuple[str, ...]
    lists: tuple[str, ...]
    direction: str
    source: tuple[ShownSide, ...]
    source_ports: str
    destination: tuple[ShownSide, ...]
    destination_ports: str
    destination_ranges: Sequence[str]
    protocols: str


@dataclass(frozen=True)
class RowLines:
    """A row and its flows. ``first_of_group`` is the title of its group where a section begins with it."""

    first_of_group: str
    number: int
    row: str
    purpose: str
    reason: str
    origin: str
    reference: str
    reference_is_link: bool
    owner: str
    ticket: str
    expires: str
    flows: tuple[FlowLine, ...]


@dataclass(frozen=True)
class FlowsTable:
    """The table of flows, the endpoints (name, title) that its filter offers, and what is said where no flow is."""

    with_direction: bool
    rows: tuple[RowLines, ...]
    endpoints: tuple[tuple[str, str], ...]
    nothing: str = NOTHING


@dataclass(frozen=True)
class End:
    """One end of a probe. Any of it may be unknown."""

    host: str
    address: str
    port: int | None


@dataclass(frozen=True)
class ProbeLine:
    """A probe and its verdict."""

    verdict: str
    verdict_text: str
    row: str
    source: End
    destination: End
    probe: str
    detail: str


@dataclass(frozen=True)
class VerificationTables:
    """The probes that failed and the others, and what sums up the others where they are too many to show at once."""

    generated: str
    summary: str
    failed: tuple[ProbeLine, ...]
    others: tuple[ProbeLine, ...]
    others_summary: str


def flows_table(report: Report) -> FlowsTable:
    """The table of flows, by row group and row."""
    with_direction = any(flow.hook in ("input", "output") for flow in report.flows)
    names = {name for party in report.parties for name in party.by_endpoint}
    rows = []
    for title, flows in sections(report.flows):
        for index, of_row in enumerate(_by_row(flows)):
            rows.append(_row(of_row, "" if index else title, with_direction))
    return FlowsTable(
        with_direction=with_direction,
        rows=tuple(rows),
        endpoints=tuple((name, endpoint_title(name)) for name in sorted(names, key=endpoint_title)),
    )


def _by_row(flows: Iterable[Flow]) -> Iterable[list[Flow]]:
    found: dict[str, list[Flow]] = {}
    for flow in flows:
        found.setdefault(flow.row, []).append(flow)
    return found.values()


def _row(flows: Sequence[Flow], first_of_group: str, with_direction: bool) -> RowLines:
    first = flows[0]
    return RowLines(
        first_of_group=first_of_group,
        number=first.number,
        row=first.row,
        purpose=display(first.purpose),
        reason=next(filter(None, map(reason, flows)), ""),
        origin=origin(first),
        reference=display(first.reference),
        reference_is_link=first.reference.startswith(("https://", "http://")),
        owner=first.owner,
        ticket=first.ticket,
        expires=day_text(first.expires),
        flows=tuple(
            _flow(flow, numbers, with_direction) for flow, numbers in zip(flows, short_numbers(flows), strict=True)
        ),
    )


def _flow(flow: Flow, numbers: tuple[str, ...], with_direction: bool) -> FlowLine:
    parties = (flow.source, flow.destination)
    return FlowLine(
        rules=numbers,
        endpoints=tuple(dict.fromkeys(name for party in parties for name in party.by_endpoint)),
        lists=tuple(dict.fromkeys(one.id for party in parties for one in party.by_endpoint.values())),
        direction=DIRECTIONS[flow.hook] if with_direction and flow.hook else "",
        source=shown_sides(flow.source),
        source_ports=side_ports(flow.protocols[0], flow.source_ports),
        destination=shown_sides(flow.destination),
        destination_ports=side_ports(flow.protocols[0], flow.destination_ports),
        # "none" is not a port, and the filter of the page takes no range for any port.
        destination_ranges=format_ports(flow.destination_ports) if flow.has_ports else ["none"],
        protocols=protocols_text(flow),
    )


def verification_tables(verification: Verification) -> VerificationTables:
    """The probes and their verdicts: those that failed, and the others."""
    failed = tuple(_probe(probe) for probe in verification.probes if probe.failed)
    others = tuple(_probe(probe) for probe in verification.probes if not probe.failed)
    many = count(len(others), "probe that did not fail", "probes that did not fail")
    return VerificationTables(
        generated=display(verification.generated),
        summary=_verdict_summary(verification),
        failed=failed,
        others=others,
        others_summary=many if len(others) > _PROBES_AT_ONCE else "",
    )


def _verdict_summary(verification: Verification) -> str:
    """Say how many probes had which verdict."""
    counted = (f"{number:,} {_VERDICTS[verdict]}" for verdict, number in verification.counts().items())
    return f"{count(len(verification.probes), 'probe')}: {', '.join(counted) or 'none'}."


def _probe(probe: Probe) -> ProbeLine:
    return ProbeLine(
        verdict=probe.verdict,
        verdict_text=_VERDICTS[probe.verdict],
        row=display(probe.row),
        source=End(display(probe.source_host), display(probe.source), probe.source_port),
        destination=End(display(probe.destination_host), display(probe.destination), probe.destination_port),
        probe=f"{display(probe.protocol).upper()}, {display(probe.probe).replace('_', ' ')}",
        detail="; ".join(display(part) for part in (probe.detail, probe.certificate) if part),
    )
