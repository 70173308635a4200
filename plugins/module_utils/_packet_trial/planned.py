# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ruleset as it will be: ours are put into a copy of what they change, by what will do it on the host."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.text import blocks, rule_words
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import (
    Namespace,
    in_thread,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.loading import load
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import (
    CHAIN_NAME,
    Rule,
    Ruleset,
    read_ruleset,
)

OURS = f"inet {owned_rules.TABLE}"


class PlanError(Exception):
    """What is planned cannot be done, with the text that the change itself would fail with."""


class _Failing:
    """A module whose failures are raised, as one in a thread cannot end."""

    def __init__(self, module: AnsibleModule) -> None:
        self.run_command = module.run_command
        self.get_bin_path = module.get_bin_path

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise PlanError(result["msg"])


class Plan:
    """The ruleset of a host, with what is ours replaced by *ruleset* where there is one.

    :raises PlanError: if nft does not take it
    :raises OSError: if no copy can be made
    """

    def __init__(self, module: AnsibleModule, program: str | None, live: Ruleset, ruleset: str) -> None:
        self._module = module
        self._program = program
        self._live = live
        self._touched: set[str] = set()
        self._namespace: Namespace | None = None
        self.ruleset = live
        if ruleset and program:
            self._touched = _touched(live, ruleset)
            self.ruleset = in_thread(lambda: self._replaced(ruleset))

    def close(self) -> None:
        """Let go of the copy."""
        if self._namespace:
            self._namespace.close()

    def _replaced(self, ruleset: str) -> Ruleset:
        self._namespace = Namespace()
        with self._namespace.inside():
            refused = load(self._live.of_tables(self._touched.__contains__))
            if refused:
                raise PlanError(
                    f"The kernel takes no copy of a table that our rules are in: {next(iter(refused.values()))}"
                )
            rules = OwnedRules(Nft(t.cast("AnsibleModule", _Failing(self._module)), str(self._program)))
            wanted = rules.normalised(ruleset)
            there = rules.live("-s")
            if owned(there) != wanted.owned():
                rules.replace(ruleset, wanted, there)
            planned = read_ruleset()
        return self._live.of_tables(lambda table: table not in self._touched).together_with(planned)

    def words(self, rule: Rule) -> str:
        """Return how nft writes a rule; empty where it cannot be told."""
        if not self._program:
            return ""
        family, table = rule.table.split(" ", 1)
        command = [self._program, "-a", "list", "chain", family, table, rule.chain]
        # A comment can be of any encoding, and a result of a module cannot.
        rc, out, _err = self._inside(rule, lambda: self._module.run_command(command, errors="replace"))
        if rc:
            return ""
        handles = {one.handle: "" for one in self.ruleset.rules if (one.table, one.chain) == (rule.table, rule.chain)}
        with contextlib.suppress(owned_rules.UnreadableError, KeyError):
            return rule_words(blocks(out, [f"chain {rule.chain}"])[f"chain {rule.chain}"], handles)[rule.handle]
        return ""

    def handle(self, rule: Rule) -> int:
        """Return the handle that a rule has on the host; 0 where it is not there yet."""
        if rule.table not in self._touched:
            return rule.handle
        same = [one.handle for one in self.ruleset.rules if one.same_as() == rule.same_as()]
        there = [one.handle for one in self._live.rules if one.same_as() == rule.same_as()]
        place = same.index(rule.handle)
        return there[place] if place < len(there) else 0

    def _inside(self, rule: Rule, work: t.Callable[[], tuple[int, str, str]]) -> tuple[int, str, str]:
        namespace = self._namespace
        if namespace is None or rule.table not in self._touched:
            return work()

        def there() -> tuple[int, str, str]:
            with namespace.inside():
                return work()

        return in_thread(there)


def _touched(live: Ruleset, ruleset: str) -> set[str]:
    """Return the tables that have something of ours, or are to have it."""
    has_ours = {
        chain.table
        for chain in live.chains
        if chain.text(CHAIN_NAME).startswith(owned_rules.PREFIX) and chain.table != f"inet {owned_rules.FIREWALLD}"
    }
    has_ours |= {one.table for one in live.sets if one.text(2).startswith(owned_rules.PREFIX)}
    has_ours.discard(f"inet {owned_rules.FIREWALLD}")
    return {OURS, *has_ours, *(f"inet {join.table}" for join in owned_rules.joins(ruleset))}
