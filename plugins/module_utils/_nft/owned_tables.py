# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is ours in a table, as nft's JSON tells it, in the words of nft's text: to be shown, compared, loaded again."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    TABLE,
    Item,
    Jump,
    Outline,
    Part,
    UnreadableError,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.text import blocks, cut, rule_words

_ELEMENTS = "\t\telements = {"
_DYNAMIC = "\n\t\tflags dynamic,timeout\n"
# At the end of a line. Only where a comment has a line break, this can be part of it.
_HANDLE = re.compile(r" # handle \d+$", re.MULTILINE)


class OwnedSet(t.NamedTuple):
    """A set of ours: what it is, its text with what is to be in it, and whether it holds intervals."""

    head: tuple[Item, str]
    text: str
    intervals: bool


class OwnedTable:
    """One table: what of it is ours by nft's JSON, with nft's text of that.

    :param text: the table as nft lists it, with handles or without
    :param parts: its sets and chains that are ours
    :param jumps: the jumps of others in it to our chains, each with how nft writes that rule
    :raises UnreadableError: if *text* does not have each of *parts* once
    """

    def __init__(self, name: str, text: str, parts: Iterable[Part], jumps: Iterable[tuple[Jump, str]] = ()) -> None:
        self.name = name
        self.jumps = list(jumps)
        self._text = _HANDLE.sub("", text)
        self._parts = {f"{part.kind} {part.name}": part for part in parts}
        self._pieces = cut(self._text, self._parts)
        if sorted(head for head, _text in self._pieces if head) != sorted(self._parts):
            raise UnreadableError(f"nft's text of the table inet {name} does not have what its JSON has")

    @classmethod
    def of(cls, outline: Outline, name: str, text: str) -> OwnedTable:
        """Return what *outline* has of the table *name*, with its *text* with handles."""
        jumps = [jump for jump in outline.jumps if jump.table == name]
        chains = blocks(text, {f"chain {jump.chain}" for jump in jumps})
        words = [_words(outline, jump, chains.get(f"chain {jump.chain}", "")) for jump in jumps]
        return cls(name, text, outline.owned(name), zip(jumps, words))  # Python 3.9

    def sets(self) -> dict[str, OwnedSet]:
        """Return our sets by name."""
        pieces = [(self._parts[head], text) for head, text in self._pieces if head.startswith("set ")]
        return {part.name: _owned_set(part, text) for part, text in pieces}

    def owned(self) -> str:
        """Return what is ours, with the sets by their names, as the kernel lists them by age."""
        sets = iter(sorted(one.text for one in self.sets().values()))
        pieces = [next(sets) if head.startswith("set ") else text for head, text in self._pieces if self._has(head)]
        if self.name == TABLE:
            return "".join(pieces)
        pieces += [
            f"\tchain {jump.chain}: {words}{'' if jump.leads else ', behind rules of others'}\n"
            for jump, words in self.jumps
        ]
        return self._in_table(pieces)

    def ruleset(
        self, without: Collection[str] = (), joined: bool = True, plain: bool = False, remembered: bool = True
    ) -> str:
        """Return the ruleset that makes what is ours in a kernel that has nothing of ours.

        :param without: heads (``set NAME``) of what is left out
        :param joined: whether the jumps are in it
        :param plain: whether they are without what somebody added to them, which can need what only their table has
        :param remembered: whether the flows are in it that the kernel remembers
        """
        pieces = [
            text if remembered or not _of_packets(head, text) else _emptied(text)
            for head, text in self._pieces
            if self._has(head) and head not in without
        ]
        body = "".join(pieces) if self.name == TABLE else self._in_table(pieces)
        jumps = [(jump, f"jump {jump.target}" if plain else words) for jump, words in reversed(self.jumps) if joined]
        inserts = [f"insert rule inet {self.name} {jump.chain} {words}\n" for jump, words in jumps]
        return "".join((body, *inserts))

    def heads(self, kind: str) -> list[str]:
        """Return the heads of our sets or chains."""
        return [head for head, part in self._parts.items() if part.kind == kind]

    def rest(self) -> list[str]:
        """Return the words of what is neither set nor chain of ours."""
        return "".join(text for head, text in self._pieces if not head).split()

    def renamed(self, names: Mapping[str, str]) -> OwnedTable:
        """Return the same with other *names* for some of our sets."""
        text = self._text
        for name, other in names.items():
            text = re.sub(rf"(\bset |@){re.escape(name)}(?![\w./-])", rf"\g<1>{other}", text)
        parts = [
            part._replace(name=names.get(part.name, part.name)) if part.kind == "set" else part
            for part in self._parts.values()
        ]
        return OwnedTable(self.name, text, parts, self.jumps)

    def _has(self, head: str) -> bool:
        """Whether a piece is ours: all of our own table is."""
        return bool(head) or self.name == TABLE

    def _in_table(self, pieces: list[str]) -> str:
        return f"table inet {self.name} {{\n{''.join(pieces)}}}\n" if pieces else ""


def owned(tables: Iterable[OwnedTable]) -> str:
    """Return what is ours in all *tables*."""
    return "".join(table.owned() for table in tables)


def _words(outline: Outline, jump: Jump, chain: str) -> str:
    """Return how nft writes the rule of *jump*. JSON lacks its comment where that is not UTF-8."""
    comments = {rule["handle"]: str(rule.get("comment", "")) for rule in outline.rules[jump.table, jump.chain]}
    try:
        return rule_words(chain, comments)[jump.handle]
    except UnreadableError:
        if jump.plain:
            return f"jump {jump.target}"
        raise


def _owned_set(part: Part, text: str) -> OwnedSet:
    about = {key: value for key, value in part.about.items() if key != "handle"}
    before_elements, _words, elements = text.removesuffix("\t}\n").partition(_ELEMENTS)
    flags = part.about.get("flags", ())
    # What packets put into it, or what is in it for a time, is not compared. Somebody may have put more
    # into the latter.
    for_a_time = "timeout" in flags and all(" timeout " in element for element in elements.split(",") if elements)
    if for_a_time or _of_packets(f"set {part.name}", text):
        text = _emptied(text)
    return OwnedSet((about, before_elements), text, "interval" in flags)


def _of_packets(head: str, text: str) -> bool:
    """Whether packets put the elements into a set: in JSON, nft has that flag from 1.1 on."""
    return head.startswith("set ") and _DYNAMIC in text.partition(_ELEMENTS)[0]


def _emptied(text: str) -> str:
    before_elements, found, _elements = text.partition(_ELEMENTS)
    return f"{before_elements}\t}}\n" if found else text
