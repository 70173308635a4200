# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a proof as a table, and as JSON."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from packet_proof.plan import Kind, Line, Plan
from packet_proof.protocols import has_ports
from packet_proof.run import Outcome, Result
from packet_proof.visits import ServiceOutcome

_HEADINGS = ("row", "from", "to", "protocol", "family", "probes sent", "as expected", "surprises")
_MOST_DETAILS = 60


def totals(plan: Plan, result: Result) -> dict[Line, tuple[int, int]]:
    """For each line of the plan, row by row, the probes sent for it and the surprises among them."""
    order: dict[tuple[str, str], int] = {}
    for line in plan.lines:
        order.setdefault((line.row, line.source), len(order))
    lines = sorted(plan.lines, key=lambda line: (order[line.row, line.source], line.protocol, line.family))
    found = {line: [0, 0] for line in lines}
    for outcome in result.outcomes:
        for line in {line: None for line, kind in outcome.probe.claims}:
            found[line][0] += 1
            found[line][1] += bool(outcome.surprise)
    return {line: (sent, surprises) for line, (sent, surprises) in found.items()}


def as_text(plan: Plan, result: Result) -> str:
    """The table, the servers, the footnotes and the details of every surprise."""
    rows = [_HEADINGS]
    for line, (sent, surprises) in totals(plan, result).items():
        row = line.row if line.enabled else f"{line.row} (off)"
        numbers = (str(sent), str(sent - surprises), str(surprises))
        rows.append((row, line.source, line.destination, line.protocol, line.family, *numbers))
    text = _columns(rows)
    text += [""] + [_service_line(service) for service in result.services]
    text += _footnotes(plan)
    text += [f"{container} could not take part: {reason}" for container, reason in result.faults.items()]
    if surprised := result.surprises:
        text += ["", "Surprises:"] + [f"  {_detail(outcome)}" for outcome in surprised[:_MOST_DETAILS]]
        if len(surprised) > _MOST_DETAILS:
            text.append(f"  … and {len(surprised) - _MOST_DETAILS} more; --json has all of them")
    permitted = sum(outcome.probe.permitted for outcome in result.outcomes)
    count = f"{len(result.outcomes)} probes ({permitted} permitted, {len(result.outcomes) - permitted} refused)"
    failed = sum(not service.ok for service in result.services)
    text += ["", f"{count} and {len(result.services)} visits to real servers in {result.seconds:.1f} s:"]
    text += [f"{len(surprised)} surprises, {failed} failed visits. {'Proven.' if result.proven else 'NOT proven.'}"]
    return "\n".join(text) + "\n"


def as_data(plan: Plan, result: Result) -> dict[str, t.Any]:
    """The same as plain data, with every surprise."""
    return {
        "proven": result.proven,
        "seconds": round(result.seconds, 1),
        "lines": [
            _line_data(line) | {"sent": sent, "as_expected": sent - surprises, "surprises": surprises}
            for line, (sent, surprises) in totals(plan, result).items()
        ],
        "surprises": [_outcome_data(outcome) for outcome in result.surprises],
        "services": [
            {
                "service": service.check.service,
                "host": service.check.destination.container,
                "visitor": service.check.source.container,
                "family": service.check.family,
                "protocol": service.check.packet.protocol,
                "ok": service.ok,
                "answer": service.text,
            }
            for service in result.services
        ],
        "covered": [
            _line_data(line) | {"kind": kind.value, "by": list(rows), "pairs": count}
            for (line, kind, rows), count in plan.covered.items()
        ],
        "notes": list(plan.notes),
        "faults": dict(result.faults),
    }


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    numbers = range(_HEADINGS.index("probes sent"), len(_HEADINGS))
    text = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return text


def _service_line(service: ServiceOutcome) -> str:
    check, packet = service.check, service.check.packet
    way = check.source.container + (f" port {packet.source_port}" if has_ports(packet.protocol) else "")
    way += f" → {check.destination.container}"
    verdict = "ok" if service.ok else "FAILED"
    where = packet.protocol + (f"/{packet.destination_port}" if has_ports(packet.protocol) else "")
    where += f", {check.family}"
    return f"real {check.service}, {way} {where}: {verdict} ({service.text})"


def _footnotes(plan: Plan) -> list[str]:
    """What was not sent, and why, the families of a line together."""
    notes: dict[tuple[str, str, str, str, Kind, tuple[str, ...]], list[str]] = {}
    for (line, kind, rows), count in plan.covered.items():
        key = (line.row, line.source, line.destination, line.protocol, kind, rows)
        notes.setdefault(key, []).append(f"{count} × {line.family}")
    text = [
        f"  {row} ({source} → {destination}, {protocol}), {kind.value}: covered by {' and '.join(rows)} "
        f"({', '.join(counts)})"
        for (row, source, destination, protocol, kind, rows), counts in notes.items()
    ]
    text += [f"  {note}" for note in plan.notes]
    return (
        ["", "Not sent as refused, because another row permits it whatever ports the row leaves free:", *text]
        if text
        else []
    )


def _detail(outcome: Outcome) -> str:
    probe, packet = outcome.probe, outcome.probe.packet
    ends = f"{_end(probe.source.container, packet.protocol, packet.source, packet.source_port)} → "
    ends += _end(probe.destination.container, packet.protocol, packet.destination, packet.destination_port)
    if probe.sender != probe.source.container:
        ends += f" (sent by {probe.sender} in its name)"
    claims = "; ".join(f"{line.row} {line.protocol} {line.family}: {kind.value}" for line, kind in probe.claims)
    return f"{packet.protocol} {ends}: {outcome.surprise} [{claims}]"


def _end(container: str, protocol: str, address: object, port: int) -> str:
    text = str(address)
    if not has_ports(protocol):
        return f"{container} {text}"
    return f"{container} [{text}]:{port}" if ":" in text else f"{container} {text}:{port}"


def _line_data(line: Line) -> dict[str, t.Any]:
    return {
        "row": line.row,
        "from": line.source,
        "to": line.destination,
        "protocol": line.protocol,
        "family": line.family,
        "enabled": line.enabled,
    }


def _outcome_data(outcome: Outcome) -> dict[str, t.Any]:
    probe, packet = outcome.probe, outcome.probe.packet
    return {
        "from": probe.source.container,
        "to": probe.destination.container,
        "sent_by": probe.sender,
        "source": str(packet.source),
        "destination": str(packet.destination),
        "protocol": packet.protocol,
        "source_port": packet.source_port,
        "destination_port": packet.destination_port,
        "permitted_by": list(probe.rows),
        "judges": list(probe.judges),
        "claims": [_line_data(line) | {"kind": kind.value} for line, kind in probe.claims],
        "surprise": outcome.surprise,
    }
