# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report. ``pytest --update-golden`` writes ``tests/golden_report/`` anew."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.files import names_of_files
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.files import (
    DEFAULT_FORMATS,
    FORMATS,
    render_report,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.json import report_as_json
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import GROUPS, NTP, NTP_SERVER, example_report, example_site

GOLDEN = Path(__file__).parents[4] / "golden_report"


def _without_style_and_script(name: str, text: str) -> str:
    """Return *text* without what is a file of its own in the package, and the digests of that."""
    if not name.endswith(".html"):
        return text
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", text, flags=re.DOTALL)
    return re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-", text)


@pytest.mark.parametrize("scope", ["site", "host:edge1", "gateway:fw"])
def test_files_are_the_golden_ones(scope: str, request: pytest.FixtureRequest) -> None:
    site = example_site([NTP], endpoints=NTP_SERVER)
    baseline = report_as_json(example_report(scope))
    rendered = render_report(site, scope=scope, baseline=baseline, gateways=["fw"])
    files = {name: _without_style_and_script(name, str(text)) for name, text in rendered.files.items()}
    if request.config.getoption("--update-golden"):
        for name, text in files.items():
            (GOLDEN / name).write_text(text, encoding="utf-8")
    for name, text in files.items():
        golden = (GOLDEN / name).read_text(encoding="utf-8")
        assert text == golden, f"{name}: look at the difference; --update-golden accepts it"
    assert len(files) == 8


def test_every_golden_file_belongs_to_a_test() -> None:
    stems = ("port-matrix", "port-matrix-host-edge1", "port-matrix-gateway-fw")
    suffixes = (".csv", ".json", ".md", ".html", ".svg", ".mmd", "-changes.csv", "-pairs.csv")
    assert {path.name for path in GOLDEN.iterdir()} == {stem + suffix for stem in stems for suffix in suffixes}


def test_the_same_site_written_in_another_order_gives_the_same_files() -> None:
    backwards = {group: hosts[::-1] for group, hosts in reversed(GROUPS.items())}
    assert render_report(example_site(groups=backwards)).files == render_report(example_site()).files


def test_only_what_is_asked_for_is_rendered() -> None:
    site = example_site()
    assert list(render_report(site, ["html", "csv"]).files) == [
        "port-matrix.csv",
        "port-matrix.html",
        "port-matrix-pairs.csv",
    ]
    assert list(render_report(site, "json", "host:fe1").files) == ["port-matrix-host-fe1.json"]
    assert FORMATS == (*DEFAULT_FORMATS, "xlsx") == ("csv", "json", "markdown", "html", "svg", "mermaid", "xlsx")


def test_changes_have_a_csv_of_their_own_which_is_outdated_without_a_baseline() -> None:
    site = example_site([NTP], endpoints=NTP_SERVER)
    rendered = render_report(site, ["csv"], baseline=report_as_json(example_report()))
    assert list(rendered.files) == ["port-matrix.csv", "port-matrix-pairs.csv", "port-matrix-changes.csv"]
    of_platforms = tuple(names_of_files("port-matrix"))
    assert rendered.outdated == of_platforms
    lines = list(csv.DictReader(io.StringIO(str(rendered.files["port-matrix-changes.csv"]))))
    assert [(line["change"], line["row"]) for line in lines] == [("added", "ntp")]
    assert render_report(site, ["csv"]).outdated == ("port-matrix-changes.csv", *of_platforms)
    assert render_report(site, ["json"]).outdated == of_platforms


def test_what_is_returned_says_what_there_is_and_what_changed() -> None:
    site = example_site([NTP], endpoints=NTP_SERVER)
    result = render_report(site, ["json"], baseline=json.loads(report_as_json(example_report()))).as_mapping()
    assert [file["name"] for file in result["files"]] == ["port-matrix.json"]
    assert json.loads(result["files"][0]["content"])["revision"] == result["revision"]
    assert [rule["row"] for rule in result["changes"]["added"]] == ["ntp"]
    assert result["text"] == [
        f"What must be open for the whole site. 13 rows, 14 flows, 25 rules; revision {result['revision']}.",
        f"Changes since revision {example_report().revision()}: 1 added.",
        "networks of NTP server (192.0.2.123) added: NTP server.",
        "Row ntp (Time) added.",
        "added: ntp: UDP from 192.0.2.11, 192.0.2.13, 198.51.100.41 port any to 192.0.2.123 port 123",
    ]
    assert render_report(site, ["json"]).as_mapping()["changes"] is None


def test_a_workbook_is_returned_as_base64() -> None:
    (file,) = render_report(example_site(), "xlsx").as_mapping()["files"]
    assert (file["name"], file["encoding"]) == ("port-matrix.xlsx", "base64")
    assert base64.b64decode(file["content"]).startswith(b"PK")


@pytest.mark.large
def test_cells_that_a_spreadsheet_cuts_off_are_a_warning() -> None:
    many = [f"10.{number // 100}.{number % 100}.1" for number in range(4000)]
    site = example_site(hostvars={"lan": {"port_matrix_addresses": many}})
    assert "in the rows media_to_nodes, conference_avatar, media_from_nodes, strict_client_relay" in "\n".join(
        render_report(site, ["csv"]).text()
    )
    assert "spreadsheet" not in "\n".join(render_report(site, ["json"]).text())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"formats": ["pdf"]},
            "port_matrix_report_formats: unknown value 'pdf'; accepted: csv, html, json, markdown, mermaid, svg, xlsx",
        ),
        ({"formats": []}, "port_matrix_report_formats: is an empty list; accepted: csv, json"),
        (
            {"change_request": {"tickt": "1"}},
            "port_matrix_report_change: key 'tickt' is not known, the nearest is ticket",
        ),
        ({"scope": "all"}, "port_matrix_report_scope: 'all' is not a scope"),
        ({"title": "a\0"}, "port_matrix_report_title: 'a\\x00' holds a control character"),
        ({"baseline": "x"}, "port_matrix_report_baseline: is not JSON"),
        (
            {"baseline": report_as_json(example_report("host:fe1"))},
            "port_matrix_report_baseline: is a report with the scope 'host:fe1'; accepted: one with the scope site",
        ),
        ({"verification": {}}, "port_matrix_report_verification: has the version None"),
        ({"observed": {}}, "port_matrix_report_observed: has no flows; accepted: the observed.json of an earlier run"),
    ],
)
def test_a_wrong_input_names_its_variable(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        render_report(example_site(), **options)
    assert str(caught.value).startswith(message)


def test_a_verification_is_in_the_html_page() -> None:
    verification = {"version": 1, "generated": "now", "probes": [{"row": "sip_signaling", "verdict": "open"}]}
    rendered = render_report(example_site(), ["html"], verification=verification)
    assert 'id="verification-others"' in str(rendered.files["port-matrix.html"])
