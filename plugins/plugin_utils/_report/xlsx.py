# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a workbook for spreadsheets: flows, hosts, static NAT and changes, each a sheet to filter."""

from __future__ import annotations

import datetime
import io
import sys
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

try:
    import xlsxwriter
except ImportError:  # only this format needs it
    xlsxwriter = None

from .._values.csv import LONGEST_CELL, cell_text
from .._values.errors import PortMatrixError
from .baseline import KINDS
from .csv import HEADER
from .host_lists import endpoint_title
from .json import changes_as_document
from .pairs import HEADER as PAIRS_HEADER
from .pairs import Pairs
from .report import Party, Report

Line = tuple[str, ...]
_CHANGES = ("change", "rule", *HEADER, "owner", "ticket", "expires")
# The file says when it was made. Nothing in a report may, or a second run would change it.
_MADE = datetime.datetime(1980, 1, 1)
_WIDEST, _NARROWEST = 60, 8


def report_as_xlsx(report: Report, pairs: Pairs) -> bytes:
    """Return the workbook. Each cell is text, so none is a formula, and the same report gives the same bytes.

    :raises PortMatrixError: where the library that writes it is missing.
    """
    if xlsxwriter is None:
        raise PortMatrixError.at(
            "port_matrix_report_formats",
            "the Python library XlsxWriter, which writes xlsx, is missing on the controller",
            f"install it for the Python that runs Ansible: {sys.executable} -m pip install XlsxWriter",
        )
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as workbook:
        workbook.set_properties({"title": report.title, "created": _MADE})
        heading = workbook.add_format({"bold": True, "bottom": 1})
        for name, header, lines in _sheets(report, pairs):
            _write(workbook.add_worksheet(name), header, lines, heading)
    return data.getvalue()


def _write(sheet: t.Any, header: Line, lines: Iterable[Line], heading: object) -> None:
    """Write one sheet, as wide as what is in it, with heads that stay and that filter."""
    widths = [len(title) + 3 for title in header]  # the arrow of the filter takes its place, too
    last = 0
    for number, line in enumerate(chain([header], lines)):
        for column, text in enumerate(line):
            sheet.write_string(number, column, _fitting(text), heading if number == 0 else None)
            widths[column] = max(widths[column], len(text))
        last = number
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(max(width + 1, _NARROWEST), _WIDEST))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, last, len(header) - 1)


def _fitting(text: str) -> str:
    """Return *text*, or what stands for it where no cell holds it. Nothing is cut off."""
    if len(text) <= LONGEST_CELL:
        return text
    return f"{len(text.split()):,} entries, more than a cell holds: they are in the CSV and JSON files"


def _sheets(report: Report, pairs: Pairs) -> Iterator[tuple[str, Line, Iterable[Line]]]:
    flows = pairs.by_rule() if pairs.are_too_many() else pairs
    yield "Flows", PAIRS_HEADER, _lines(PAIRS_HEADER, flows)
    yield (
        "Hosts",
        ("host", "endpoint", "location", "address", "own_address", "advertised_address"),
        dict.fromkeys(_hosts(report.parties)),
    )
    yield (
        "NAT",
        ("host", "own_address", "advertised_address", "own_address_seen_by", "advertised_address_seen_by"),
        (
            (one.host, one.own, one.advertised, " ".join(one.own_seen_by), " ".join(one.advertised_seen_by))
            for one in report.translations
        ),
    )
    yield "Changes", _CHANGES, _changes(report)


def _lines(header: Sequence[str], items: Iterable[Mapping[str, object]]) -> Iterator[Line]:
    return (tuple(cell_text(item[column]) for column in header) for item in items)


def _changes(report: Report) -> Iterator[Line]:
    changes = {} if report.changes is None else changes_as_document(report.changes, report.rule_numbers)
    for kind in KINDS if changes else ():
        yield from _lines(_CHANGES, ({"change": kind, **rule} for rule in changes[kind]))


def _hosts(parties: Iterable[Party]) -> Iterator[Line]:
    """Yield host, endpoint and location, and an address as the flows have it; of translated ones both sides."""
    found = [
        (entry.host, endpoint_title(name), entry)
        for party in parties
        for name, one in party.by_endpoint.items()
        for entry in one.entries
    ]
    for host, title, entry in sorted(found, key=lambda one: one[:2]):
        sides = {cidr: (other, cidr) if side == "own" else (cidr, other) for cidr, side, other in entry.others}
        for cidr in entry.cidrs:
            yield (host, title, " ".join(entry.locations), cidr, *sides.get(cidr, ("", "")))
