# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a copy tells of a ruleset, against what the kernel really does with packets."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from .firewall import SAMPLES, Firewall, Sample

pytestmark = pytest.mark.newer_nft

CHAINS = ("input", "forward", "output")


# So that what is told is about the packets. None of them is one of these.
_ANSWERS = "ct state established accept"


def chains(body: str, *, policy: str = "accept", family: str = "inet", before: str = "") -> str:
    """A table of somebody else, with the same rules for all three ways."""
    answers = _ANSWERS if family != "bridge" else ""  # not every kernel tracks connections there
    parts = [
        f"chain {hook} {{ type filter hook {hook} priority filter; policy {policy};\n{answers}\n{body}\n}}"
        for hook in CHAINS
    ]
    return "\n".join((f"table {family} theirs {{", before, *parts, "}"))


def compare(firewall: Firewall, ruleset: str) -> tuple[set[Sample], set[Sample]]:
    """Load *ruleset* and check each answer; return the packets that are dropped for sure, and those that may be."""
    firewall.load(ruleset)
    return compare_loaded(firewall)


def compare_loaded(firewall: Firewall) -> tuple[set[Sample], set[Sample]]:
    """Do the same with what is loaded."""
    judged = firewall.judged()
    passed = firewall.let_through()
    lost = {sample: finding for sample, finding in judged.items() if finding and not finding.answer}
    certain = {sample for sample, finding in lost.items() if finding.certain}
    # Where only the answer is lost in one variant, the packet itself may be lost in another one.
    answers = {sample for sample, finding in judged.items() if finding and finding.answer and firewall.in_doubt}
    possible = set(lost) - certain
    for sample in SAMPLES:
        if sample not in possible | answers:
            told, real = ("dropped" if sample in certain else "let through"), sample in passed
            assert (sample in certain) != real, f"told to be {told}: {sample}\n{firewall.run('nft', 'list', 'ruleset')}"
    return certain, possible


