# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role linux_firewall fails where traffic of the matrix does not come through, in a network namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_linux import fake_linux

from .test_bad_input import inventory

PLAY = """
- hosts: fw
  gather_facts: false
  roles: [uc_firewall.pexip_sfb.linux_firewall]
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
    """Run the role on a host that has these tables; return the end of the play and what it showed."""
    with fake_linux(tmp_path, LINKS) as host:

        def run(tables: str, *options: str, **variables: Any) -> tuple[int, str]:
            host.nft(f"flush ruleset\n{tables}")
            content = inventory()
            content["all"]["vars"] = host.variables(**variables)
            (tmp_path / "inventory.json").write_text(json.dumps(content), encoding="utf-8")
            (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
            done = host.play("-i", "inventory.json", "play.yml", "--tags", "verify", *options)
            return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)

        yield run


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


def test_with_a_tag_of_the_user_next_to_verify_nothing_is_applied(play: Play) -> None:
    ended, shown = play("", "--tags", "of_the_user")
    assert ended == 0
    assert " changed=0 " in shown


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
