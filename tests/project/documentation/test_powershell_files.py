# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell files: what a parser can say of them, encoding, and that the documentation says the same as they do.

``ansible-test sanity --test pslint`` says more, and runs where PowerShell is installed. What the scripts do is tried in
``tests/project/plugins/modules``.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from simulated_windows.documented import argument_spec
from simulated_windows.powershell_syntax import child_of, meaningful, parse, syntax_errors, text_of
from tree_sitter import Node

MODULES = Path(__file__).parents[3] / "plugins" / "modules"
POWERSHELL = sorted(MODULES.glob("*.ps1"))


def nodes(node: Node, kind: str) -> Iterator[Node]:
    """All nodes of a kind, in the order of the file."""
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def hash_table(node: Node) -> dict[str, Node]:
    """The keys and values of the first hash table in a node."""
    table = next(nodes(node, "hash_literal_expression"))
    entries = [meaningful(entry) for body in meaningful(table) for entry in meaningful(body)]
    return {text_of(key): value for key, value in entries}


def options(code: bytes) -> dict[str, dict[str, str]]:
    """The options in the specification of a module: name → key → code of its value."""
    spec = next(nodes(parse(code), "assignment_expression"))
    assert text_of(spec).startswith("$spec = ")
    return {
        name: {key: text_of(inner).strip('"') for key, inner in hash_table(value).items()}
        for name, value in hash_table(hash_table(spec)["options"]).items()
    }


def results(code: bytes) -> set[str]:
    """The keys of the result that a module sets."""
    targets = (text_of(node).strip() for node in nodes(parse(code), "left_assignment_expression"))
    return {target.removeprefix("$module.Result.") for target in targets if target.startswith("$module.Result.")}


def returned_by(code: bytes, function: str) -> list[str]:
    """The keys of the hash table that a function returns last."""
    (found,) = [
        node
        for node in nodes(parse(code), "function_statement")
        if text_of(child_of(node, "function_name")) == function
    ]
    returned = [node for node in nodes(found, "flow_control_statement") if text_of(node).startswith("return @{")]
    return list(hash_table(returned[-1]))


def test_there_is_something_to_check() -> None:
    assert [path.name for path in POWERSHELL] == ["win_firewall_state.ps1", "win_port_probe.ps1"]


@pytest.mark.parametrize("path", POWERSHELL, ids=lambda path: path.name)
def test_a_file_is_plain_ascii_without_mark_or_carriage_returns(path: Path) -> None:
    content = path.read_bytes()
    assert content.isascii()  # Windows PowerShell takes a file without a mark for one in the system's own code page
    assert b"\r" not in content
    assert b"\t" not in content
    assert content.startswith(b"#!powershell\n")
    assert content.endswith(b")\n")


@pytest.mark.parametrize("path", POWERSHELL, ids=lambda path: path.name)
def test_a_parser_reads_it(path: Path) -> None:
    assert syntax_errors(path.read_bytes()) == []


@pytest.mark.parametrize(
    "code",
    [
        "if ($a) { 'b' ",
        "if ($a)) { }",
        "$a = @(1]",
        '$a = 1\n$b = "c',
        "$a = 'it's'",
        '"a $($b.c( d"',
        "foreach ($a on $b) { }",
        "$a = $b ? 1 : 2",  # PowerShell 7 knows it, and 5.1 does not
        "$a = $b ?? 1",
    ],
)
def test_the_parser_sees_what_is_wrong(code: str) -> None:
    assert syntax_errors(code.encode()) != []


def test_comments_and_strings_may_hold_brackets() -> None:
    assert syntax_errors(b"<# { #> '}' # )\n") == []


@pytest.mark.parametrize("path", POWERSHELL, ids=lambda path: path.name)
def test_nothing_of_powershell_7_is_in_it(path: Path) -> None:
    """What the parser takes, and Windows PowerShell 5.1 does not: commands joined by ``&&`` and ``||``."""
    assert [text_of(node) for node in nodes(parse(b"a && b\n"), "pipeline_chain_tail")] == ["&&"]
    assert list(nodes(parse(path.read_bytes()), "pipeline_chain_tail")) == []


@pytest.mark.parametrize("path", POWERSHELL, ids=lambda path: path.name)
def test_the_documentation_has_the_options_of_the_code(path: Path) -> None:
    documented = argument_spec(f"uc_firewall.pexip_sfb.{path.stem}")
    found = options(path.read_bytes())
    assert {name: option["type"] for name, option in documented.items()} == {n: o["type"] for n, o in found.items()}
    assert {name: option.get("elements") for name, option in documented.items()} == {
        name: option.get("elements") for name, option in found.items()
    }
    assert {name for name, option in documented.items() if option.get("required")} == {
        name for name, option in found.items() if option.get("required") == "$true"
    }
    assert {name: _written(option["default"]) for name, option in documented.items() if "default" in option} == {
        name: option["default"] for name, option in found.items() if "default" in option
    }


def _written(default: t.Any) -> str:
    return "@()" if default == [] else str(default)


def documented_results(name: str) -> dict[str, t.Any]:
    text = (MODULES / f"{name}.py").read_text(encoding="utf-8")
    returned: dict[str, t.Any] = yaml.safe_load(re.findall(r'RETURN = r"""(.*?)"""', text, re.DOTALL)[0])
    return returned


def test_the_documentation_of_win_firewall_state_has_the_results_of_the_code() -> None:
    code = (MODULES / "win_firewall_state.ps1").read_bytes()
    returned = documented_results("win_firewall_state")
    assert {name for name, result in returned.items() if "action" not in result["returned"]} == results(code)
    assert list(returned["rules"]["contains"]) == returned_by(code, "ConvertTo-RuleData")
    (profiles,) = [
        node for node in nodes(parse(code), "function_statement") if "Get-ProfileState" in text_of(node)[:30]
    ]
    assert list(returned["profiles"]["contains"]) == list(hash_table(profiles))


def test_the_documentation_of_win_port_probe_has_the_results_of_the_code() -> None:
    code = (MODULES / "win_port_probe.ps1").read_bytes()
    returned = documented_results("win_port_probe")
    assert set(returned) == results(code)
    assert list(returned["answers"]["contains"]) == returned_by(code, "New-Answer")
    told = set(re.findall(r'New-Answer "(\w+)"', code.decode("ascii")))
    assert told == {"open", "refused", "filtered", "error", "not_probeable"}