SETS = """
set hosts { type ipv4_addr; flags interval; elements = { 10.1.0.0/30, 10.2.0.9, 10.3.0.0-10.3.0.99 }; }
set hosts6 { type ipv6_addr; elements = { 2001:db8:1::2, 2001:db8:4::7 }; }
set none { type ipv4_addr; }
set timed { type ipv4_addr; flags timeout; elements = { 10.1.0.2 timeout 1h comment "busy", 10.2.0.3 }; }
set limited { type ipv4_addr; flags dynamic; elements = { 10.1.0.2 limit rate 1/hour, 10.2.0.3 counter }; }
set seen { type ipv4_addr; flags dynamic; }
set flows { type ipv4_addr . inet_proto . inet_service; flags interval;
  elements = { 10.1.0.2 . tcp . 22, 10.0.0.0/8 . udp . 40000-49999, 10.2.0.0-10.2.0.5 . tcp . 80-8080 }; }
set places { type ipv4_addr . ifname; elements = { 10.1.0.2 . "in1", 10.2.0.3 . "in1" }; }
map ports { type inet_service : verdict; flags interval;
  elements = { 22 : drop, 80-443 : jump part, 5061 : accept, 40000-49999 : goto part, 50000 : continue }; }
map links { type ifname : verdict; elements = { "in1" : drop, "out2" : jump part }; }
map everything { type inet_service : verdict; elements = { 22 : accept, * : drop }; }
map marks { type ipv4_addr : mark; elements = { 10.1.0.2 : 1 }; }
chain part { ip saddr 10.0.0.0/16 drop
  meta l4proto udp return
  ip6 daddr 2001:db8:3::/64 drop
}
"""
# What can be told for sure, on any interface of this firewall.
DECIDED = [
    "ip saddr 10.1.0.2", "ip saddr 10.1.0.0/24", "ip daddr != 10.3.0.7", "ip saddr 10.1.0.3-10.2.0.2",
    "ip saddr { 10.1.0.2, 10.2.0.0/24 }", "ip saddr != { 10.1.0.2, 10.2.0.0/30 }", "ip saddr @hosts",
    "ip saddr != @hosts", "ip6 saddr @hosts6", "ip6 daddr != @hosts6", "ip saddr @none", "ip saddr != @none",
    "ip saddr @timed", "ip6 saddr 2001:db8:1::/64", "ip6 saddr { 2001:db8:1::2-2001:db8:1::3, 2001:db8:2::9 }",
    "ip saddr & 0.0.0.255 == 2", "ip saddr & 255.0.255.0 == 10.0.0.0", "ip version 4", "ip6 version 6",
    "tcp dport 22", "udp dport 53", "tcp dport != 22", "tcp dport 80-443", "udp dport != 40000-49999",
    "tcp dport { 22, 80-443, 5061 }", "udp dport != { 53, 40000-50000 }", "tcp dport >= 5061", "udp sport < 42000",
    "tcp dport > 443 tcp dport < 45000", "tcp dport <= 80", "tcp dport & 1 == 1", "tcp sport 40000-44999",
    "th dport 443", "meta l4proto { tcp, udp } th dport { 53, 443 }", "meta l4proto tcp", "meta l4proto != udp",
    "meta l4proto 17", "meta l4proto { icmp, udp }", "ip protocol tcp", "ip6 nexthdr udp", "icmp type echo-request",
    "icmpv6 type { echo-request, nd-neighbor-solicit }", "sctp dport 22", "meta nfproto ipv6", "meta nfproto != ipv6",
    "meta protocol ip", "meta protocol { ip6, arp }", "meta protocol != ip",
    "tcp flags syn", "tcp flags & (syn | ack) == syn", "tcp flags & (fin | syn | rst | ack) != syn",
    "tcp flags syn / syn,ack,fin,rst", "tcp flags != syn", "tcp flags { syn, syn | ack }", "tcp flags syn,ack",
    "tcp flags ! syn", "tcp flags & (fin | syn) == (fin | syn)", "tcp flags == syn",
    "ct state new", "ct state established,related", "ct state != new", "ct state { established, related }",
    "ct state != { established, related }", "ct state new,untracked", "ct state & (new | invalid) != 0",
    "ct state != established,related", "ct state invalid", "ct state ! new", "ct state untracked",
    "meta pkttype broadcast", "meta pkttype { host, multicast }", "meta pkttype != host",
    "fib daddr type local", "fib saddr type local", "fib daddr type != local", "fib daddr type unicast",
    "fib daddr type { broadcast, multicast }",
    "ip saddr . tcp dport { 10.1.0.2 . 22, 10.2.0.3 . 53 }", "ip saddr . tcp dport != { 10.1.0.2 . 22 }",
    "ip saddr . meta l4proto . th dport @flows", "ip saddr . ip protocol . th dport != @flows",
    "ip saddr . ip daddr { 10.0.0.0/8 . 10.3.0.0/24, 10.1.0.2 . 10.1.0.1 }",
    "meta nfproto . meta l4proto . th dport { ipv4 . tcp . 22, ipv6 . udp . 53 }",
    "meta mark set 5", "ct mark set 5", "counter", 'log prefix "x" level info', "meta priority set 1:2",
    "ip saddr 10.1.0.2 ip daddr 10.1.0.1 tcp dport 22",
    "ip dscp set cs1", "ip6 dscp set cs1",
    "add @seen { ip saddr }", "update @seen { ip saddr } counter", "add @timed { ip saddr }",
    "add @timed { ip saddr timeout 1h }", "update @seen { ip saddr counter } ip saddr @seen",
    "meta mark 1", "ct mark != 0", "ct status dnat", "ct direction original", "meta iifgroup 0",
    "ct original ip saddr 10.1.0.2", "@nh,0,8 0x45", "meta mark set ip saddr map @marks",
]  # fmt: skip
# The same with interfaces, which some hooks do not have.
INTERFACES = {
    "input": [
        'iifname "in1"', 'iifname != "in1"', 'iifname { "in1", "lo" }', 'iifname "in*"', 'iifname "lo"', "iif lo",
        "iif in1", "iif != in1", 'iifname . tcp dport { "in1" . 22, "in2" . 80 }', "ip saddr . iifname @places",
        'oifname "in1"', "fib saddr . iif oif missing", "fib saddr . iif oif exists", 'iifname { "in*", "lo" }',
    ],
    "forward": [
        'iifname "in1"', 'oifname "out2"', 'oifname != "out2"', 'iifname "in1" oifname "out1"', 'oifname "out*"',
        "iifname . oifname { in1 . out1, in2 . out2 }", "oif out1", 'iifname vmap { "in1" : drop, "in2" : accept }',
        "oif vmap { out1 : drop }", "fib saddr . iif oif missing",
    ],
    "output": [
        'oifname "out1"', 'oifname != { "out1", "lo" }', 'iifname "in1"', 'oifname "lo"', "oif != out1",
        "oifname vmap @links",
    ],
}  # fmt: skip
ENDINGS = [
    "drop", "reject", "reject with tcp reset", "reject with icmp type port-unreachable",
    "reject with icmpv6 type no-route", "reject with icmpx type admin-prohibited",
    "jump part", "goto part", "tcp dport vmap @ports", "udp dport vmap @ports", "tcp dport vmap @everything",
    "tcp dport vmap { 22 : accept, 80-443 : drop, 5061 : jump part }",
    "ct state vmap { established : accept, related : accept, invalid : drop }",
    "ct state vmap { new : jump part, invalid : drop }", "meta l4proto vmap { tcp : jump part, udp : continue }",
    "ip saddr . tcp dport vmap { 10.1.0.2 . 22 : drop, 10.2.0.3 . 53 : accept }",
    "fib daddr type vmap { local : drop }",
    "return", "continue", "accept", 'drop comment "accept"', "meta l4proto { tcp, udp } jump part",
    "meta nfproto ipv4 goto part",
]  # fmt: skip
# What cannot be told, although the packet is one of those above.
UNDECIDED = [
    "limit rate 1/second", "limit rate over 1/hour", "meta skuid != 0", "ip ttl < 65",
    "numgen random mod 2 1", "jhash ip saddr mod 2 1", "ip saddr @limited", "meta length > 60", "ip dscp cs1",
    "quota over 100 bytes", "ct count over 3",
    "tcp option maxseg size > 1000",
    "ether saddr 02:00:00:00:01:01",
    "meta cpu 0", "ip frag-off & 0x1fff == 0", "exthdr hbh exists", "udp length > 8",
    "add @limited { ip saddr }",
    "ip saddr != @limited", "update @limited { ip daddr limit rate over 1/hour }",
]  # fmt: skip


