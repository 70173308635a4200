# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the PowerShell that our modules and win_firewall_rule use, on objects that Python made up.

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

from simulated_windows.powershell_expressions import Expressions, ScriptError, unknown
from simulated_windows.powershell_syntax import child_of, meaningful, parse, syntax_errors, text_of
from simulated_windows.powershell_values import (
    CASTS,
    OPERATORS,
    DotNetError,
    ErrorRecord,
    as_text,
    is_true,
    single,
    unrolled,
)

Command = Callable[["Script", list[t.Any], list[t.Any], dict[str, t.Any]], list[t.Any]]


class Exit(Exception):  # noqa: N818 - it is not an error
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


class Script(Expressions):
    """A script with the types and commands that there are. Names of both are without regard to case."""

    def __init__(
        self,
        code: bytes,
        types: Mapping[str, t.Any],
        commands: Mapping[str, Command],
        variables: Mapping[str, t.Any] | None = None,
    ) -> None:
        """Read *code*.

        :param types: name → a class or object whose attributes are the static members.
        :param commands: name → function of this script, the input, the positional and the named arguments.
        :param variables: name in lower case → value.
        :raises ScriptError: where it cannot be read.
        """
        super().__init__(types, variables or {})
        errors = syntax_errors(code)
        if errors:
            raise ScriptError("; ".join(errors))
        self._root = parse(code)
        self._commands: dict[str, Command] = {name.lower(): value for name, value in commands.items()}
        self._commands |= _COMMANDS
        self._functions: dict[str, Node] = {}

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
        except _Return as e:
            return e.output
        finally:
            self._scopes.pop()

    def _statements(self, node: Node) -> list[t.Any]:
        output: list[t.Any] = []
        try:
            for child in node.named_children:
                if child.type in ("statement_list", "script_block", "script_block_body", "statement_block"):
                    output += self._statements(child)
                elif child.type not in ("comment", "param_block", "catch_type_list"):
                    output += self._statement(child)
        except _Left as e:
            e.output[:0] = output
            raise
        return output

    def _statement(self, node: Node) -> list[t.Any]:
        handler = getattr(self, f"_do_{node.type}", None)
        if handler is None:
            raise unknown(node)
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
        for part in otherwise:
            if part.type == "else_clause":
                return self._statements(part)
            for clause in meaningful(part):
                condition, block = meaningful(clause)
                if is_true(self._value(condition)):
                    return self._statements(block)
        return []

    def _do_for_statement(self, node: Node) -> list[t.Any]:
        first, condition, step, block = meaningful(node)
        self._statements(first)
        output: list[t.Any] = []
        while is_true(self._value(condition)) and self._turn(block, output):
            self._statements(step)
        return output

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
        value = as_text(self._value(meaningful(child_of(node, "switch_condition"))[0]))
        is_pattern = "-wildcard" in text_of(node).partition("{")[0]
        output: list[t.Any] = []
        matched = False
        for clause in meaningful(child_of(child_of(node, "switch_body"), "switch_clauses")):
            condition, block = meaningful(clause)
            word = text_of(condition).strip().strip('"')  # the grammar does not look into it
            if not matched if word == "default" else OPERATORS["-like" if is_pattern else "-eq"](value, word):
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
        elements = [element for part in meaningful(node)[1:] for element in meaningful(part)]
        for element in elements:
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


def _where_object(script: Script, given: list[t.Any], positional: list[t.Any], _named: object) -> list[t.Any]:
    return [item for item in given if is_true(single(script.call(positional[0], item)))]


def _foreach_object(script: Script, given: list[t.Any], positional: list[t.Any], _named: object) -> list[t.Any]:
    return [output for item in given for output in script.call(positional[0], item)]


def _select_object(_script: Script, given: list[t.Any], _positional: object, named: dict[str, t.Any]) -> list[t.Any]:
    if named != {"unique": True}:
        raise ScriptError(f"Select-Object {named}")
    return list(dict.fromkeys(given))  # which tells upper from lower case


def _measure_object(_script: Script, given: list[t.Any], _positional: object, named: dict[str, t.Any]) -> list[t.Any]:
    if named != {"sum": True}:
        raise ScriptError(f"Measure-Object {named}")
    return [{"Sum": sum(given) if given else None}]


def _compare_object(_script: Script, _given: object, positional: list[t.Any], _named: object) -> list[t.Any]:
    left, right = (sorted(as_text(item).lower() for item in unrolled(items)) for items in positional)
    return [] if left == right else ["they differ"]


_COMMANDS: dict[str, Command] = {
    "where-object": _where_object,
    "foreach-object": _foreach_object,
    "select-object": _select_object,
    "measure-object": _measure_object,
    "compare-object": _compare_object,
}


def _is_void(node: Node) -> bool:
    """Tell whether a statement is a method's call or a cast, which have no output where Python has None."""
    while len(node.children) == 1:
        node = node.children[0]
    return node.type in ("invokation_expression", "cast_expression")
