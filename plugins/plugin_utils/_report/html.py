# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no network, no font, no file beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from .._probes.verification import Verification
from .._values.words import display
from .baseline import Changes
from .drawing import NARROW, WIDE, report_as_svg
from .html_tables import (
    address_lists,
    changes_table,
    flows_table,
    joined,
    verdict_summary,
    verification_tables,
)
from .report import Report, endpoint_title
from .words import NOTHING, change_summary, scope_sentence

_STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("report.js").read_text(encoding="utf-8")

_PAGE = Markup("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#flows">Skip to the table of flows</a>
<header>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<dl class="facts">
{facts}
</dl>
<nav aria-label="Parts of this page"><ul>
{links}
</ul></nav>
</header>
<main>
{sections}
</main>
<footer>
<p>Made by the Ansible collection uc_firewall.pexip_sfb. Two reports with the same revision permit the same.</p>
</footer>
<script>{script}</script>
</body>
</html>
""")

_FILTER = Markup("""<form id="filter" class="filter" role="search" aria-label="Filter the flows" hidden>
<div><label for="filter-endpoint">Endpoint</label><select id="filter-endpoint" name="endpoint">
<option value="">All endpoints</option>
{options}
</select></div>
<div><label for="filter-host">Host or address</label><input id="filter-host" name="host"
 type="search" autocomplete="off" spellcheck="false" aria-controls="flows-table"></div>
<div><label for="filter-port">Destination port</label><input id="filter-port" name="port"
 type="number" min="1" max="65535" autocomplete="off" aria-controls="flows-table"></div>
<div><button type="reset">Show all</button></div>
<output id="filter-result" role="status" aria-live="polite"></output>
</form>""")


def report_as_html(report: Report) -> str:
    """Return the report as an HTML page."""
    sections = list(_sections(report))
    facts = (
        (len({flow.row for flow in report.flows}), "rows of the port matrix"),
        (len(report.flows), "flows"),
        (len(report.rules), "rules, counted by protocol and family"),
        (report.revision(), "revision"),
    )
    return str(
        _PAGE.format(
            policy=f"default-src 'none'; style-src '{_digest(_STYLE)}'; script-src '{_digest(_SCRIPT)}'",
            title=display(report.title),
            lead=scope_sentence(report.scope),
            facts=joined(Markup("<div><dt>{1}</dt><dd>{0}</dd></div>").format(number, what) for number, what in facts),
            links=joined(Markup('<li><a href="#{}">{}</a></li>').format(id_, title) for id_, title, _text in sections),
            sections=joined(
                Markup('<section id="{0}" class="{0}-section" aria-labelledby="{0}-title">\n'
                       '<h2 id="{0}-title">{1}</h2>\n{2}\n</section>').format(*section)
                for section in sections
            ),
            # Both are files of this package, and the page's policy lets run nothing that differs from them.
            style=Markup(_STYLE),  # noqa: S704
            script=Markup(_SCRIPT),  # noqa: S704
        )
    )  # fmt: skip


def _sections(report: Report) -> Iterable[tuple[str, str, Markup]]:
    """Yield the id, the title and the content of each part of the page."""
    if report.changes is not None:
        yield "changes", "Changes", _changes(report, report.changes)
    if report.flows:
        yield "drawing", "Who talks to whom", _drawing(report)
        yield "flows", "Flows", Markup("{}\n{}").format(_filter(report), flows_table(report))
    else:
        yield "flows", "Flows", Markup("<p>{}</p>").format(NOTHING)
    if report.verification is not None:
        yield "verification", "Verification", _verification(report.verification)
    if report.parties:
        yield "addresses", "Addresses", Markup('<div class="addresses">\n{}\n</div>').format(address_lists(report))
    if report.notes:
        notes = (Markup("<li>{}</li>").format(display(note)) for note in report.notes)
        yield "notes", "Notes", Markup("<ul>{}</ul>").format(joined(notes))


def _changes(report: Report, changes: Changes) -> Markup:
    summary = Markup("<p>{}</p>").format(change_summary(report))
    return Markup("{}\n{}").format(summary, changes_table(changes)) if changes else summary


def _drawing(report: Report) -> Markup:
    return Markup(
        "<figure>\n{}\n{}\n<figcaption>Each arrow is a flow: its row, and below it the protocol and the destination "
        "ports, with the source ports before them where they are not any. Answers to permitted traffic are not "
        "drawn.</figcaption>\n</figure>"
    ).format(report_as_svg(report, WIDE), report_as_svg(report, NARROW))


def _filter(report: Report) -> Markup:
    names = sorted({name for party in report.parties for name in party.endpoints}, key=endpoint_title)
    options = (Markup('<option value="{}">{}</option>').format(name, endpoint_title(name)) for name in names)
    return _FILTER.format(options=joined(options))


def _verification(verification: Verification) -> Markup:
    return Markup("<p>{}</p>\n{}").format(verdict_summary(verification), verification_tables(verification))


def _digest(text: str) -> str:
    """The source expression that lets exactly *text* be the content of an element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
