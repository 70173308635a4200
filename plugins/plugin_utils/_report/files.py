# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: which formats there are, and what goes into which file."""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .._aerleon.files import names_of_files, platform_files
from .._aerleon.platforms import Chosen, read_platforms
from .._aerleon.policy import make_policy
from .._matrix.site import Site
from .._observed.earlier import read_observed
from .._probes.verification import read_verification
from .._values.errors import PortMatrixError
from .._values.mapping import as_choice, as_strings, as_text
from .baseline import Changes, compare
from .change_request import read_change_request
from .csv import changes_as_csv, pairs_as_csv, rules_as_csv, too_long_for_a_spreadsheet
from .html import report_as_html
from .json import changes_as_document, read_report, report_as_json
from .markdown import report_as_markdown
from .mermaid import report_as_mermaid
from .pairs import MOST_LINES, Pairs
from .report import Report, build_report, revision_of
from .scope import Scope, read_scope, rules_in_scope
from .site_changes import change_facts
from .svg import report_as_svg
from .words import change_lines, change_summary, scope_sentence, summary
from .xlsx import report_as_xlsx

_RENDERERS: Mapping[str, tuple[str, Callable[[Report], str]]] = {
    "csv": ("csv", lambda report: rules_as_csv(report.rules)),
    "json": ("json", report_as_json),
    "markdown": ("md", report_as_markdown),
    "html": ("html", report_as_html),
    "svg": ("svg", report_as_svg),
    "mermaid": ("mmd", report_as_mermaid),
}
FORMATS = (*_RENDERERS, "xlsx")
DEFAULT_FORMATS = tuple(_RENDERERS)


@dataclass(frozen=True)
class Rendered:
    """A report, its files by name, the names of files that would be out of date next to them, and what else to say."""

    report: Report
    files: Mapping[str, str | bytes]
    outdated: tuple[str, ...]
    said: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def text(self) -> list[str]:
        """What to show of it on a screen."""
        report = self.report
        lines = [f"{scope_sentence(report.scope)} {', '.join(summary(report))}; revision {report.revision()}."]
        if report.changes is not None:
            facts = [fact.text for fact in change_facts(report)]
            lines += [change_summary(report), *facts, *change_lines(report)]
        long = too_long_for_a_spreadsheet(report.rules) if any(name.endswith(".csv") for name in self.files) else []
        if long:
            lines.append(
                "A cell of the CSV is longer than a spreadsheet takes (32,767 characters), in the rows "
                f"{', '.join(long)}: open the HTML page instead, or group the addresses into networks."
            )
        return [*lines, *self.said]

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        changes = self.report.changes
        return {
            "files": [{"name": name, **_as_data(content)} for name, content in self.files.items()],
            "outdated": list(self.outdated),
            "revision": self.report.revision(),
            "changes": None if changes is None else changes_as_document(changes, self.report.rule_numbers),
            "text": self.text(),
        }


def _as_data(content: str | bytes) -> dict[str, str]:
    if isinstance(content, bytes):
        return {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"}
    return {"content": content}


def render_report(
    site: Site,
    formats: object = DEFAULT_FORMATS,
    scope: object = "site",
    title: object = "Port matrix",
    baseline: object = None,
    verification: object = None,
    gateways: Sequence[str] = (),
    change_request: object = None,
    platforms: object = (),
    platform_options: object = None,
    observed: object = None,
) -> Rendered:
    """Render the report on *scope* of *site* in all *formats*.

    :param baseline: the JSON of an earlier report of this scope, to compare with.
    :param verification: the document of a verification, for the HTML page.
    :param gateways: the firewalls between the hosts, which *scope* may name.
    :param change_request: what a change request has besides the flows.
    :param observed: the ``observed.json`` of an observation, for the HTML page.
    :param platforms: the firewalls to write configuration for, and *platform_options* what each of them wants to know.
    :raises PortMatrixError: for an input that is not what it should be.
    """
    wanted = [as_choice(name, "port_matrix_report_formats", FORMATS) for name in
              as_strings(formats, "port_matrix_report_formats")]  # fmt: skip
    if not wanted:
        raise PortMatrixError.at("port_matrix_report_formats", "is an empty list", ", ".join(FORMATS))
    chosen = read_platforms(platforms, platform_options)
    read = read_scope(scope, "port_matrix_report_scope", site, gateways)
    report = build_report(
        site,
        read,
        as_text(title, "port_matrix_report_title"),
        None if baseline is None else _changes(site, read, baseline),
        None if verification is None else read_verification(verification, "port_matrix_report_verification"),
        read_change_request(change_request, "port_matrix_report_change"),
        gateways,
        None if observed is None else read_observed(observed, "port_matrix_report_observed"),
    )
    stem = read.file_stem()
    files: dict[str, str | bytes] = {
        f"{stem}.{_RENDERERS[name][0]}": _RENDERERS[name][1](report) for name in DEFAULT_FORMATS if name in wanted
    }
    rendered = Rendered(report, files, ())
    pairs = Pairs(report, site)
    if "csv" in wanted:
        rendered = _with_csv_of_pairs_and_changes(rendered, stem, pairs)
    if "xlsx" in wanted:
        workbook = report_as_xlsx(report, pairs)
        rendered = replace(rendered, files={**rendered.files, f"{stem}.xlsx": workbook})
    return _with_platforms(rendered, stem, chosen, pairs)


def _with_platforms(rendered: Rendered, stem: str, chosen: Sequence[Chosen], pairs: Pairs) -> Rendered:
    """Add the configuration of other firewalls. What of that is out of date must not lie next to the report."""
    report = rendered.report
    written = platform_files(make_policy(report.rules, report.rule_numbers.of_rules, pairs.entries), chosen, stem)
    return replace(
        rendered,
        files={**rendered.files, **written.texts},
        outdated=(*rendered.outdated, *(name for name in names_of_files(stem) if name not in written.texts)),
        said=(*rendered.said, *written.said),
        warnings=written.said,
    )


def _with_csv_of_pairs_and_changes(rendered: Rendered, stem: str, pairs: Pairs) -> Rendered:
    """Add them where they are of use: pairs that somebody can read, and changes since a baseline."""
    changes = rendered.report.changes
    texts = {
        f"{stem}-pairs.csv": None if pairs.are_too_many() else pairs_as_csv(pairs),
        f"{stem}-changes.csv": None if changes is None else changes_as_csv(changes),
    }
    said = (
        f"{stem}-pairs.csv is not written, as it would have {len(pairs):,} lines, more than {MOST_LINES:,}. "
        "Group the addresses into networks, or make the report of a host, a gateway or a pair of endpoints.",
    )
    return replace(
        rendered,
        files={**rendered.files, **{name: text for name, text in texts.items() if text is not None}},
        outdated=tuple(name for name, text in texts.items() if text is None),
        said=said if pairs.are_too_many() else (),
    )


def _changes(site: Site, scope: Scope, baseline: object) -> Changes:
    where = "port_matrix_report_baseline"
    earlier = read_report(baseline, where)
    if earlier.scope != scope.text():
        problem = f"is a report with the scope {earlier.scope!a}"
        raise PortMatrixError.at(where, problem, f"one with the scope {scope.text()}, as this one has")
    return compare(earlier.rules, rules_in_scope(site, scope), revision_of(earlier.rules), earlier.hosts)
