# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program nft of the host, and what is ours in the kernel, read and written through it."""

from __future__ import annotations

import contextlib
import inspect
import shlex
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    PREFIX,
    TABLE,
    Item,
    Outline,
    UnreadableError,
    items,
    removing,
    rules_of,
    skeleton,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import OwnedTable
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.refusal import explained
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.replacement import meanwhile, transactions
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.text import blocks

# What a shell returns for a program that ended by signal 11.
_SEGMENTATION_FAULT = 128 + 11
_CRASHED = (
    "nft itself crashed. nft 0.9.8 does so where rules join a table of others; accepted: a later nft, or no "
    "linux_firewall_join"
)

# Loads a ruleset from standard input into a new network namespace.
_IN_SCRATCH_NAMESPACE = ("--net", "--", "/bin/sh", "-c")
# Shows what it came to: as JSON without elements, and as text without counters.
_SHOWN = ("-j -t", "-s -a")
# Stands there for the tables of others, which a ruleset must leave alone.
_BYSTANDER = "table inet bystander"
# What was listed in a scratch namespace, by the command and the ruleset. It depends on nothing else, and one process is
# to look at the same ruleset up to three times: to try packets, to compare it, and to load it.
LISTED: dict[tuple[str, ...], str] = {}


def _text(data: str) -> str:
    """Return *data* as a standard input that has something in it.

    Without any, run_command leaves the program ours, and that is a terminal where Ansible does not pipeline: nft would
    wait there for ever.
    """
    return f"{data}\n"


class Nft:
    """Runs nft; a failure of it fails the module."""

    def __init__(self, module: AnsibleModule, program: str) -> None:
        self.module = module
        self.program = program

    def run(self, *arguments: str, data: str | None = None) -> str:
        """Run nft with *arguments*, and *data* as its standard input; return its output."""
        rc, out, err = self.module.run_command([self.program, *arguments], data=None if data is None else _text(data))
        if rc:
            self.module.fail_json(msg=f"nft {' '.join(arguments)} failed: {explained(err)}", rc=rc)
        return str(out)

    def in_scratch_namespace(self, ruleset: str, failing: str, *options: str) -> str:
        """Load *ruleset* into an empty network namespace and list what the kernel has there, with each of *options*.

        Returns the listings with a null character between two. The module fails with the text *failing* and nft's own
        where nft does not take it.
        """
        unshare = self.module.get_bin_path("unshare")
        if not unshare:
            self.module.fail_json(msg="unshare was not found on this host: install the package util-linux")
        listings = " && printf '\\0' && ".join(f'"$1" {one} list ruleset' for one in options)
        script = '"$1" -f -' + (f" && {listings}" if options else "")
        command = [unshare, *_IN_SCRATCH_NAMESPACE, script, "sh", self.program]
        known = LISTED.get((*command, ruleset))
        if known is not None:
            return known
        rc, out, err = self.module.run_command(command, data=_text(ruleset))
        if rc:
            reason = _CRASHED if rc == _SEGMENTATION_FAULT else explained(err)
            self.module.fail_json(msg=f"{failing}: nft did not take it in a scratch network namespace: {reason}")
        return LISTED.setdefault((*command, ruleset), str(out))


