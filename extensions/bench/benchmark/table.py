# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as Markdown, for the page ``extensions/bench/README.md``: tables between markers, not written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .results import Measurement, Part, Wanted, load_result

_MARKED = re.compile(r"<!-- generated: measured -->.*?<!-- end: measured -->", re.DOTALL)


def write_tables(results: Path, order: Sequence[str], page: Path) -> None:
    """Put the results that are in *results*, in the *order* of the parts, between the markers of *page*."""
    parts = (load_result(results, name) for name in order)
    text = "\n\n".join(part_as_markdown(part) for part in parts if part)
    before = page.read_text(encoding="utf-8")
    marked = f"<!-- generated: measured -->\n\n{text}\n\n<!-- end: measured -->"
    page.write_text(_MARKED.sub(lambda _match: marked, before), encoding="utf-8")


def part_as_markdown(part: Part) -> str:
    """Return the section of one part."""
    return "\n".join(
        (
            f"### {part.title}",
            "",
            f"{'; '.join(f'{key} {value}' for key, value in part.conditions.items())}; took {_took(part.seconds)}.",
            "",
            *_table(
                ("what", "size", "median", "lowest to highest", "runs"),
                (_measured(one) for one in part.measurements if not one.detail),
            ),
            *(
                ("", *_table(("wanted", "figure", "measured", "lowest to highest", ""), map(_wanted, part.wanted)))
                if part.wanted
                else ()
            ),
        )
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _measured(one: Measurement) -> tuple[str, ...]:
    return one.what, one.size, f"{_number(one.median)} {one.unit}", _spread(one.runs), str(len(one.runs))


def _wanted(one: Wanted) -> tuple[str, ...]:
    relation = "at least" if one.at_least else "at most"
    verdict = one.verdict.replace("NOT REACHED", "**not reached**")
    figure = f"{relation} {one.figure:.3g} {one.unit}"
    return one.text, figure, f"{_number(one.median)} {one.unit}", _spread(one.runs), verdict


def _spread(runs: Sequence[float]) -> str:
    return f"{_number(min(runs))} to {_number(max(runs))}" if len(runs) > 1 else ""


def _took(seconds: Sequence[float]) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.0f} s"
    return f"{len(seconds)} sittings of {min(seconds):.0f} to {max(seconds):.0f} s"


def _number(value: float) -> str:
    """Write three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"
