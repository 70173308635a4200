# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listings are those of a real kernel: each test has a network namespace of its own."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    OUTLINE,
    Join,
    Outline,
    UnreadableError,
    joins,
    obstacle,
    removing,
    skeleton,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import owned_rules

from .nft_host import NftHost

OURS = """
table inet pexip_sfb {
    set nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11, 192.0.2.16/28 }; }
    chain input { type filter hook input priority filter; policy drop; ip saddr @nodes counter accept comment "sip"; }
}
"""
THEIRS = """
table inet filter {
    comment "pexip_sfb_ is not the name of this one"
    set pexip { type ipv4_addr; elements = { 203.0.113.1 }; }
    chain input {
        type filter hook input priority filter + 5; policy accept;
        tcp dport 22 accept comment "jump pexip_sfb_input"
        tcp dport 23 counter accept comment "goto pexip_sfb_input # handle 7"
    }
    chain transit { type filter hook forward priority filter; policy drop; }
}
table ip other {
    chain pexip_sfb_input { type filter hook input priority 7; policy accept; }
}
"""
JOINED = """
table inet filter {
    set pexip_sfb_nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11, 192.0.2.16/28 }; }
    chain pexip_sfb_input { ip saddr @pexip_sfb_nodes tcp dport 5061 counter accept comment "sip"; }
    chain pexip_sfb_forward { ip saddr @pexip_sfb_nodes counter accept comment "media"; }
}
insert rule inet filter input jump pexip_sfb_input
insert rule inet filter transit jump pexip_sfb_forward
"""

# How firewalld keeps an ipset and a policy of ours.
FIREWALLD = """
table inet firewalld {
    set pexip_sfb_i4_nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11 }; }
    chain filter_IN_policy_pexip_sfb_input { ip saddr @pexip_sfb_i4_nodes tcp dport 5061 accept; }
    chain filter_INPUT { type filter hook input priority 10; jump filter_IN_policy_pexip_sfb_input; }
}
"""

HALF_REMOVED = """
flush chain inet filter input
flush chain inet filter pexip_sfb_input
delete chain inet filter pexip_sfb_input
add rule inet filter transit tcp dport 9 jump pexip_sfb_forward
"""


class Host(NftHost):
    """A host with or without our rules."""

    def owned(self) -> str:
        return owned(self.rules.live("-s"))


@pytest.fixture
def host(namespace: str) -> Host:
    return Host(namespace)


def test_nothing_of_ours_is_nothing(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS)
    assert host.owned() == ""
    assert host.outline().tables() == []


@pytest.mark.newer_nft
def test_ours_is_the_table_and_what_is_joined(host: Host) -> None:
    host.nft("-f", "-", data=f"{THEIRS}{OURS}{JOINED}")
    found = host.owned()
    assert host.outline().tables() == ["filter", "pexip_sfb"]
    assert host.nft("-s", "list", "table", "inet", "pexip_sfb") in found
    assert "\tchain input: jump pexip_sfb_input\n" in found
    assert "\tchain transit: jump pexip_sfb_forward\n" in found
    assert "192.0.2.16/28" in found
    for theirs in ("203.0.113.1", "dport 22", "policy accept", "table ip other", "set pexip {"):
        assert theirs not in found


@pytest.mark.newer_nft
def test_removing_takes_ours_and_nothing_else(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS)
    before = host.ruleset()
    host.nft("-f", "-", data=f"{OURS}{JOINED}")
    host.nft("-f", "-", data=removing(host.outline()))
    assert host.ruleset() == before


def test_what_firewalld_has_of_ours_is_its_own_business(host: Host) -> None:
    host.nft("-f", "-", data=FIREWALLD)
    before = host.ruleset()
    assert host.owned() == ""
    host.nft("-f", "-", data=OURS)
    host.nft("-f", "-", data=removing(host.outline()))
    assert host.ruleset() == before


@pytest.mark.newer_nft
def test_removing_finds_what_somebody_half_removed(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS)
    before = host.ruleset()
    host.nft("-f", "-", data=JOINED)
    host.nft("-f", "-", data=HALF_REMOVED)
    host.nft("-f", "-", data=removing(host.outline()))
    emptied = host.ruleset()
    assert "pexip_sfb_nodes" not in emptied
    assert "jump pexip_sfb_forward" not in emptied
    assert emptied.splitlines()[-5:] == before.splitlines()[-5:]


@pytest.mark.newer_nft
def test_replacing_is_one_transaction_that_leaves_no_trace_where_it_fails(host: Host) -> None:
    host.nft("-f", "-", data=f"{THEIRS}{OURS}{JOINED}")
    before = host.ruleset()
    with pytest.raises(AssertionError, match="No such file or directory"):
        host.nft("-f", "-", data=f"{removing(host.outline())}insert rule inet filter elsewhere accept\n")
    assert host.ruleset() == before


