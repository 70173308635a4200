# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings that the kernel of the tests does not make: of other versions of nft, and with what it lacks."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import read_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import (
    UNKNOWN,
    Packet,
    Passage,
    Route,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.verdict import Judge
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.walk import Exempt

PACKET = Packet("forward", "ipv4", "tcp", 0x0A010002, 40000, 0x0A030007, 443, Route("in1", "unicast"))
TCP_PORT = {"payload": {"protocol": "tcp", "field": "dport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
MARK = {"meta": {"key": "mark"}}
STATE = {"ct": {"key": "state"}}


def rule(handle: int, *statements: dict[str, t.Any], chain: str = "c") -> dict[str, t.Any]:
    about = {"family": "ip", "table": "t", "chain": chain, "handle": handle, "expr": list(statements)}
    return {"rule": about}


def told(*items: dict[str, t.Any], policy: str = "accept", words: str = "", packet: Packet = PACKET) -> str:
    """What is told of a chain with these rules (and sets) for the packet."""
    base = {"family": "ip", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": packet.hook, "prio": 0}
    ruleset = read_ruleset(
        [
            {"metainfo": {"version": "1.1.3"}},
            {"table": {"family": "ip", "name": "t", "handle": 1}},
            {"chain": {**base, "policy": policy}},
            {"chain": {"family": "ip", "table": "t", "name": "sub", "handle": 2}},
            *items,
        ]
    )
    ruleset.add_texts(f"table ip t {{ # handle 1\n\tchain c {{ # handle 1\n{words}\n\t}}\n}}\n")
    found = Judge(ruleset, Exempt()).findings(packet)
    if not found:
        return "let through"
    (finding,) = found
    return "dropped" if finding.certain else "possible"


def match(left: t.Any, right: t.Any, op: str = "==") -> dict[str, t.Any]:
    return {"match": {"op": op, "left": left, "right": right}}


DROP: dict[str, t.Any] = {"drop": None}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"queue": {"num": 7}}], "possible"),
        ([{"queue": {"num": 7, "flags": "bypass"}}], "possible"),
        ([{"xt": None}], "possible"),
        ([{"xt": {"type": "match", "name": "comment"}}, DROP], "dropped"),
        ([{"xt": {"type": "match", "name": "geoip"}}, DROP], "possible"),
        ([{"xt": {"type": "match", "name": "conntrack"}}, DROP], "possible"),
        ([{"xt": {"type": "target", "name": "REJECT"}}], "dropped"),
        ([{"xt": {"type": "target", "name": "NFQUEUE"}}], "possible"),
        ([{"xt": {"type": "target", "name": "LOG"}}, DROP], "dropped"),
        ([{"synproxy": {"mss": 1460}}], "possible"),
        ([{"tproxy": {"port": 50000}}, DROP], "possible"),
        ([{"tproxy": {"port": 50000}}], "let through"),
        ([{"flow": {"op": "add", "flowtable": "@f"}}], "let through"),
        ([{"flow": {"op": "add", "flowtable": "@f"}}, DROP], "possible"),
        ([{"invented": {}}], "possible"),
        ([{"limit": "named"}, DROP], "possible"),
        ([{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}, DROP], "dropped"),
        ([{"mangle": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, "value": "10.0.0.1"}}], "possible"),
        ([{"mangle": {"key": "odd", "value": 1}}], "possible"),
        ([match(TCP_PORT, 443), DROP], "dropped"),
        ([match(TCP_PORT, "https"), DROP], "possible"),
        ([match(TCP_PORT, {"odd": 1}), DROP], "possible"),
        ([match(TCP_PORT, 443, "~"), DROP], "possible"),
        ([match(TCP_PORT, "@gone"), DROP], "possible"),
        ([match({"payload": {"protocol": "udp", "field": "dport"}}, "@gone", "!="), DROP], "let through"),
        ([match({"&": [TCP_PORT, "odd"]}, 1), DROP], "possible"),
        ([match({"|": [TCP_PORT, 1024]}, 443 | 1024), DROP], "dropped"),
        ([match({"^": [TCP_PORT, 1]}, 442), DROP], "dropped"),
        ([match({"&": [{"payload": {"protocol": "udp", "field": "dport"}}, 1]}, 1), DROP], "let through"),
        ([match("odd", 1), DROP], "possible"),
        ([match({"meta": "odd"}, 1), DROP], "possible"),
        ([match({"&": [FLAGS, {"|": ["syn", "ack"]}]}, "syn"), DROP], "dropped"),
        ([match(STATE, {"|": ["established", "related"]}, "in"), DROP], "let through"),
        ([match(STATE, ["new", "untracked"], "in"), DROP], "dropped"),
        ([match(STATE, ["new", "odd"], "in"), DROP], "possible"),
        ([match({"meta": {"key": "iif"}}, 7), DROP], "possible"),
        ([match({"meta": {"key": "iifname"}}, "in\\*"), DROP], "let through"),
        ([match({"meta": {"key": "oifname"}}, "lo"), DROP], "let through"),
        ([match({"meta": {"key": "oifname"}}, "out1"), DROP], "possible"),
        ([match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), DROP], "let through"),
        ([match({"fib": {"result": "oif", "flags": "saddr"}}, False), DROP], "possible"),
        ([match({"fib": {"result": "type", "flags": ["mark"]}}, "local"), DROP], "possible"),
        ([{"vmap": {"key": TCP_PORT, "data": "@gone"}}], "possible"),
        ([{"vmap": {"key": TCP_PORT, "data": 5}}], "possible"),
        ([{"vmap": {"key": MARK, "data": {"set": [[1, DROP], [2, {"accept": None}]]}}}], "possible"),
        ([{"vmap": {"key": TCP_PORT, "data": {"set": [["*", DROP]]}}}], "dropped"),
        (
            [{"vmap": {"key": TCP_PORT, "data": {"set": [[{"elem": {"val": 443, "limit": {}}}, DROP]]}}}],
            "possible",
        ),
        ([match(TCP_PORT, {"set": [{"elem": {"val": "*", "limit": {}}}]}), DROP], "possible"),
        ([match({"concat": [TCP_PORT, STATE]}, {"concat": [443, "new"]}), DROP], "dropped"),
        ([match({"concat": [TCP_PORT, STATE]}, {"set": [443]}), DROP], "possible"),
        ([{"reject": None}], "dropped"),
        ([{"reject": {"type": "icmpv6", "expr": "no-route"}}], "let through"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_not_decided(statements: list[dict[str, t.Any]], expected: str) -> None:
    assert told(rule(5, *statements)) == expected


CONNTRACK = {"xt": {"type": "match", "name": "conntrack"}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ct state related,established counter accept # handle 5", "let through"),
        ("ct state new counter drop # handle 5", "dropped"),
        ("ct state != new counter drop # handle 5", "let through"),
        ("ct state != related counter drop # handle 5", "dropped"),
        ("ct state new ct status dnat counter drop # handle 5", "possible"),
        ("ct state new ct state != related drop # handle 5", "possible"),
        ('xt match "conntrack" comment "ct state related" drop # handle 5', "possible"),
        ("ct state related\n\t\t\t counter drop # handle 5", "let through"),
        (
            "type filter hook forward priority filter; policy accept;\n\t\tct state related drop # handle 5",
            "let through",
        ),
        ('comment "ct state new"\n\t\tct state related drop # handle 5', "let through"),
        ("ct state related drop # handle 6", "possible"),
        ("ct state related drop # handle 5\n\t\tct state new drop # handle 5", "possible"),
    ],
)
def test_the_states_of_iptables_are_read_from_the_words(words: str, expected: str) -> None:
    assert told(rule(5, CONNTRACK, DROP), words=f"\t\t{words}") == expected


