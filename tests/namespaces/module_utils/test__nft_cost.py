# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change costs on the host, counted: programs that are run, transactions of the kernel. Sizes play no part."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import Nft, OwnedRules


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


def _ruleset(addresses: int) -> str:
    elements = ", ".join(f"10.0.{index // 100}.{index % 100 * 2 + 1}" for index in range(addresses))
    return f"""table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {{
    set nodes {{
        type ipv4_addr
        elements = {{ {elements} }}
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        ip saddr @nodes counter accept comment "row"
    }}
}}
"""


@pytest.fixture
def module(namespace: str) -> _Module:
    return _Module(namespace)


@pytest.mark.parametrize("addresses", [3, 3000])
def test_a_change_of_addresses_is_one_transaction(module: _Module, addresses: int) -> None:
    rules = OwnedRules(Nft(t.cast("t.Any", module), "nft"))
    for size in (addresses, addresses + 1):
        ruleset = _ruleset(size)
        wanted = rules.normalised(ruleset)
        module.commands.clear()
        rules.replace(ruleset, wanted)
        first = size == addresses
        # A set that is new comes before the rules that need it, so that none of them finds it empty.
        assert module.counted() == {"load": 2 if first else 1, "scratch": 0, "list": 2 if first else 3}


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
