# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any rulesets of others, with any of ours among them: when ours are taken out, the kernel has what it had before."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from .._packet_trial.test_verdict import DECIDED, SETS
from .nft_host import NftHost

TIMELESS = SETS.replace("timeout 1h ", "")
HOOKS = ("input", "forward", "output")
VERDICTS = ("accept", "drop", "continue", "counter", "jump part", "reject")
# Names and comments that are, begin with or look like what is ours.
NAMES = ("input", "forward", "pexip", "pexip_sfb", "my_pexip_sfb_input", "f2b-chain", "a.b/c")
COMMENTS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "jump pexip_sfb_input",
            'x" jump pexip_sfb_input comment "',
            "x\n\t\tjump pexip_sfb_input # handle 4\n",
            "x\n\t}\n\tset pexip_sfb_a { # handle 5\n\t}\n\tchain y {",
            "x\n}\ntable inet pexip_sfb {\n\tchain pexip_sfb_x { # handle 5\n\t}\n}\ntable inet z {\n\tchain y {",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30),
)
OURS = """
table inet pexip_sfb {
    set nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11, 192.0.2.16/28 }; }
    chain input { type filter hook input priority filter; policy drop; ip saddr @nodes counter accept comment "sip"; }
}
"""
JOINED = """
table inet theirs0 {
    set pexip_sfb_nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11, 192.0.2.16/28 }; }
    chain pexip_sfb_input { ip saddr @pexip_sfb_nodes tcp dport 5061 counter accept comment "sip"; }
    chain pexip_sfb_forward { ip saddr @pexip_sfb_nodes counter accept comment "media"; }
}
"""
JUMPS = (
    "insert rule inet theirs0 {} jump pexip_sfb_input",
    "add rule inet theirs0 {} tcp dport 5061 counter jump pexip_sfb_forward",
    'add rule inet theirs0 {} ip saddr {{ 192.0.2.1, 192.0.2.7 }} goto pexip_sfb_input comment "x"',
)


class Foreign(t.NamedTuple):
    """A chain of somebody else: its table, its name, its hook (empty: none), and its rules with their comments."""

    table: int
    name: str
    hook: str
    rules: list[tuple[str, str, str | None]]


RULES = st.tuples(st.sampled_from(DECIDED), st.sampled_from(VERDICTS), COMMENTS)
CHAINS = st.lists(
    st.builds(
        Foreign,
        table=st.integers(0, 2),
        name=st.sampled_from(NAMES),
        hook=st.sampled_from(["", *HOOKS]),
        rules=st.lists(RULES, max_size=4),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda chain: (chain.table, chain.name),
)


def load(host: NftHost, chains: list[Foreign]) -> None:
    """Put tables in the place of all that is there: with sets and maps, chains, rules and, through JSON, comments."""
    host.nft("flush", "ruleset")
    host.nft("-f", "-", data="".join(f"table inet theirs{number} {{\n{TIMELESS}\n}}\n" for number in range(3)))
    for chain in chains:
        place = f"inet theirs{chain.table} {chain.name}"
        base = f"{{ type filter hook {chain.hook} priority 0; }}" if chain.hook else ""
        rules = "".join(f"add rule {place} {match} {verdict}\n" for match, verdict, _comment in chain.rules)
        host.nft("-f", "-", data=f"add chain {place} {base}\n{rules}")
        listed = json.loads(host.nft("-j", "list", "chain", *place.split()))["nftables"]
        there = [item["rule"] for item in listed if "rule" in item]
        commented = [
            {"add": {"rule": {**{key: about[key] for key in ("family", "table", "chain", "expr")}, "comment": comment}}}
            for about, (_match, _verdict, comment) in zip(there, chain.rules)
            if comment
        ]
        host.nft("-j", "-f", "-", data=json.dumps({"nftables": commented}))


@pytest.fixture
def host(namespace: str) -> NftHost:
    return NftHost(namespace)


@pytest.mark.newer_nft
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    chains=CHAINS,
    own=st.booleans(),
    jumps=st.lists(st.tuples(st.sampled_from(JUMPS), st.integers(0, 5)), max_size=4),
)
def test_taking_ours_out_leaves_all_else(
    host: NftHost, chains: list[Foreign], own: bool, jumps: list[tuple[str, int]]
) -> None:
    load(host, chains)
    before = host.ruleset("-a")
    joinable = [chain.name for chain in chains if chain.table == 0]
    joined = [jump.format(joinable[number % len(joinable)]) for jump, number in jumps] if joinable else []
    ours = (OURS if own else "") + (JOINED + "\n".join(joined) if joined else "")
    event(f"{len(joined)} jumps{', own table' if own else ''}")
    host.nft("-f", "-", data=f"{ours}\n")
    assert (host.ruleset("-a") != before) == bool(ours)
    assert sorted(host.rules.tables()) == ["pexip_sfb"] * own + ["theirs0"] * bool(joined)
    assert len(host.outline().jumps) == len(joined)
    host.rules.remove()
    assert host.ruleset("-a") == before
    assert host.rules.live("-s") == []
