# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of a verification on the screen: a line for each row of the matrix, and then what is not open."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .results import VERDICTS, Results, one_line

_LINES = 40  # of each kind; the others are in the files
_HEADER = ("row", "protocol", *(verdict.replace("_", " ") for verdict in VERDICTS))


def table_lines(results: Results, left_out: Iterable[Mapping[str, t.Any]] = ()) -> list[str]:
    """Return the lines. *left_out* are the plan's, with ``source_host``, ``row`` and ``count``."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for probe in results.probes:
        counted.setdefault((probe["row"], probe["protocol"]), Counter())[probe["verdict"]] += 1
    cells = [(*key, *(str(count[v] or "") for v in VERDICTS)) for key, count in counted.items()]
    lines = _aligned([_HEADER, *cells])
    lines += _section("Not open, although the matrix permits it:", [one_line(probe) for probe in results.failing])
    lines += _section("Not open, and accepted:", [one_line(probe) for probe in results.accepted])
    lines += _section("Certificates:", _certificates(results.probes))
    impossible = Counter((p["row"], p["protocol"], p["detail"]) for p in results.probes if _is_impossible(p))
    lines += _section(
        "Not probeable:", [f"{row} {protocol}, {n} times: {why}" for (row, protocol, why), n in impossible.items()]
    )
    return lines + _section("Left out, as a host has a limit of probes:", _left_out(left_out))


def _is_impossible(probe: Mapping[str, t.Any]) -> bool:
    return bool(probe["verdict"] == "not_probeable")


def _certificates(probes: Sequence[Mapping[str, t.Any]]) -> list[str]:
    found: dict[str, None] = {}
    for probe in probes:
        if certificate := probe["certificate"]:
            where = f"{probe['destination_host']} ({probe['destination']}) port {probe['destination_port']}"
            found[f"{where}: {', '.join(certificate['names']) or 'no names'}, until {certificate['expires']}"] = None
    return list(found)


def _left_out(left_out: Iterable[Mapping[str, t.Any]]) -> list[str]:
    found: Counter[str] = Counter()
    for item in left_out:
        found[item["row"]] += item["count"]
    return [f"{row}: {count} probes" for row, count in found.items()]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return ["", title, *(f"  {line}" for line in [*lines[:_LINES], *more])]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
