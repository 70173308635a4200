# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which base chains of a ruleset drop a packet, or may drop it, on its whole way through the host."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import Chain, Ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.sets import AnonymousSets
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import Packet, Passage
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.walk import Cause, Exempt, Walk

# The hooks that a packet passes, by what it is to the host.
HOOKS = {
    "input": ("prerouting", "input"),
    "forward": ("prerouting", "forward", "postrouting"),
    "output": ("output", "postrouting"),
}


@dataclass(frozen=True)
class Finding:
    """A base chain that drops a packet or may drop it, and the rule or policy that does."""

    base: Chain
    cause: Cause
    certain: bool


class Judge:
    """Judges packets by the chains of a ruleset."""

    def __init__(self, ruleset: Ruleset, exempt: Exempt) -> None:
        self._exempt = exempt
        self._tables = ruleset.tables
        self._chains = {
            (family, hook): [chain for chain in ruleset.base_chains(family, hook) if not exempt.covers(chain)]
            for family in ("ipv4", "ipv6")
            for hook in ("prerouting", "input", "forward", "output", "postrouting")
        }
        self._anonymous = AnonymousSets()

    def findings(self, packet: Packet) -> list[Finding]:
        """Return the base chains that drop *packet*, or may drop it; none where it is let through for sure."""
        found: list[Finding] = []
        untracked = False
        for hook in HOOKS[packet.hook]:
            for base in self._chains[packet.family, hook]:
                passage = Passage(packet, hook, base.priority, untracked)
                walk = Walk(self._tables[base.table], self._exempt, self._anonymous, passage)
                outcomes = walk.base_chain(base)
                untracked = passage.untracked
                if outcomes.drops:
                    certain = not outcomes.accept
                    found.append(Finding(base, outcomes.drops[-1 if certain else 0], certain))
        return found