def test_words_behind_a_line_break_in_a_comment_say_nothing() -> None:
    about = rule(5, CONNTRACK, DROP)["rule"]
    hostile = {"rule": {**about, "handle": 4, "comment": "x # handle 4\n\t\tct state related drop # handle 5\n"}}
    words = '\t\taccept comment "x # handle 4\n\t\tct state related drop # handle 5\n" # handle 4\n'
    assert told(hostile, {"rule": about}, words=f"{words}\t\tct state new drop # handle 5") == "possible"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("\tflags dormant\n", "let through"),
        ("\tflags dormant,owner\n", "let through"),
        ("", "dropped"),
        ("\tflags owner,persist\n", "dropped"),
        ('\tcomment "x\n\tflags dormant\n"\n', "dropped"),
    ],
)
def test_a_table_is_dormant_by_its_flags(flags: str, expected: str) -> None:
    ruleset = read_ruleset(
        [
            {"table": {"family": "ip", "name": "t", "handle": 1, "flags": "c1"}},
            {"chain": {"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "forward", "prio": 0}},
            rule(5, DROP),
        ]
    )
    ruleset.add_texts(f"table ip t {{ # handle 1\n{flags}\n\tchain c {{ # handle 2\n\t\tdrop # handle 5\n\t}}\n}}\n")
    assert ("dropped" if Judge(ruleset, Exempt()).findings(PACKET) else "let through") == expected


def test_a_rule_is_followed_into_chains_and_back() -> None:
    limit: dict[str, t.Any] = {"limit": {"rate": 1, "per": "second"}}
    jump = {"jump": {"target": "sub"}}
    inner = rule(6, limit, {"return": None}, chain="sub")
    assert told(rule(5, jump), inner, rule(7, DROP, chain="sub")) == "possible"
    assert told(rule(5, jump), inner, rule(7, DROP, chain="sub"), rule(8, DROP)) == "dropped"
    assert told(rule(5, {"goto": {"target": "sub"}}), inner, rule(8, DROP)) == "let through"
    assert told(rule(5, {"goto": {"target": "sub"}}), inner, rule(8, {"accept": None}), policy="drop") == "dropped"
    assert told(rule(5, limit, {"accept": None}), policy="drop") == "possible"
    assert told(rule(5, limit, DROP), rule(6, {"accept": None}), policy="drop") == "possible"
    assert told(rule(5, limit, DROP), policy="drop") == "dropped"


@pytest.mark.parametrize(
    ("right", "op", "expected"),
    [
        ("eth0", "==", "let through"),
        ("eth0", "!=", "possible"),
        ({"set": ["eth0", "eth1"]}, "!=", "possible"),
        ({"set": ["eth0", "eth1"]}, "==", "let through"),
    ],
)
def test_kernels_differ_on_an_interface_that_a_hook_lacks(right: t.Any, op: str, expected: str) -> None:
    """Older kernels end such a rule there, and newer ones take the interface for one without a name."""
    packet = Packet("input", "ipv4", "tcp", 0x0A010002, 40000, 0x0A010001, 443, Route("in1", "unicast"))
    assert told(rule(5, match({"meta": {"key": "oifname"}}, right, op), DROP), packet=packet) == expected


def test_ipv6_is_judged_by_its_own_tables() -> None:
    ipv6 = Packet("forward", "ipv6", "udp", 1 << 125, 40000, 1 << 125, 443)
    assert told(rule(5, DROP), packet=ipv6) == "let through"


def test_notrack_of_iptables_leaves_the_state_open() -> None:
    raw = {"family": "ip", "table": "t", "name": "raw", "handle": 3, "type": "filter", "hook": "prerouting"}
    notrack = rule(9, {"xt": {"type": "target", "name": "CT"}}, chain="raw")
    state = rule(5, match(STATE, "new", "in"), DROP)
    assert told({"chain": {**raw, "prio": -300}}, notrack, state) == "possible"
    assert told({"chain": {**raw, "prio": -150}}, notrack, state) == "dropped"


L4PROTO = {"meta": {"key": "l4proto"}}


def portless(protocol: str, family: str = "ipv4") -> Packet:
    return Packet("forward", family, protocol, 0x0A010002, None, 0x0A030007, None, Route("in1", "unicast"))


@pytest.mark.parametrize(
    ("protocol", "left", "right", "expected"),
    [
        ("esp", L4PROTO, "esp", "dropped"),
        ("esp", L4PROTO, 50, "dropped"),
        ("esp", L4PROTO, "tcp", "let through"),
        ("esp", TCP_PORT, 443, "let through"),
        (
            "esp",
            {"payload": {"protocol": "th", "field": "dport"}},
            443,
            "possible",
        ),  # the kernel compares what is there
        ("esp", {"payload": {"protocol": "esp", "field": "spi"}}, 443, "possible"),
        ("89", L4PROTO, "ospf", "dropped"),
        ("89", {"payload": {"protocol": "ip", "field": "protocol"}}, "ospf", "dropped"),
        ("icmp", {"payload": {"protocol": "icmp", "field": "type"}}, "echo-request", "possible"),
    ],
)
def test_a_packet_without_ports(protocol: str, left: t.Any, right: t.Any, expected: str) -> None:
    assert told(rule(3, match(left, right), DROP), packet=portless(protocol)) == expected


def test_of_ah_in_ipv6_the_kernel_sees_what_is_in_it() -> None:
    packet = portless("ah", "ipv6")
    assert Passage(packet).operand(L4PROTO)[1] is UNKNOWN
    assert Passage(packet).operand({"payload": {"protocol": "ip6", "field": "nexthdr"}})[1] == 51
    assert Passage(portless("ah")).operand(L4PROTO)[1] == 51