@pytest.mark.newer_nft
@pytest.mark.parametrize("there", ["", OURS, JOINED, OURS + JOINED], ids=["nothing", "table", "joined", "both"])
@pytest.mark.parametrize("change", ["", OURS, JOINED], ids=["nothing", "table", "joined"])
def test_the_program_restores_what_was_there_with_counters(host: Host, tmp_path: Path, there: str, change: str) -> None:
    host.nft("-f", "-", data=THEIRS + there.replace("counter accept", "counter packets 12 bytes 720 accept"))
    before = sorted(host.ruleset().splitlines())
    parts = []
    for table in host.rules.live():
        parts.append(tmp_path / f"{table.name}.nft")
        parts[-1].write_text(table.ruleset(), encoding="utf-8")
    host.nft("-f", "-", data=removing(host.outline()) + change)
    host.run(sys.executable, "-I", str(owned_rules.__file__), *map(str, parts))
    assert sorted(host.ruleset().splitlines()) == before


def test_the_program_minds_no_comment_of_others(host: Host, tmp_path: Path) -> None:
    """Nor that PATH lacks the place of nft, as that of a user that became root can."""
    comment = 'table inet other { chain x { accept comment "B\udcfcro"; }; }'.encode(errors="surrogateescape")
    (tmp_path / "other.nft").write_bytes(comment)
    (tmp_path / "ours.nft").write_text(OURS, encoding="utf-8")
    host.nft("-f", str(tmp_path / "other.nft"))
    program = (sys.executable, "-I", str(owned_rules.__file__), str(tmp_path / "ours.nft"))
    host.run("env", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", *program)
    assert "table inet pexip_sfb" in host.nft("list", "tables")


@pytest.mark.newer_nft
def test_a_skeleton_is_all_that_a_ruleset_needs(host: Host) -> None:
    wanted = joins(JOINED)
    assert wanted == [Join("filter", "input", "input"), Join("filter", "transit", "forward")]
    host.nft("-f", "-", data=skeleton(wanted) + JOINED)
    scratch = host.owned()
    host.nft("flush", "ruleset")
    host.nft("-f", "-", data=THEIRS + JOINED)
    assert host.owned() == scratch


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        (Join("filter", "input", "input"), ""),
        (Join("filter", "plain", "output"), ""),
        (
            Join("filter", "output", "output"),
            "chain output of the table inet filter is not there; "
            "accepted: table and chain of the family inet with hook output: this host has none",
        ),
        (
            Join("filter", "transit", "input"),
            "chain transit of the table inet filter has hook forward; "
            "accepted: table and chain of the family inet with hook input: filter input",
        ),
    ],
)
def test_a_chain_that_cannot_be_joined_is_named(host: Host, join: Join, expected: str) -> None:
    host.nft("-f", "-", data=f"{THEIRS}{OURS}table inet filter {{ chain plain {{ }}; }}\n")
    assert obstacle(join, host.outline()) == expected


def _run(calls: list[tuple[t.Any, ...]]) -> t.Callable[..., str]:
    def run(*arguments: str, data: str | None = None) -> str:
        calls.append((*arguments, data))
        return '{"nftables": []}'

    return run


def test_the_program_reads_once_and_writes_once(tmp_path: Path) -> None:
    calls: list[tuple[t.Any, ...]] = []
    (tmp_path / "x.nft").write_text("add table inet x\n", encoding="utf-8")
    owned_rules.main([str(tmp_path / "x.nft")], _run(calls))
    assert calls == [
        (*OUTLINE, None),
        ("-f", "-", "table inet pexip_sfb\ndelete table inet pexip_sfb\nadd table inet x\n"),
    ]


@pytest.mark.newer_nft
def test_the_order_of_their_chains_is_no_difference(host: Host) -> None:
    chains = ("transit { type filter hook forward priority 0; }", "input { type filter hook input priority 0; }")
    host.nft("-f", "-", data="table inet filter {\n" + "".join(f"chain {chain}\n" for chain in chains) + "}\n")
    wanted = host.rules.normalised(JOINED)
    host.replace(JOINED)
    assert host.owned() == wanted.owned()


