# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role linux_firewall stops before it drops what was seen while it only watched, in a network namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from fake_linux import fake_linux

from .test_bad_input import inventory

PLAY = """
- hosts: fw
  gather_facts: false
  roles: [uc_firewall.pexip_sfb.linux_firewall]
  post_tasks:
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
    """Run the role on a host that remembers some flows; return the end of the play and what it showed."""
    with fake_linux(tmp_path) as host:

        def run(policy: Policy, *flows: str, options: tuple[str, ...] = (), **variables: Any) -> tuple[int, str]:
            kind = "dropped" if policy.enforce else "observed"
            elements = "".join(
                f"add element inet pexip_sfb {kind}_ports_v4_forward {{ {flow} counter packets 7 bytes 420 }}\n"
                for flow in flows
            )
            host.nft(render_ruleset(policy) + elements)
            content = inventory()
            content["all"]["vars"] = host.variables(**variables)
            (tmp_path / "inventory.json").write_text(json.dumps(content), encoding="utf-8")
            (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
            done = host.play("-i", "inventory.json", "play.yml", *options)
            return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)

        yield run


WATCHED = Policy(("forward",), (), enforce=False, memory=Memory(entries=100, days=30))
ENFORCED = Policy(("forward",), (), enforce=True, memory=Memory(entries=3, days=30))


def test_it_stops_with_the_list(play: Play) -> None:
    ended, shown = play(WATCHED, REFUSED, PERMITTED, DOUBTFUL)
    assert ended != 0
    assert "it goes on" not in shown
    for text in (
        "Seen and not permitted, so it would be dropped on fw in the last 7 days: - ",
        f" - {LINE}",
        "linux_firewall_accept_observed: true enforces all the same.",
        " - UDP from 192.0.2.11 to 198.51.100.41 port 3478 (forward), packets 7",
        "linux_firewall_remember: true remembers what is dropped then",
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


def test_a_host_that_goes_on_watching_counts_them_in_its_answer(play: Play) -> None:
    ended, shown = play(WATCHED, REFUSED, PERMITTED, options=("--check",), linux_firewall_enforce="false")
    assert ended == 0
    assert "observing: 1 flow would have been dropped (see playbook observed)" in shown
