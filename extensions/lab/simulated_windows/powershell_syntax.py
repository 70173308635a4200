# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a script, as the grammar tree-sitter-powershell reads it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_powershell.language())


@functools.cache
def parse(code: bytes) -> Node:
    """Return the tree of a script."""
    return Parser(_LANGUAGE).parse(code).root_node


def syntax_errors(code: bytes) -> list[str]:
    """Return what the parser could not read, with its line."""

    def walk(node: Node) -> Iterator[str]:
        if node.is_error or node.is_missing:
            text = (node.text or b"").decode().strip().partition("\n")[0]
            yield f"line {node.start_point.row + 1}: {f'{node.type} is missing' if node.is_missing else text}"
        for child in node.children:
            yield from walk(child)

    root = parse(code)
    return list(walk(root)) if root.has_error else []


def text_of(node: Node) -> str:
    """The code of a node."""
    return (node.text or b"").decode()


def meaningful(node: Node) -> list[Node]:
    """What a node is made of, without comments and signs."""
    return [child for child in node.named_children if child.type != "comment"]


def statements_of(block: Node) -> list[Node]:
    """The statements of a block in braces."""
    return [statement for part in meaningful(block) for statement in meaningful(part)]


def child_of(node: Node, kind: str) -> Node:
    """The first child of a kind."""
    return next(child for child in node.named_children if child.type == kind)
