# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML page: well formed, self-contained, the same flows as the rules, and text stays text."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import re
import string
import types
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.verification import read_verification
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.change_request import ChangeRequest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import (
    page_of,
    paper_margins,
    rendered,
    report_as_html,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html_hosts import shown_list
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope, read_scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.site_changes import now_hosts
from example_site import (
    GROUPS,
    HOSTILE,
    HOSTILE_NAMES,
    HOSTVARS,
    NTP,
    NTP_SERVER,
    TABLE_GROUPS,
    example_report,
    example_site,
    hostile_site,
)
from jinja2 import UndefinedError

VOID = {"meta", "br", "input", "wbr"}
PROBE = {
    "row": "sip_signaling", "source_host": "fe1", "source": "198.51.100.21", "source_port": None,
    "destination_host": "node1", "destination": "192.0.2.11", "destination_port": 5061, "protocol": "tcp",
    "family": "ipv4", "probe": "tcp_connect", "verdict": "open", "detail": "connected", "certificate": None,
}  # fmt: skip


class Page(html.parser.HTMLParser):
    """Reads a page and checks on the way that every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {}
        self.cells: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        assert len(set(names)) == len(names), (tag, names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID and not (self.open and "svg" in self.open and self.get_starttag_text().endswith("/>")):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            self.text[tag] = self.text.get(tag, "") + data
        if "td" in self.open or "th" in self.open:
            self.cells[-1][-1] += data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _page(report: Report) -> Page:
    return Page(report_as_html(report))


def test_a_page_is_self_contained() -> None:
    text = report_as_html(example_report())
    page = Page(text)
    for _tag, attributes in page.elements:
        assert not {"src", "srcset", "style", "action", "background"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert page.of("link") == []
    assert "@import" not in text
    assert "url(" not in re.sub(r"url\(#(site-)?head-(wide|narrow)-\d+\)", "", text)
    # Only references of rows lead elsewhere, and only when somebody follows them.
    outside = {a["href"] for a in page.of("a") if not a["href"].startswith("#")}
    assert outside == {"https://docs.pexip.com/sfb/ports.htm"}


def test_the_policy_of_a_page_lets_its_own_script_run_and_no_other() -> None:
    text = report_as_html(example_report())
    (policy,) = [meta["content"] for meta in Page(text).of("meta") if meta.get("http-equiv")]
    for tag in ("style", "script"):
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in contents]
        sources = " ".join(f"'sha256-{digest}'" for digest in digests)
        assert f"{tag}-src {sources}" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_every_reference_within_a_page_leads_somewhere() -> None:
    page = _page(example_report())
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _tag, attributes in page.elements:
        named = [
            *attributes.get("aria-labelledby", "").split(), *attributes.get("aria-controls", "").split(),
            *attributes.get("for", "").split(), *attributes.get("data-lists", "").split(),
            *([attributes["href"][1:]] if attributes.get("href", "").startswith("#") else []),
        ]  # fmt: skip
        assert set(named) <= set(ids)


def test_a_screen_reader_finds_its_way() -> None:
    page = _page(example_report())
    assert [attributes["lang"] for attributes in page.of("html")] == ["en"]
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.of(landmark)) == 1
    assert page.elements[[tag for tag, attributes in page.elements].index("body") + 1] == (
        "a",
        {"class": "skip", "href": "#flows"},
    )
    assert len(page.of("caption")) == len(page.of("table"))
    assert {th.get("scope") for th in page.of("th")} == {"col", "row", "rowgroup"}
    (status,) = page.of("output")
    assert (status["role"], status["aria-live"]) == ("status", "polite")
    assert {svg["role"] for svg in page.of("svg")} == {"img"}
    assert {field["id"] for tag in ("input", "select") for field in page.of(tag)} == {
        f["for"] for f in page.of("label")
    }
    # Where a narrow page shows a line as a card, the roles stay.
    assert {row["role"] for row in page.of("tr")} == {"row"}
    assert {cell["role"] for cell in page.of("td")} == {"cell"}


def test_without_script_a_page_shows_every_flow_and_no_filter() -> None:
    report = example_report()
    page = _page(report)
    assert "hidden" in page.of("form")[0]
    rows = [row for row in page.of("tr") if "data-lists" in row]
    assert len(rows) == len(report.flows)
    assert not any("hidden" in row for row in rows)


def test_each_row_says_why_and_each_flow_has_its_hosts_and_ports() -> None:
    lines = ["|".join(cells) for cells in _page(example_report()).cells]
    (head,) = [
        number for number, line in enumerate(lines) if line.startswith("4 media_nodes_to_edge RTP/RTCP/RDP media")
    ]
    assert "Microsoft describes this range as the Edge's source range" in lines[head]
    assert "Source: https://docs.pexip.com/sfb/ports.htm" in lines[head]
    assert lines[head + 1].partition("|")[2] == (
        "Conferencing Node, IPv4node1 192.0.2.11node2 192.0.2.13|40000-49999|"
        "Edge Server, A/V Edge interfaceedge1 203.0.113.31 (own 10.0.0.31)|50000-59999|TCP and UDP"
    )
    assert any("Direction" in "|".join(cells) for cells in _page(example_report("host:edge1")).cells)


def test_a_row_says_who_answers_for_it_and_a_flow_which_rule_it_is() -> None:
    row = {**NTP, "owner": "Video team", "ticket": "CHG1", "expires": "2030-01-31"}
    report = build_report(example_site([row], endpoints=NTP_SERVER), Scope(), "t")
    lines = ["|".join(cells) for cells in _page(report).cells]
    (head,) = [number for number, line in enumerate(lines) if line.startswith("13 ntp Time")]
    assert "Owner: Video team Ticket: CHG1 Expires: 2030-01-31" in lines[head]
    assert lines[head + 1].partition("|")[0] == report.flows[-1].rule


def test_flows_of_one_number_show_those_of_their_rules() -> None:
    hostvars = {name: {**HOSTVARS[name], "port_matrix_location": place}
                for name, place in {"node1": "oslo", "node2": "york", "wac1": "oslo"}.items()}  # fmt: skip
    hostvars["wac2"] = {"port_matrix_addresses": ["198.51.100.52"], "port_matrix_location": "york"}
    groups = {**GROUPS, "wac_servers": ["wac1", "wac2"]}
    report = build_report(
        example_site(hostvars=hostvars, groups=groups, same_location_rows=["wac_content"]), Scope(), "t"
    )
    flows = [flow for flow in report.flows if flow.row == "wac_content"]
    shown = [cells[0] for cells in _page(report).cells if cells[0].startswith(flows[0].rule)]
    assert shown == ["".join(flow.rules) for flow in flows]
    assert len(set(shown)) == 2


def test_a_name_or_address_is_broken_only_where_it_is_longer_than_a_line() -> None:
    names = {f"node-{'x' * 60}": {"port_matrix_addresses": ["192.0.2.99"]}}
    site = example_site(hostvars=names, groups={**GROUPS, "pexip_conferencing_nodes": ["node1", *names]})
    text = report_as_html(build_report(site, Scope(), "t"))
    assert '<span class="host">node1</span>' in text
    assert f'<span class="host long">{next(iter(names))}</span>' in text
    assert "<wbr>" not in text
    assert "code, .host { white-space: nowrap; }" in text


def test_what_is_counted_is_what_is_shown() -> None:
    """Six hosts with neighbouring addresses are six hosts and six addresses, in a cell and in the list it leads to."""
    nodes = {f"node{n}": {"port_matrix_addresses": [f"203.0.113.{n}"]} for n in range(11, 18)}
    site = example_site(hostvars=nodes, groups={**GROUPS, "pexip_conferencing_nodes": sorted(nodes)})
    report = build_report(site, Scope(), "t")
    text = report_as_html(report)
    (one,) = [one for one in report.lists if one.title == "Conferencing Node"]
    assert f'<a class="party-name" href="#{one.id}">Conferencing Node</a> <span class="counted">7 hosts</span>' in text
    assert "<summary>Conferencing Node <span>7 hosts</span></summary>" in text
    assert "203.0.113.12/30" not in text
    listed = text.partition(f'<details id="{one.id}"')[2].partition("</details>")[0]
    assert listed.count("<li>") == 7


def test_no_two_lists_have_one_heading() -> None:
    report = example_report()
    headings = [one.title + one.qualifier for one in report.lists]
    assert len(set(headings)) == len(headings)
    assert {"Conferencing Node, IPv4", "Conferencing Node, IPv4 and IPv6"} <= set(headings)


def test_an_address_that_is_translated_is_in_the_nat_table_with_who_sees_which() -> None:
    page = _page(build_report(example_site(), Scope(), "t", gateways=["fw", "other"]))
    assert ["edge1", "10.0.0.31", "203.0.113.31", "fw, itself", "other, everybody else"] in page.cells
    assert not any(section["id"] == "nat" for section in _page(example_report("host:wac1")).of("section"))


CHANGE = ChangeRequest(ticket="CHG4711", test_plan="1. verify\n2. call")


def test_a_change_request_is_the_first_section_with_a_block_to_sign() -> None:
    page = _page(build_report(example_site(), Scope(), "t", change_request=CHANGE))
    assert page.of("section")[0]["id"] == "change"
    assert page.text["dt"].startswith("rows of the port matrix")
    assert "TicketTest plan" in page.text["dt"]
    assert "1. verify\n2. call" in page.text["dd"]
    assert ["Approved", "", "", ""] in page.cells
    assert not any(table["id"] == "signatures" for table in _page(example_report()).of("table"))


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_no_title_can_end_the_string_in_the_margin_of_the_paper(text: str) -> None:
    margins = paper_margins(build_report(example_site(), Scope(), text))
    (title,) = re.findall(r'@top-left { content: "(.*?)"; }', margins)
    assert not set(title) - set(string.ascii_letters + string.digits + "\\ ")
    written = re.sub(r"\\([0-9a-f]+) ", lambda one: chr(int(one[1], 16)), title)
    assert written == (text if text.isprintable() else ascii(text)[1:-1])


@pytest.mark.parametrize(("text", "name"), HOSTILE)
def test_hostile_texts_stay_text(text: str, name: str) -> None:
    plain = _page(build_report(hostile_site("x", "n"), Scope(), "t"))
    verification = read_verification({"version": 1, "probes": [{**PROBE, "source_host": name, "detail": text}]}, "v")
    report = dataclasses.replace(build_report(hostile_site(text, name), Scope(), text), verification=verification)
    page = _page(report)
    assert {tag for tag, attributes in page.elements} <= {tag for tag, attributes in plain.elements}
    assert len(page.of("script")) == 1
    assert page.text["h1"] == text
    assert any(text in cell for cells in page.cells for cell in cells)
    assert name.isprintable() == any(name in cell for cells in page.cells for cell in cells)
    assert all(a["href"].startswith(("#", "https://", "http://")) for a in page.of("a"))
    assert page.text["script"] == plain.text["script"]


def _full_report() -> Report:
    """A report that has something for everything that a page can show: both kinds of each alternative."""
    many = {f"turn{number}": {"port_matrix_addresses": [f"10.1.{number}.1"]} for number in range(2, 16)}
    rows = [{**NTP, "reference": "a page"}]
    groups = {**GROUPS, "turn_servers": ["turn1", *many], "pexip_conferencing_nodes": ["node1"]}
    site = example_site(rows, hostvars=many, groups=groups, endpoints=NTP_SERVER)
    scope = read_scope("host:node1", "scope", site)
    now, before = build_report(site, scope, "t", gateways=["fw"], change_request=CHANGE), example_report("host:node1")
    nobody = {**PROBE, "source_host": "", "source": "", "certificate": {"names": ["x"]}}
    probes = [{**PROBE, "verdict": "refused"}, *[PROBE] * 40, nobody, {**nobody, "source_port": 1}]
    verification = read_verification({"version": 1, "generated": "now", "probes": probes}, "v")
    return dataclasses.replace(_changed(now, before), notes=("note",), verification=verification)


def _hostile(data: t.Any, text: str) -> t.Any:
    """Replace every text in the data of a page that is not empty, whether the core would let *text* through or not."""
    if isinstance(data, str):
        return data and text
    if isinstance(data, (list, tuple)):
        return [_hostile(item, text) for item in data]
    if not dataclasses.is_dataclass(data):
        return data
    fields = [field.name for field in dataclasses.fields(data) if field.name not in ("style", "paper", "script")]
    return dataclasses.replace(data, **{name: _hostile(getattr(data, name), text) for name in fields})


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_no_text_of_a_page_can_become_markup(text: str) -> None:
    data = page_of(_full_report())
    plain, page = (Page(rendered("report.html.j2", page=shown)) for shown in (data, _hostile(data, text)))
    assert [(tag, list(names)) for tag, names in page.elements] == [(tag, list(names)) for tag, names in plain.elements]
    assert [page.text[tag] for tag in ("style", "script")] == [plain.text[tag] for tag in ("style", "script")]


def _without(data: t.Any, kind: type, name: str) -> t.Any:
    """The data of a page, where what is of the class *kind* lacks the field *name*."""
    if isinstance(data, (list, tuple)):
        return [_without(item, kind, name) for item in data]
    if not dataclasses.is_dataclass(data):
        return data
    fields = [field.name for field in dataclasses.fields(data) if not (isinstance(data, kind) and field.name == name)]
    return types.SimpleNamespace(**{field: _without(getattr(data, field), kind, name) for field in fields})


def _fields(data: t.Any) -> set[tuple[type, str]]:
    """The classes and fields of all that *data* consists of."""
    if isinstance(data, (list, tuple)):
        return {found for item in data for found in _fields(item)}
    if not dataclasses.is_dataclass(data):
        return set()
    own = [field.name for field in dataclasses.fields(data)]
    return {(type(data), name) for name in own}.union(*(_fields(getattr(data, name)) for name in own))


@pytest.mark.large
def test_a_page_uses_all_of_its_data_and_is_not_made_without() -> None:
    full, empty = page_of(_full_report()), page_of(example_report("pair:client:turn_server"))
    fields = _fields(full)
    assert len(fields) > 50
    for kind, name in fields:
        data = empty if name == "nothing" else full
        with pytest.raises(UndefinedError, match=f"has no attribute '{name}'"):
            rendered("report.html.j2", page=_without(data, kind, name))
    with pytest.raises(UndefinedError, match="'page' is undefined"):
        rendered("report.html.j2")


def test_a_reference_that_is_no_address_of_a_page_is_no_link() -> None:
    page = _page(build_report(hostile_site("javascript:alert(1)", "n"), Scope(), "t"))
    assert not any("javascript" in a["href"] for a in page.of("a"))
    page = _page(build_report(hostile_site('http://x/?a=1&b="2"', "n"), Scope(), "t"))
    assert 'http://x/?a=1&b="2"' in {a["href"] for a in page.of("a")}


def _changed(now: Report, before: Report) -> Report:
    changes = compare(before.rules, now.rules, "abc", now_hosts(before))
    return dataclasses.replace(now, changes=changes)


def test_changes_are_shown_with_what_is_new_or_gone() -> None:
    site = example_site(groups={**GROUPS, "pexip_conferencing_nodes": ["node1"]})
    now, before = build_report(site, Scope(), "t"), example_report()
    page = _page(_changed(now, before))
    lines = ["|".join(cells) for cells in page.cells]
    assert "narrowed|wac_contentR2BY4M7-tcp-4|TCP IPv4|node2 192.0.2.13|55000-65535|wac1 198.51.100.51|443" in lines
    assert (
        "narrowed|media_edge_to_nodesRQZJE2D|TCP and UDP IPv4|edge1 203.0.113.31|50000-59999|node2 192.0.2.13|"
        "40000-49999" in lines
    )
    assert "Changes since revision abc: 16 narrowed." in page.text["p"]
    assert "node2 (192.0.2.13) removed: Conferencing Node." in page.text["li"]
    assert "The 12 exact flows, which are 16 rules of one protocol each" in page.text["summary"]
    nothing = _page(dataclasses.replace(now, changes=compare(now.rules, now.rules, "abc")))
    assert "No flow changed since revision abc." in nothing.text["p"]
    assert not any(table["id"] == "changes-table" for table in nothing.of("table"))
    assert not any(section["id"] == "changes" for section in _page(now).of("section"))


def test_an_address_that_nobody_is_named_for_is_shown_all_the_same() -> None:
    site = example_site(groups={**GROUPS, "pexip_conferencing_nodes": ["node1"]})
    now, before = build_report(site, Scope(), "t"), example_report()
    page = _page(dataclasses.replace(now, changes=compare(before.rules, now.rules, "abc")))
    assert "narrowed|wac_contentR2BY4M7-tcp-4|TCP IPv4|192.0.2.13|55000-65535|198.51.100.51|443" in map(
        "|".join, page.cells
    )


def test_of_many_changed_hosts_some_are_shown_and_the_rest_is_counted() -> None:
    many = {f"turn{number + 100}": {"port_matrix_addresses": [f"10.1.{number}.1"]} for number in range(70)}
    site = example_site(hostvars=many, groups={**GROUPS, "turn_servers": sorted(many)})
    page = _page(_changed(build_report(site, Scope(), "t"), example_report()))
    lines = list(map("|".join, page.cells))
    (number,) = [number for number, line in enumerate(lines) if line.startswith("widened|media_nodes_to_turn")]
    assert lines[number].endswith("|40000-49999|70, listed below|3478")
    assert lines[number + 1].startswith("To: turn100 10.1.0.1turn101 10.1.1.1turn102")
    assert lines[number + 1].endswith("turn159 10.1.59.1and 10 more")


def test_a_verification_is_shown_what_failed_first() -> None:
    certificate = {"names": ["node1.example.net"], "expires": "2027-01-01"}
    probes = [{**PROBE, "verdict": verdict} for verdict in ("open", "not_probeable", "filtered", "refused", "error")]
    probes.append({**PROBE, "probe": "tls", "certificate": certificate, "source_port": 55000})
    verification = read_verification({"version": 1, "generated": "2026-01-01T00:00:00Z", "probes": probes}, "v")
    page = _page(dataclasses.replace(example_report(), verification=verification))
    lines = ["|".join(cells) for cells in page.cells if "connected" in "".join(cells)]
    assert [line.partition("|")[0] for line in lines] == [
        "refused", "filtered (no answer)", "error", "not probeable when idle", "open", "open",
    ]  # fmt: skip
    assert lines[-1] == (
        "open|sip_signaling|fe1 198.51.100.21 port 55000|node1 192.0.2.11 port 5061|TCP, tls|"
        "connected; node1.example.net; expires 2027-01-01"
    )
    assert "6 probes: 1 refused, 1 filtered (no answer), 1 error, 1 not probeable when idle, 2 open." in page.text["p"]


def test_many_probes_that_did_not_fail_are_folded() -> None:
    probes = [{**PROBE, "source_host": "", "source": "", "source_port": port} for port in range(41)]

    def page(number: int) -> Page:
        verification = read_verification(
            {"version": 1, "probes": [*probes[:number], {**PROBE, "source_port": None}]}, "v"
        )
        return _page(dataclasses.replace(example_report("host:wac1"), verification=verification))

    assert "40 probes that did not fail" not in page(39).text["summary"]
    assert "41 probes that did not fail" in page(40).text["summary"]
    assert any("open|sip_signaling|port 7|node1" in "|".join(cells) for cells in page(40).cells)
    nobody = {**PROBE, "source_host": "", "source": ""}
    verification = read_verification({"version": 1, "probes": [{**nobody, "detail": None}]}, "v")
    cells = _page(dataclasses.replace(example_report(), verification=verification)).cells
    assert any("open|sip_signaling|–|node1" in "|".join(line) for line in cells)
    none = read_verification({"version": 1, "probes": []}, "v")
    assert "0 probes: none." in _page(dataclasses.replace(example_report(), verification=none)).text["p"]


def test_a_page_without_flows_says_so() -> None:
    page = _page(example_report("pair:client:turn_server"))
    assert "The port matrix opens nothing here." in page.text["p"]
    assert [section["id"] for section in page.of("section")] == ["flows", "notes"]
    assert page.of("form") == []


def test_literal_networks_are_no_hosts() -> None:
    many = [f"10.{number}.0.0/24" for number in range(9)]
    text = report_as_html(build_report(example_site([NTP], endpoints={"ntp_server": {"networks": many}}), Scope(), "t"))
    assert 'NTP server</a> <span class="counted">9 networks</span>' in text


def test_notes_are_shown() -> None:
    site = example_site(hostvars={"fe1": {"port_matrix_addresses": ["198.51.100.21/24"]}})
    assert "is an interface address" in _page(build_report(site, Scope(), "t")).text["li"]


def _large_site(addresses: int) -> Site:
    """A site with that many hosts in each group, each with an address, and Edges with three."""
    hosts: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {}
    for place, group in enumerate(TABLE_GROUPS):
        groups[group] = [f"{group}-{number:05}" for number in range(addresses)]
        for number, host in enumerate(groups[group]):
            address = f"10.{10 * place + number // 250}.{number % 250}.1"
            edge = {"port_matrix_interfaces": {
                "internal": [address], "av_edge": [{"address": f"11{address[2:]}", "advertised": f"12{address[2:]}"}],
            }}  # fmt: skip
            hosts[host] = edge if group == "sfb_edges" else {"port_matrix_addresses": [address]}
    return build_site(hosts, groups, select_rows(strict_clients=True))


def _unpacked(packed: str) -> list[list[str]]:
    columns = []
    for column in packed.split("\n\n"):
        lines = [""]
        for line in column.split("\n"):
            lines.append(lines[-1][: int(line[0], 36)] + line[1:])
        columns.append(lines[1:])
    return columns


@pytest.mark.large
def test_ten_thousand_addresses_in_each_endpoint_are_a_page_that_a_browser_opens() -> None:
    report = build_report(_large_site(10_000), Scope(), "t", gateways=["fw"])
    text = report_as_html(report)
    assert len(text) < 2_000_000
    assert len(re.findall(r"<[a-z]", text)) < 3_000
    assert "10,000 addresses are translated. The lists of hosts have both addresses of each." in text


def test_a_long_list_is_packed_without_loss() -> None:
    report = build_report(_large_site(401), Scope(), "t")
    page = Page(report_as_html(report))
    lists = [one for one in report.lists if len(one.entries) > 400]
    packed = [_unpacked(shown.packed) for shown in map(shown_list, lists)]
    assert packed == [
        [
            [entry.host for entry in one.entries],
            [" ".join(entry.cidrs) for entry in one.entries],
            [" ".join(f"{side} {other}" for _cidr, side, other in entry.others) for entry in one.entries],
        ]
        for one in lists
    ]
    assert len(page.of("pre")) == len(lists)
    # Neither open nor on paper: such attributes would follow.
    (clients,) = [one for one in lists if one.title == "SfB client"]
    assert f'<details id="{clients.id}"><summary>' in report_as_html(report)
