# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a site: who is where, which firewall is between, and that labels can be read."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.mermaid import report_as_mermaid
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope, read_scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.site_map import SiteMap, draw_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.site_plan import plan_site, rows_text
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.svg import report_as_svg
from example_site import GROUPS, HOSTILE_NAMES, HOSTVARS, example_report, example_site
from hypothesis import given, settings
from random_sites import Case, cases

PLACES = ("york", "oslo", "rome")


def _located(places: tuple[str, ...] = PLACES, hosts: int = 2) -> Report:
    """A site with nodes, Front Ends, clients and a firewall at each place, and one firewall that is everywhere."""
    hostvars, groups = (
        dict(HOSTVARS),
        {**GROUPS, "pexip_conferencing_nodes": [], "sfb_front_ends": [], "sfb_clients": []},
    )
    gateways = ["fw"]
    for number, place in enumerate(places):
        for kind, group in enumerate(("pexip_conferencing_nodes", "sfb_front_ends", "sfb_clients")):
            for one in range(hosts):
                name = f"{group}-{place}-{one}"
                address = f"10.{number}.{kind}.{one * 4}" + ("/30" if group == "sfb_clients" else "")
                hostvars[name] = {"port_matrix_addresses": [address], "port_matrix_location": place}
                groups[group] = [*groups[group], name]
        hostvars[f"fw-{place}"] = {"port_matrix_location": place}
        gateways.append(f"fw-{place}")
    rows = ["sip_signaling", "conference_avatar"]
    site = example_site(hostvars=hostvars, groups=groups, same_location_rows=rows)
    return build_report(site, Scope(), "t", gateways=gateways)


def _check(drawing: SiteMap) -> None:
    boxes = [
        (one.x, one.y, one.x + one.width, one.y + one.height)
        for one in drawing.rects
        if one.kind in ("box", "firewall")
    ]
    labels = []
    for one in drawing.labels:
        half = len(one.text) * one.size * 0.6 / 2
        labels.append((one.x - half, one.y - one.size * 0.75, one.x + half, one.y + one.size * 0.2))
    for shapes in (boxes, labels):
        for one, other in itertools.combinations(shapes, 2):
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)
        for left, top, right, bottom in shapes:
            assert left >= 0
            assert top >= 0
            assert right <= drawing.width
            assert bottom <= drawing.height
    for stroke in (*drawing.strokes, *drawing.between):
        assert 0 <= min(stroke.x1, stroke.x2) <= max(stroke.x1, stroke.x2) <= drawing.width
        assert 0 <= min(stroke.y1, stroke.y2) <= max(stroke.y1, stroke.y2) <= drawing.height


def test_hosts_are_at_their_place_and_at_their_side_of_its_firewalls() -> None:
    plan = plan_site(_located())
    assert [place.name for place in plan.places] == ["oslo", "rome", "york", ""]
    oslo, nowhere = plan.places[0], plan.places[3]
    assert oslo.firewalls == ("fw", "fw-oslo")
    assert [group.title for group in oslo.others] == ["Front End", "SfB client"]
    assert [group.title for group in oslo.pexip] == ["Conferencing Node"]
    assert oslo.pexip[0].lines == (
        "pexip_conferencing_nodes-oslo-0, 1 address", "pexip_conferencing_nodes-oslo-1, 1 address",
    )  # fmt: skip
    assert [group.title for group in nowhere.others] == ["Edge Server", "TURN server", "WAC / OWA / OOS server"]
    front_end = oslo.others[0]
    assert (front_end.sent, front_end.received) == ((1, 2), (1, 6, 8, 9))
    # Rows 1 and 3 stay within a location; 4, 5, 7 and 10 to 12 have a side that is at none.
    assert plan.between == (2, 6, 8, 9)


def test_many_hosts_of_a_kind_are_counted() -> None:
    (place,) = plan_site(_located(("oslo",), hosts=6)).places[:1]
    assert place.others[1].lines == ("6 networks", "sfb_clients-oslo-0, sfb_clients-oslo-1 and 4 more")


@pytest.mark.parametrize("columns", [3, 1])
@pytest.mark.parametrize("number", [1, 3, 4, 12, 14])
def test_nothing_lies_on_something_else_however_many_locations_there_are(number: int, columns: int) -> None:
    report = _located(tuple(f"place-{letter}" for letter in "abcdefghijklmn"[:number]))
    drawings = draw_site(report, columns)
    for drawing in drawings:
        _check(drawing)
    texts = [label.text for drawing in drawings for label in drawing.labels]
    assert [text for text in texts if text.startswith("place-")] == [
        f"place-{letter}" for letter in "abcdefghijkl"[:number]
    ]
    assert any(text.startswith("Not drawn: 2 more locations: place-m") for text in texts) == (number == 14)
    assert "At no location: for all of them" in texts
    assert len([one for drawing in drawings for one in drawing.rects if one.kind == "firewall"]) == min(number, 12)


def test_a_site_without_locations_is_one_place_with_its_firewalls() -> None:
    report = build_report(example_site(), Scope(), "t", gateways=["fw", "fw2"])
    (drawing,) = draw_site(report, 3)
    _check(drawing)
    assert [one.width for one in drawing.rects if one.kind == "firewall"] == [960]
    assert "fw, fw2" in [label.text for label in drawing.labels]
    assert (drawing.between, drawing.description) == ((), "0 locations and 2 firewalls")
    assert "no firewall of the inventory" in [label.text for label in draw_site(example_report(), 1)[0].labels]


