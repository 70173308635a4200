# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing: every flow is in it, and no label lies on another, whatever rows a site adds."""

from __future__ import annotations

import itertools
import re
import typing as t
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.drawing import (
    NARROW,
    WIDE,
    Layout,
    draw,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import rendered
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from example_site import GROUPS, HOSTVARS, MESH, NTP, NTP_SERVER, example_report, example_site
from hypothesis import given, settings
from random_sites import Case, cases

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]
LONG = {"id": "x" * 63, "source": "client", "destination": "a_name_of_an_endpoint_that_is_long",
        "protocols": ["tcp", "udp"], "source_ports": "1024-65535",
        "destination_ports": [*range(1, 60, 2), "8000-9000"]}  # fmt: skip


def _drawn(report: Report, layout: Layout) -> ET.Element:
    """An element that holds the panels, each of which is a drawing of its own."""
    return ET.fromstring(f"<figure>{rendered('drawing.svg.j2', drawing=draw(report, layout))}</figure>")


def _texts(svg: ET.Element) -> list[tuple[str, Box]]:
    """Each label with the box that it takes: all are centred, and DejaVu's letters are the widest of our fonts."""
    found = []
    for element in svg.iter(f"{SVG}text"):
        size, text = float(element.get("font-size", "0")), element.text or ""
        monospaced = element.get("class") in ("row", "ports")
        width = len(text) * size * (0.602 if monospaced else 0.5)
        turned = re.match(r"translate\(([\d.]+) ([\d.]+)\) rotate\(90\)", element.get("transform", ""))
        if turned:
            x, y = float(turned[1]), float(turned[2])
            found.append((text, (x - size * 0.3, y - width / 2, x + size * 0.8, y + width / 2)))
        else:
            x, y = float(element.get("x", "0")), float(element.get("y", "0"))
            found.append((text, (x - width / 2, y - size * 0.75, x + width / 2, y + size * 0.2)))
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _check(report: Report, layout: Layout) -> None:
    for svg in _drawn(report, layout):
        _check_panel(svg)


def _check_panel(svg: ET.Element) -> None:
    width, height = (float(part) for part in svg.get("viewBox", "").split()[2:])
    texts = _texts(svg)
    for (text, box), (other_text, other) in itertools.combinations(texts, 2):
        assert not _overlap(box, other), (text, other_text)
    boxes = [[float(r.get(key, "0")) for key in ("x", "y", "width", "height")] for r in svg.iter(f"{SVG}rect")]
    corners = [(x, y, x + w, y + h) for x, y, w, h in boxes]
    for one, other in itertools.combinations(corners, 2):
        assert not _overlap(one, other)
    for box in [*corners, *(box for _text, box in texts)]:
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= width
        assert box[3] <= height
    # A line ends at two boxes and meets no text.
    for line in svg.iter(f"{SVG}line"):
        x1, x2, y = float(line.get("x1", "0")), float(line.get("x2", "0")), float(line.get("y1", "0"))
        across = (min(x1, x2), y - 0.5, max(x1, x2), y + 0.5)
        assert not any(_overlap(across, box) for _text, box in texts)
        assert any(
            abs(x2 - edge) < 2 and top <= y <= bottom for left, top, right, bottom in corners for edge in (left, right)
        )


def _expected(report: Report) -> int:
    """How many arrows there are: flows that look the same, as those of a row in each location, have one."""
    return len(
        {
            (flow.row, flow.protocols, flow.source_ports, flow.destination_ports, source, destination)
            for flow in report.flows
            for source in flow.source.by_endpoint
            for destination in flow.destination.by_endpoint
        }
    )


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scope", ["site", "host:edge1", "gateway:fw", "pair:client:edge_internal"])
def test_no_label_lies_on_another(scope: str, layout: Layout) -> None:
    report = example_report(scope)
    _check(report, layout)
    assert len(list(_drawn(report, layout).iter(f"{SVG}line"))) == _expected(report)


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_own_rows_with_long_names_and_many_ports_fit(layout: Layout) -> None:
    endpoints: dict[str, t.Any] = {**NTP_SERVER, "a_name_of_an_endpoint_that_is_long": {"networks": ["10.0.0.0/8"]}}
    many = {f"node-of-the-far-site-{n}": {"port_matrix_addresses": [f"192.0.2.{n + 50}"]} for n in range(9)}
    site = example_site([NTP, MESH, LONG], endpoints=endpoints, hostvars=many)
    report = build_report(site, Scope(), "t")
    _check(report, layout)
    titles = [title.text or "" for title in _drawn(report, layout).iter(f"{SVG}title")]
    # What is cut off in a label is whole in the tooltip.
    assert any(f"row 15 {'x' * 63}, TCP+UDP 1024-65535 → 1, 3, 5" in title for title in titles)
    assert "Conferencing Node to Conferencing Node: row 13 mesh, UDP 500 → 500" in titles


