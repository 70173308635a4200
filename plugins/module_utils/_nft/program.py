# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program nft of the host, and what is ours in the kernel, read and written through it."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.refusal import explained
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.replacement import meanwhile, transactions

# Loads a ruleset from standard input into a new network namespace and shows what it came to.
_IN_SCRATCH_NAMESPACE = ("--net", "--", "/bin/sh", "-c", '"$1" -f - && "$1" -s list ruleset', "sh")

# What a shell returns for a program that ended by signal 11.
_SEGMENTATION_FAULT = 128 + 11
_CRASHED = (
    "nft itself crashed. nft 0.9.8 does so where rules join a table of others; accepted: a later nft, or no "
    "linux_firewall_join"
)

# Stands there for the tables of others, which a ruleset must leave alone.
_BYSTANDER = "table inet bystander"


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

    def in_scratch_namespace(self, ruleset: str, failing: str) -> str:
        """Load *ruleset* into an empty network namespace and return what the kernel lists there, without counters.

        The module fails with the text *failing* and nft's own where nft does not take it.
        """
        unshare = self.module.get_bin_path("unshare")
        if not unshare:
            self.module.fail_json(msg="unshare was not found on this host: install the package util-linux")
        rc, out, err = self.module.run_command([unshare, *_IN_SCRATCH_NAMESPACE, self.program], data=_text(ruleset))
        if rc:
            reason = _CRASHED if rc == _SEGMENTATION_FAULT else explained(err)
            self.module.fail_json(msg=f"{failing}: nft did not take it in a scratch network namespace: {reason}")
        return str(out)


class OwnedRules:
    """What is ours in the kernel: our table, and what is joined to tables of others."""

    def __init__(self, nft: Nft) -> None:
        self.nft = nft

    def listing(self, *options: str) -> str:
        """List the tables that have something of ours, and no other: those of others can be large."""
        titles = owned_rules.tables_with_ours(self._outline())
        return "".join(self.nft.run(*options, "list", *title.split()) for title in titles)

    def normalised(self, ruleset: str) -> str:
        """Return what nft would list, without counters, where *ruleset* is loaded; the module fails where it would not.

        That is our table, or one with just the chains of others that our rules are joined to.
        """
        joins = owned_rules.joins(ruleset)
        outline = self._outline()
        for obstacle in filter(None, (owned_rules.obstacle(join, outline) for join in joins)):
            self.nft.module.fail_json(msg=f"Nothing was changed: linux_firewall_join: {obstacle}")
        listing = self.nft.in_scratch_namespace(
            f"{_BYSTANDER} {{ }}\n{owned_rules.skeleton(joins)}{ruleset}", "The ruleset was not applied"
        )
        tables = {line.split("{")[0].strip() for line in listing.splitlines() if line.startswith("table ")}
        accepted = {f"table inet {join.table}" for join in joins} or {owned_rules.TABLE}
        if tables != {*accepted, _BYSTANDER}:
            problem = f"holds {sorted(tables - {_BYSTANDER})}" if _BYSTANDER in tables else "removes tables of others"
            self.nft.module.fail_json(
                msg=f"The ruleset was not applied: it {problem}; accepted: only {', '.join(sorted(accepted))}"
            )
        return listing.replace(f"{_BYSTANDER} {{\n}}\n", "")

    def replace(self, ruleset: str, wanted: str) -> None:
        """Have *ruleset*, which nft lists as *wanted*, in the place of what is there. No permitted flow is refused."""
        live = self.listing("-s")
        for aim in filter(None, (meanwhile(live, wanted), wanted)):
            steps = transactions(self._outline(), live, aim)
            # What nft does not take changes nothing, and the ruleset takes the place of all that is ours then.
            if not steps or any(
                self.nft.module.run_command([self.nft.program, "-f", "-"], data=_text(step))[0] for step in steps
            ):
                self.nft.run("-f", "-", data=owned_rules.removing(self._outline()) + ruleset)
                return
            live = aim

    def remove(self) -> None:
        """Take out all that is ours, in one transaction."""
        self.nft.run("-f", "-", data=owned_rules.removing(self._outline()))

    def save(self, directory: Path) -> str:
        """Write into *directory* what makes the kernel what it is now, counters included.

        Returns the shell command that goes back; it finds the directory under the name ``taken_back``. That what is
        there now can be loaded again is tried beforehand.
        """
        table, joined = owned_rules.restoring(self.listing())
        tried = owned_rules.plain(joined)
        self.nft.in_scratch_namespace(
            owned_rules.skeleton(owned_rules.joins(tried)) + table + tried,
            "Nothing was changed, as what is there now could not be put back",
        )
        (directory / "table.nft").write_text(table, encoding="utf-8")
        (directory / "joined.nft").write_text(joined, encoding="utf-8")
        (directory / "owned_rules.py").write_text(inspect.getsource(owned_rules), encoding="utf-8")
        program = f"{shlex.quote(sys.executable)} -I taken_back/owned_rules.py taken_back/table.nft"
        # A table of others may have gone meanwhile. Then what was joined to it cannot be put back, and ours still can.
        return f"{program} taken_back/joined.nft || {program}\n"

    def counters(self) -> list[dict[str, t.Any]]:
        """Return what our rules have counted: chain, comment, packets, bytes. A comment is counted as a whole."""
        counted: dict[tuple[str, str], dict[str, t.Any]] = {}
        for title in owned_rules.tables_with_ours(self._outline()):
            listing = json.loads(self.nft.run("-j", "list", *title.split()))["nftables"]
            for rule in (item["rule"] for item in listing if "rule" in item):
                if title == owned_rules.TABLE or rule["chain"].startswith(owned_rules.PREFIX):
                    _count(rule, counted)
        return list(counted.values())

    def _outline(self) -> str:
        return self.nft.run(*owned_rules.OUTLINE)


def _count(rule: dict[str, t.Any], counted: dict[tuple[str, str], dict[str, t.Any]]) -> None:
    key = (rule["chain"], rule.get("comment", ""))
    for part in rule["expr"]:
        if isinstance(part.get("counter"), dict):
            total = counted.setdefault(key, {"chain": key[0], "comment": key[1], "packets": 0, "bytes": 0})
            total["packets"] += part["counter"]["packets"]
            total["bytes"] += part["counter"]["bytes"]
