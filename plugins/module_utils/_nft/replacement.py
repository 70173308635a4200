# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How rules take the place of earlier ones in nftables without a moment in which permitted new flows are refused.

Deleting and making a table again is one transaction, and still not the whole story. Since Linux 6.18.y and 6.19, the
kernel looks intervals up in an array that it puts in place some 30 µs after the rules of the transaction are in force
(its change "nft_set_rbtree: translate rbtree to array for binary search"). For that long a new set is empty, and a new
flow that a rule permits through it meets the final drop. So a set that is there already stays, and one that is new
comes before the rules that need it. That holds for the first time, too. One that has to be made again, as its comment
or its kind is another, has another name meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import TABLE, Outline, removing
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import OwnedTable


def meanwhile(live: Sequence[OwnedTable], wanted: OwnedTable) -> OwnedTable | None:
    """Return what to bring the kernel to before it is brought to *wanted*; None where one way is enough.

    It has those sets under another name that are in *live* and have to be made again.
    """
    before = _called(wanted.name, live)
    there = before.sets() if before else {}
    sets = wanted.sets().items()
    again = [name for name, new in sets if name in there and new.intervals and there[name].head != new.head]
    return wanted.renamed({name: f"{name}_meanwhile" for name in again}) if again else None


def transactions(outline: Outline, live: Sequence[OwnedTable], wanted: OwnedTable) -> list[str]:
    """Return the transactions that bring the kernel to what is ours in *wanted*; empty where there is no such way.

    :param outline: what is in the kernel
    :param live: the tables there that have something of ours, without counters
    :param wanted: one table, ours or one that our rules are joined to
    """
    same = _called(wanted.name, live)
    if same and wanted.name == TABLE and same.rest() != wanted.rest():
        return []  # somebody else put something into it, or changed the table itself
    before, after = same.sets() if same else {}, wanted.sets()
    gone = [name for name, old in before.items() if name not in after or old.head != after[name].head]
    refilled = [name for name in before if name not in gone and before[name].text != after[name].text]
    commands = [f"delete set inet {wanted.name} {name}\n" for name in gone]
    commands += [f"flush set inet {wanted.name} {name}\n" for name in refilled]
    added = [name for name in after if name not in before]
    here = [name for name in after if name not in (*gone, *refilled)]
    rules = wanted.ruleset(without=[f"set {name}" for name in here])
    main = "".join((removing(outline, keep=wanted.name), *commands, rules))
    others = [f"set {name}" for name in after if name not in added]
    return [wanted.ruleset(without=[*others, *wanted.heads("chain")], joined=False), main] if added else [main]


def _called(name: str, tables: Sequence[OwnedTable]) -> OwnedTable | None:
    return next((table for table in tables if table.name == name), None)
