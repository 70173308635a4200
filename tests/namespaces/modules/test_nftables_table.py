# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module runs for real in a network namespace that exists for the test only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from module_host import ModuleHost

OURS = "table inet pexip_sfb\ndelete table inet pexip_sfb\ntable inet pexip_sfb {{\n{body}\n}}\n"
RULESET = OURS.format(
    body="""
    set nodes {
        type ipv4_addr
        flags interval
        elements = { 192.0.2.11, 192.0.2.16/28 }
    }
    chain input {
        type filter hook input priority filter; policy accept;
        ip saddr @nodes counter accept
    }"""
)
OTHER_RULESET = OURS.format(
    body="""
    chain input {
        type filter hook input priority filter; policy drop;
    }"""
)
FOREIGN = """
table inet theirs {
    chain input {
        type filter hook input priority 5; policy accept;
        tcp dport 22 accept
    }
}
"""


JOINED = """
table inet theirs {
    set pexip_sfb_nodes { type ipv4_addr; flags interval; elements = { 192.0.2.11, 192.0.2.16/28 }; }
    chain pexip_sfb_input { ip saddr @pexip_sfb_nodes counter accept comment "sip"; }
}
insert rule inet theirs input jump pexip_sfb_input
"""


@pytest.fixture
def host(namespace: str) -> ModuleHost:
    return ModuleHost(namespace, "nftables_table")


@pytest.mark.controller
def test_the_table_is_made_once_and_others_are_left_alone(host: ModuleHost) -> None:
    host.nft("-f", "-", text=FOREIGN)
    first = host.through_ansible(ruleset=RULESET)
    listed = host.nft("list", "ruleset")
    again = host.through_ansible(ruleset=RULESET)
    assert (first["changed"], again["changed"]) == (True, False)
    assert first["nft"].endswith("/nft")
    assert "table inet theirs" in listed
    assert "192.0.2.16/28" in listed
    assert host.nft("list", "ruleset") == listed


def test_another_ruleset_replaces_the_table(host: ModuleHost) -> None:
    host.module(ruleset=RULESET)
    assert host.module(ruleset=OTHER_RULESET)["changed"] is True
    listed = host.nft("list", "ruleset")
    assert "policy drop" in listed
    assert "nodes" not in listed


def test_what_permits_less_than_before_says_so(host: ModuleHost) -> None:
    more = RULESET.replace("192.0.2.11,", "192.0.2.11, 192.0.2.40,").replace(
        "policy accept;", "policy accept; udp dport 9 accept"
    )
    assert host.module(ruleset=RULESET)["narrowed"] is False
    assert host.module(ruleset=more)["narrowed"] is False
    assert host.module(check_mode=True, ruleset=RULESET)["narrowed"] is True
    assert host.module(ruleset=RULESET)["narrowed"] is True
    assert host.module(ruleset=RULESET)["narrowed"] is False
    assert host.module(ruleset=OTHER_RULESET)["narrowed"] is True


@pytest.mark.parametrize(
    "spoil",
    [
        ("flush", "chain", "inet", "pexip_sfb", "input"),
        ("add", "element", "inet", "pexip_sfb", "nodes", "{ 198.51.100.1 }"),
        ("insert", "rule", "inet", "pexip_sfb", "input", "accept"),
        ("add", "chain", "inet", "pexip_sfb", "extra"),
        ("flush", "ruleset"),
    ],
)
def test_what_somebody_changed_in_the_kernel_is_put_right(host: ModuleHost, spoil: tuple[str, ...]) -> None:
    host.module(ruleset=RULESET)
    good = host.nft("-s", "list", "ruleset")
    host.nft(*spoil)
    assert host.module(ruleset=RULESET)["changed"] is True
    assert host.nft("-s", "list", "ruleset") == good


@pytest.mark.controller
def test_check_mode_tells_the_difference_and_changes_nothing(host: ModuleHost) -> None:
    host.module(ruleset=RULESET)
    before = host.nft("-s", "list", "ruleset")
    result = host.through_ansible("--check", "--diff", ruleset=OTHER_RULESET)
    assert result["changed"] is True
    assert "+\t\ttype filter hook input priority filter; policy drop;" in result["shown"]
    assert "-\t\tip saddr @nodes counter accept" in result["shown"]
    assert host.nft("-s", "list", "ruleset") == before


def test_looking_takes_turns_and_changes_nothing(host: ModuleHost, tmp_path: Path) -> None:
    path = tmp_path / "ruleset.nft"
    looked = host.module(ruleset=RULESET, path=str(path), step="look")
    assert (looked["changed"], looked["first"]) == (True, True)
    assert not path.exists()
    assert host.nft("list", "ruleset") == ""


def test_absent_removes_our_table_and_no_other(host: ModuleHost) -> None:
    host.nft("-f", "-", text=FOREIGN)
    before = host.nft("list", "ruleset")
    host.module(ruleset=RULESET)
    checked = host.module(check_mode=True, state="absent")
    removed = host.module(state="absent")
    again = host.module(state="absent")
    assert (checked["changed"], removed["changed"], again["changed"]) == (True, True, False)
    assert host.nft("list", "ruleset") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ruleset": "table inet pexip_sfb { nonsense }"}, "nft did not take it in a scratch network namespace"),
        ({"ruleset": f"{RULESET}\n{FOREIGN}"}, "accepted: only table inet pexip_sfb"),
        ({"ruleset": ""}, "it holds []; accepted: only table inet pexip_sfb"),
        ({"ruleset": f"flush ruleset\n{RULESET}"}, "it removes tables of others"),
        ({"state": "present"}, "state is present but all of the following are missing: ruleset"),
    ],
)
def test_what_cannot_be_applied_leaves_the_kernel_alone(
    host: ModuleHost, arguments: dict[str, str], message: str
) -> None:
    host.module(ruleset=OTHER_RULESET)
    before = host.nft("list", "ruleset")
    result = host.module(**arguments)
    assert result["failed"] is True
    assert message in result["msg"]
    assert host.nft("list", "ruleset") == before


