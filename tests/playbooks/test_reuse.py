# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that was validated is taken again by other plays, and only by those that it was validated for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import run_playbook, ten_line_inventory

ROLE = "uc_firewall.pexip_sfb.port_matrix"
TOUCHED = "a host was touched"


def inventory(**groups: list[str]) -> dict[str, Any]:
    """The inventory of the README with more managed hosts, none of which can be connected to."""
    content: dict[str, Any] = yaml.safe_load(ten_line_inventory())
    children = content["all"]["children"]
    children["port_matrix_linux"] = {"hosts": {"fw": {}, "fw2": {"ansible_host": "198.51.100.3"}, "turn1": {}}}
    children["port_matrix_gateways"]["hosts"]["fw2"] = {}
    children["port_matrix_windows"] = {"hosts": {"fe1": {}}}
    children.update({name: {"hosts": {host: {} for host in hosts}} for name, hosts in groups.items()})
    return content


def play(hosts: str, *tasks: dict[str, Any], reuse: bool = False, **keywords: Any) -> dict[str, Any]:
    """A play that only has the role, and tells who has a site then."""
    said = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} has {{ port_matrix_site.rows | length }} rows"}}
    role = {"role": ROLE, "vars": {"port_matrix_reuse_site": reuse}}
    return {"hosts": hosts, "gather_facts": False, "pre_tasks": tasks, "roles": [role], "tasks": [said], **keywords}


def run(
    directory: Path, plays: list[dict[str, Any]], content: dict[str, Any], *arguments: str, **variables: Any
) -> str:
    """Run *plays*."""
    (directory / "site.yml").write_text(json.dumps(plays), encoding="utf-8")
    return run_playbook(
        directory, json.dumps(content), "site.yml", *arguments, ansible_connection="untouchable", **variables
    )


PATTERNS = {
    "one excludes a host of the other": ("port_matrix_linux", "port_matrix_windows:!old"),
    "one is an intersection": ("port_matrix_linux", "port_matrix_windows:&site_a"),
    "the other is one": ("port_matrix_linux:&old", "port_matrix_windows"),
}


@pytest.mark.parametrize("playbook", ["site", "verify"])
@pytest.mark.parametrize("case", PATTERNS)
def test_patterns_do_not_bear_on_each_other(case: str, playbook: str, tmp_path: Path) -> None:
    """A host that is in a later play is in the first one, too: what it has wrong is found there."""
    linux, windows = PATTERNS[case]
    wrong = "fe1" if linux.endswith("old") else "fw2"
    content = inventory(old=["fw2"], site_a=["fe1"])
    content["all"]["children"]["port_matrix_linux"]["hosts"].setdefault(wrong, {})
    content["all"]["children"]["strict"] = {"hosts": {wrong: {"port_matrix_strict_clients": True}}}
    output = run_playbook(
        tmp_path, json.dumps(content), f"uc_firewall.pexip_sfb.{playbook}", ansible_connection="untouchable",
        port_matrix_linux_hosts=linux, port_matrix_windows_hosts=windows,
    )  # fmt: skip
    assert "port_matrix_strict_clients: differs between the hosts" in output
    assert f"'{wrong}'" in output
    assert TOUCHED not in output


def validations(output: str) -> int:
    """Return how often the site was validated, and not taken as it was."""
    return len(re.findall(r"Validate the site, once for all hosts of the play\] \*+\nok: ", output))


def test_a_site_is_given_to_hosts_that_no_earlier_play_had(tmp_path: Path) -> None:
    """The first host has one, and is not all of them."""
    output = run(tmp_path, [play("fw"), play("fw:fw2:turn1", reuse=True), play("turn1:fw", reuse=True)], inventory())
    assert validations(output) == 2
    assert [output.count(f"{host} has ") for host in ("fw", "fw2", "turn1")] == [3, 1, 2]
    assert "failed=0" in output


CHANGES = {
    "nothing": ([], {}, 1),
    "a group": ([{"ansible.builtin.add_host": {"name": "fw9", "groups": ["mine"]}}], {}, 2),
    "a variable of the play": ([], {"vars": {"port_matrix_ports": {"sip": 5062}}}, 2),
    "a fact": ([{"ansible.builtin.set_fact": {"port_matrix_disabled_rows": ["conference_avatar"]}}], {}, 2),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_site_is_not_taken_again_where_what_it_was_made_of_changed(case: str, tmp_path: Path) -> None:
    tasks, keywords, validated = CHANGES[case]
    output = run(tmp_path, [play("fw:turn1"), play("fw:turn1", *tasks, reuse=True, **keywords)], inventory())
    assert validations(output) == validated
    assert "failed=0" in output


@pytest.mark.parametrize(("given", "validated"), [("false", 2), ("true", 1)])
def test_reuse_can_be_given_on_the_command_line(given: str, validated: int, tmp_path: Path) -> None:
    output = run(tmp_path, [play("fw"), play("fw")], inventory(), "-e", f"port_matrix_reuse_site={given}")
    assert validations(output) == validated


def test_what_is_surprising_is_said_whenever_the_site_was_validated(tmp_path: Path) -> None:
    """Also where a play was told to take an earlier site, and there was none for its hosts."""
    content = inventory()
    content["all"]["children"]["turn_servers"]["hosts"]["turn1"] = {"port_matrix_addresses": ["198.51.100.41/24"]}
    plays = [play("fw", reuse=True), play("fw", reuse=True), play("turn1", reuse=True)]
    output = run(tmp_path, plays, content)
    assert output.count("198.51.100.41/24") == 2