# What a comment can be: nft's text takes a line break in it, and its JSON everything.
HOSTILE = [
    "jump pexip_sfb_input",
    'x" jump pexip_sfb_input comment "',
    "x\n\t\tjump pexip_sfb_input # handle 4\n",
    "x\n\t\tjump pexip_sfb_input # handle 9\n",
    'x" # handle 6\n\t\tgoto pexip_sfb_forward',
    "x\n\t}\n\n\tset pexip_sfb_evil { # handle 5\n\t\ttype ipv4_addr\n\t}\n\n\tchain y {",
    "x\n\t}\n\n\tchain pexip_sfb_evil { # handle 5\n\t}\n\n\tchain y {",
    "x\n\t}\n}\ntable inet pexip_sfb { # handle 5\n}\ntable inet z {\n\tchain y {",
    "\u2028\t\tjump pexip_sfb_input # handle 4",
]


@pytest.mark.newer_nft
@pytest.mark.parametrize("comment", HOSTILE)
def test_no_comment_of_others_is_taken_for_ours(host: Host, comment: str) -> None:
    host.nft("-f", "-", data=THEIRS)
    about = {"family": "inet", "table": "filter", "chain": "input", "comment": comment, "expr": [{"accept": None}]}
    host.nft("-j", "-f", "-", data=json.dumps({"nftables": [{"add": {"rule": about}}] * 3}))
    before = host.ruleset("-a")
    assert host.owned() == ""
    assert removing(host.outline()) == "table inet pexip_sfb\ndelete table inet pexip_sfb\n"
    for _time in range(2):
        wanted = host.rules.normalised(JOINED)
        host.replace(JOINED)
        assert host.owned() == wanted.owned()
    host.rules.remove()
    assert host.ruleset("-a") == before


@pytest.mark.newer_nft
def test_where_a_comment_of_others_looks_like_ours_nothing_is_guessed(host: Host) -> None:
    comment = "x\n\t}\n\n\tchain pexip_sfb_input { # handle 5\n\t}\n\n\tchain y {"
    host.nft("-f", "-", data=THEIRS)
    host.nft("-f", "-", data=f'add rule inet filter input tcp dport 24 accept comment "{comment}"\n')
    before = host.ruleset("-a")
    host.nft("-f", "-", data=JOINED)
    with pytest.raises(pytest.fail.Exception, match="the table inet filter does not have what its JSON has"):
        host.owned()
    host.rules.remove()
    assert host.ruleset("-a") == before


def _made(table: str, chain: str, *rules: object) -> str:
    """What makes a table and a chain with any name."""
    place = {"family": "inet", "table": table}
    made: list[object] = [{"table": {"family": "inet", "name": table}}, {"chain": {**place, "name": chain}}]
    made += [{"rule": {**place, "chain": chain, "expr": [rule]}} for rule in rules]
    return json.dumps({"nftables": [{"add": one} for one in made]})


@pytest.mark.newer_nft
@pytest.mark.parametrize(
    "place",
    [
        ("filter", "pexip_sfb_x; flush ruleset"),
        ("filter", "pexip_sfb_x y"),
        ("filter;flush ruleset", "pexip_sfb_x"),
        ("x pexip_sfb_y", "pexip_sfb_\u00fc"),
        ("filter", "x\n\tchain pexip_sfb_x {"),
    ],
)
def test_a_name_that_no_ruleset_can_have_is_of_others(host: Host, place: tuple[str, str]) -> None:
    host.nft("-f", "-", data=THEIRS)
    host.nft("-j", "-f", "-", data=_made(*place))
    before = host.ruleset("-a")
    assert host.owned() == ""
    host.replace(JOINED)
    host.rules.remove()
    assert host.ruleset("-a") == before


def test_our_table_goes_whatever_is_called_how_in_it(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS)
    before = host.ruleset("-a")
    host.nft("-f", "-", data=OURS)
    host.nft("-j", "-f", "-", data=_made("pexip_sfb", "x; flush ruleset"))
    wanted = host.rules.normalised(OURS)
    assert host.owned() != wanted.owned()
    host.replace(OURS)
    assert host.owned() == wanted.owned()
    host.rules.remove()
    assert host.ruleset("-a") == before


@pytest.mark.newer_nft
def test_what_cannot_be_taken_out_as_a_whole_stays_as_a_whole(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS + JOINED)
    host.nft("-j", "-f", "-", data=_made("filter", "x y", {"jump": {"target": "pexip_sfb_input"}}))
    before = host.ruleset("-a")
    with pytest.raises(AssertionError, match="Device or resource busy"):
        host.nft("-f", "-", data=removing(host.outline()))
    assert host.ruleset("-a") == before


