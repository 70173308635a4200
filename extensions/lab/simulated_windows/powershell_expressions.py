# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expressions of a script, each of which has a value."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator, Mapping

from tree_sitter import Node

from simulated_windows.powershell_syntax import child_of, meaningful, text_of
from simulated_windows.powershell_values import CASTS, OPERATORS, TYPES, DotNetError, as_text, is_true, single

PASSED_ON = re.compile(
    r"(logical|bitwise|comparison|additive|multiplicative|format|range)_(argument_)?expression|unary_expression|"
    r"argument_expression|array_literal_expression|string_literal|integer_literal|pipeline|pipeline_chain|"
    r"left_assignment_expression|while_condition|for_condition|member_name"
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


class ScriptError(Exception):
    """The script is wrong, or uses what this does not know. No catch block of the script sees it."""


def unknown(node: Node) -> ScriptError:
    """The error for what is not known here."""
    return ScriptError(f"line {node.start_point.row + 1}: {node.type} is not known here: {text_of(node)[:60]}")


class Expressions:
    """What has a value, and the variables that it is read from."""

    def __init__(self, types: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> None:
        self._types = {**TYPES, **{name.lower(): value for name, value in types.items()}}
        self._scopes: list[dict[str, t.Any]] = [{"null": None, "true": True, "false": False, "args": [], **variables}]

    def _statement(self, node: Node) -> list[t.Any]:
        """Run a statement and return what it puts out."""
        raise NotImplementedError

    def _statements(self, node: Node) -> list[t.Any]:
        """Run the statements in a node and return what they put out."""
        raise NotImplementedError

    def _value(self, node: Node) -> t.Any:
        while len(node.children) == 1 and PASSED_ON.fullmatch(node.type):
            node = node.children[0]
        if node.type in ("pipeline", "pipeline_chain", "command", "if_statement", "foreach_statement"):
            return single(self._statement(node))
        handler = getattr(self, f"_get_{node.type}", None)
        if handler is not None:
            return handler(node)
        if len(node.children) == 3 and PASSED_ON.fullmatch(node.type):
            return self._binary(text_of(node.children[1]).lower(), node.children[0], node.children[2])
        raise unknown(node)

    def _binary(self, sign: str, left: Node, right: Node) -> t.Any:
        if sign in ("-and", "-or"):
            value = is_true(self._value(left))
            return value if value == (sign == "-or") else is_true(self._value(right))
        if sign == "-match":
            found = re.search(as_text(self._value(right)), as_text(self._value(left)), re.IGNORECASE)
            if found:
                self._scopes[-1]["matches"] = dict(enumerate((found[0], *found.groups())))
            return bool(found)
        if sign == "-as":
            try:
                return CASTS[self._type_name(right)](self._value(left))
            except DotNetError:
                return None
        if sign not in OPERATORS:
            raise ScriptError(f"no operator {sign}")
        return OPERATORS[sign](self._value(left), self._value(right))

    def _get_variable(self, node: Node) -> t.Any:
        name = text_of(node)[1:].strip("{}").lower()
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        if name == "matches":
            return {}
        raise ScriptError(f"line {node.start_point.row + 1}: ${name} was never set")

    def _get_array_literal_expression(self, node: Node) -> list[t.Any]:
        return [self._value(child) for child in meaningful(node)]

    def _get_parenthesized_expression(self, node: Node) -> t.Any:
        return self._value(meaningful(node)[0])

    def _get_sub_expression(self, node: Node) -> t.Any:
        return single(self._statements(node))

    def _get_array_expression(self, node: Node) -> list[t.Any]:
        return self._statements(node)

    def _get_script_block_expression(self, node: Node) -> Node:
        return child_of(node, "script_block")

    def _get_hash_literal_expression(self, node: Node) -> dict[t.Any, t.Any]:
        found = {}
        for body in meaningful(node):
            for entry in meaningful(body):
                key, value = meaningful(entry)
                found[text_of(key)] = self._value(value)
        return found

    def _get_decimal_integer_literal(self, node: Node) -> int:
        return int(text_of(node))

    def _get_hexadecimal_integer_literal(self, node: Node) -> int:
        return int(text_of(node), 16)

    def _get_verbatim_string_characters(self, node: Node) -> str:
        return text_of(node)[1:-1].replace("''", "'")

    def _get_verbatim_here_string_characters(self, node: Node) -> str:
        return text_of(node)[3:-3]

    def _get_post_increment_expression(self, node: Node) -> None:
        (variable,) = meaningful(node)
        self._set(variable, self._value(variable) + 1)

    def _get_expandable_string_literal(self, node: Node) -> str:
        text, start = "", 1
        for child in node.named_children:
            text += _unescaped((node.text or b"")[start : child.start_byte - node.start_byte])
            text += as_text(self._value(child))
            start = child.end_byte - node.start_byte
        return text + _unescaped((node.text or b"")[start:-1])

    def _get_expression_with_unary_operator(self, node: Node) -> t.Any:
        children = meaningful(node)
        if len(node.children) == 1:
            return self._value(children[0])
        value = self._value(children[0])
        return [value] if text_of(node.children[0]) == "," else not is_true(value)

    def _get_cast_expression(self, node: Node) -> t.Any:
        kind, value = meaningful(node)
        name = self._type_name(kind)
        return CASTS[name](self._value(value)) if name in CASTS else self._type(kind)(self._value(value))

    def _get_type_literal(self, node: Node) -> t.Any:
        return self._type(node)

    def _get_element_access(self, node: Node) -> t.Any:
        holder, index = (self._value(child) for child in meaningful(node))
        return holder.get(index) if isinstance(holder, dict) else holder[index]

    def _get_member_access(self, node: Node) -> t.Any:
        holder, name = meaningful(node)
        value = self._value(holder)
        if isinstance(value, dict) and text_of(name) != "Keys":
            return value.get(self._name(name))
        try:
            return self._member(value, self._name(name))
        except DotNetError:
            return None  # as PowerShell does it, outside of strict mode

    def _get_invokation_expression(self, node: Node) -> t.Any:
        holder, name, arguments = meaningful(node)
        values = [self._value(value) for group in meaningful(arguments) for value in meaningful(group)]
        held = self._value(holder)
        return held(*values) if text_of(name) == "new" else self._member(held, text_of(name))(*values)

    def _member(self, value: t.Any, name: str) -> t.Any:
        if name in _MEMBERS and isinstance(value, str | list | dict):
            return _MEMBERS[name](value)
        if not hasattr(value, name):
            raise ScriptError(f"{type(value).__name__} has no member {name}")
        return getattr(value, name)

    def _name(self, node: Node) -> str:
        """The name of a member, which may be in a variable."""
        return as_text(self._value(node)) if text_of(node).startswith("$") else text_of(node)

    def _type_name(self, node: Node) -> str:
        literal = next(text_of(child) for child in _under(node) if child.type == "type_literal")
        return re.sub(r"\[.*\]", "", literal[1:-1]).lower()

    def _type(self, node: Node) -> t.Any:
        name = self._type_name(node)
        if name not in self._types:
            raise ScriptError(f"no type {name}")
        return self._types[name]

    # Assignments.

    def _assign(self, node: Node) -> None:
        left, sign, right = meaningful(node)
        value = self._value(right)
        if text_of(sign) != "=":
            value = OPERATORS[text_of(sign)[0]](self._value(left), value)
        target = left
        while len(target.children) == 1 and target.type not in ("variable", "member_access", "element_access"):
            target = meaningful(target)[0]
        self._set(target, value)

    def _set(self, target: Node, value: t.Any) -> None:
        if target.type == "variable":
            self._scopes[-1][text_of(target)[1:].lower()] = value
            return
        holder, name = meaningful(target)
        held = self._value(holder)
        key = self._name(name) if target.type == "member_access" else self._value(name)
        if isinstance(held, dict):
            held[key] = value
        else:
            setattr(held, key, value)


_MEMBERS: dict[str, Callable[[t.Any], t.Any]] = {
    "Count": len,
    "Keys": list,
    "Length": len,
    "ToLowerInvariant": lambda text: text.lower,
    "StartsWith": lambda text: lambda start, _comparison: text.lower().startswith(start.lower()),
}


def _unescaped(code: bytes) -> str:
    return re.sub(r"`(.)", lambda found: _ESCAPED.get(found[1], found[1]), code.decode(), flags=re.DOTALL)


def _under(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _under(child)