@pytest.mark.newer_nft
def test_rules_join_a_table_of_others_and_leave_it_again(host: ModuleHost, tmp_path: Path) -> None:
    host.nft("-f", "-", text=FOREIGN)
    before = host.nft("list", "ruleset")
    files = {"path": str(tmp_path / "ours/ruleset.nft"), "program": str(tmp_path / "ours/join.py")}
    joined = host.module(ruleset=JOINED, **files)
    listed = host.nft("list", "ruleset")
    again = host.module(ruleset=JOINED, **files)
    assert (joined["changed"], again["changed"]) == (True, False), joined
    assert "policy accept;\n\t\tjump pexip_sfb_input\n" in listed
    assert {path.name for path in (tmp_path / "ours").iterdir()} == {"ruleset.nft", "join.py"}
    # As after a reload of that table: the program has what it needs, and does it again and again.
    host.nft("flush", "ruleset")
    host.nft("-f", "-", text=FOREIGN)
    for _time in range(2):
        host.run(sys.executable, "-I", files["program"], files["path"])
        assert host.nft("list", "ruleset") == listed
    assert host.module(ruleset=RULESET)["changed"] is True
    assert "table inet pexip_sfb" in host.nft("list", "tables")
    assert host.module(state="absent")["changed"] is True
    assert host.nft("list", "ruleset") == before


@pytest.mark.newer_nft
@pytest.mark.parametrize(
    "spoil",
    [
        ("flush", "chain", "inet", "theirs", "pexip_sfb_input"),
        ("add", "element", "inet", "theirs", "pexip_sfb_nodes", "{ 198.51.100.1 }"),
        ("flush", "chain", "inet", "theirs", "input"),
        ("insert", "rule", "inet", "theirs", "input", "tcp", "dport", "5061", "drop"),
        ("insert", "rule", "inet", "theirs", "pexip_sfb_input", "accept"),
    ],
)
def test_what_somebody_changed_of_the_joined_rules_is_put_right(host: ModuleHost, spoil: tuple[str, ...]) -> None:
    host.nft("-f", "-", text=FOREIGN)
    host.module(ruleset=JOINED)
    host.nft(*spoil)
    checked = host.module(check_mode=True, ruleset=JOINED)
    assert checked["changed"] is True
    assert host.module(ruleset=JOINED)["changed"] is True
    assert "policy accept;\n\t\tjump pexip_sfb_input\n" in host.nft("list", "ruleset")
    assert host.module(ruleset=JOINED)["changed"] is False


@pytest.mark.newer_nft
def test_what_somebody_changed_in_the_table_that_is_joined_is_theirs(host: ModuleHost) -> None:
    host.nft("-f", "-", text=FOREIGN)
    host.module(ruleset=JOINED)
    host.nft("add", "rule", "inet", "theirs", "input", "tcp", "dport", "99", "drop")
    assert host.module(ruleset=JOINED)["changed"] is False


@pytest.mark.newer_nft
def test_a_comment_of_any_encoding_on_the_jump_is_put_right(host: ModuleHost) -> None:
    host.nft("-f", "-", text=FOREIGN)
    host.module(ruleset=JOINED)
    good = host.nft("-s", "list", "ruleset")
    host.nft("-f", "-", text=b'insert rule inet theirs input jump pexip_sfb_input comment "B\xfcro"\n')
    checked = host.through_ansible("--check", "--diff", ruleset=JOINED)
    assert checked["changed"] is True
    assert '-\tchain input: jump pexip_sfb_input comment "B\\xfcro"\n' in checked["shown"]
    assert host.module(ruleset=JOINED)["changed"] is True
    assert host.nft("-s", "list", "ruleset") == good


def test_a_table_of_others_with_nothing_but_comments_like_ours_is_left_alone(host: ModuleHost) -> None:
    comment = "x\n\t\tjump pexip_sfb_input # handle 1\n\t}\n\tset pexip_sfb_nodes { # handle 2\n\t}\n\tchain y {"
    host.nft("-f", "-", text=FOREIGN)
    host.nft("-f", "-", text=f'add rule inet theirs input accept comment "{comment}"\n')
    before = host.nft("-a", "list", "ruleset")
    result = host.module(state="absent")
    assert (result["failed"], result["changed"], result["diff"]) == (False, False, [])
    assert host.nft("-a", "list", "ruleset") == before


@pytest.mark.newer_nft
def test_a_chain_to_join_that_is_not_there_is_named(host: ModuleHost) -> None:
    result = host.module(ruleset=JOINED)
    assert result["msg"] == (
        "Nothing was changed: linux_firewall_join: chain input of the table inet theirs is not there; accepted: "
        "table and chain of the family inet with hook input: this host has none"
    )
    assert host.nft("list", "ruleset") == ""