@pytest.mark.parametrize(("number", "match"), list(enumerate(DECIDED)))
def test_a_match_is_decided_as_in_the_kernel(firewall: Firewall, number: int, match: str) -> None:
    policy, ending = ("accept", "drop") if number % 2 else ("drop", "accept")
    assert compare(firewall, chains(f"{match} {ending}", policy=policy, before=SETS))[1] == set()


@pytest.mark.parametrize(
    ("hook", "match"), [(hook, match) for hook, matches in INTERFACES.items() for match in matches]
)
def test_interfaces_are_those_that_the_routes_name(firewall: Firewall, hook: str, match: str) -> None:
    ending = "" if "vmap" in match else "drop"
    ruleset = f"table inet theirs {{\n{SETS}\nchain c {{ type filter hook {hook} priority 5;\n{match} {ending}\n}}\n}}"
    _certain, possible = compare(firewall, ruleset)
    assert {sample for sample in possible if sample.hook == hook} == set()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("after", ["accept", "tcp dport 22 drop"])
def test_a_rule_ends_as_in_the_kernel(firewall: Firewall, ending: str, after: str) -> None:
    policy = "drop" if after == "accept" else "accept"
    assert compare(firewall, chains(f"{ending}\n{after}", policy=policy, before=SETS))[1] == set()


