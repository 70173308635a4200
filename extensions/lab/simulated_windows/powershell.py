# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the PowerShell that the modules of this collection use, on objects that Python made up.

No PowerShell can be had from the package indexes that the project installs from, and a script that nothing ever ran is
worth little. So a parser (tree-sitter) reads it, and this walks the tree. It knows what those scripts use and stops at
anything else. It is stricter than PowerShell in what makes a slip of the pen visible: a variable that was never set, a
command, type or member that does not exist, and a parameter that a function does not have are errors.

What it takes from PowerShell: that strings are compared whatever their case, that a pipeline of one object is the
object, that lists are taken apart on their way, that an error of a property is ``$null``, and how types are converted.
It says nothing about Windows.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from collections.abc import Callable, Mapping

from tree_sitter import Node

from simulated_windows.powershell_syntax import child_of, meaningful, parse, syntax_errors, text_of
from simulated_windows.powershell_values import (
    CASTS,
    OPERATORS,
    DotNetError,
    ErrorRecord,
    as_text,
    equal,
    is_true,
    single,
    unrolled,
)

_PASSED_ON = re.compile(
    r"(logical|bitwise|comparison|additive|multiplicative|format|range)_(argument_)?expression|unary_expression|"
    r"argument_expression|array_literal_expression|string_literal|integer_literal|pipeline|pipeline_chain|"
    r"left_assignment_expression|while_condition|switch_clause_condition"
)

Command = Callable[["Script", list[t.Any], list[t.Any], dict[str, t.Any]], list[t.Any]]


class ScriptError(Exception):
    """The script is wrong, or uses what this does not know. No catch block of the script sees it."""


class Exit(Exception):  # noqa: N818 - it is no error
    """The script ends here."""


class _Left(Exception):  # noqa: N818
    """A block is left. What it put out before stays put out."""

    def __init__(self, output: list[t.Any]) -> None:
        super().__init__()
        self.output = output


class _Return(_Left):
    pass


class _Break(_Left):
    pass


class _Continue(_Left):
    pass


