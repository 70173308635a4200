# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that is compared with has the same permissions, and a task for each."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from benchmark.rule_tasks import INVENTORY, write_rule_tasks


def test_each_permission_has_a_task_with_a_name_of_its_own(tmp_path: Path) -> None:
    (playbook,) = yaml.safe_load(write_rule_tasks(tmp_path / "playbook.yml").read_text(encoding="utf-8"))
    table, *tasks = playbook["tasks"]
    assert "nft" in table["ansible.builtin.command"]["argv"]
    assert len({task["name"] for task in tasks}) == len(tasks) == 200
    assert not any("loop" in task for task in playbook["tasks"])
    rules = [re.findall(r"ip saddr .* accept", task["ansible.builtin.shell"]["cmd"])[0] for task in tasks]
    assert len(set(rules)) == 200


def test_the_nodes_are_those_of_the_endpoint(tmp_path: Path) -> None:
    variables = yaml.safe_load((INVENTORY / "site.yml").read_text(encoding="utf-8"))["all"]["vars"]
    assert len(set(variables["bench_nodes"])) == 40
    assert variables["port_matrix_endpoints"]["conferencing_node"]["networks"] == "{{ bench_nodes }}"
