# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no network, no font, no file next to it.

All markup is in report.html.j2, tables.html.j2 and report.svg.j2. Here and in the modules for tables and drawing
is the data that these show.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .._values.words import display
from .drawing import NARROW, WIDE, Drawing, draw
from .html_tables import (
    ChangesTable,
    FlowsTable,
    ShownParty,
    VerificationTables,
    changes_table,
    flows_table,
    shown_party,
    verification_tables,
)
from .report import Report
from .words import scope_sentence

_FOLDER = Path(__file__).parent
_STYLE = (_FOLDER / "report.css").read_text(encoding="utf-8")
_SCRIPT = (_FOLDER / "report.js").read_text(encoding="utf-8")
# It keeps each template that it has compiled.
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)


@dataclass(frozen=True)
class Page:
    """What report.html.j2 shows. A section whose part is None or empty is not there."""

    policy: str
    style: str
    script: str
    title: str
    lead: str
    rows: int
    rules: int
    revision: str
    changes: ChangesTable | None
    drawing: tuple[Drawing, ...]
    flows: FlowsTable
    verification: VerificationTables | None
    addresses: tuple[ShownParty, ...]
    notes: tuple[str, ...]


def report_as_html(report: Report) -> str:
    """Return the report as an HTML page."""
    return rendered("report.html.j2", page=page_of(report))


def page_of(report: Report) -> Page:
    """Return the data of the page."""
    parties = {party.id: shown_party(party) for party in report.parties}
    return Page(
        policy=f"default-src 'none'; style-src '{_digest(_STYLE)}'; script-src '{_digest(_SCRIPT)}'",
        style=_STYLE,
        script=_SCRIPT,
        title=display(report.title),
        lead=scope_sentence(report.scope),
        rows=len({flow.row for flow in report.flows}),
        rules=len(report.rules),
        revision=report.revision(),
        changes=None if report.changes is None else changes_table(report),
        drawing=tuple(draw(report, layout) for layout in (WIDE, NARROW)) if report.flows else (),
        flows=flows_table(report, parties),
        verification=None if report.verification is None else verification_tables(report.verification),
        addresses=tuple(parties.values()),
        notes=tuple(display(note) for note in report.notes),
    )


def rendered(template: str, **data: object) -> str:
    """Fill a template of this folder with *data*, all texts of which are escaped.

    :raises jinja2.UndefinedError: if the template asks for something that is not in *data*.
    """
    return _TEMPLATES.get_template(template).render(data)


def _digest(text: str) -> str:
    """The source expression that lets exactly *text* be the content of an element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
