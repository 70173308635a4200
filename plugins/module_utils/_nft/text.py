# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nft's text has for what its JSON names: the words that are shown to people, compared, and loaded again.

JSON is no substitute there: it lacks some of what a ruleset says (up to nft 1.0.6 comments of tables and chains,
``typeof`` and ``auto-merge``), and what is loaded again must not differ. But a comment of others can look like
anything. So nothing is found by what it looks like: a set or chain is found by its name, a rule by its place.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import UnreadableError


def cut(text: str, heads: Collection[str], indent: str = "\t") -> list[tuple[str, str]]:
    """Cut *text* into the blocks with these *heads* (``set NAME``) and what is between them, whose head is empty.

    Returns head and text of each piece. All lines of a set or chain are indented further, so what begins like one in a
    comment, and goes on like something else, is none.
    """
    pieces, head, lines = list[tuple[str, str]](), "", list[str]()
    for line in io.StringIO(text, newline="\n"):
        ends = line == f"{indent}}}\n"
        if head and indent and not ends and not line.startswith(f"{indent}\t"):
            head = ""
        begins = "" if head else _head(line, indent)
        if begins in heads:
            pieces.append(("", "".join(lines)))
            head, lines = begins, []
        lines.append(line)
        if head and ends:
            pieces.append((head, "".join(lines)))
            head, lines = "", []
    return [*pieces, ("", "".join(lines))]


def blocks(text: str, heads: Collection[str], indent: str = "\t") -> dict[str, str]:
    """Return the blocks of *text* by their *heads*, without those that are there twice: a comment has one of them."""
    pieces = cut(text, heads, indent)
    found = [head for head, _block in pieces]
    return {head: block for head, block in pieces if head and found.count(head) == 1}


def _head(line: str, indent: str) -> str:
    """Return the head of the block that begins with *line*; behind the brace, nft can have its handle."""
    head, _brace, rest = line[len(indent) :].partition(" {")
    return head if line.startswith(indent) and (rest == "\n" or rest.startswith(" # ")) else ""


def rule_words(chain: str, comments: Mapping[int, str]) -> dict[int, str]:
    """Return by handle how nft writes the rules of a chain, on one line each.

    :param chain: the block of the chain, in a listing with handles
    :param comments: the comments of all its rules by handle, in their order
    :raises UnreadableError: if these are not its rules, or if a line break in a comment hides where one ends
    """
    words: dict[int, str] = {}
    waiting, lines = list(comments), list[str]()
    for line in map(str.strip, chain.split("\n")[1:]):
        lines.append(line)
        if waiting and line.endswith(f"# handle {waiting[0]}"):
            handle = waiting.pop(0)
            words[handle] = " ".join(lines).removesuffix(f"# handle {handle}").rstrip()
            lines = []
        elif not words and (line.endswith(";") or line.startswith("comment ")):
            lines = []  # of the chain itself
    if waiting or lines != ["}", ""] or any("\n" in comment for comment in comments.values()):
        raise UnreadableError("nft's text of a chain does not say where its rules end")
    return words