class Script:
    """A script with the types and commands that there are. Names of both are without regard to case."""

    def __init__(self, code: bytes, types: Mapping[str, t.Any], commands: Mapping[str, Command]) -> None:
        """Read *code*.

        :param types: name → a class or object whose attributes are the static members.
        :param commands: name → function of this script, the input, the positional and the named arguments.
        :raises ScriptError: where it cannot be read.
        """
        errors = syntax_errors(code)
        if errors:
            raise ScriptError("; ".join(errors))
        self._root = parse(code)
        self._types = {name.lower(): value for name, value in types.items()}
        self._commands: dict[str, Command] = {name.lower(): value for name, value in commands.items()}
        self._commands |= {"where-object": _where_object, "foreach-object": _foreach_object}
        self._functions: dict[str, Node] = {}
        self._scopes: list[dict[str, t.Any]] = [{"null": None, "true": True, "false": False, "args": []}]

    def run(self) -> None:
        """Run it to its end, or to where it ends itself."""
        with contextlib.suppress(Exit):
            self._statements(self._root)

    # Blocks and statements. Each returns what it puts out.

    def call(self, block: Node, item: t.Any) -> list[t.Any]:
        """Run a script block on one object."""
        self._scopes.append({"_": item})
        try:
            return self._statements(block)
        finally:
            self._scopes.pop()

    def _statements(self, node: Node) -> list[t.Any]:
        output: list[t.Any] = []
        try:
            for child in node.named_children:
                if child.type in ("statement_list", "script_block", "script_block_body", "statement_block"):
                    output += self._statements(child)
                elif child.type not in ("comment", "param_block"):
                    output += self._statement(child)
        except _Left as e:
            e.output[:0] = output
            raise
        return output

    def _statement(self, node: Node) -> list[t.Any]:
        handler = getattr(self, f"_do_{node.type}", None)
        if handler is None:
            raise self._unknown(node)
        return t.cast(list[t.Any], handler(node))

    def _do_function_statement(self, node: Node) -> list[t.Any]:
        self._functions[text_of(child_of(node, "function_name")).lower()] = child_of(node, "script_block")
        return []

    def _do_pipeline(self, node: Node) -> list[t.Any]:
        (only,) = meaningful(node)
        if only.type == "assignment_expression":
            self._assign(only)
            return []
        return self._do_pipeline_chain(only)

    def _do_pipeline_chain(self, node: Node) -> list[t.Any]:
        first, *commands = meaningful(node)
        if first.type == "command":
            output = self._command(first, [])
        else:
            value = self._value(first)
            output = [] if value is None and _is_void(first) else unrolled(value)
        for command in commands:
            output = self._command(command, output)
        return output

    def _do_command(self, node: Node) -> list[t.Any]:
        return self._command(node, [])

    def _do_if_statement(self, node: Node) -> list[t.Any]:
        condition, block, *otherwise = meaningful(node)
        if is_true(self._value(condition)):
            return self._statements(block)
        return self._statements(otherwise[0]) if otherwise else []

    def _do_foreach_statement(self, node: Node) -> list[t.Any]:
        variable, items, block = meaningful(node)
        output: list[t.Any] = []
        found = self._value(items)
        for item in [] if found is None else unrolled(found):
            self._set(variable, item)
            if not self._turn(block, output):
                break
        return output

    def _do_while_statement(self, node: Node) -> list[t.Any]:
        condition, block = meaningful(node)
        output: list[t.Any] = []
        while is_true(self._value(condition)) and self._turn(block, output):
            pass
        return output

    def _turn(self, block: Node, output: list[t.Any]) -> bool:
        """Run the block of a loop once, and tell whether the loop goes on."""
        try:
            output += self._statements(block)
        except (_Break, _Continue) as e:
            output += e.output
            return isinstance(e, _Continue)
        return True

    def _do_switch_statement(self, node: Node) -> list[t.Any]:
        value = self._value(meaningful(child_of(node, "switch_condition"))[0])
        clauses = meaningful(child_of(child_of(node, "switch_body"), "switch_clauses"))
        output: list[t.Any] = []
        matched = False
        for clause in clauses:
            condition, block = meaningful(clause)
            word = text_of(condition).strip('"')  # the grammar does not look into it
            if not matched if word == "default" else equal(as_text(value), word):
                matched = True
                output += self._statements(block)
        return output

    def _do_try_statement(self, node: Node) -> list[t.Any]:
        block, catches, *last = meaningful(node)
        try:
            return self._statements(block)
        except DotNetError as e:
            self._scopes[-1]["_"] = ErrorRecord(e)
            return self._statements(child_of(catches, "catch_clause"))
        finally:
            if last:
                self._statements(last[0])

    def _do_flow_control_statement(self, node: Node) -> list[t.Any]:
        word, values = text_of(node).split()[0], meaningful(node)
        if word == "throw":
            raise DotNetError(as_text(self._value(values[0])))
        if word == "return":
            raise _Return(self._statement(values[0]) if values else [])
        raise _Break([]) if word == "break" else _Continue([])

    # Commands.

    def _command(self, node: Node, given: list[t.Any]) -> list[t.Any]:
        name = text_of(child_of(node, "command_name")).lower()
        positional, named = self._arguments(node)
        if name in self._functions:
            return self._function(name, positional, named)
        if name not in self._commands:
            raise ScriptError(f"no command {name}")
        return self._commands[name](self, given, positional, named)

    def _arguments(self, node: Node) -> tuple[list[t.Any], dict[str, t.Any]]:
        positional: list[t.Any] = []
        named: dict[str, t.Any] = {}
        parameter = ""
        for element in meaningful(child_of(node, "command_elements")):
            if element.type == "command_argument_sep":
                continue
            if element.type == "command_parameter":
                parameter = text_of(element)[1:].lower()
                named[parameter] = True
                continue
            value = text_of(element) if element.type == "generic_token" else self._value(element)
            if parameter:
                named[parameter], parameter = value, ""
            else:
                positional.append(value)
        return positional, named

    def _function(self, name: str, positional: list[t.Any], named: dict[str, t.Any]) -> list[t.Any]:
        block = self._functions[name]
        scope: dict[str, t.Any] = {}
        for parameter in meaningful(child_of(child_of(block, "param_block"), "parameter_list")):
            variable = text_of(child_of(parameter, "variable"))[1:].lower()
            kind = re.findall(r"^\[(\w+)\]", text_of(parameter))
            value = named.pop(variable) if variable in named else positional.pop(0) if positional else None
            scope[variable] = CASTS[kind[0].lower()](value) if kind and kind[0].lower() in CASTS else value
        if positional or named:
            raise ScriptError(f"{name} has no parameter for {positional or named}")
        self._scopes.append(scope)
        try:
            return self._statements(block)
        except _Return as e:
            return e.output
        finally:
            self._scopes.pop()

    # Expressions. Each returns a value.

    def _value(self, node: Node) -> t.Any:
        while len(node.children) == 1 and _PASSED_ON.fullmatch(node.type):
            node = node.children[0]
        if node.type in ("pipeline", "pipeline_chain", "command", "if_statement", "foreach_statement"):
            return single(self._statement(node))
        handler = getattr(self, f"_get_{node.type}", None)
        if handler is not None:
            return handler(node)
        if len(node.children) == 3 and _PASSED_ON.fullmatch(node.type):
            return self._binary(text_of(node.children[1]).lower(), node.children[0], node.children[2])
        raise self._unknown(node)

    def _binary(self, sign: str, left: Node, right: Node) -> t.Any:
        if sign in ("-and", "-or"):
            value = is_true(self._value(left))
            return value if value == (sign == "-or") else is_true(self._value(right))
        if sign == "-match":
            found = re.search(as_text(self._value(right)), as_text(self._value(left)), re.IGNORECASE)
            if found:
                self._scopes[-1]["matches"] = dict(enumerate((found[0], *found.groups())))
            return bool(found)
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

    def _get_expandable_string_literal(self, node: Node) -> str:
        text, start = "", node.start_byte + 1
        code = node.text or b""
        for child in node.named_children:
            text += code[start - node.start_byte : child.start_byte - node.start_byte].decode()
            text += as_text(self._value(child))
            start = child.end_byte
        return text + code[start - node.start_byte : -1].decode()

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
            return value.get(text_of(name))
        try:
            return self._member(value, text_of(name))
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

    def _type_name(self, node: Node) -> str:
        return re.sub(r"\[.*\]", "", text_of(node)[1:-1]).lower()

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
        held[text_of(name) if target.type == "member_access" else self._value(name)] = value

    def _unknown(self, node: Node) -> ScriptError:
        return ScriptError(f"line {node.start_point.row + 1}: {node.type} is not known here: {text_of(node)[:60]}")


_MEMBERS: dict[str, Callable[[t.Any], t.Any]] = {
    "Count": len,
    "Keys": list,
    "ToLowerInvariant": lambda text: text.lower,
    "StartsWith": lambda text: lambda start, _comparison: text.lower().startswith(start.lower()),
}


def _where_object(script: Script, given: list[t.Any], positional: list[t.Any], _named: object) -> list[t.Any]:
    return [item for item in given if is_true(single(script.call(positional[0], item)))]


def _foreach_object(script: Script, given: list[t.Any], positional: list[t.Any], _named: object) -> list[t.Any]:
    return [output for item in given for output in script.call(positional[0], item)]


def _is_void(node: Node) -> bool:
    """Tell whether a statement is a method's call or a cast, which have no output where Python has None."""
    while len(node.children) == 1:
        node = node.children[0]
    return node.type in ("invokation_expression", "cast_expression")