class OwnedRules:
    """What is ours in the kernel: our table, and what is joined to tables of others."""

    def __init__(self, nft: Nft) -> None:
        self.nft = nft

    def outline(self) -> Outline:
        """Read the sets and chains of all tables, and the jumps to ours."""
        with self._legible():
            return owned_rules.read(self.nft.run)

    def tables(self) -> list[str]:
        """Return the tables that are ours or have something of ours."""
        return self._tables(self.outline())

    def live(self, *options: str, outline: Outline | None = None) -> list[OwnedTable]:
        """List the tables that have something of ours, and no other: those of others can be large.

        :param outline: what is in the kernel, where that has been read a moment ago
        """
        outline = outline or self.outline()
        texts = {table: self.nft.run(*options, "-a", "list", "table", "inet", table) for table in self._tables(outline)}
        with self._legible():
            return [OwnedTable.of(outline, table, text) for table, text in texts.items()]

    def normalised(self, ruleset: str) -> OwnedTable:
        """Return what nft would list, without counters, where *ruleset* is loaded; the module fails where it would not.

        That is our table, or one with just the chains of others that our rules are joined to.
        """
        joins = owned_rules.joins(ruleset)
        outline = self.outline() if joins else Outline()
        for obstacle in filter(None, (owned_rules.obstacle(join, outline) for join in joins)):
            self.nft.module.fail_json(msg=f"Nothing was changed: linux_firewall_join: {obstacle}")
        shown = self.nft.in_scratch_namespace(
            f"{_BYSTANDER} {{ }}\n{skeleton(joins)}{ruleset}", "The ruleset was not applied", *_SHOWN
        )
        objects, text = shown.split("\0")
        with self._legible():
            tables = sorted({join.table for join in joins} or {TABLE})
            self._check_tables(objects, tables)
            head = f"table inet {tables[0]}"
            return OwnedTable.of(Outline(objects), tables[0], blocks(text, [head], indent="").get(head, ""))

    def replace(self, ruleset: str, wanted: OwnedTable, live: list[OwnedTable], first: str = "") -> None:
        """Have *ruleset*, which nft lists as *wanted*, in the place of what is there. No permitted flow is refused.

        :param live: what is there, without counters
        :param first: commands that come with it where nothing of ours is there yet
        """
        first = "" if live else first
        for aim in filter(None, (meanwhile(live, wanted), wanted)):
            # Read once more: the rules of others have other handles after a reload of their table.
            steps = transactions(self.outline() if live else Outline(), live, aim)
            steps[-1:] = [f"{step}{first}" for step in steps[-1:]]
            # What nft does not take changes nothing, and the ruleset takes the place of all that is ours then.
            if not steps or any(
                self.nft.module.run_command([self.nft.program, "-f", "-"], data=_text(step))[0] for step in steps
            ):
                self.nft.run("-f", "-", data=removing(self.outline()) + ruleset + first)
                return
            live = [aim]

    def remove(self) -> None:
        """Take out all that is ours, in one transaction."""
        self.nft.run("-f", "-", data=removing(self.outline()))

    def save(self, directory: Path) -> str:
        """Write into *directory* what makes the kernel what it is now, counters included.

        Returns the shell command that goes back; it finds the directory under the name ``taken_back``. That what is
        there now can be loaded again is tried beforehand, without the flows that the kernel remembers: nft 0.9.8 dies
        of elements that have a counter. Later ones put these back too.
        """
        live = self.live()
        with_flows, own = (
            "".join(table.ruleset(remembered=remembered) for table in live if table.name == TABLE)
            for remembered in (True, False)
        )
        joined = [table for table in live if table.name != TABLE]
        if live:
            self.nft.in_scratch_namespace(
                skeleton(jump for table in joined for jump, _words in table.jumps)
                + own
                + "".join(table.ruleset(plain=True) for table in joined),
                "Nothing was changed, as what is there now could not be put back",
            )
        rulesets = {
            "flows.nft": with_flows,
            "table.nft": own,
            "joined.nft": "".join(table.ruleset() for table in joined),
        }
        for name, text in {**rulesets, "owned_rules.py": inspect.getsource(owned_rules)}.items():
            (directory / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        program = f"{shlex.quote(sys.executable)} -I taken_back/owned_rules.py taken_back"
        # A table of others may have gone meanwhile. Then what was joined to it cannot be put back, and ours still can.
        ways = [f"{program}/table.nft taken_back/joined.nft", f"{program}/table.nft"]
        return " || ".join([f"{program}/flows.nft taken_back/joined.nft", *ways] if with_flows != own else ways) + "\n"

    def counters(self, outline: Outline | None = None) -> list[dict[str, t.Any]]:
        """Return what our rules have counted: chain, comment, packets, bytes. A comment is counted as a whole.

        :param outline: what is in the kernel, where that has been read a moment ago
        """
        counted: dict[tuple[str, str], dict[str, t.Any]] = {}
        outline = outline or self.outline()
        with self._legible():
            own = Outline(*rules_of((part for part in outline.owned(TABLE) if part.kind == "chain"), self.nft.run))
        for table in outline.tables():
            for (where, chain), found in (own if table == TABLE else outline).rules.items():
                if where == table and (table == TABLE or chain.startswith(PREFIX)):
                    _count(found, counted)
        return list(counted.values())

    def _tables(self, outline: Outline) -> list[str]:
        tables = outline.tables()
        if TABLE in tables:
            return tables
        # It can be there with nothing in it that JSON was asked for.
        found = self.nft.module.run_command([self.nft.program, "list", "table", "inet", TABLE])[0] == 0
        return [*tables, TABLE] if found else tables

    def _check_tables(self, objects: str, names: list[str]) -> None:
        """Fail where a scratch namespace does not have just one table, of these *names*, and the bystander."""
        there = {f"table {about['family']} {about['name']}" for kind, about in items(objects) if kind == "table"}
        accepted = [f"table inet {name}" for name in names]
        if there != {*accepted, _BYSTANDER} or len(names) > 1:
            problem = f"holds {sorted(there - {_BYSTANDER})}" if _BYSTANDER in there else "removes tables of others"
            self.nft.module.fail_json(
                msg=f"The ruleset was not applied: it {problem}; accepted: only {' or '.join(accepted)}"
            )

    @contextlib.contextmanager
    def _legible(self) -> Iterator[None]:
        try:
            yield
        except UnreadableError as e:
            self.nft.module.fail_json(msg=f"It cannot be told what is ours in nftables: {e}")


def _count(rules: list[Item], counted: dict[tuple[str, str], dict[str, t.Any]]) -> None:
    for rule in rules:
        key = (rule["chain"], rule.get("comment", ""))
        for part in rule["expr"]:
            if isinstance(part, dict) and isinstance(part.get("counter"), dict):
                total = counted.setdefault(key, {"chain": key[0], "comment": key[1], "packets": 0, "bytes": 0})
                total["packets"] += part["counter"]["packets"]
                total["bytes"] += part["counter"]["bytes"]
