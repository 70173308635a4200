# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks where no host is left for them, with ``--limit``, and with ``--tags``."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from warm_ansible import ansible_playbook

from .test_bad_input import HERE, MOST_LINES, inventory, without

TOUCHED = "a host was touched"


def run(directory: Path, content: dict[str, Any], playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection from *directory*, as a user does."""
    path = directory / "inventory.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "COLUMNS": "10000",
    }
    return ansible_playbook(["-i", path, f"uc_firewall.pexip_sfb.{playbook}", *options], env=environment, cwd=directory)


@pytest.mark.parametrize(
    ("playbook", "options", "group"),
    [
        ("site", (), "port_matrix_linux"),
        ("site", ("--limit", "node1"), "port_matrix_linux"),
        ("remove", (), "port_matrix_linux"),
        ("remove", ("--limit", "node1"), "port_matrix_windows"),
        ("verify", ("--limit", "node1"), "port_matrix_verify"),
        ("observed", (), "port_matrix_linux"),
        ("observed", ("--limit", "node1"), "port_matrix_linux"),
        ("site", ("-e", "port_matrix_linux_hosts=nobody"), "nobody"),
    ],
)
def test_a_playbook_without_a_host_fails_and_says_where_it_looked(
    playbook: str, options: tuple[str, ...], group: str, tmp_path: Path
) -> None:
    content = inventory() if options else without("port_matrix_linux")
    result = run(tmp_path, content, playbook, *options)
    output = result.stdout + result.stderr
    assert result.returncode == 2
    (message,) = re.findall(r'"(no host to .*)"', output)
    assert group in message
    assert options[0] != "--limit" or "within --limit node1" in message if options else "--limit" not in message
    assert len(output.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("playbook", ["site", "remove", "verify", "observed"])
def test_a_pattern_that_the_inventory_has_is_seen_by_no_play_and_that_is_no_success(
    playbook: str, tmp_path: Path
) -> None:
    content = without("port_matrix_linux")
    content["all"]["children"]["firewalls"] = {"hosts": {"fw": {}}}
    content["all"]["vars"].update(port_matrix_linux_hosts="firewalls")
    result = run(tmp_path, content, playbook)
    assert result.returncode == 2
    assert "no host to " in result.stdout
    assert TOUCHED not in result.stdout


@pytest.mark.parametrize("playbook", ["site", "remove", "observed"])
def test_a_limit_leaves_the_hosts_that_are_in_it(playbook: str, tmp_path: Path) -> None:
    result = run(tmp_path, inventory(), playbook, "--limit", "turn1:node1")
    assert TOUCHED in result.stdout
    assert "fw " not in result.stdout.partition("PLAY RECAP")[2]


# Of hosts that nobody connects to: a limit is for the hosts of other playbooks, or of a wrapper around all of them.
@pytest.mark.parametrize("limit", ["node1", "fw", "all:!fw"])
def test_the_report_and_the_question_work_with_any_limit(limit: str, tmp_path: Path) -> None:
    result = run(tmp_path, inventory(), "report", "--limit", limit)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "port-matrix-report/port-matrix.csv").exists()
    asked = run(
        tmp_path, inventory(), "query", "--limit", limit, "-e", "query_source=node1", "-e", "query_destination=turn1"
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert asked.stdout.count("Permitted: traffic from node1") == 1


def test_with_the_tag_validate_the_whole_site_is_checked_and_no_host_touched(tmp_path: Path) -> None:
    result = run(tmp_path, inventory(), "site", "--tags", "validate")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Check what a host is given in addition to the matrix" in result.stdout
    assert TOUCHED not in result.stdout
    content = inventory()
    content["all"]["vars"]["port_matrix_ports"] = {"sip": 0}
    assert "port 0 is out of range" in run(tmp_path, content, "site", "--tags", "validate").stdout


def test_bad_input_of_one_host_stops_all_with_any_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    content = inventory()
    content["all"]["children"]["port_matrix_linux"]["hosts"]["turn1"] = {
        "linux_firewall_confirm_timeout": 5, "linux_firewall_older_flows": 301, "linux_firewall_observed_days": 366,
    }  # fmt: skip
    output = run(tmp_path, content, "site").stdout
    assert TOUCHED not in output
    for problem in (
        "linux_firewall_confirm_timeout: 5; accepted: 0, or 10 to 3600 seconds.",
        "linux_firewall_older_flows: 301; accepted: 0 to 300 seconds.",
        "linux_firewall_observed_days: 366; accepted: 1 to 365 days.",
    ):
        assert problem in output


@pytest.mark.parametrize("tag", ["apply", "render", "verify"])
def test_with_another_tag_what_it_needs_comes_first(tag: str, tmp_path: Path) -> None:
    """The connection fails at the first task that needs one, and what that task needs is there."""
    output = run(tmp_path, inventory(), "site", "--tags", tag).stdout
    assert "ok: [fw]" in output.partition("Validate the site, once for all hosts")[2].partition("TASK")[0]
    assert TOUCHED in output.partition("Ask the host who connects to it")[2]
    content = inventory()
    content["all"]["vars"]["port_matrix_ports"] = {"sip": 0}
    assert "port 0 is out of range" in run(tmp_path, content, "site", "--tags", tag).stdout
