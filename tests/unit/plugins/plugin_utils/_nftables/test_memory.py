# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.remembered import _NAME, _NAMES
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import (
    Memory,
    memory_sets,
    parse_memory,
    remembering,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sets import SetTable
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import HOOKS
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import NUMBERS
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel

MEMORY = Memory(entries=1000, days=9)


def _sets(ruleset: str) -> set[str]:
    return set(re.findall(r"\tset (\w+) \{", ruleset))


@pytest.mark.parametrize("enforce", [True, False])
def test_the_kernel_takes_it_and_the_module_knows_all_of_its_names(enforce: bool, kernel: Kernel) -> None:
    ruleset = render_ruleset(Policy(HOOKS, (), enforce=enforce, memory=MEMORY))
    loaded = {one["name"]: one for one in kernel.load(ruleset, ruleset).of_kind("set")}
    names = _sets(ruleset) - {"older_flows"}
    assert len(names) == 12
    assert {(loaded[name]["size"], loaded[name]["timeout"]) for name in names} == {(1000, 9 * 86400)}
    for name in names:
        match = _NAME.fullmatch(name)
        assert match
        assert match[1] == ("dropped" if enforce else "observed")


def test_each_hook_remembers_before_its_default_deny() -> None:
    ruleset = render_ruleset(Policy(HOOKS, (), memory=MEMORY))
    for hook in HOOKS:
        assert f'\t\tjump {hook}_remembered\n\t\tcounter drop comment "default_deny"\n' in ruleset
        for rule in remembering(hook, enforce=True):
            assert f"\t\t{rule}\n" in ruleset


def test_nothing_is_remembered_where_that_is_not_wanted() -> None:
    ruleset = render_ruleset(Policy(HOOKS, ()))
    assert _sets(ruleset) == {"older_flows"}
    assert "remembered" not in ruleset


def test_no_set_of_addresses_has_one_of_the_names() -> None:
    table = SetTable()
    addresses = IntervalSet(((1, 2),))
    for name in list(map(str.strip, _sets("\n".join(memory_sets(MEMORY, HOOKS, enforce=False))))):
        for endpoint in (name, name.removesuffix("_input"), "observed", "dropped_ports"):
            for family in ("ipv4", "ipv6"):
                assert not _NAME.fullmatch(table.name((endpoint,), addresses, t.cast("t.Any", family)))
                addresses = IntervalSet(((addresses.intervals[0][0] + 3, addresses.intervals[0][1] + 3),))


def test_the_module_calls_protocols_as_the_core_does() -> None:
    assert {name: number for number, name in _NAMES.items()} == NUMBERS


def test_it_watches_behind_the_tables_of_others() -> None:
    ruleset = render_ruleset(Policy(HOOKS, (), enforce=False, memory=MEMORY, after_others=True))
    assert ruleset.count("priority filter + 100; policy accept;") == 3
    assert not re.search(r"\bdrop\b", ruleset.replace("would drop: ", ""))


@pytest.mark.parametrize(
    ("entries", "days", "message"),
    [
        (0, 30, "linux_firewall_remember_entries: 0 is out of range; accepted: 1 to 1000000"),
        ("many", 30, "linux_firewall_remember_entries: 'many' is out of range; accepted: 1 to 1000000"),
        (10, 366, "linux_firewall_remember_days: 366 is out of range; accepted: 1 to 365"),
        (10, True, "linux_firewall_remember_days: True is out of range; accepted: 1 to 365"),
    ],
)
def test_what_cannot_be_remembered(entries: object, days: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_memory(entries, days)
    assert str(caught.value) == message


def test_numbers_may_be_texts_as_an_inventory_in_ini_has_them() -> None:
    assert parse_memory("1000", " 9 ") == MEMORY
