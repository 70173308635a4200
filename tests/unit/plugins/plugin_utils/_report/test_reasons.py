# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    NUMBERED_GROUPS,
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.reasons import origin, reason
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
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
