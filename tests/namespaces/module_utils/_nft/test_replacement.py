# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import typing as t
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import Outline
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import OwnedTable, owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.replacement import meanwhile, transactions

from .nft_host import NftHost

TITLE = "table inet pexip_sfb"
GOLDEN = sorted(Path(__file__).parents[3].joinpath("golden").glob("*/ruleset.nft"))
NODES = "\tset nodes {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 192.0.2.11-192.0.2.12 }\n\t}\n"
CLIENTS = "\tset clients {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 203.0.113.0/25 }\n\t}\n"
# The chains that the golden rulesets for a table of others are joined to.
BENEATH = """
table inet filter {
    set theirs { type ipv4_addr; elements = { 203.0.113.1 }; }
    chain input { type filter hook input priority filter; policy accept; tcp dport 22 accept; }
    chain transit { type filter hook forward priority filter; policy accept; }
}
"""
FORWARD = "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n"


def table(*blocks: str) -> str:
    return f"{TITLE} {{\n{''.join(blocks)}}}\n"


class State(t.NamedTuple):
    """What a kernel has: all of it, and the tables that have something of ours."""

    outline: Outline
    live: list[OwnedTable]

    @property
    def listing(self) -> OwnedTable:
        """The one table that has something of ours."""
        (listing,) = self.live
        return listing


@pytest.fixture(scope="module")
def host() -> Iterator[NftHost]:
    name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield NftHost(name)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


EMPTY = State(Outline(), [])


def state(host: NftHost, *rulesets: str) -> State:
    """Load just these rulesets, one after the other; return what is there then."""
    host.load(*rulesets)
    return State(host.outline(), host.rules.live("-s"))


def way(before: State, wanted: OwnedTable) -> list[str]:
    return transactions(before.outline, before.live, wanted)


@pytest.fixture(scope="module")
def states(host: NftHost) -> dict[Path, tuple[str, State]]:
    """Each golden ruleset, with what it needs beneath it and without our rules, and what it comes to."""
    return {path: (path.read_text("utf-8"), state(host, BENEATH, path.read_text("utf-8"))) for path in GOLDEN}


@pytest.fixture(scope="module")
def wanted(host: NftHost) -> dict[Path, OwnedTable]:
    """Each golden ruleset, as it is loaded into a scratch namespace."""
    host.load(BENEATH)
    return {path: host.rules.normalised(path.read_text("utf-8")) for path in GOLDEN}


@pytest.mark.newer_nft
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_any_rules_become_any_other(
    path: Path, host: NftHost, states: dict[Path, tuple[str, State]], wanted: dict[Path, OwnedTable]
) -> None:
    ruleset, before = states[path]
    for other in GOLDEN:
        steps = way(before, wanted[other])
        assert steps
        assert owned(state(host, BENEATH, ruleset, *steps).live) == owned(states[other][1].live), other


@pytest.mark.newer_nft
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_rules_are_made_where_there_are_none(
    path: Path, host: NftHost, states: dict[Path, tuple[str, State]], wanted: dict[Path, OwnedTable]
) -> None:
    steps = way(state(host, BENEATH), wanted[path])
    assert "chain" not in steps[0]
    beneath = host.ruleset("-s").split()
    there = state(host, BENEATH, *steps)
    assert host.ruleset("-s").split() != beneath
    assert owned(there.live) == owned(states[path][1].live)


def test_a_set_that_is_needed_anew_comes_before_the_rules_and_one_that_stays_is_not_made_again(host: NftHost) -> None:
    wanted = state(host, table(CLIENTS, NODES, FORWARD)).listing
    first, second = way(state(host, table(NODES, FORWARD)), wanted)
    assert first.split() == table(CLIENTS).split()
    assert first not in second
    assert "set" not in second


def test_a_set_with_other_elements_is_filled_anew(host: NftHost) -> None:
    more = NODES.replace("192.0.2.12", "192.0.2.13")
    wanted = state(host, table(more, FORWARD)).listing
    (step,) = way(state(host, table(NODES, FORWARD)), wanted)
    assert "flush set inet pexip_sfb nodes\n" in step
    assert more in step
    assert "delete set" not in step


def test_a_set_that_is_declared_in_another_way_is_made_again(host: NftHost) -> None:
    hashed = NODES.replace("\t\tflags interval\n", "").replace("192.0.2.11-192.0.2.12", "192.0.2.11, 192.0.2.12")
    other = hashed.replace("ipv4_addr\n", 'ipv4_addr\n\t\tcomment "edge or front_end"\n')
    wanted = state(host, table(other, FORWARD)).listing
    live = state(host, table(NODES, FORWARD))
    assert meanwhile(live.live, wanted) is None
    (step,) = way(live, wanted)
    assert "delete set inet pexip_sfb nodes\n" in step
    assert other in step


