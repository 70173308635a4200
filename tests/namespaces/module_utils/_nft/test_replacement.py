# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import OUTLINE, in_order, owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.replacement import meanwhile, transactions

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
    """What a kernel has: all of it with handles, and the listing of it."""

    outline: str
    listing: str


def state(*rulesets: str) -> State:
    """Load rulesets one after the other into a fresh network namespace; return what is there then."""
    script = "".join(f"nft -f - <<'END' || exit\n{ruleset}\nEND\n" for ruleset in rulesets)
    script += f"nft {' '.join(OUTLINE)} && echo '----' && nft -s list ruleset"
    done = subprocess.run(["unshare", "-rn", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return State(*done.stdout.split("----\n"))


EMPTY = State("", "")


def way(before: State, wanted: str) -> list[str]:
    return transactions(before.outline, before.listing, wanted)


def described(listing: str) -> State:
    """The state of a kernel that nobody asks for handles."""
    return State(listing, listing)


@pytest.fixture(scope="module")
def states() -> dict[Path, tuple[str, State]]:
    """Each golden ruleset, with what it needs beneath it and without our rules, and what it comes to."""
    return {path: (path.read_text("utf-8"), state(BENEATH, path.read_text("utf-8"))) for path in GOLDEN}


def wanted(states: dict[Path, tuple[str, State]], path: Path) -> str:
    ruleset, _state = states[path]
    return state(ruleset if "table inet pexip_sfb" in ruleset else BENEATH + ruleset).listing


@pytest.mark.newer_nft
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_any_rules_become_any_other(path: Path, states: dict[Path, tuple[str, State]]) -> None:
    ruleset, before = states[path]
    for other in GOLDEN:
        steps = way(before, wanted(states, other))
        assert steps
        assert owned(state(BENEATH, ruleset, *steps).listing) == owned(states[other][1].listing), other


@pytest.mark.newer_nft
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_rules_are_made_where_there_are_none(path: Path, states: dict[Path, tuple[str, State]]) -> None:
    steps = way(state(BENEATH), wanted(states, path))
    assert "chain" not in steps[0]
    assert state(BENEATH, *steps).listing.split() != state(BENEATH).listing.split()
    assert owned(state(BENEATH, *steps).listing) == owned(states[path][1].listing)


def test_a_set_that_is_needed_anew_comes_before_the_rules_and_one_that_stays_is_not_made_again() -> None:
    first, second = way(described(table(NODES, FORWARD)), table(CLIENTS, NODES, FORWARD))
    assert first == table(CLIENTS)
    assert first not in second
    assert "set" not in second


def test_a_set_with_other_elements_is_filled_anew() -> None:
    more = NODES.replace("192.0.2.12", "192.0.2.13")
    (step,) = way(described(table(NODES, FORWARD)), table(more, FORWARD))
    assert "flush set inet pexip_sfb nodes\n" in step
    assert more in step
    assert "delete set" not in step


def test_a_set_that_is_declared_in_another_way_is_made_again() -> None:
    hashed = NODES.replace("\t\tflags interval\n", "").replace("192.0.2.11-192.0.2.12", "192.0.2.11, 192.0.2.12")
    other = hashed.replace("ipv4_addr\n", 'ipv4_addr\n\t\tcomment "edge or front_end"\n')
    assert meanwhile(table(NODES, FORWARD), table(other, FORWARD)) == ""
    (step,) = way(described(table(NODES, FORWARD)), table(other, FORWARD))
    assert "delete set inet pexip_sfb nodes\n" in step
    assert other in step


def test_a_set_of_intervals_that_is_made_again_has_another_name_meanwhile() -> None:
    rule = "\t\tip saddr @nodes_2 accept\n\t\tip saddr @nodes accept\n\t}\n"
    wanted, alike = NODES.replace("interval\n", 'interval\n\t\tcomment "edge"\n'), NODES.replace("nodes", "nodes_2")
    live, aim = table(NODES, alike, FORWARD), table(wanted, alike, FORWARD.replace("\t}\n", rule))
    other = wanted.replace("set nodes", "set nodes_meanwhile")
    between = table(other, alike, FORWARD.replace("\t}\n", rule.replace("@nodes accept", "@nodes_meanwhile accept")))
    assert meanwhile(live, aim) == between
    assert meanwhile(between, aim) == meanwhile("", aim) == ""


@pytest.mark.parametrize(
    "live",
    [
        table("\tflags dormant\n", FORWARD),
        table("\tcounter mine {\n\t\tpackets 0 bytes 0\n\t}\n", FORWARD),
        table("\tmap mine {\n\t\ttype ipv4_addr : verdict\n\t}\n", FORWARD),
    ],
)
def test_where_there_is_something_else_in_the_table_there_is_no_such_way(live: str) -> None:
    assert way(described(live), table(FORWARD)) == []


def test_only_the_sets_are_put_in_order() -> None:
    later = FORWARD.replace("forward {", "a {")
    assert in_order(table(NODES, CLIENTS, FORWARD, later)) == table(CLIENTS, NODES, FORWARD, later)


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
def test_no_new_flow_is_refused_while_a_table_is_replaced() -> None:
    accept = "\t\tip daddr @{} accept\n"
    loopback = NODES.replace("192.0.2.11-192.0.2.12", "127.0.0.0/8")
    changed = loopback.replace("127.0.0.0/8", "127.0.0.0/8, 192.0.2.1-192.0.2.3")
    other = loopback.replace("set nodes", "set others")
    said = loopback.replace("interval\n", 'interval\n\t\tcomment "edge"\n')
    hashed = NODES.replace("\t\tflags interval\n", "").replace("192.0.2.11-192.0.2.12", "127.0.0.1")
    kinds = ((loopback, "nodes"), (changed, "nodes"), (other, "others"), (loopback, "nodes"), (said, "nodes"))
    states = [state(table(sets, _OUTPUT.format(accept.format(name)))) for sets, name in (*kinds, (hashed, "nodes"))]
    first = way(EMPTY, states[0].listing)
    steps = [[states[0].listing], [f"delete {TITLE}\n", *first]]
    for one, two in zip(states, [*states[1:], states[0]]):
        between = meanwhile(one.listing, two.listing)
        detour = way(one, between) if between else []
        steps.append([*detour, *way(described(between) if between else one, two.listing)])
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", _UNDER_LOAD],
        input="\1".join("\0".join(step) for step in steps), capture_output=True, text=True, check=True,
    )  # fmt: skip
    sent, refused = map(int, done.stdout.split())
    assert sent >= 5000
    assert refused == 0
