# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tables of the HTML report show, and where they show less. tables.html.j2 makes markup of it."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .._probes.verification import Probe, Verification
from .._rules.canonical import Rule
from .._rules.protocols import protocol_text
from .._rules.words import rule_cidrs, rule_ports, side_ports
from .._values.ports import format_ports
from .._values.words import count, display, people_cidrs, some
from .reasons import origin, reason, sections
from .report import LITERAL_NETWORKS, Flow, Party, Report, endpoint_title
from .words import DIRECTIONS, NOTHING, change_summary, protocols_text, source_lines

# More hosts or addresses than these are not shown in a cell, which then leads to their list.
_HOSTS_IN_A_CELL = 4
_ADDRESSES_IN_A_CELL = 8
# Longer lists of addresses are folded, and the longest stay so on paper.
_OPEN_ADDRESSES = 40
_PRINTED_ADDRESSES = 400
# What is new or gone is why people look, so more of it is shown at once.
_ADDRESSES_OF_A_CHANGE = 12
_PROBES_AT_ONCE = 40

_VERDICTS = {
    "open": "open",
    "refused": "refused",
    "filtered": "filtered (no answer)",
    "not_probeable": "not probeable when idle",
    "error": "error",
}


@dataclass(frozen=True)
class Member:
    """A host, or literal networks, the addresses of it that are in a set, and which systems these are from."""

    host: str
    cidrs: Sequence[str]
    sources: Sequence[str]


@dataclass(frozen=True)
class ShownParty:
    """A party, for cells and for the list of its addresses. ``hosts``, ``networks`` and ``entries`` say how many.

    ``networks`` are those that all members have together, ``entries`` those of each member.
    """

    id: str
    title: str
    members: tuple[Member, ...]
    hosts: str
    networks: str
    entries: str
    fits_a_cell: bool
    is_short: bool
    is_printed: bool


@dataclass(frozen=True)
class FlowLine:
    """A line of the table of flows. ``first_of_group`` is the title of its group where a section begins with it."""

    first_of_row: bool
    first_of_group: str
    number: int
    row: str
    row_parts: tuple[str, ...]
    endpoints: tuple[str, ...]
    direction: str
    source: ShownParty
    source_ports: str
    destination: ShownParty
    destination_ports: str
    destination_ranges: Sequence[str]
    protocols: str
    purpose: str
    reason: str
    origin: str
    reference: str
    reference_is_link: bool


@dataclass(frozen=True)
class FlowsTable:
    """The table of flows, the endpoints (name, title) that its filter offers, and what is said where no flow is."""

    with_direction: bool
    lines: tuple[FlowLine, ...]
    endpoints: tuple[tuple[str, str], ...]
    nothing: str = NOTHING


@dataclass(frozen=True)
class ChangedAddresses:
    """The addresses of one side of a change, and what sums them up where they are too many to show at once."""

    cidrs: Sequence[str]
    summary: str


@dataclass(frozen=True)
class ChangeLine:
    """A rule, or the part of one, that is new or gone."""

    kind: str
    row_parts: tuple[str, ...]
    protocol: str
    source: ChangedAddresses
    source_ports: str
    destination: ChangedAddresses
    destination_ports: str


@dataclass(frozen=True)
class ChangesTable:
    """What changed."""

    summary: str
    lines: tuple[ChangeLine, ...]


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
    row_parts: tuple[str, ...]
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


def shown_party(party: Party) -> ShownParty:
    """Count the addresses of a party, and say where they are shown."""
    members = tuple(
        Member(
            display(host),
            people_cidrs(addresses),
            [display(line) for line in source_lines(addresses, party.sources[host])],
        )
        for host, addresses in party.hosts
    )
    networks = len(people_cidrs(party.addresses))
    entries = sum(len(member.cidrs) for member in members)
    hosts = [host for host, _addresses in party.hosts if host != LITERAL_NETWORKS]
    return ShownParty(
        id=party.id,
        title=party.title,
        members=members,
        hosts=count(len(hosts), "host") if hosts else LITERAL_NETWORKS,
        networks=count(networks, "entry", "entries"),
        entries=count(entries, "entry", "entries"),
        fits_a_cell=len(members) <= _HOSTS_IN_A_CELL and networks <= _ADDRESSES_IN_A_CELL,
        is_short=entries <= _OPEN_ADDRESSES,
        is_printed=entries <= _PRINTED_ADDRESSES,
    )


