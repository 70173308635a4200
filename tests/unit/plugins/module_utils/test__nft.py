# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import Nft


class Module:
    """Notes what each command gets as standard input. As in Ansible, nothing that is false counts as input."""

    def __init__(self) -> None:
        self.inputs: list[str | None] = []

    def get_bin_path(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run_command(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        self.inputs.append(data or None)
        return 0, "", ""


def test_a_command_that_reads_its_input_never_waits_at_a_terminal() -> None:
    module = Module()
    nft = Nft(t.cast("t.Any", module), "nft")
    nft.run("-f", "-", data="")
    nft.in_scratch_namespace("", "failed")
    nft.run("-f", "-", data="table inet a { }")
    assert module.inputs == ["\n", "\n", "table inet a { }"]


def test_a_command_without_input_gets_none() -> None:
    module = Module()
    Nft(t.cast("t.Any", module), "nft").run("list", "ruleset")
    assert module.inputs == [None]
