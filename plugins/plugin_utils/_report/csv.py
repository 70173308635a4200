# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as CSV, for people and their spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .._rules.canonical import Rule
from .._values.csv import LONGEST_CELL, as_cell, mappings_as_csv
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


def rules_as_csv(rules: Iterable[Rule]) -> str:
    """Return *rules* as CSV, one line each. List entries are separated by one space; an empty cell means any."""
    return mappings_as_csv(HEADER, (rule.as_mapping() for rule in rules))


def pairs_as_csv(pairs: Iterable[Mapping[str, object]]) -> str:
    """Return *pairs* as CSV, one line each."""
    return mappings_as_csv(PAIRS_HEADER, pairs)


def changes_as_csv(changes: Changes) -> str:
    """Return *changes* as CSV: the kind of change, and then the columns of the report."""
    lines = ({"change": kind, **rule.as_mapping()} for kind, rules in changes.by_kind().items() for rule in rules)
    return mappings_as_csv(("change", *HEADER), lines)


def too_long_for_a_spreadsheet(rules: Iterable[Rule]) -> list[str]:
    """Return the rows that have a cell which a spreadsheet cuts off."""
    found = [
        data["row"]
        for data in (rule.as_mapping() for rule in rules)
        if any(len(as_cell(data[column])) > LONGEST_CELL for column in HEADER)
    ]
    return list(dict.fromkeys(found))
