# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as CSV, for people and their spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from .._rules.canonical import Rule
from .baseline import Changes
from .pairs import HEADER as PAIRS_HEADER

HEADER = (
    "row",
    "purpose",
    "group",
    "protocol",
    "family",
    "source_endpoint",
    "source",
    "source_ports",
    "destination_endpoint",
    "destination",
    "destination_ports",
    "tls",
    "reference",
)

# What makes a spreadsheet take a cell for a formula (or, for the last three, strip it and look again), and the
# full-width forms that some of them fold to these. In many countries it takes a semicolon for the end of a cell, so
# what follows one begins a cell there.
_FORMULA_START = re.compile('(^|;)(?=[ "]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n])')
# Microsoft Excel cuts a cell off there, and goes on in the next line.
LONGEST_CELL = 32767


def rules_as_csv(rules: Iterable[Rule]) -> str:
    """Return *rules* as CSV, one line each. List entries are separated by one space; an empty cell means any."""
    return _csv(HEADER, (_cells(rule) for rule in rules))


def pairs_as_csv(pairs: Iterable[Mapping[str, object]]) -> str:
    """Return *pairs* as CSV, one line each."""
    return _csv(PAIRS_HEADER, ([_cell(pair[column]) for column in PAIRS_HEADER] for pair in pairs))


def changes_as_csv(changes: Changes) -> str:
    """Return *changes* as CSV: the kind of change, and then the columns of the report."""
    lines = [[kind, *_cells(rule)] for kind, rules in changes.by_kind().items() for rule in rules]
    return _csv(("change", *HEADER), lines)


def mappings_as_csv(header: Sequence[str], lines: Iterable[Mapping[str, object]]) -> str:
    """Return what *lines* have for *header* as CSV, with the same spelling of lists and the same care of formulas."""
    return _csv(header, ([_cell(line[column]) for column in header] for line in lines))


def too_long_for_a_spreadsheet(rules: Iterable[Rule]) -> list[str]:
    """Return the rows that have a cell which a spreadsheet cuts off."""
    found = [rule.row for rule in rules if any(len(cell) > LONGEST_CELL for cell in _cells(rule))]
    return list(dict.fromkeys(found))


def _csv(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def _cells(rule: Rule) -> list[str]:
    data = rule.as_mapping()
    return [_cell(data[column]) for column in HEADER]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, list) else str(value)
    # An apostrophe marks text in a spreadsheet, and is not shown there.
    return _FORMULA_START.sub(r"\1'", text)
