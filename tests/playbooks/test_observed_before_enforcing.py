# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role linux_firewall stops before it drops what was seen while it only watched, in a network namespace."""

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
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset

from .test_bad_input import inventory

PLAY = """
- hosts: fw
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: uc_firewall.pexip_sfb.port_matrix}
    - ansible.builtin.include_role: {name: uc_firewall.pexip_sfb.linux_firewall, tasks_from: observed.yml}
    - ansible.builtin.debug: {msg: it goes on}
"""
# The Front End fe1 may reach port 5061 of node1, and nobody asks the node for DNS.
PERMITTED, REFUSED = "198.51.100.21 . 192.0.2.11 . tcp . 5061", "192.0.2.11 . 198.51.100.53 . udp . 53"
# The node may reach this one from its media ports.
DOUBTFUL = "192.0.2.11 . 198.51.100.41 . udp . 3478"
LINE = "UDP from 192.0.2.11 to 198.51.100.53 port 53 (forward), packets 7"

Play = Callable[..., tuple[int, str]]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Run the tasks on a host that remembers some flows; return the end of the play and what it showed."""
    name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"no network namespace ({made.stderr.strip()}); run as root, with the package iproute2")
    inside = ["ip", "netns", "exec", name]

    def run(policy: Policy, *flows: str, options: tuple[str, ...] = (), **variables: Any) -> tuple[int, str]:
        kind = "dropped" if policy.enforce else "observed"
        elements = "".join(
            f"add element inet pexip_sfb {kind}_ports_v4_forward {{ {flow} counter packets 7 bytes 420 }}\n"
            for flow in flows
        )
        ruleset = render_ruleset(policy) + elements
        subprocess.run([*inside, "nft", "-f", "-"], input=ruleset, text=True, check=True)
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


WATCHED = Policy(("forward",), (), enforce=False, memory=Memory(entries=100, days=30))
ENFORCED = Policy(("forward",), (), enforce=True, memory=Memory(entries=3, days=30))


def test_it_stops_with_the_list(play: Play) -> None:
    ended, shown = play(WATCHED, REFUSED, PERMITTED, DOUBTFUL)
    assert ended != 0
    assert "it goes on" not in shown
    for text in (
        f"Seen and not permitted, so it would be dropped on fw in the last 7 days: - {LINE}",
        "linux_firewall_accept_observed: true enforces all the same.",
        "is not remembered: - UDP from 192.0.2.11 to 198.51.100.41 port 3478",
        "linux_firewall_remember: true remembers it, too",
    ):
        assert text in shown
    assert "port 5061" not in shown


@pytest.mark.parametrize(
    ("options", "variables"),
    [(("--check",), {}), ((), {"linux_firewall_accept_observed": "true"})],  # a text, as -e makes it
)
def test_check_mode_shows_the_list_and_so_does_who_accepts_it(
    play: Play, options: tuple[str, ...], variables: dict[str, Any]
) -> None:
    ended, shown = play(WATCHED, REFUSED, options=options, **variables)
    assert ended == 0
    assert LINE in shown
    assert "it goes on" in shown


def test_nothing_is_said_of_what_is_permitted(play: Play) -> None:
    ended, shown = play(WATCHED, PERMITTED)
    assert ended == 0
    assert "would be dropped" not in shown
    assert "source ports only" not in shown


def test_after_the_switch_a_run_says_what_was_dropped_and_that_there_may_be_more(play: Play) -> None:
    ended, shown = play(ENFORCED, REFUSED, PERMITTED, DOUBTFUL)
    assert ended == 0
    assert "Dropped on fw in the last 7 days:" in shown
    assert LINE in shown
    assert "The memory is full (3 flows a set), and 0 packets found no place in it" in shown
    assert "accept_observed" not in shown
