# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workbook, read back from its XML with the standard library."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import time
import typing as t
import zipfile
from xml.etree import ElementTree

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report import pairs, xlsx
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.csv import HEADER
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.files import render_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.json import report_as_json
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import HOSTILE, NTP, NTP_SERVER, example_report, example_site, hostile_site

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
CHANGES = ["change", "rule", *HEADER, "owner", "ticket", "expires"]
Sheets = dict[str, list[list[str]]]


def _read(data: bytes) -> Sheets:
    """The texts of all cells. A cell that is not text fails."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        texts = ["".join(part.text or "" for part in item.iter(f"{SPACE}t"))
                 for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]  # fmt: skip
        names = [
            one.get("name", "") for one in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{SPACE}sheet")
        ]
        found: Sheets = {}
        for number, name in enumerate(names, start=1):
            sheet = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            pane, heads = sheet.find(f".//{SPACE}pane"), sheet.find(f"{SPACE}autoFilter")
            assert pane is not None
            assert heads is not None
            assert (pane.get("state"), pane.get("ySplit")) == ("frozen", "1")
            assert not list(sheet.iter(f"{SPACE}f")), "a formula"
            found[name] = [[_cell(cell, texts) for cell in row] for row in sheet.iter(f"{SPACE}row")]
            assert re.fullmatch(rf"A1:[A-Z]{len(found[name])}", heads.get("ref", ""))
        return found


def _cell(cell: ElementTree.Element, texts: list[str]) -> str:
    value = cell.find(f"{SPACE}v")
    if value is None:
        return ""
    assert cell.get("t") == "s"
    return texts[int(value.text or "")]


def _workbook(**arguments: t.Any) -> bytes:
    arguments = {
        "site": example_site([NTP], endpoints=NTP_SERVER),
        "formats": ["xlsx"],
        "gateways": ["fw"],
        **arguments,
    }
    ((name, data),) = render_report(**arguments).files.items()
    assert name.endswith(".xlsx")
    assert isinstance(data, bytes)
    return data


def test_each_sheet_has_what_its_name_says() -> None:
    sheets = _read(_workbook(baseline=report_as_json(example_report())))
    assert list(sheets) == ["Flows", "Hosts", "NAT", "Changes"]
    header, *flows = sheets["Flows"]
    assert tuple(header) == pairs.HEADER
    assert ["node1", "192.0.2.11/32"] in [line[5:7] for line in flows if line[1] == "ntp"]
    edge = ["edge1", "Edge Server, A/V Edge interface", ""]
    assert [*edge, "203.0.113.31", "10.0.0.31", "203.0.113.31"] in sheets["Hosts"]
    assert sheets["NAT"] == [
        ["host", "own_address", "advertised_address", "own_address_seen_by", "advertised_address_seen_by"],
        ["edge1", "10.0.0.31", "203.0.113.31", "fw", ""],
    ]
    assert sheets["Changes"][0] == CHANGES
    assert [line[:3] for line in sheets["Changes"][1:]] == [["added", "RXV26SK-udp-4", "ntp"]]


def test_the_hosts_are_those_of_the_report_as_it_sees_them() -> None:
    place = {"port_matrix_addresses": ["192.0.2.13"], "port_matrix_location": ["york", "oslo"]}
    of_site = _read(_workbook(site=example_site(hostvars={"node2": place})))["Hosts"]
    assert ["node2", "Conferencing Node", "oslo york", "192.0.2.13", "", ""] in of_site
    assert len(of_site) == len(set(map(tuple, of_site)))
    seen = _read(_workbook(scope="gateway:fw"))["Hosts"]
    assert ["edge1", "Edge Server, A/V Edge interface", "", "10.0.0.31", "10.0.0.31", "203.0.113.31"] in seen
    of_turn = _read(_workbook(scope="pair:turn_server:conferencing_node"))["Hosts"]
    assert {line[0] for line in of_turn[1:]} == {"turn1", "node1", "node2"}


def test_what_one_interface_of_a_host_says_is_not_said_again_by_all_of_them() -> None:
    interfaces = {
        "internal": [{"address": "10.0.0.32", "advertised": "203.0.113.32"}],
        "av_edge": [{"address": "10.0.0.31", "advertised": "203.0.113.31"}],
    }
    row = {**NTP, "id": "own", "source": "edge"}
    site = example_site([row], hostvars={"edge1": {"port_matrix_interfaces": interfaces}}, endpoints=NTP_SERVER)
    assert _read(_workbook(site=site))["NAT"][1:] == [
        ["edge1", "10.0.0.31", "203.0.113.31", "fw", ""],
        ["edge1", "10.0.0.32", "203.0.113.32", "fw", ""],
    ]


def test_without_a_baseline_nothing_changed() -> None:
    assert _read(_workbook())["Changes"] == [CHANGES]


def test_the_same_report_is_the_same_file_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _workbook()
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert _workbook() == before


@pytest.mark.large
def test_no_text_is_a_formula_or_a_link() -> None:
    for text, name in HOSTILE:
        data = _workbook(site=hostile_site(text, name))
        sheets = _read(data)
        assert text in {line[2] for line in sheets["Flows"]}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert not [one for one in archive.namelist() if "hyperlink" in archive.read(one).decode()]


def test_what_is_too_much_for_a_cell_or_a_sheet_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = [f"10.{i // 256}.{i % 256}.1" for i in range(3000)]
    site = example_site(hostvars={"lan": {"port_matrix_addresses": networks}})
    monkeypatch.setattr(pairs, "MOST_LINES", 1000)
    rendered = render_report(site, ["csv", "xlsx"])
    assert list(rendered.files) == ["port-matrix.csv", "port-matrix.xlsx"]
    assert rendered.outdated[:2] == ("port-matrix-pairs.csv", "port-matrix-changes.csv")
    assert rendered.text()[-1].startswith("port-matrix-pairs.csv is not written, as it would have ")
    data = rendered.files["port-matrix.xlsx"]
    assert isinstance(data, bytes)
    flows = [line for line in _read(data)["Flows"] if "lan" in line]
    assert flows
    said = "3,000 entries, more than a cell holds: they are in the CSV and JSON files"
    assert all(said in line for line in flows)


def test_the_library_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "xlsxwriter", None)
    with pytest.raises(
        PortMatrixError, match=r"XlsxWriter, which writes xlsx, is missing .* -m pip install XlsxWriter"
    ):
        _workbook()
    assert render_report(example_site()).files


def test_a_missing_library_does_not_keep_the_filter_from_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    # Without the path hooks: those of ansible-test take a file for a folder.
    spec = importlib.util.spec_from_file_location(xlsx.__name__, xlsx.__file__)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert loaded.xlsxwriter is None
