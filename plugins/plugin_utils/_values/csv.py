# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSV that a spreadsheet shows as text: one spelling of lists, and no cell that it takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

# What makes a spreadsheet take a cell for a formula (or, for the last three, strip it and look again), and the
# full-width forms that some of them fold to these. In many countries it takes a semicolon for the end of a cell, so
# what follows one begins a cell there.
_FORMULA_START = re.compile('(^|;)(?=[ "]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n])')
# Microsoft Excel cuts a cell off there, and goes on in the next line.
LONGEST_CELL = 32767


def mappings_as_csv(header: Sequence[str], lines: Iterable[Mapping[str, object]]) -> str:
    """Return what *lines* have for *header* as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([as_cell(line[column]) for column in header] for line in lines)
    return text.getvalue()


def cell_text(value: object) -> str:
    """Write what is in a cell: the entries of a list with a space between them, and yes and no as JSON has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def as_cell(value: object) -> str:
    """Write *value* as a cell of CSV."""
    # An apostrophe marks text in a spreadsheet, and is not shown there.
    return _FORMULA_START.sub(r"\1'", cell_text(value))
