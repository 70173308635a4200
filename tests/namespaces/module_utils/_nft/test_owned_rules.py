# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listings are those of a real kernel: each test has a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    OUTLINE,
    Join,
    joins,
    obstacle,
    owned,
    removing,
    restoring,
    skeleton,
    tables_with_ours,
)

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


class Host:
    """A network namespace that stands for a host."""

    def __init__(self, name: str) -> None:
        self._inside = ["ip", "netns", "exec", name]

    def nft(self, *arguments: str, data: str | None = None) -> str:
        return self.run("nft", *arguments, data=data)

    def run(self, *command: str, data: str | None = None) -> str:
        done = subprocess.run([*self._inside, *command], input=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def outline(self) -> str:
        return self.nft(*OUTLINE)

    def ruleset(self) -> str:
        return self.nft("list", "ruleset")

    def owned(self) -> str:
        return owned("".join(self.nft("-s", "list", *title.split()) for title in tables_with_ours(self.outline())))


@pytest.fixture
def host(namespace: str) -> Host:
    return Host(namespace)


def test_nothing_of_ours_is_nothing(host: Host) -> None:
    host.nft("-f", "-", data=THEIRS)
    assert host.owned() == ""
    assert tables_with_ours(host.outline()) == []


@pytest.mark.newer_nft
def test_ours_is_the_table_and_what_is_joined(host: Host) -> None:
    host.nft("-f", "-", data=f"{THEIRS}{OURS}{JOINED}")
    found = host.owned()
    assert tables_with_ours(host.outline()) == ["table inet filter", "table inet pexip_sfb"]
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
    for number, part in enumerate(
        restoring("".join(host.nft("list", *title.split()) for title in tables_with_ours(host.outline())))
    ):
        parts.append(tmp_path / f"{number}.nft")
        parts[-1].write_text(part, encoding="utf-8")
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
        return ""

    return run


def test_the_program_reads_once_and_writes_once(tmp_path: Path) -> None:
    calls: list[tuple[t.Any, ...]] = []
    (tmp_path / "x.nft").write_text("add table inet x\n", encoding="utf-8")
    owned_rules.main([str(tmp_path / "x.nft")], _run(calls))
    assert calls == [
        (*OUTLINE, None),
        ("-f", "-", "table inet pexip_sfb\ndelete table inet pexip_sfb\nadd table inet x\n"),
    ]


def test_a_table_that_a_program_owns_is_one_too() -> None:
    """As nft lists that of firewalld 2, behind one of somebody else."""
    outline = (
        "table inet other { # handle 1\n\tchain input { # handle 1\n\t}\n}\n"
        "table inet firewalld { # progname firewalld # handle 2\n\tset pexip_sfb_x { # handle 1\n\t}\n}\n"
    )
    assert tables_with_ours(outline) == []
    assert removing(outline) == "table inet pexip_sfb\ndelete table inet pexip_sfb\n"
    assert owned(outline) == ""
