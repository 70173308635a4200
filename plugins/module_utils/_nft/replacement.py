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

import re

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    TABLE,
    blocks,
    removing,
    restoring,
    titles,
)

_INTERVAL = "\t\tflags interval\n"
_ELEMENTS = re.compile(r"^\t\telements = \{.*?\}$", re.MULTILINE | re.DOTALL)


def meanwhile(live: str, wanted: str) -> str:
    """Return the listing to bring the kernel to before it is brought to *wanted*; empty where one way is enough.

    It has those sets under another name that are in *live* and have to be made again.
    """
    (title,) = titles(wanted)
    before = _sets(live, title)
    text = wanted
    for name, block in _sets(wanted, title).items():
        if name in before and _INTERVAL in block and _head(before[name]) != _head(block):
            text = re.sub(rf"(\bset |@){name}(?![\w.-])", rf"\g<1>{name}_meanwhile", text)
    return text if text != wanted else ""


def transactions(outline: str, live: str, wanted: str) -> list[str]:
    """Return the transactions that bring the kernel to what is ours in *wanted*; empty where there is no such way.

    :param outline: what is in the kernel, with handles
    :param live: the listing of the tables there that have something of ours, without counters
    :param wanted: the listing of one table, ours or one that our rules are joined to
    """
    (title,) = titles(wanted)
    text = "".join(restoring(wanted))
    before, after = _sets(live, title), _sets(wanted, title)
    table = restoring(live)[0]
    if title == TABLE and table and _rest(table) != _rest(text):
        return []
    where = title.partition(" ")[2]
    gone = [name for name in before if _head(before[name]) != _head(after.get(name, ""))]
    refilled = [name for name in before if name not in gone and before[name] != after[name]]
    commands = [f"delete set {where} {name}" for name in gone] + [f"flush set {where} {name}" for name in refilled]
    added = [name for name in after if name not in before]
    kept = [name for name in after if name not in (*added, *gone, *refilled)]
    rules = _without(text, sets=[*added, *kept])
    main = "".join((removing(outline, keep=title), *(f"{command}\n" for command in commands), rules))
    sets_alone = _without(text, sets=[name for name in after if name not in added], chains=True)
    return [sets_alone, main] if added else [main]


def _sets(listing: str, title: str) -> dict[str, str]:
    """Return name → text of our sets in one table."""
    ours = (block for block in blocks(listing) if block.ours and (block.table, block.kind) == (title, "set"))
    return {block.name: "\n".join(block.lines) for block in ours}


def _head(text: str) -> str:
    """Return what a set is, without what is in it."""
    return _ELEMENTS.sub("", text)


def _rest(text: str) -> list[str]:
    """Return the words of all that is neither set nor chain: the table's own, and what somebody else put into it."""
    return _without(text, sets=None, chains=True).split()


def _without(text: str, sets: list[str] | None, chains: bool = False) -> str:
    """Return a ruleset without some of its *sets* (None: all), and without *chains* and the jumps to them."""
    for block in blocks(text):
        if (block.kind == "chain" and chains) or (block.kind == "set" and (sets is None or block.name in sets)):
            text = text.replace("".join(f"{line}\n" for line in block.lines), "", 1)
    return re.sub(r"^insert rule .*\n", "", text, flags=re.MULTILINE) if chains else text