@settings(max_examples=30)
@given(cases())
def test_every_host_of_a_random_site_is_in_the_plan(case: Case) -> None:
    report = build_report(case.core, Scope(), "t", gateways=["fw"])
    for columns in (3, 1):
        for drawing in draw_site(report, columns):
            _check(drawing)
    numbers = {flow.number for flow in report.flows}
    groups = [group for place in plan_site(report).places for group in (*place.others, *place.pexip)]
    assert {number for group in groups for number in group.sent} == numbers
    assert {number for group in groups for number in group.received} == numbers


def test_a_report_without_flows_has_nothing_to_draw() -> None:
    report = example_report("pair:client:turn_server")
    (drawing,) = draw_site(report, 3)
    assert drawing.rects == ()
    ET.fromstring(report_as_svg(report))
    assert report_as_mermaid(report) == 'flowchart LR\n  nothing["The port matrix opens nothing here."]\n'


def test_runs_of_numbers_are_written_short() -> None:
    assert rows_text((1, 2, 3, 5, 7, 8)) == "1-3, 5, 7-8"
    assert rows_text(()) == ""


def test_a_file_of_its_own_has_its_look_and_loads_nothing() -> None:
    text = report_as_svg(_located())
    svg = ET.fromstring(text)
    assert float(svg.get("height", "0")) > 400
    assert "--firewall: #9a3412" in text
    assert not re.search(r"href|@import|url\((?!#site-head-)", text)


def test_mermaid_has_places_firewalls_and_who_goes_through_them() -> None:
    lines = report_as_mermaid(_located()).splitlines()
    assert lines[:3] == ["flowchart LR", '  subgraph p0["oslo"]', '    p0_firewall{{"fw, fw-oslo"}}']
    assert '    p0_0 <-->|"rows 1-2, 6, 8-9"| p0_firewall' in lines
    assert '    p0_firewall <-->|"rows 1-10, 12"| p0_2' in lines
    assert lines[-5:] == [
        '  between(("between locations<br>rows 2, 6, 8-9"))',
        "  p0 === between",
        "  p1 === between",
        "  p2 === between",
        "  between === p3",
    ]
    # Where no firewall is drawn for what all locations share, no arrow has its rows.
    located = _located()
    without = report_as_mermaid(replace(located, gateways=located.gateways[1:])).splitlines()
    assert [line for line in without if "TURN server" in line] == [
        '    p3_1["TURN server<br>turn1 198.51.100.41<br>row 7"]'
    ]


def test_mermaid_has_no_arrow_that_points_back_only() -> None:
    alone = report_as_mermaid(build_report(example_site(), Scope(), "t", gateways=["fw"])).splitlines()
    assert '    p0_firewall -->|"row 7"| p0_3' in alone
    sender = build_report(
        example_site(), read_scope("pair:client:edge_internal", "scope", example_site()), "t", gateways=["fw"]
    )
    assert '    p0_1 -->|"row 11"| p0_firewall' in report_as_mermaid(sender).splitlines()


def test_mermaid_is_just_what_was_drawn_with_it() -> None:
    """Mermaid 11 drew lines of these forms. Python has no library for that, so here is the part of its grammar."""
    label = r'"(?:[\w .,:/()-]|<br>|#\d+;)+"'
    forms = [
        "flowchart LR",
        rf"  subgraph p\d+\[{label}\]",
        rf"    p\d+_firewall\{{\{{{label}\}}\}}",
        rf"    p\d+_\d+\[{label}\]",
        rf"    p\d+_(?:\d+|firewall) (?:<-->|-->)\|{label}\| p\d+_(?:\d+|firewall)",
        "  end",
        rf"  between\(\({label}\)\)",
        r"  p\d+ === between",
        r"  between === p\d+",
        rf"  nothing\[{label}\]",
    ]
    grammar = re.compile("|".join(forms))
    reports = [_hostile(text) for text in HOSTILE_NAMES]
    for report in (*reports, _located(), example_report(), example_report("pair:client:turn_server")):
        for line in report_as_mermaid(report).splitlines():
            assert grammar.fullmatch(line), line


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_hostile_names_stay_text(text: str) -> None:
    report = _hostile(text)
    plain = build_report(example_site(), Scope(), "t", gateways=["fw"])
    tags = {element.tag for element in ET.fromstring(report_as_svg(plain)).iter()}
    assert {element.tag for element in ET.fromstring(report_as_svg(report)).iter()} == tags


def _hostile(text: str) -> Report:
    """A site with a host, a location and a firewall of that name."""
    hostvars = {
        text: {"port_matrix_addresses": ["192.0.2.99"], "port_matrix_location": text if text.isprintable() else "x"}
    }
    site = example_site(hostvars=hostvars, groups={**GROUPS, "pexip_conferencing_nodes": ["node1", text]})
    return build_report(site, Scope(), "t", gateways=[text])


def test_what_has_few_groups_leaves_columns_empty() -> None:
    (drawing,) = draw_site(example_report("pair:turn_server:conferencing_node"), 3)
    _check(drawing)
    assert len([one for one in drawing.rects if one.kind == "box"]) == 2
    assert len(drawing.strokes) == 3