def flows_table(report: Report, parties: t.Mapping[str, ShownParty]) -> FlowsTable:
    """The table of flows; *parties* has those of the report by their ids."""
    with_direction = any(flow.hook in ("input", "output") for flow in report.flows)
    first = {flow.row: flow for flow in reversed(report.flows)}
    names = {name for party in report.parties for name in party.endpoints}
    lines = [
        replace(_flow(flow, flow is first[flow.row], with_direction, parties), first_of_group="" if index else title)
        for title, flows in sections(report.flows)
        for index, flow in enumerate(flows)
    ]
    return FlowsTable(
        with_direction=with_direction,
        lines=tuple(lines),
        endpoints=tuple((name, endpoint_title(name)) for name in sorted(names, key=endpoint_title)),
    )


def _flow(flow: Flow, first_of_row: bool, with_direction: bool, parties: t.Mapping[str, ShownParty]) -> FlowLine:
    return FlowLine(
        first_of_row=first_of_row,
        first_of_group="",
        number=flow.number,
        row=flow.row,
        row_parts=_parts(flow.row),
        endpoints=tuple(dict.fromkeys((*flow.source.endpoints, *flow.destination.endpoints))),
        direction=DIRECTIONS[flow.hook] if with_direction and flow.hook else "",
        source=parties[flow.source.id],
        source_ports=side_ports(flow.protocols[0], flow.source_ports),
        destination=parties[flow.destination.id],
        destination_ports=side_ports(flow.protocols[0], flow.destination_ports),
        # "none" is no port, and the filter of the page takes no range for any port.
        destination_ranges=format_ports(flow.destination_ports) if flow.has_ports else ["none"],
        protocols=protocols_text(flow),
        purpose=flow.purpose,
        reason=reason(flow),
        origin=origin(flow),
        reference=flow.reference,
        reference_is_link=flow.reference.startswith(("https://", "http://")),
    )


def _parts(row: str) -> tuple[str, ...]:
    """Split an id where it may break: at its underscores, and elsewhere only where it is too long otherwise."""
    return tuple(re.findall(r"[^_]{1,20}_?|_", row))


def changes_table(report: Report) -> ChangesTable:
    """What changed, a line for each rule or part of one."""
    changes = report.changes.by_kind() if report.changes else {}
    lines = tuple(_change(kind, rule) for kind, rules in changes.items() for rule in rules)
    return ChangesTable(change_summary(report), lines)


def _change(kind: str, rule: Rule) -> ChangeLine:
    source, destination = rule_cidrs(rule)
    source_ports, destination_ports = rule_ports(rule)
    return ChangeLine(
        kind=kind,
        row_parts=_parts(rule.row),
        protocol=f"{protocol_text(rule.protocol)} {rule.family.replace('ipv', 'IPv')}",
        source=_changed(source),
        source_ports=source_ports,
        destination=_changed(destination),
        destination_ports=destination_ports,
    )


def _changed(cidrs: Sequence[str]) -> ChangedAddresses:
    return ChangedAddresses(cidrs, some(cidrs, 2) if len(cidrs) > _ADDRESSES_OF_A_CHANGE else "")


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
        row_parts=_parts(display(probe.row)),
        source=End(display(probe.source_host), display(probe.source), probe.source_port),
        destination=End(display(probe.destination_host), display(probe.destination), probe.destination_port),
        probe=f"{display(probe.protocol).upper()}, {display(probe.probe).replace('_', ' ')}",
        detail="; ".join(display(part) for part in (probe.detail, probe.certificate) if part),
    )
