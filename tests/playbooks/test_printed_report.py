# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site of three locations of docs/report.md: its picture, and its report on paper and in a browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import report_as_html
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from chromium import A4, LETTER, Chromium
from example_site import GROUPS, NTP, NTP_SERVER, example_site
from pages import TOP, run_playbook

EXAMPLE = "docs/examples/three-locations.yml"
PICTURE = "docs/three-locations.svg"
CHANGE = {
    **{one: f"The {one}" for one in ("requester", "owner", "reason", "risk", "backout_plan")},
    "ticket": "CHG-4711",
    "approver": "B. Person",
    "valid_from": "2027-01-01",
    "valid_until": "2027-12-31",
    "test_plan": ["Run the playbook verify.", "Call a meeting."],
}
# What its firewalls have seen: a client that no office has, an address that many rows would need, and a scan.
SEEN = {"gateway": "fw-1", "hook": "forward", "family": "ipv4", "protocol": "udp", "packets": 400, "bytes": 40000,
        "last_seen": "2026-05-04T10:00:00Z", "source": "10.200.1.7", "source_host": "", "destination": "172.16.0.11",
        "destination_host": "node-1", "destination_ports": ["40000-40038"], "nearest_row": "media_to_nodes",
        "differs_in": ["source address"], "row_group": "", "kind": "missing_host"}  # fmt: skip
OBSERVED = {
    "flows": [
        SEEN,
        {**SEEN, "source": "2001:db8:10:20::fff1", "destination": "2001:db8:10:10::fff2", "family": "ipv6",
         "kind": "missing_row", "protocol": "tcp", "destination_ports": ["9100"]},
        {**SEEN, "source": "203.0.113.250", "kind": "scan", "protocol": "tcp", "destination_ports": ["1-40"]},
    ],
    "gateways": [{"gateway": "fw-1", "remembering": True, "entries": 61, "limit": 65535}],
    "proposed": [{"what": "10.200.1.7 in endpoint client", "wider": ["what is in client may do more"], "flows": [0]},
                 {"what": "row observed_tcp_9100_to_2001_db8_10_10_fff2_and_long", "wider": [], "flows": [1]}],
}  # fmt: skip
# Elements with a name, an address or a row id in them, that take more than one line.
BROKEN = """
  Array.from(document.querySelectorAll("code, .host, .ports:not(.many)")).filter(function (one) {
    var range = document.createRange();
    range.selectNodeContents(one);
    var lines = new Set(Array.from(range.getClientRects()).map(function (box) { return Math.round(box.top / 8); }));
    return lines.size > 1 && one.getClientRects().length > 1;
  }).map(function (one) { return one.textContent; })
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the report, with a change request and what was observed."""
    directory = tmp_path_factory.mktemp("site")
    inventory = (TOP / EXAMPLE).read_text(encoding="utf-8")
    (directory / "observed.json").write_text(json.dumps(OBSERVED), encoding="utf-8")
    given = {"port_matrix_report_change": CHANGE, "port_matrix_report_observed": "observed.json"}
    said = run_playbook(directory, inventory, "uc_firewall.pexip_sfb.report", **given)
    assert "Written to" in said
    return directory / "port-matrix-report"


@pytest.fixture(scope="module")
def browser(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("browser")) as chromium:
        chromium.open(report / "port-matrix.html")
        yield chromium


def shown_rows(browser: Chromium, host: str) -> list[str]:
    """The rows of the table of flows that are left when somebody filters for a host or address."""
    field = f"document.getElementById('filter-host').value = {json.dumps(host)};"
    browser.value_of(field + "document.getElementById('filter').dispatchEvent(new Event('input'))")
    found: list[str] = browser.value_of(
        "Array.from(document.querySelectorAll('#flows-table tbody:not([hidden])')).map(one => one.id)"
    )
    return found


def test_the_picture_of_the_documentation_is_that_of_its_site(report: Path) -> None:
    made = (report / "port-matrix.svg").read_text(encoding="utf-8")
    shown = (TOP / PICTURE).read_text(encoding="utf-8")
    command = f"ansible-playbook -i {EXAMPLE} uc_firewall.pexip_sfb.report"
    assert made == shown, f"run {command} and copy its port-matrix.svg to {PICTURE}"


