# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A network namespace that stands for a host, and for the AnsibleModule that works on it."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import Outline, read
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import LISTED, Nft, OwnedRules


class NftHost:
    """The network namespace of that name. nft runs in it, and notes what it printed."""

    def __init__(self, namespace: str) -> None:
        self.inside = ["ip", "netns", "exec", namespace]
        self.commands: list[str] = []
        self.printed = 0
        self.rules = OwnedRules(Nft(t.cast("t.Any", self), "nft"))
        LISTED.clear()  # a module is a process of its own

    def run_command(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        """As AnsibleModule has it. A scratch namespace is none of this host."""
        scratch = "unshare" in command[0]
        self.commands.append("scratch" if scratch else " ".join(command[1:]))
        done = subprocess.run(
            [*([] if scratch else self.inside), *command],
            input=data, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False,
        )  # fmt: skip
        self.printed += len(done.stdout)
        return done.returncode, done.stdout, done.stderr

    def get_bin_path(self, name: str) -> str | None:
        return shutil.which(name)

    def fail_json(self, msg: str, **_result: t.Any) -> t.NoReturn:
        pytest.fail(msg)

    def nft(self, *arguments: str, data: str | None = None) -> str:
        """Run nft, which has to succeed."""
        return self.run("nft", *arguments, data=data)

    def run(self, *command: str, data: str | None = None) -> str:
        """Run a program, which has to succeed."""
        code, out, err = self.run_command([*command], data)
        assert code == 0, f"{err[:2000]}\n{(data or '')[:2000]}"
        return out

    def load(self, *rulesets: str) -> None:
        """Have just these *rulesets*, loaded one after the other."""
        self.nft("flush", "ruleset")
        for ruleset in rulesets:
            self.nft("-f", "-", data=ruleset)

    def replace(self, ruleset: str) -> None:
        """Have *ruleset* in the place of what is ours."""
        self.rules.replace(ruleset, self.rules.normalised(ruleset), self.rules.live("-s"))

    def outline(self) -> Outline:
        return read(self.nft)

    def ruleset(self, *options: str) -> str:
        return self.nft(*options, "list", "ruleset")
