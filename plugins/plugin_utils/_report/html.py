# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no network, no font, no file next to it.

All markup is in report.html.j2, tables.html.j2 and drawing.svg.j2. Here and in the modules for tables and drawing
is the data that these show.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .._values.words import display
from .change_request import LONG
from .drawing import NARROW, WIDE, Drawing, draw
from .html_changes import ChangesTable, changes_table
from .html_hosts import NatTable, ShownList, nat_table, shown_list
from .html_observed import ObservedTables, observed_tables
from .html_tables import FlowsTable, VerificationTables, flows_table, verification_tables
from .report import Report
from .site_map import SiteMap, draw_site
from .words import change_fields, scope_sentence

_FOLDER = Path(__file__).parent
_STYLE = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "drawing.css"))
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
class ChangeField:
    """A field of the change request. A long one has the whole width."""

    label: str
    text: str
    is_long: bool


@dataclass(frozen=True)
class Page:
    """What report.html.j2 shows. A section whose part is None or empty is not there.

    ``paper`` is the style sheet of the margins on paper, which has the title in it.
    """

    policy: str
    style: str
    paper: str
    script: str
    title: str
    lead: str
    row_count: int
    flow_count: int
    rule_count: int
    revision: str
    change: tuple[ChangeField, ...]
    changes: ChangesTable | None
    site: tuple[SiteMap, ...]
    drawing: tuple[Drawing, ...]
    flows: FlowsTable
    nat: NatTable | None
    verification: VerificationTables | None
    observed: ObservedTables | None
    addresses: tuple[ShownList, ...]
    notes: tuple[str, ...]


def report_as_html(report: Report) -> str:
    """Return the report as an HTML page."""
    return rendered("report.html.j2", page=page_of(report))


def page_of(report: Report) -> Page:
    """Return the data of the page."""
    paper = paper_margins(report)
    return Page(
        policy=f"default-src 'none'; style-src '{_digest(_STYLE)}' '{_digest(paper)}'; script-src '{_digest(_SCRIPT)}'",
        style=_STYLE,
        paper=paper,
        script=_SCRIPT,
        title=display(report.title),
        lead=scope_sentence(report.scope),
        row_count=len({flow.row for flow in report.flows}),
        flow_count=len(report.flows),
        rule_count=len(report.rules),
        revision=report.revision(),
        change=tuple(
            ChangeField(label, text, key in LONG)
            for key, label, text in (() if report.change_request is None else change_fields(report.change_request))
        ),
        changes=None if report.changes is None else changes_table(report),
        site=(*draw_site(report, 3), *draw_site(report, 1)) if report.flows else (),
        drawing=tuple(draw(report, layout) for layout in (WIDE, NARROW)) if report.flows else (),
        flows=flows_table(report),
        nat=nat_table(report),
        verification=None if report.verification is None else verification_tables(report.verification),
        observed=None if report.observed is None else observed_tables(report.observed),
        addresses=tuple(map(shown_list, report.lists)),
        notes=tuple(display(note) for note in report.notes),
    )


def paper_margins(report: Report) -> str:
    """Return the rules that put title, revision and page numbers into the margins of each page.

    What is not a letter or digit becomes an escape of CSS, so no title can end the string or the style sheet.
    """

    def text(content: str) -> str:
        return "".join(one if one.isascii() and one.isalnum() else f"\\{ord(one):x} " for one in content)

    boxes = {
        "top-left": f'"{text(display(report.title))}"',
        "top-right": f'"{text(f"Revision {report.revision()}")}"',
        "bottom-left": f'"{text(scope_sentence(report.scope))}"',
        "bottom-right": '"Page " counter(page) " of " counter(pages)',
    }
    return f"@page {{ {' '.join(f'@{box} {{ content: {content}; }}' for box, content in boxes.items())} }}"


def rendered(template: str, **data: object) -> str:
    """Fill a template of this folder with *data*, all texts of which are escaped.

    :raises jinja2.UndefinedError: if the template asks for something that is not in *data*.
    """
    return _TEMPLATES.get_template(template).render(data)


def _digest(text: str) -> str:
    """The source expression that lets exactly *text* be the content of an element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
