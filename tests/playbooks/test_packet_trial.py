# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role linux_firewall fails where traffic of the matrix does not come through, in a network namespace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_bad_input import inventory

TASKS = Path(__file__).parents[2] / "roles/linux_firewall/tasks"
PLAY = """
- hosts: fw
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: uc_firewall.pexip_sfb.port_matrix}
    - ansible.builtin.include_role: {name: uc_firewall.pexip_sfb.linux_firewall, tasks_from: packet_trial.yml}
      vars:
        __linux_firewall_backend: "{{ backend | default('nftables') }}"
        __linux_firewall_ruleset: "{{ __linux_firewall_rendered_ruleset }}"
        __linux_firewall_table: {changed: "{{ pending | default(false) }}"}
"""
LINKS = """
set -e
for number in 1 2 3; do
  ip -n {0} link add eth$number type veth peer name end$number
  ip -n {0} link set eth$number up
  ip -n {0} link set end$number up
done
ip -n {0} address add 192.0.2.1/24 dev eth1
ip -n {0} address add 198.51.100.2/24 dev eth2
ip -n {0} address add 203.0.113.254/24 dev eth3
"""
CHAIN = "table {} {{ chain {} {{ type filter hook forward priority 0; policy {}; {} }}\n}}"
DROPS = CHAIN.format("inet filter", "forward_chain", "drop", "ct state established accept; tcp dport 5061 accept;")
DOCKER = CHAIN.format("ip filter", "FORWARD", "drop", "")
MAY_DROP = CHAIN.format("inet filter", "forward_chain", "accept", "udp dport 3478 limit rate 10/second drop;")
JOIN = {"table": "filter", "chains": {"forward": "forward_chain"}, "service": "nftables.service"}

Play = Callable[..., tuple[int, str]]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Run the tasks on a host that has these tables; return the end of the play and what it showed."""
    name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"no network namespace ({made.stderr.strip()}); run as root, with the package iproute2")
    subprocess.run(["sh", "-c", LINKS.format(name)], check=True)
    inside = ["ip", "netns", "exec", name]

    def run(tables: str, *options: str, **variables: Any) -> tuple[int, str]:
        subprocess.run([*inside, "nft", "-f", "-"], input=f"flush ruleset\n{tables}", text=True, check=True)
        content = inventory()
        python = "{{ ansible_playbook_python }}"
        content["all"]["vars"] = {"ansible_connection": "local", "ansible_python_interpreter": python, **variables}
        (tmp_path / "inventory.json").write_text(json.dumps(content), encoding="utf-8")
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "COLUMNS": "9999",
        }
        command = [*inside, "ansible-playbook", "-i", "inventory.json", "play.yml", *options]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
        print(done.stdout, done.stderr)
        return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)

    yield run
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_a_chain_that_drops_is_named_with_what_to_do(play: Play) -> None:
    ended, shown = play(DROPS, "--check")
    assert ended != 0
    for text in (
        "Nothing was changed on fw. What the port matrix permits would not come through there.",
        "table inet filter, chain forward_chain, policy drop: rows media_to_nodes, conference_avatar, ",
        "; for example udp 198.51.100.21:1024 to 192.0.2.11:40000",
        'linux_firewall_join: {"table": "filter", "chains": {"forward": "forward_chain"}}',
        "linux_firewall_fail_on_foreign_drop: false makes this a warning.",
    ):
        assert text in shown
    assert "rows sip_signaling" not in shown


def test_a_chain_that_cannot_be_joined_is_not_offered(play: Play) -> None:
    ended, shown = play(DOCKER)
    assert ended != 0
    assert "table ip filter, chain FORWARD, policy drop: rows sip_signaling, " in shown
    assert "linux_firewall_join" not in shown


@pytest.mark.parametrize(
    "variables",
    [
        {"linux_firewall_fail_on_foreign_drop": False},
        {"linux_firewall_fail_on_foreign_drop": "false"},  # as --extra-vars has it
        {"linux_firewall_enforce": False},
    ],
)
def test_a_drop_is_a_warning_where_that_is_wanted(play: Play, variables: dict[str, Any]) -> None:
    ended, shown = play(DROPS, **variables)
    assert ended == 0
    assert "[WARNING]: table inet filter, chain forward_chain, policy drop: drops traffic that the port" in shown


def test_what_only_may_drop_is_a_warning(play: Play) -> None:
    ended, shown = play(MAY_DROP)
    assert ended == 0
    assert "may drop traffic that the port matrix permits (rows media_nodes_to_turn)" in shown


@pytest.mark.parametrize(("tables", "variables"), [("", {}), (DROPS, {"linux_firewall_join": JOIN})])
def test_nothing_is_said_where_nothing_is_dropped(play: Play, tables: str, variables: dict[str, Any]) -> None:
    ended, shown = play(tables, **variables)
    assert ended == 0
    assert "drop traffic" not in shown
    assert "drops traffic" not in shown


NOTRACK = """table ip raw {
  chain pre {
    type filter hook prerouting priority raw;
    udp dport 1024-65535 notrack
    udp sport 3478 notrack
  }
}"""


def test_media_exempt_from_tracking_are_named_with_what_to_do(play: Play) -> None:
    ended, shown = play(NOTRACK, "--check")
    assert ended != 0
    assert "for example the answer to udp " in shown
    assert (
        "exempted from tracking (notrack) in table ip raw, chain pre. Take the traffic of the matrix out of that"
        in shown
    )


FIREWALLD = CHAIN.format("inet firewalld", "filter_FORWARD", "accept", "udp dport 3478 drop;")


@pytest.mark.parametrize(
    ("tables", "options", "pending", "fails"),
    [
        (FIREWALLD, [], False, True),
        (DOCKER, [], False, True),
        (DOCKER, ["--check"], True, True),
        (FIREWALLD, ["--check"], True, False),
        (FIREWALLD, ["--check"], False, True),
    ],
)
def test_with_firewalld_what_is_there_is_judged(
    play: Play, tables: str, options: list[str], pending: bool, fails: bool
) -> None:
    """In check mode with a change pending, what firewalld itself will drop cannot be told, and what others drop can."""
    ended, shown = play(tables, *options, backend="firewalld", pending=pending)
    assert (ended != 0) == fails
    assert ("does not come through on fw, although firewalld has its objects" in shown) == fails
    assert ("may drop traffic that the port matrix permits (rows media_nodes_to_turn" in shown) == (not fails)


def test_it_comes_before_anything_is_applied_and_with_firewalld_afterwards() -> None:
    tasks = yaml.safe_load((TASKS / "present.yml").read_text(encoding="utf-8"))
    included = [task.get("ansible.builtin.include_tasks") for task in tasks]
    files = [one["file"] if isinstance(one, dict) else one for one in included]
    applied = files.index("{{ __linux_firewall_backend }}.yml")
    trials = [place for place, name in enumerate(files) if name == "packet_trial.yml"]
    assert len(trials) == 2
    assert trials[0] < applied < trials[1]
    assert [tasks[place]["when"].split()[-1] for place in trials] == ["'nftables'", "'firewalld'"]