@settings(max_examples=30)
@given(cases())
def test_every_flow_of_a_random_site_is_drawn(case: Case) -> None:
    report = build_report(case.core, Scope(), "t")
    for layout in (WIDE, NARROW):
        _check(report, layout)
        assert len(list(_drawn(report, layout).iter(f"{SVG}line"))) == _expected(report)


def test_an_arrow_points_from_source_to_destination() -> None:
    svg = _drawn(example_report("pair:client:conferencing_node"), WIDE)
    ends = {}
    for group in svg.iter(f"{SVG}g"):
        line, title = group.find(f"{SVG}line"), group.find(f"{SVG}title")
        assert line is not None
        assert title is not None
        assert line.get("marker-end") == "url(#head-wide-1)"
        ends[title.text] = float(line.get("x1", "0")) < float(line.get("x2", "0"))
    # The client is the box at the right, as it comes later in the table, or the node is: in either case they differ.
    inward = ends["SfB client to Conferencing Node: row 2 media_to_nodes, UDP 40000-49999"]
    outward = ends["Conferencing Node to SfB client: row 6 media_from_nodes, TCP+UDP 40000-49999 → any"]
    assert inward != outward


def test_a_report_without_flows_has_an_empty_drawing() -> None:
    report = example_report("pair:client:turn_server")
    assert report.flows == ()
    assert len(_drawn(report, WIDE)) == 0


def test_a_drawing_is_described() -> None:
    drawn = _drawn(example_report(), WIDE)
    assert len(drawn) == 3
    for number, svg in enumerate(drawn, start=1):
        assert [child.tag.removeprefix(SVG) for child in svg][:2] == ["title", "desc"]
        assert svg.get("aria-labelledby") == f"drawing-title-wide-{number} drawing-text-wide-{number}"
        arrows = [element for element in svg.iter() if element.get("class") == "wire"]
        assert (svg.findtext(f"{SVG}desc") or "").startswith(f"{len(arrows)} arrow")


def test_a_panel_is_no_higher_than_a_page() -> None:
    rows = [{**MESH, "id": f"mesh_{number}"} for number in range(30)]
    report = build_report(example_site(rows), Scope(), "t")
    heights = [float(svg.get("viewBox", "").split()[3]) for svg in _drawn(report, WIDE)]
    assert max(heights) < 640
    assert len(list(_drawn(report, WIDE).iter(f"{SVG}line"))) == _expected(report)
    _check(report, WIDE)


def test_flows_that_differ_in_their_location_only_are_one_arrow() -> None:
    places = {name: {**HOSTVARS[name], "port_matrix_location": place} for name, place in
              {"node1": "oslo", "node2": "york", "lan": "oslo"}.items()}  # fmt: skip
    clients = {"lan2": {"port_matrix_addresses": ["198.19.0.0/16"], "port_matrix_location": "york"}}
    site = example_site(
        hostvars={**places, **clients}, groups={**GROUPS, "sfb_clients": ["lan", "lan2"]},
        same_location_rows=["conference_avatar"],
    )  # fmt: skip
    report = build_report(site, Scope(), "t")
    assert len([flow for flow in report.flows if flow.row == "conference_avatar"]) == 2
    titles = [title.text for title in _drawn(report, WIDE).iter(f"{SVG}title")]
    assert titles.count("SfB client to Conferencing Node: row 3 conference_avatar, TCP 80") == 1
