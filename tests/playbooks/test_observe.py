# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a firewall that drops nothing shows of its counters: the task of the role, with what the module returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import TOP, run_playbook, ten_line_inventory

COUNTED = {"chain": "forward_judged", "comment": "default_deny", "packets": 7, "bytes": 420}


def shown(directory: Path, counters: list[dict[str, Any]], enforce: object = False) -> str:
    tasks = yaml.safe_load((TOP / "roles/linux_firewall/tasks/nftables.yml").read_text(encoding="utf-8"))
    (task,) = [task for task in tasks if task["name"].startswith("Show what was let through")]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (directory / "observe.yml").write_text(json.dumps(play), encoding="utf-8")
    table = {"__linux_firewall_table": {"counters": counters}, "linux_firewall_enforce": enforce}
    return run_playbook(directory, ten_line_inventory(), "observe.yml", **table)


def test_the_first_run_has_counted_nothing_and_does_not_fail(tmp_path: Path) -> None:
    assert "failed=0" in shown(tmp_path, [])


@pytest.mark.parametrize("enforce", [False, "false"])  # a text, as -e linux_firewall_enforce=false makes it
def test_a_later_run_shows_the_counters(tmp_path: Path, enforce: object) -> None:
    assert "forward_judged default_deny: 7 packets, 420 bytes" in shown(tmp_path, [COUNTED], enforce)