@pytest.mark.parametrize("match", UNDECIDED)
@pytest.mark.parametrize("ending", ["drop", "accept"])
def test_what_cannot_be_told_is_left_open(firewall: Firewall, match: str, ending: str) -> None:
    body = f"tcp dport 22 drop\nudp dport 53 accept\n{match} {ending}"
    policy = "drop" if ending == "accept" else "accept"
    certain, possible = compare(firewall, chains(body, policy=policy, before=SETS))
    assert possible
    assert {sample for sample in SAMPLES if sample.protocol == "tcp" and sample.destination_port == 22} <= certain
    assert not {sample for sample in possible if sample.protocol == "udp" and sample.destination_port == 53}


@pytest.mark.parametrize(("policy", "ending"), [("drop", "accept"), ("accept", "drop")])
def test_of_two_doubtful_rules_one_may_match_and_the_other_not(firewall: Firewall, policy: str, ending: str) -> None:
    """Where both match, or neither does, the policy of the chain decides."""
    before = f"chain rare {{\nlimit rate 1/second return\n{ending}\n}}"
    certain, possible = compare(firewall, chains("limit rate over 1/hour jump rare", policy=policy, before=before))
    assert certain == set()
    assert possible


NAMES = ["one", "two", "three"]
# Matches that nft takes together with any other of these, and at any hook.
_PLAIN = ["th dport 443", "th sport >= 42000", "th dport != { 22, 40000-50000 }", "ct state new"]
_DECIDED_ONLY = st.sampled_from(
    [match for match in DECIDED if " set " not in match and "icmp" not in match and "sctp" not in match]
)
_ANY_MATCH = st.one_of(_DECIDED_ONLY, st.sampled_from(UNDECIDED))


@st.composite
def _verdict(draw: st.DrawFn, below: list[str]) -> str:
    """A verdict in a chain that may jump to the chains *below*."""
    plain = ["accept", "drop", "return", "continue", 'counter log prefix "x"', "meta mark set 1"]
    kind = draw(st.sampled_from([*plain, *(["jump", "goto", "vmap", "reject"] if below else [])]))
    if kind == "vmap":
        ends = draw(st.lists(st.sampled_from(["accept", "drop", "return", f"jump {below[0]}"]), min_size=3, max_size=3))
        return f"th dport vmap {{ 22 : {ends[0]}, 80-5061 : {ends[1]}, 40000-50000 : {ends[2]} }}"
    return f"{kind} {draw(st.sampled_from(below))}" if kind in ("jump", "goto") else kind


@st.composite
def _rules(draw: st.DrawFn, below: list[str], matches: st.SearchStrategy[str], most: int) -> str:
    lines = []
    for _number in range(draw(st.integers(0, most))):
        parts = draw(st.lists(st.sampled_from(_PLAIN), max_size=1)) if below else []
        lines.append(" ".join((*draw(st.lists(matches, max_size=1)), *parts, draw(_verdict(below)))))
    return "\n".join(lines)


@st.composite
def _rulesets(draw: st.DrawFn, matches: st.SearchStrategy[str]) -> str:
    """A table with up to two base chains for each way, and chains that they jump to."""
    lower = ["chain zero { th dport 80 drop; }"]
    lower += [
        f"chain {name} {{\n{draw(_rules(['zero', *NAMES[:number]], matches, 4))}\n}}"
        for number, name in enumerate(NAMES)
    ]
    base = []
    for hook in (*CHAINS, "prerouting", "postrouting"):
        policy = draw(st.sampled_from(["accept", "drop"])) if hook in CHAINS else "accept"
        rules = draw(_rules(NAMES, matches, 5) if hook in CHAINS else _rules([], st.sampled_from(_PLAIN), 2))
        base.append(f"chain {hook} {{ type filter hook {hook} priority 1; policy {policy};\n{rules}\n}}")
    return "\n".join(("table inet theirs {", SETS, *lower, *base, "}"))