def test_a_set_of_intervals_that_is_made_again_has_another_name_meanwhile(host: NftHost) -> None:
    rule = "\t\tip saddr @nodes_2 accept\n\t\tip saddr @nodes accept\n\t}\n"
    wanted, alike = NODES.replace("interval\n", 'interval\n\t\tcomment "edge"\n'), NODES.replace("nodes", "nodes_2")
    live = state(host, table(NODES, alike, FORWARD)).live
    aim = state(host, table(wanted, alike, FORWARD.replace("\t}\n", rule))).listing
    other = wanted.replace("set nodes", "set nodes_meanwhile")
    expected = table(other, alike, FORWARD.replace("\t}\n", rule.replace("@nodes accept", "@nodes_meanwhile accept")))
    between = meanwhile(live, aim)
    assert between
    assert between.ruleset().split() == expected.split()
    assert meanwhile([between], aim) is meanwhile([], aim) is None


@pytest.mark.parametrize(
    ("found", "instead"),
    [("flags interval", "flags interval\n\t\tauto-merge"), ("type ipv4_addr", "typeof ip saddr")],
)
def test_what_only_the_text_says_of_a_set_is_a_difference(host: NftHost, found: str, instead: str) -> None:
    """The JSON of nft 1.0.6 has neither."""
    wanted = state(host, table(NODES, FORWARD)).listing
    live = state(host, table(NODES.replace(found, instead), FORWARD)).live
    assert owned(live) != wanted.owned()
    assert meanwhile(live, wanted)


@pytest.mark.parametrize(
    "live",
    [
        table("\tflags dormant\n", FORWARD),
        table("\tcounter mine {\n\t\tpackets 0 bytes 0\n\t}\n", FORWARD),
        table("\tmap mine {\n\t\ttype ipv4_addr : verdict\n\t}\n", FORWARD),
        table("\tflags dormant\n"),
    ],
)
def test_where_there_is_something_else_in_the_table_there_is_no_such_way(host: NftHost, live: str) -> None:
    wanted = state(host, table(FORWARD)).listing
    assert way(state(host, live), wanted) == []


def test_only_the_sets_are_put_in_order(host: NftHost) -> None:
    later = FORWARD.replace("forward {", "a {")
    there = state(host, table(NODES, CLIENTS, FORWARD, later)).live
    assert owned(there).split() == table(CLIENTS, NODES, FORWARD, later).split()


# Replaces a table back and forth while new flows go out through it, and prints how many its final drop refused.
_UNDER_LOAD = """
import socket, subprocess, sys, threading
steps = [part.split("\\0") for part in sys.stdin.read().split("\\1")]
def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
nft(steps.pop(0)[0])
refused = sent = 0
over = False
def flood():
    global refused, sent
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flow:
        while not over:
            sent += 1
            try:
                flow.sendto(b"", ("127.0.0.1", 9))
            except PermissionError:
                refused += 1
            except ConnectionRefusedError:
                pass
flooding = threading.Thread(target=flood, daemon=True)  # it ends with this program where a step fails
flooding.start()
applies = 0
while applies < 60 or sent < 5000:
    for step in steps[applies % len(steps)]:
        nft(step)
    applies += 1
over = True
flooding.join()
print(sent, refused)
"""
_OUTPUT = "\tchain output {{\n\t\ttype filter hook output priority filter; policy drop;\n{}\t}}\n"


@pytest.mark.newer_nft
def test_no_new_flow_is_refused_while_a_table_is_replaced(host: NftHost) -> None:
    accept = "\t\tip daddr @{} accept\n"
    loopback = NODES.replace("192.0.2.11-192.0.2.12", "127.0.0.0/8")
    changed = loopback.replace("127.0.0.0/8", "127.0.0.0/8, 192.0.2.1-192.0.2.3")
    other = loopback.replace("set nodes", "set others")
    said = loopback.replace("interval\n", 'interval\n\t\tcomment "edge"\n')
    hashed = NODES.replace("\t\tflags interval\n", "").replace("192.0.2.11-192.0.2.12", "127.0.0.1")
    kinds = ((loopback, "nodes"), (changed, "nodes"), (other, "others"), (loopback, "nodes"), (said, "nodes"))
    rulesets = [table(sets, _OUTPUT.format(accept.format(name))) for sets, name in (*kinds, (hashed, "nodes"))]
    states = [state(host, ruleset) for ruleset in rulesets]
    first = way(EMPTY, states[0].listing)
    steps = [[rulesets[0]], [f"delete {TITLE}\n", *first]]
    for one, two in zip(states, [*states[1:], states[0]]):
        between = meanwhile(one.live, two.listing)
        if between:
            detour = way(one, between)
            steps.append([*detour, *way(state(host, between.ruleset()), two.listing)])
        else:
            steps.append(way(one, two.listing))
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", _UNDER_LOAD],
        input="\1".join("\0".join(step) for step in steps), capture_output=True, text=True, check=True,
    )  # fmt: skip
    sent, refused = map(int, done.stdout.split())
    assert sent >= 5000
    assert refused == 0
