# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: all that is found out about a host before anything is written, and what is to be refused then."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from .changes import Changes, WindowsState, find_changes
from .preflight import Block, Finding, find_blocks, find_findings
from .rules import RuleArguments

_MOST_BLOCKS = 5


@dataclass(frozen=True)
class Comparison:
    """The wanted rules held against a host."""

    changes: Changes
    findings: tuple[Finding, ...]
    blocks: tuple[Block, ...]

    def refusal(self, fail_on_preflight: bool) -> list[str]:
        """Return why nothing may be written, as lines, of which the first says what to do; empty where it may be."""
        if self.changes.conflicts:
            return ["No rule of this host was changed.", *self.changes.conflicts]
        fatal = [finding.message for finding in self.findings if finding.fatal and fail_on_preflight]
        first = (
            "No rule of this host was changed. Where this is as it should be, set windows_firewall_fail_on_preflight "
            "to false."
        )
        return [first, *fatal] if fatal else []

    def block_warnings(self, host: str) -> list[str]:
        """Return a line for each rule of others that blocks, for some of them where there are many."""
        lines = [f"{host}: {block.message()}" for block in self.blocks[:_MOST_BLOCKS]]
        left = len(self.blocks) - _MOST_BLOCKS
        if left > 0:
            lines.append(f"{host}: rules of others that block what rules of ours allow, or may: {left} more")
        return lines

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        return {
            **self.changes.as_mapping(),
            "findings": [finding.as_mapping() for finding in self.findings],
            "blocks": [block.as_mapping() for block in self.blocks],
        }


def compare(wanted: Sequence[RuleArguments], state: WindowsState, management_ports: Sequence[int]) -> Comparison:
    """Hold *wanted* against *state*.

    :raises PortMatrixError: if a wanted rule has no name or two share one.
    """
    changes = find_changes(wanted, state)
    findings = find_findings(state, changes, management_ports)
    return Comparison(changes, tuple(findings), tuple(find_blocks(wanted, state)))