@pytest.mark.parametrize(("paper", "size"), [(A4, (842, 595)), (LETTER, (792, 612))], ids=["A4", "Letter"])
def test_on_paper_it_is_a_document(browser: Chromium, report: Path, paper: tuple[float, float], size: Any) -> None:
    pages = pypdf.PdfReader(io.BytesIO(browser.printed(paper))).pages
    texts = [page.extract_text() for page in pages]
    revision = json.loads((report / "port-matrix.json").read_text(encoding="utf-8"))["revision"]
    for number, (page, text) in enumerate(zip(pages, texts, strict=True), start=1):
        assert (round(page.mediabox.width), round(page.mediabox.height)) == pytest.approx(size, abs=1)
        assert f"Page {number} of {len(pages)}" in text
        assert f"Revision {revision}" in text
        assert "Port matrix" in text
    # The form and the block to sign are one page, and a table begins with more than its head.
    for part in ("CHG-4711", "Test plan", "Run the playbook verify.", "Approved", "Signature"):
        assert part in texts[0]
    (flows,) = [text for text in texts if "Every flow of this report" in text]
    assert "sip_signaling" in flows
    everything = "\n".join(texts)
    # Every row id and every host that a flow has is whole on some page.
    document = json.loads((report / "port-matrix.json").read_text(encoding="utf-8"))
    for row in document["rows"]:
        assert row["id"] in everything
    for endpoint in document["endpoints"]:
        for member in endpoint["members"]:
            assert member["host"] in everything
    for part in (
        "fw-1: 61 flows",
        "10.200.1.7 in endpoint",
        "203.0.113.250 tried 40 ports",
        "what is in client may do more",
    ):
        assert part in " ".join(everything.split())
    assert re.search(r"Address translation\s+Addresses that a firewall translates", everything)


def test_no_name_or_address_is_broken_on_a_wide_or_a_narrow_screen(browser: Chromium, report: Path) -> None:
    for width in (1280, 390):
        browser.open(report / "port-matrix.html", width)
        assert browser.value_of(BROKEN) == []
        assert browser.value_of("document.documentElement.scrollWidth") <= width


def test_long_names_and_texts_do_not_make_the_page_wider(browser: Chromium, tmp_path: Path) -> None:
    names = ["sfb-frontend-pool-01.emea.contoso.example", "n" * 200]
    hosts = {name: {"port_matrix_addresses": [f"192.0.2.{number}"]} for number, name in enumerate(names, start=50)}
    row = {**NTP, "purpose": "p" * 200, "owner": "o" * 200}
    groups = {**GROUPS, "turn_servers": ["turn1", *names]}
    site = example_site([row], hostvars=hosts, groups=groups, endpoints=NTP_SERVER)
    (tmp_path / "long.html").write_text(report_as_html(build_report(site, Scope(), "t" * 200)), encoding="utf-8")
    for width in (1280, 390):
        browser.open(tmp_path / "long.html", width)
        assert browser.value_of("document.documentElement.scrollWidth") <= width


def test_the_filter_finds_a_host_by_either_address_and_hides_the_other_rows(browser: Chromium, report: Path) -> None:
    browser.open(report / "port-matrix.html")

    every = shown_rows(browser, "")
    assert len(every) == 12
    of_edge = shown_rows(browser, "203.0.113.31")
    assert "row-media_nodes_to_edge" in of_edge
    assert shown_rows(browser, "172.20.0.31") == of_edge
    assert set(shown_rows(browser, "edge-1")) < set(every)
    # An office is a network that holds the address.
    assert "row-conference_avatar" in shown_rows(browser, "10.140.7.7")
    assert shown_rows(browser, "198.51.100.1") == []


def test_a_packed_list_is_unpacked_when_it_is_opened_and_found_by_the_filter(browser: Chromium, tmp_path: Path) -> None:
    offices = {f"office-{number}": {"port_matrix_addresses": [f"10.{number // 200}.{number % 200}.7"]}
               for number in range(500)}  # fmt: skip
    site = example_site(hostvars=offices, groups={**GROUPS, "sfb_clients": sorted(offices)})
    (tmp_path / "large.html").write_text(report_as_html(build_report(site, Scope(), "t")), encoding="utf-8")
    browser.open(tmp_path / "large.html")
    opened = "Array.from(document.querySelectorAll('.addresses pre:not(.packed)')).map(one => one.textContent)"
    assert browser.value_of(opened) == []
    for is_open in ("true", "false", "true"):
        browser.value_of(f"document.querySelector('.addresses pre').parentNode.open = {is_open}")
        browser.value_of("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    (text,) = browser.value_of(opened)
    assert sorted(text.split("\n")) == sorted(
        f"{name} {host['port_matrix_addresses'][0]}" for name, host in offices.items()
    )
    assert "row-strict_client_relay" in shown_rows(browser, "10.2.99.7")
    assert shown_rows(browser, "10.2.99.8") == []
