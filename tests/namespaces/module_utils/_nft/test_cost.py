# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change costs on the host, counted: programs that are run, transactions of the kernel. Sizes play no part."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules


class _Module:
    """What the code under test needs of an AnsibleModule; nft runs in a network namespace, and is counted."""

    def __init__(self, namespace: str) -> None:
        self._inside = ["ip", "netns", "exec", namespace]
        self.commands: list[str] = []

    def run_command(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        scratch = "unshare" in command[0]
        self.commands.append("scratch" if scratch else " ".join(command[1:]))
        prefix = [] if scratch else self._inside
        done = subprocess.run([*prefix, *command], input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def get_bin_path(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        pytest.fail(str(result))

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


@pytest.fixture
def module(namespace: str) -> _Module:
    return _Module(namespace)


def _replaced(module: _Module, ruleset: str) -> dict[str, int]:
    """Have *ruleset* in the place of what is there; return what that took."""
    rules = OwnedRules(Nft(t.cast("t.Any", module), "nft"))
    wanted = rules.normalised(ruleset)
    module.commands.clear()
    rules.replace(ruleset, wanted)
    counted = module.counted()
    assert rules.listing("-s") == wanted
    return counted


@pytest.mark.newer_nft
@KINDS
@pytest.mark.parametrize("addresses", [3, 3000])
def test_a_change_of_addresses_is_one_transaction(module: _Module, addresses: int, kind: Kind) -> None:
    # A set that is new comes before the rules that need it, so that none of them finds it empty.
    assert _replaced(module, _ruleset(addresses, kind)) == {"load": 2, "scratch": 0, "list": 2}
    assert _replaced(module, _ruleset(addresses + 1, kind)) == {"load": 1, "scratch": 0, "list": 3}
    assert _replaced(module, _ruleset(addresses - 1, kind)) == {"load": 1, "scratch": 0, "list": 3}


@pytest.mark.parametrize(
    ("before", "after"),
    [(HASH, INTERVAL), (INTERVAL, HASH), (HASH_IPV6, INTERVAL_IPV6), (HASH, HASH_IPV6)],
    ids=["to interval", "to hash", "IPv6 to interval", "to IPv6"],
)
def test_a_set_of_another_kind_and_name_is_one_transaction_more(module: _Module, before: Kind, after: Kind) -> None:
    _replaced(module, _ruleset(3000, before, "nodes"))
    assert _replaced(module, _ruleset(3000, after, "others")) == {"load": 2, "scratch": 0, "list": 3}


@KINDS
def test_a_set_of_another_name_alone_is_one_transaction_more(module: _Module, kind: Kind) -> None:
    _replaced(module, _ruleset(3000, kind, "nodes"))
    assert _replaced(module, _ruleset(3000, kind, "others")) == {"load": 2, "scratch": 0, "list": 3}


@pytest.mark.parametrize(
    ("kind", "loads"),
    [(HASH, 1), (HASH_IPV6, 1), (INTERVAL, 4), (INTERVAL_IPV6, 4)],
    ids=["hash", "IPv6 hash", "interval", "IPv6 interval"],
)
def test_a_set_that_says_something_else_is_made_again(module: _Module, kind: Kind, loads: int) -> None:
    _replaced(module, _ruleset(3000, kind, comment="node"))
    # The kernel fills one of intervals later than it puts the rules in force, so it has another name meanwhile.
    reads = 3 if loads == 1 else 4
    assert _replaced(module, _ruleset(3000, kind, comment="node; judged")) == {
        "load": loads,
        "scratch": 0,
        "list": reads,
    }


def test_a_set_of_another_kind_under_its_name_is_made_again(module: _Module) -> None:
    _replaced(module, _ruleset(3000, HASH))
    assert _replaced(module, _ruleset(3000, INTERVAL)) == {"load": 4, "scratch": 0, "list": 4}
    assert _replaced(module, _ruleset(3000, HASH)) == {"load": 1, "scratch": 0, "list": 3}


@pytest.mark.parametrize("addresses", [3, 3000])
def test_to_see_that_nothing_differs_takes_one_scratch_namespace_and_three_reads(
    module: _Module, addresses: int
) -> None:
    rules = OwnedRules(Nft(t.cast("t.Any", module), "nft"))
    ruleset = _ruleset(addresses)
    rules.replace(ruleset, rules.normalised(ruleset))
    module.commands.clear()
    wanted = rules.normalised(ruleset)
    assert rules.listing("-s") == wanted
    assert module.counted() == {"load": 0, "scratch": 1, "list": 3}
