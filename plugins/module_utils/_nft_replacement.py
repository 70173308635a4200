# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one nftables table takes the place of an earlier one without a moment in which new flows are refused.

Deleting and making a table again is one transaction, and still not the whole story. Since Linux 6.18.y and 6.19, the
kernel looks intervals up in an array that it puts in place some 30 µs after the rules of the transaction are in force
(its change "nft_set_rbtree: translate rbtree to array for binary search"). For that long a new set is empty, and a new
flow that a rule permits through it meets the final drop. So a set that is there already stays, and one that is new
comes before the rules that need it. That holds for the first time, too.
"""

from __future__ import annotations

import re

_SET_OR_CHAIN = re.compile(r"^\t(set|chain) (\S+) \{\n(.*?)^\t\}\n", re.MULTILINE | re.DOTALL)
_ELEMENTS = re.compile(r"^\t\telements = \{.*?\}\n", re.MULTILINE | re.DOTALL)


def in_order(listing: str) -> str:
    """Return the *listing* of a table with its sets in order of their names, which the kernel lists by age."""
    sets = sorted(match.group() for match in _SET_OR_CHAIN.finditer(listing) if match[1] == "set")
    following = iter(sets)
    return _SET_OR_CHAIN.sub(lambda match: next(following) if match[1] == "set" else match.group(), listing)


def transactions(title: str, live: str, wanted: str) -> list[str]:
    """Return the transactions that make the table what the listing *wanted* says; empty where there is no such way.

    :param title: such as ``table inet filter``
    :param live: the listing of the table as it is now; empty where there is none
    """
    if live and _rest(live) != _rest(wanted):
        return []
    before, after = _blocks(live, "set"), _blocks(wanted, "set")
    name = title.partition(" ")[2]
    commands = [f"flush {title}"] if live else []
    commands += [f"delete chain {name} {chain}" for chain in _blocks(live, "chain")]
    for key, block in before.items():
        if _head(block) != _head(after.get(key, "")):
            commands.append(f"delete set {name} {key}")
        elif block != after[key]:
            commands.append(f"flush set {name} {key}")
    added = [block for key, block in after.items() if key not in before]
    changed = [block for key, block in after.items() if key in before and block != before[key]]
    rules = _only(wanted, [*changed, *_blocks(wanted, "chain").values()])
    return [*([_only(wanted, added)] if added else []), "\n".join((*commands, rules))]


def _blocks(listing: str, kind: str) -> dict[str, str]:
    return {match[2]: match.group() for match in _SET_OR_CHAIN.finditer(listing) if match[1] == kind}


def _rest(listing: str) -> list[str]:
    """Return the words of all that is neither set nor chain: the table's own, and what somebody else put into it."""
    return _SET_OR_CHAIN.sub("", listing).split()


def _head(block: str) -> str:
    """Return what a set is, without what is in it."""
    return _ELEMENTS.sub("", block)


def _only(listing: str, blocks: list[str]) -> str:
    """Return *listing* with only *blocks* in it."""
    return f"{_SET_OR_CHAIN.sub('', listing).rstrip().removesuffix('}')}{''.join(blocks)}}}\n"
