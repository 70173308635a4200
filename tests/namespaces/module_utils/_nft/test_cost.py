# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change costs on the host, counted: programs that are run, transactions of the kernel. Sizes play no part."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import LISTED

from .nft_host import NftHost


class _Host(NftHost):
    """A host that counts."""

    def counted(self) -> dict[str, int]:
        """Return how often the kernel was written to (``load``), read (``list``), and a scratch namespace was used."""
        loads = self.commands.count("-f -")
        scratches = self.commands.count("scratch")
        return {"load": loads, "scratch": scratches, "list": len(self.commands) - loads - scratches}


class Kind(t.NamedTuple):
    """A kind of set: how it is declared, the match of a rule, and its elements by number."""

    family: str
    flags: str
    match: str
    element: str


HASH = Kind("ipv4", "", "ip", "10.{}.{}.1")
INTERVAL = Kind("ipv4", "flags interval", "ip", "10.{}.{}.0/28")
HASH_IPV6 = Kind("ipv6", "", "ip6", "2001:db8:{:x}:{:x}::1")
INTERVAL_IPV6 = Kind("ipv6", "flags interval", "ip6", "2001:db8:{:x}:{:x}::/64")
KINDS = pytest.mark.parametrize(
    "kind", [HASH, INTERVAL, HASH_IPV6, INTERVAL_IPV6], ids=["hash", "interval", "IPv6 hash", "IPv6 interval"]
)


def _ruleset(addresses: int, kind: Kind = HASH, name: str = "nodes", comment: str = "") -> str:
    elements = ", ".join(kind.element.format(index // 250, index % 250) for index in range(addresses))
    return f"""table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {{
    set {name} {{
        type {kind.family}_addr
        {kind.flags}
        {f'comment "{comment}"' if comment else ""}
        elements = {{ {elements} }}
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        {kind.match} saddr @{name} counter accept comment "row"
    }}
}}
"""


def _joined(ruleset: str) -> str:
    """The same set and rule in a table of others, whose own chain jumps there."""
    chain = "chain input {\ntype filter hook input priority 0;\njump pexip_sfb_input\n}\n"
    body = ruleset.split("{", 1)[1].replace("nodes", "pexip_sfb_nodes").replace("chain input", "chain pexip_sfb_input")
    ours = body.replace("type filter hook input priority filter; policy accept;", "")
    return f"table inet filter {{{ours.rstrip().removesuffix('}')}{chain}}}\n"


@pytest.fixture
def host(namespace: str) -> _Host:
    return _Host(namespace)


def _replaced(host: _Host, ruleset: str) -> dict[str, int]:
    """Have *ruleset* in the place of what is there; return what that took."""
    wanted, live = host.rules.normalised(ruleset), host.rules.live("-s")
    host.commands.clear()
    host.rules.replace(ruleset, wanted, live)
    counted = host.counted()
    assert owned(host.rules.live("-s")) == wanted.owned()
    return counted


@pytest.mark.newer_nft
@KINDS
@pytest.mark.parametrize("addresses", [3, 3000])
def test_a_change_of_addresses_is_one_transaction(host: _Host, addresses: int, kind: Kind) -> None:
    # A set that is new comes before the rules that need it, so that none of them finds it empty.
    assert _replaced(host, _ruleset(addresses, kind)) == {"load": 2, "scratch": 0, "list": 0}
    assert _replaced(host, _ruleset(addresses + 1, kind)) == {"load": 1, "scratch": 0, "list": 1}
    assert _replaced(host, _ruleset(addresses - 1, kind)) == {"load": 1, "scratch": 0, "list": 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [(HASH, INTERVAL), (INTERVAL, HASH), (HASH_IPV6, INTERVAL_IPV6), (HASH, HASH_IPV6)],
    ids=["to interval", "to hash", "IPv6 to interval", "to IPv6"],
)
def test_a_set_of_another_kind_and_name_is_one_transaction_more(host: _Host, before: Kind, after: Kind) -> None:
    _replaced(host, _ruleset(3000, before, "nodes"))
    assert _replaced(host, _ruleset(3000, after, "others")) == {"load": 2, "scratch": 0, "list": 1}


@KINDS
def test_a_set_of_another_name_alone_is_one_transaction_more(host: _Host, kind: Kind) -> None:
    _replaced(host, _ruleset(3000, kind, "nodes"))
    assert _replaced(host, _ruleset(3000, kind, "others")) == {"load": 2, "scratch": 0, "list": 1}


@pytest.mark.parametrize(
    ("kind", "loads"),
    [(HASH, 1), (HASH_IPV6, 1), (INTERVAL, 4), (INTERVAL_IPV6, 4)],
    ids=["hash", "IPv6 hash", "interval", "IPv6 interval"],
)
def test_a_set_that_says_something_else_is_made_again(host: _Host, kind: Kind, loads: int) -> None:
    _replaced(host, _ruleset(3000, kind, comment="node"))
    # The kernel fills one of intervals later than it puts the rules in force, so it has another name meanwhile.
    reads = 1 if loads == 1 else 2
    assert _replaced(host, _ruleset(3000, kind, comment="node; judged")) == {
        "load": loads,
        "scratch": 0,
        "list": reads,
    }


def test_a_set_of_another_kind_under_its_name_is_made_again(host: _Host) -> None:
    _replaced(host, _ruleset(3000, HASH))
    assert _replaced(host, _ruleset(3000, INTERVAL)) == {"load": 4, "scratch": 0, "list": 2}
    assert _replaced(host, _ruleset(3000, HASH)) == {"load": 1, "scratch": 0, "list": 1}


@pytest.mark.parametrize("addresses", [3, 3000])
def test_to_see_that_nothing_differs_takes_one_scratch_namespace_and_two_reads(host: _Host, addresses: int) -> None:
    ruleset = _ruleset(addresses)
    host.replace(ruleset)
    LISTED.clear()
    host.commands.clear()
    wanted = host.rules.normalised(ruleset)
    assert owned(host.rules.live("-s")) == wanted.owned()
    assert host.counted() == {"load": 0, "scratch": 1, "list": 2}


def test_a_process_lists_a_ruleset_in_a_scratch_namespace_once(host: _Host) -> None:
    first = host.rules.normalised(_ruleset(3))
    assert host.rules.normalised(_ruleset(3)).owned() == first.owned()
    assert host.rules.normalised(_ruleset(4)).owned() != first.owned()
    assert host.counted() == {"load": 0, "scratch": 2, "list": 0}


def test_where_nothing_of_ours_is_there_no_way_back_is_tried(host: _Host, tmp_path: Path) -> None:
    host.rules.save(tmp_path)
    assert host.counted() == {"load": 0, "scratch": 0, "list": 2}
    host.replace(_ruleset(3))
    host.commands.clear()
    host.rules.save(tmp_path)
    assert host.counted() == {"load": 0, "scratch": 1, "list": 2}


@pytest.mark.parametrize("joined", [False, True], ids=["own table", "joined"])
def test_the_counters_are_read_without_the_elements(host: _Host, joined: bool) -> None:
    printed = {}
    for addresses in (3, 100_000):
        ruleset = _ruleset(addresses, INTERVAL_IPV6)
        host.load(_joined(ruleset) if joined else ruleset)
        host.printed = 0
        (counted,) = host.rules.counters()
        printed[addresses] = host.printed
    assert counted["comment"] == "row"
    assert printed[100_000] == printed[3] > 0