@pytest.mark.newer_nft
def test_an_interface_of_others_in_any_encoding_is_no_obstacle(host: Host) -> None:
    """nft dies of it where its rule is to be listed as JSON."""
    host.nft("-f", "-", data=THEIRS)
    host.nft("-f", "-", data='table inet other {\nchain x {\niifname "B\udcfcro" accept\n}\n}\n')
    before = host.ruleset("-a")
    host.replace(JOINED)
    assert "jump pexip_sfb_input" in host.ruleset()
    host.rules.remove()
    assert host.ruleset("-a") == before


@pytest.mark.newer_nft
def test_tables_of_iptables_are_left_alone(host: Host) -> None:
    """nft cannot write their extensions, and its JSON has no more than their names."""
    script = "iptables-nft -A INPUT -p udp -m multiport --dports 1,2 -m comment --comment 'jump pexip_sfb_x' -j DROP"
    host.run("sh", "-c", f"{script}; iptables-nft -N pexip_sfb_x; iptables-nft -A INPUT -j pexip_sfb_x")
    host.nft("-f", "-", data=THEIRS)
    before = host.ruleset("-a")
    host.replace(JOINED)
    host.replace(OURS)
    host.rules.remove()
    assert host.ruleset("-a") == before


PLACE = {"family": "inet", "table": "filter"}
SET = json.dumps({"nftables": [{"set": {**PLACE, "name": "pexip_sfb_x"}}]})


@pytest.mark.parametrize(
    ("outline", "chain"),
    [
        ("", SET),
        (" \n", SET),
        ("table inet filter {", SET),
        ('{"nftables": [{"chain": {"family": "inet", "table":', SET),
        (f'{SET}\n{{"nftables": [', SET),
        ("[]", SET),
        ("null", SET),
        ('{"nftables": null}', SET),
        ('{"nftables": [null]}', SET),
        ('{"nftables": ["chain"]}', SET),
        ('{"nftables": [{"chain": {"family": "inet", "name": "pexip_sfb_x"}}]}', SET),
        ('{"nftables": [{"set": {"family": "inet", "table": "pexip_sfb"}}]}', SET),
        ('{"nftables": [{"set": null}]}', SET),
        (SET, ""),
        (SET, '{"nftables": [{"rule": {"family": "inet", "table": "filter", "chain": "x"}}]}'),
        (SET, '{"nftables": [{"rule": {"family": "inet", "table": "filter", "chain": "x", "expr": 5}}]}'),
        (SET, json.dumps({"nftables": [{"rule": {**PLACE, "chain": "x", "expr": [{"jump": "pexip_sfb_x"}]}}]})),
        (
            SET,
            json.dumps(
                {"nftables": [{"rule": {**PLACE, "chain": "x", "expr": [{"jump": {"target": "pexip_sfb_x"}}]}}]}
            ),
        ),
    ],
)
def test_what_cannot_be_read_deletes_nothing(outline: str, chain: str) -> None:
    """The table has a chain as well, so that its rules are read."""
    wrote: list[str] = []
    chains = json.dumps({"nftables": [{"chain": {**PLACE, "name": "x"}}]})

    def run(*arguments: str, data: str | None = None) -> str:
        if data is not None:
            wrote.append(data)
        if arguments != OUTLINE:
            return chain
        return outline if outline != SET else f"{chains}\n{SET}"

    with pytest.raises(UnreadableError):
        owned_rules.main([], run)
    assert wrote == []


def test_the_program_says_what_it_could_not_read(host: Host, tmp_path: Path) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\necho '{\"nftables\": ['\n", encoding="utf-8")
    (tmp_path / "nft").chmod(0o755)
    host.nft("-f", "-", data=OURS)
    before = host.ruleset("-a")
    code, _out, err = host.run_command(["env", f"PATH={tmp_path}", sys.executable, "-I", str(owned_rules.__file__)])
    assert code == 1
    assert err.startswith("Nothing was changed: nft printed no JSON that it is known to print (JSONDecodeError: ")
    assert host.ruleset("-a") == before


def test_a_table_that_a_program_owns_is_one_too() -> None:
    """As nft lists that of firewalld 2, behind one of somebody else."""
    place = {"family": "inet", "table": "firewalld"}
    outputs = [
        json.dumps({"nftables": [{"chain": {"family": "inet", "table": "other", "name": "input", "handle": 1}}]}),
        json.dumps({"nftables": [{"set": {**place, "name": "pexip_sfb_x", "type": "ipv4_addr", "handle": 1}}]}),
        json.dumps({"nftables": [{"table": {"family": "inet", "name": "firewalld", "flags": ["owner", "persist"]}}]}),
    ]
    outline = Outline(*outputs)
    assert outline.tables() == []
    assert removing(outline) == "table inet pexip_sfb\ndelete table inet pexip_sfb\n"
    assert [part for part in outline.parts if part.ours] == []