_ONE_FIREWALL = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=40,
)


@_ONE_FIREWALL
@given(ruleset=_rulesets(_DECIDED_ONLY))
def test_any_ruleset_is_decided_as_in_the_kernel(firewall: Firewall, ruleset: str) -> None:
    certain, possible = compare(firewall, ruleset)
    assert not possible
    event(f"{len(certain) * 4 // len(SAMPLES)} quarters are dropped")


@_ONE_FIREWALL
@given(ruleset=_rulesets(_ANY_MATCH))
def test_what_is_told_for_sure_of_any_ruleset_is_so_in_the_kernel(firewall: Firewall, ruleset: str) -> None:
    certain, possible = compare(firewall, ruleset)
    event(f"{len(certain) * 4 // len(SAMPLES)} quarters are dropped, {len(possible) * 4 // len(SAMPLES)} may be")


@pytest.mark.parametrize(
    ("priority", "body"),
    [
        (-300, "tcp dport 22 notrack"),
        (-300, "udp dport 53 drop"),
        (-300, "ct state invalid tcp dport 22 drop"),
        (-300, "ct state new tcp dport 22 drop"),
        (-200, "ct state new tcp dport 22 drop"),
        (-150, "ct state new tcp dport 22 drop"),
        (-150, "tcp dport 22 notrack"),
    ],
)
@pytest.mark.parametrize("later", ["ct state new accept", "ct state untracked drop", "ct state vmap { new : accept }"])
def test_chains_before_connection_tracking(firewall: Firewall, priority: int, body: str, later: str) -> None:
    early = "\n".join(
        f"chain early_{hook} {{ type filter hook {hook} priority {priority};\n{body}\n}}"
        for hook in ("prerouting", "output")
    )
    policy = "accept" if later.endswith("drop") else "drop"
    _certain, possible = compare(firewall, chains(later, policy=policy, before=early))
    assert all((sample.protocol, sample.destination_port) == ("tcp", 22) for sample in possible)


@pytest.mark.parametrize("family", ["ip", "ip6"])
@pytest.mark.parametrize("body", ["drop", "meta l4proto tcp drop", "th dport { 22, 53 } reject", "ct state new drop"])
def test_a_table_of_one_family_judges_no_other(firewall: Firewall, family: str, body: str) -> None:
    certain, possible = compare(firewall, chains(body, family=family))
    assert not possible
    assert {sample.family for sample in certain} == {"ipv4" if family == "ip" else "ipv6"}


def test_a_chain_of_type_route_can_drop(firewall: Firewall) -> None:
    certain, _possible = compare(
        firewall, "table ip theirs { chain c { type route hook output priority 0; udp dport 53 drop; }\n}"
    )
    assert {(sample.hook, sample.destination_port) for sample in certain} == {("output", 53)}


def test_chains_of_a_bridge_are_not_judged(firewall: Firewall) -> None:
    assert compare(firewall, chains("drop", family="bridge")) == (set(), set())


@pytest.mark.parametrize(
    "rules",
    [
        "meta mark set ip saddr map @marks drop",
        "ip dscp set cs1 drop",
        "tcp sport set 1000 tcp sport 1000 drop",
        "tcp option maxseg size set 1000 drop",
        "meta mark set 5 drop",
        "ct mark set meta mark drop",
        'counter name tcp dport map { 22 : "c" } drop',
        "tcp option maxseg exists drop",
        "tcp option maxseg missing drop",
        "ip saddr @hosts meta nfproto vmap { ipv4 : jump part } accept",
    ],
)
def test_statements_that_can_end_a_rule(firewall: Firewall, rules: str) -> None:
    before = f"counter c {{ }}\n{SETS}"
    ruleset = f"table inet theirs {{\n{before}\nchain c {{ type filter hook forward priority -150;\n{rules}\n}}\n}}"
    compare(firewall, ruleset)
