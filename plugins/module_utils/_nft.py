# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program nft of the host, and one table of the kernel that is read and written through it."""

from __future__ import annotations

import json
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft_replacement import in_order, transactions

# Loads a ruleset from standard input into a new network namespace and shows what it came to.
_IN_SCRATCH_NAMESPACE = ("--net", "--", "/bin/sh", "-c", '"$1" -f - && "$1" -s list ruleset', "sh")


class Nft:
    """Runs nft; a failure of it fails the module."""

    def __init__(self, module: AnsibleModule, program: str) -> None:
        self.module = module
        self.program = program

    def tables(self) -> list[str]:
        """Return the titles of all tables, such as ``table inet filter``."""
        return self.run("list", "tables").splitlines()

    def run(self, *arguments: str, data: str | None = None) -> str:
        """Run nft with *arguments*, and *data* as its standard input; return its output."""
        rc, out, err = self.module.run_command([self.program, *arguments], data=data)
        if rc:
            self.module.fail_json(msg=f"nft {' '.join(arguments)} failed: {err.strip()}", rc=rc)
        return str(out)

    def in_scratch_namespace(self, ruleset: str, failing: str) -> str:
        """Load *ruleset* into an empty network namespace and return what the kernel lists there, without counters.

        The module fails with the text *failing* and nft's own where nft does not take it.
        """
        unshare = self.module.get_bin_path("unshare")
        if not unshare:
            self.module.fail_json(msg="unshare was not found on this host: install the package util-linux")
        rc, out, err = self.module.run_command([unshare, *_IN_SCRATCH_NAMESPACE, self.program], data=ruleset)
        if rc:
            self.module.fail_json(msg=f"{failing}: nft did not take it in a scratch network namespace: {err.strip()}")
        return str(out)


class Table:
    """One table, which is ours as a whole."""

    def __init__(self, nft: Nft, family: str, name: str) -> None:
        for option, value in (("family", family), ("table", name)):
            if not re.match(r"[a-z][a-z0-9_]{0,62}\Z", value):
                nft.module.fail_json(msg=f"{option}: {value!r} is not a plain nftables name")
        self.nft = nft
        self._name = (family, name)
        self.title = f"table {family} {name}"

    def live(self) -> str:
        """Return the kernel's table as nft lists it, without counters; empty where there is none."""
        # Listing all tables, not this one, tells a missing table from a failing nft without reading error texts.
        there = self.title in self.nft.tables()
        return in_order(self.nft.run("-s", "list", "table", *self._name)) if there else ""

    def normalised(self, ruleset: str) -> str:
        """Return what the kernel would show after *ruleset* was loaded; the module fails where it would not load."""
        listing = self.nft.in_scratch_namespace(ruleset, "The ruleset was not applied")
        tables = [line.split("{")[0].strip() for line in listing.splitlines() if line.startswith("table ")]
        if tables != [self.title]:
            self.nft.module.fail_json(
                msg=f"The ruleset was not applied: it holds {tables}; accepted: only {self.title}"
            )
        return in_order(listing)

    def load(self, ruleset: str, listing: str) -> None:
        """Load *ruleset*, which comes to *listing*. Where there is a table, it refuses no permitted flow meanwhile."""
        steps = transactions(self.title, self.live(), listing)
        # What nft does not take changes nothing, and the ruleset, which replaces all of the table, is loaded then.
        if not steps or any(self.nft.module.run_command([self.nft.program, "-f", "-"], data=s)[0] for s in steps):
            self.nft.run("-f", "-", data=ruleset)

    def remove(self) -> None:
        """Remove the table."""
        self.nft.run("delete", "table", *self._name)

    def way_back(self) -> str:
        """Return a ruleset that makes the table what it is now, counters included, or removes it where it is not there.

        That it can be loaded is tried beforehand.
        """
        there = self.title in self.nft.tables()
        text = f"{self.title}\ndelete {self.title}\n" + (self.nft.run("list", "table", *self._name) if there else "")
        self.nft.in_scratch_namespace(text, "Nothing was changed, as what is there now could not be put back")
        return text

    def counters(self) -> list[dict[str, t.Any]]:
        """Return what rules have counted, in order: chain, comment, packets, bytes. A comment is counted as a whole."""
        listing = json.loads(self.nft.run("-j", "list", "table", *self._name))["nftables"]
        counted: dict[tuple[str, str], dict[str, t.Any]] = {}
        for rule in (item["rule"] for item in listing if "rule" in item):
            key = (rule["chain"], rule.get("comment", ""))
            for part in rule["expr"]:
                if isinstance(part.get("counter"), dict):
                    total = counted.setdefault(key, {"chain": key[0], "comment": key[1], "packets": 0, "bytes": 0})
                    total["packets"] += part["counter"]["packets"]
                    total["bytes"] += part["counter"]["bytes"]
        return list(counted.values())
