# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page of tasks says about row groups, and what people are told before everything else is dropped."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from pages import examples, run_playbook, ten_line_inventory

GROUPS = yaml.safe_load(examples("docs/tasks.md", "example")["row groups"])["all"]


def inventory() -> str:
    """The inventory of the README with what the page of tasks adds to it."""
    content = yaml.safe_load(ten_line_inventory())
    content["all"]["vars"] = GROUPS["vars"]
    content["all"]["children"].update(GROUPS["children"])
    return yaml.safe_dump(content)


def test_the_row_groups_of_the_page(tmp_path: Path) -> None:
    output = run_playbook(tmp_path, inventory(), "uc_firewall.pexip_sfb.report", port_matrix_report_formats=["json"])
    assert "failed=0" in output
    assert "endpoint ldap_server has no addresses (its groups: 'ldap_servers'), so row management_ldap is" in output
    report = json.loads((tmp_path / "port-matrix-report/port-matrix.json").read_text(encoding="utf-8"))
    groups = {row["id"]: row["group"] for row in report["rows"]}
    assert {group: list(groups.values()).count(group) for group in groups.values()} == {
        "integration": 10, "platform": 6, "video_endpoints": 8,
    }  # fmt: skip
    assert groups["node_esp"] == "platform"


def test_a_row_group_that_is_none_stops_the_play_before_a_host_is_touched(tmp_path: Path) -> None:
    output = run_playbook(
        tmp_path, ten_line_inventory(), "uc_firewall.pexip_sfb.site", ansible_connection="untouchable",
        port_matrix_row_groups=["integration", "plattform"],
    )  # fmt: skip
    assert "port_matrix_row_groups: row group 'plattform' is not known, the nearest is platform" in output
    assert "a host was touched" not in output


def test_the_question_says_that_a_row_group_is_off(tmp_path: Path) -> None:
    question = {"query_source": "manager", "query_destination": "node1", "query_protocol": "esp"}
    output = run_playbook(tmp_path, inventory(), "uc_firewall.pexip_sfb.query", **question)
    assert "by row node_esp: ESP from 192.0.2.10 to 192.0.2.11" in output
    question["port_matrix_row_groups"] = "integration"
    output = run_playbook(tmp_path, inventory(), "uc_firewall.pexip_sfb.query", **question)
    assert "row node_esp would permit it, but its row group platform is off (port_matrix_row_groups)" in output
