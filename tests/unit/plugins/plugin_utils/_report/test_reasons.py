# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    NUMBERED_GROUPS,
    ROW_GROUPS,
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import report_as_html
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.markdown import report_as_markdown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.reasons import (
    GROUP_TITLES,
    REASONS,
    origin,
    reason,
    sections,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from example_site import GROUPS, HOSTVARS, NTP, NTP_SERVER, example_report, example_site


def test_each_row_of_the_table_has_a_reason_of_its_own_and_an_origin() -> None:
    flows = {flow.row: flow for flow in example_report().flows}
    assert set(flows) == {row["id"] for row in load_port_matrix().rows if row["group"] in NUMBERED_GROUPS}
    assert all(reason(flow) for flow in flows.values())
    assert "behind strict firewalls" in origin(flows["strict_edge_media"])
    assert "Skype for Business integrations" in origin(flows["sip_signaling"])


def test_the_disputed_range_is_explained() -> None:
    flows = {flow.row: flow for flow in example_report().flows}
    assert "Microsoft describes this range as the Edge's source range" in reason(flows["media_nodes_to_edge"])


def test_an_own_row_has_no_reason_but_its_purpose() -> None:
    report = build_report(example_site([NTP], endpoints=NTP_SERVER), Scope(), "t")
    (ntp,) = [flow for flow in report.flows if flow.row == "ntp"]
    assert reason(ntp) == ""
    assert origin(ntp).startswith("A row of this site")


def test_another_row_under_an_id_of_the_table_does_not_get_its_reason() -> None:
    rows = [{**row, "destination": ["client"]} for row in select_rows() if row["id"] == "wac_content"]
    (flow,) = build_report(build_site(HOSTVARS, GROUPS, rows), Scope(), "t").flows
    assert reason(flow) == ""


def test_a_row_has_its_reason_in_the_report_on_a_pair_of_its_endpoints_too() -> None:
    flows = example_report("pair:client:conferencing_node").flows
    assert {flow.row for flow in flows} == {"media_to_nodes", "conference_avatar", "media_from_nodes"}
    assert all(reason(flow) for flow in flows)


PEXIP = {"manager": {"port_matrix_addresses": ["192.0.2.10"]}, "admin": {"port_matrix_addresses": ["192.0.2.99"]}}


def _everything() -> Report:
    groups = {**GROUPS, "pexip_management_nodes": ["manager"], "pexip_administrators": ["admin"]}
    for group in (
        "dns_servers",
        "ntp_servers",
        "syslog_servers",
        "snmp_managers",
        "ldap_servers",
        "sfb_federated_edges",
    ):
        groups[group] = ["admin"]
    groups["pexip_video_endpoints"] = ["lan"]
    rows = select_rows([NTP], row_groups=[*ROW_GROUPS, "sip_udp"], psom_split=True)
    interfaces = HOSTVARS["edge1"]["port_matrix_interfaces"]
    edge = {"port_matrix_interfaces": {**interfaces, "access_edge": "av_edge", "web_conferencing": "av_edge"}}
    return build_report(
        build_site({**HOSTVARS, **PEXIP, "edge1": edge}, groups, rows, endpoints=NTP_SERVER), Scope(), "t"
    )


def test_each_row_of_every_group_has_a_reason_and_an_origin() -> None:
    flows = {flow.row: flow for flow in _everything().flows}
    assert set(flows) == {row["id"] for row in load_port_matrix().variants()} | {"ntp"}
    assert [row for row, flow in flows.items() if not reason(flow)] == ["ntp"]
    assert all(origin(flow) for flow in flows.values())
    assert set(REASONS) == set(flows) - {"ntp"}


def test_the_numbers_of_the_table_are_the_vendors_and_the_others_follow() -> None:
    numbers = {flow.row: flow.number for flow in _everything().flows}
    assert (numbers["sip_signaling"], numbers["psom_content"], numbers["strict_edge_media"]) == (1, 8, 12)
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


def test_a_group_is_a_section_where_there_is_one_of_the_platform() -> None:
    report = _everything()
    found = sections(report.flows)
    assert [title for title, _flows in found] == list(GROUP_TITLES.values())
    assert all({GROUP_TITLES[flow.group] for flow in flows} == {title} for title, flows in found)
    default = example_report()
    assert sections(default.flows) == [("", list(default.flows))]
    markdown, page = report_as_markdown(report), report_as_html(report)
    for title in GROUP_TITLES.values():
        assert markdown.count(f"\n### {title}\n") == 1
        assert page.count(f'scope="rowgroup" role="rowheader">{title}</th></tr>') == 1
    assert "### Skype" not in report_as_markdown(default)


def test_a_flow_without_ports_shows_none() -> None:
    report = _everything()
    (line,) = [
        line for line in report_as_markdown(report).splitlines() if line.startswith("| ") and "`node_esp`" in line
    ]
    assert line.count("| none |") == 2
    assert "| ESP |" in line
    page = report_as_html(report)
    assert re.search(r'id="row-node_esp".*?</tbody>', page, re.DOTALL)
    assert page.partition('id="row-node_esp"')[2].partition("</tbody>")[0].count('data-ports="none"') == 1
    assert ">ESP</text>" in page
