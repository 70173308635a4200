# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: which formats there are, and what goes into which file."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .._matrix.site import Site
from .._probes.verification import read_verification
from .._values.errors import PortMatrixError
from .._values.mapping import as_choice, as_strings, as_text
from .baseline import Changes, compare
from .csv import changes_as_csv, rules_as_csv, too_long_for_a_spreadsheet
from .html import report_as_html
from .json import changes_as_document, read_report, report_as_json
from .markdown import report_as_markdown
from .report import Report, build_report, revision_of
from .scope import Scope, read_scope, rules_in_scope
from .words import change_lines, change_summary, scope_sentence, summary

_RENDERERS: Mapping[str, tuple[str, Callable[[Report], str]]] = {
    "csv": ("csv", lambda report: rules_as_csv(report.rules)),
    "json": ("json", report_as_json),
    "markdown": ("md", report_as_markdown),
    "html": ("html", report_as_html),
}
FORMATS = tuple(_RENDERERS)


@dataclass(frozen=True)
class Rendered:
    """A report, its files by name, and the names of files that would be out of date next to them."""

    report: Report
    files: Mapping[str, str]
    outdated: tuple[str, ...]

    def text(self) -> list[str]:
        """What to show of it on a screen."""
        report = self.report
        lines = [f"{scope_sentence(report.scope)} {', '.join(summary(report))}; revision {report.revision()}."]
        if report.changes is not None:
            lines += [change_summary(report), *change_lines(report)]
        long = too_long_for_a_spreadsheet(report.rules) if any(name.endswith(".csv") for name in self.files) else []
        if long:
            lines.append(
                "A cell of the CSV is longer than a spreadsheet takes (32,767 characters), in the rows "
                f"{', '.join(long)}: open the HTML page instead, or group the addresses into networks."
            )
        return lines

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        changes = self.report.changes
        return {
            "files": [{"name": name, "content": content} for name, content in self.files.items()],
            "outdated": list(self.outdated),
            "revision": self.report.revision(),
            "changes": None if changes is None else changes_as_document(changes),
            "text": self.text(),
        }


def render_report(
    site: Site,
    formats: object = FORMATS,
    scope: object = "site",
    title: object = "Port matrix",
    baseline: object = None,
    verification: object = None,
    gateways: Sequence[str] = (),
) -> Rendered:
    """Render the report on *scope* of *site* in all *formats*.

    :param baseline: the JSON of an earlier report of this scope, to compare with.
    :param verification: the document of a verification, for the HTML page.
    :raises PortMatrixError: for an input that is not what it should be.
    """
    wanted = [as_choice(name, "port_matrix_report_formats", FORMATS) for name in
              as_strings(formats, "port_matrix_report_formats")]  # fmt: skip
    if not wanted:
        raise PortMatrixError.at("port_matrix_report_formats", "is an empty list", ", ".join(FORMATS))
    read = read_scope(scope, "port_matrix_report_scope", site, gateways)
    report = build_report(
        site,
        read,
        as_text(title, "port_matrix_report_title"),
        None if baseline is None else _changes(site, read, baseline),
        None if verification is None else read_verification(verification, "port_matrix_report_verification"),
    )
    stem = read.file_stem()
    files = {f"{stem}.{_RENDERERS[name][0]}": _RENDERERS[name][1](report) for name in FORMATS if name in wanted}
    changes_file = f"{stem}-changes.csv"
    if "csv" not in wanted:
        return Rendered(report, files, ())
    if report.changes is None:
        return Rendered(report, files, (changes_file,))
    return Rendered(report, {**files, changes_file: changes_as_csv(report.changes)}, ())


def _changes(site: Site, scope: Scope, baseline: object) -> Changes:
    where = "port_matrix_report_baseline"
    earlier = read_report(baseline, where)
    if earlier.scope != scope.text():
        problem = f"is a report with the scope {earlier.scope!a}"
        raise PortMatrixError.at(where, problem, f"one with the scope {scope.text()}, as this one has")
    return compare(earlier.rules, rules_in_scope(site, scope), revision_of(earlier.rules))
