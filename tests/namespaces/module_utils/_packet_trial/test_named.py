# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is named as the cause on hosts of others where the matrix is applied and has no effect."""

from __future__ import annotations

import json
import typing as t

import pytest
from module_host import ModuleHost

from .gateway import Gateway
from .test_proof import RULESETS, load_shape

pytestmark = pytest.mark.newer_nft

SAMPLES = json.loads((RULESETS / "samples.json").read_text(encoding="utf-8"))
DOCKER = """
table ip filter {
  chain DOCKER-USER { counter return; }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    counter jump DOCKER-USER
    oifname "docker0" ct state related,established counter accept
    iifname "docker0" oifname != "docker0" counter accept
  }
}
"""
NOTRACK = """
table ip raw {
  chain pre {
    type filter hook prerouting priority raw;
    udp dport 1024-65535 notrack
    udp sport 3478 notrack
    tcp dport 5061 notrack
    tcp sport 5061 notrack
  }
}
"""


def judged(gateway: Gateway) -> dict[str, t.Any]:
    result = ModuleHost(gateway.name, "packet_trial").module(packets=SAMPLES)
    assert result["failed"] is False, result
    assert result["unjudged"] == ""
    return result


def rows(drops: list[dict[str, t.Any]]) -> set[str]:
    return {row for drop in drops for row in drop["rows"]}


ALL = {sample["row"] for sample in SAMPLES}


@pytest.mark.parametrize("shape", ["firewalld-1.3.3", "firewalld-2.3.1", "docker-29", "fail2ban"])
def test_nothing_is_named_where_all_of_it_comes_through(gateway: Gateway, shape: str) -> None:
    load_shape(gateway, shape)
    result = judged(gateway)
    assert (result["drops"], result["possible"]) == ([], [])


def test_interfaces_in_no_zone_of_firewalld_2(gateway: Gateway) -> None:
    load_shape(gateway, "firewalld-2.3.1-unbound")
    drops = judged(gateway)["drops"]
    assert rows(drops) == ALL
    assert {drop["chain"] for drop in drops} == {"filter_FORWARD"}
    assert "reject with icmpx admin-prohibited" in drops[0]["where"]


def test_a_policy_of_somebody_else_before_ours(gateway: Gateway) -> None:
    load_shape(gateway, "firewalld-2.3.1-theirs")
    drops = judged(gateway)["drops"]
    assert {drop["table"] for drop in drops} == {"firewalld"}
    assert all("theirs" in drop["where"] and "reject" in drop["where"] for drop in drops)
    to_turn = {sample["row"] for sample in SAMPLES if sample["destination"] in ("198.51.100.41", "2001:db8:2::41")}
    assert rows(drops) == to_turn


def test_docker_next_to_firewalld(gateway: Gateway) -> None:
    load_shape(gateway, "firewalld-1.3.3")
    gateway.run("nft", "-f", "-", data=DOCKER)
    (drop,) = judged(gateway)["drops"]
    assert drop["where"] == "table ip filter, chain FORWARD, policy drop"
    assert set(drop["rows"]) == {sample["row"] for sample in SAMPLES if sample["family"] == "ipv4"}


def test_docker_before_29_next_to_our_table(gateway: Gateway) -> None:
    load_shape(gateway, "docker-28")
    drops = judged(gateway)["drops"]
    assert {drop["where"] for drop in drops} == {
        "table ip filter, chain FORWARD, policy drop",
        "table ip6 filter, chain FORWARD, policy drop",
    }


@pytest.mark.parametrize("shape", ["firewalld-2.3.1", "fail2ban"])
def test_media_exempt_from_tracking(gateway: Gateway, shape: str) -> None:
    load_shape(gateway, shape)
    gateway.run("nft", "-f", "-", data=NOTRACK)
    result = judged(gateway)
    assert "media_nodes_to_turn" in rows(result["drops"])
    assert all(drop["answers"] == drop["packets"] for drop in result["drops"])
