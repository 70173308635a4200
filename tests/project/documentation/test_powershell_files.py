# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell files, as far as they can be checked without PowerShell: encoding, quotes, brackets, documentation.

This is no parser. ``ansible-test sanity --test pslint`` is, and runs where PowerShell is installed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from simulated_windows.documented import argument_spec

MODULES = Path(__file__).parents[3] / "plugins" / "modules"
POWERSHELL = sorted(MODULES.glob("*.ps1"))
CLOSING = {"}": "{", ")": "(", "]": "["}
# What is no code, or a string, in the order in which PowerShell looks for it. A string keeps the code within it.
TOKEN = re.compile(
    r"""
    (?P<comment> <\#.*?\#> | \#[^\n]*)
  | (?P<literal> '(?:[^']|'')*')
  | (?P<string> "(?:[^"`]|`.|"")*")
  | (?P<bracket> [{}()\[\]])
  | (?P<stray> ['"])
  | .
    """,
    re.VERBOSE | re.DOTALL,
)


def problems(code: str) -> list[str]:
    """Strings that do not end, and brackets that do not match."""
    found: list[str] = []
    opened: list[str] = []
    for match in TOKEN.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        text = match.group()
        if match.lastgroup == "stray":
            found.append(f"line {line}: a string does not end")
        elif match.lastgroup == "string":
            found += [f"line {line}: {problem}" for inner in re.findall(r"\$(\(.*)", text) for problem in inside(inner)]
        elif text in CLOSING.values() and match.lastgroup == "bracket":
            opened.append(text)
        elif text in CLOSING and (not opened or opened.pop() != CLOSING[text]):
            found.append(f"line {line}: {text} closes nothing")
    return [*found, *(f"{bracket} is not closed" for bracket in opened)]


def inside(text: str) -> list[str]:
    """Of an expression in a string, the brackets that do not match."""
    return [] if text.count("(") == text.count(")") else [f"the expression $({text} does not end"]


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
def test_strings_end_and_brackets_match(path: Path) -> None:
    assert problems(path.read_text(encoding="ascii")) == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("if ($a) { 'b' ", "{ is not closed"),
        ("if ($a)) { }", "line 1: ) closes nothing"),
        ("$a = @(1]", "line 1: ] closes nothing"),
        ('$a = 1\n$b = "c', "line 2: a string does not end"),
        ("$a = 'it's'", "line 1: a string does not end"),
        ('"a $($b.c( d"', 'line 1: the expression $(($b.c( d" does not end'),
    ],
)
def test_the_check_sees_what_is_wrong(code: str, problem: str) -> None:
    assert problem in problems(code)


def test_comments_and_strings_may_hold_brackets() -> None:
    assert problems('<# { #> \'}\' # )\n"`"]" ') == []


def test_the_documentation_has_the_options_and_results_of_the_code() -> None:
    code = (MODULES / "win_firewall_state.ps1").read_text(encoding="ascii")
    spec = code[code.index("$spec") : code.index("supports_check_mode")]
    options = dict(re.findall(r'^ {8}(\w+) = @\{ type = "str"; default = "([^"]*)" \}$', spec, re.MULTILINE))
    documented = argument_spec("uc_firewall.pexip_sfb.win_firewall_state")
    assert {name: option["default"] for name, option in documented.items()} == options
    text = (MODULES / "win_firewall_state.py").read_text(encoding="utf-8")
    returned = yaml.safe_load(re.findall(r'RETURN = r"""(.*?)"""', text, re.DOTALL)[0])
    assert set(returned) == set(re.findall(r"\$module\.Result\.(\w+) =", code))
    keys = set(re.findall(r"^ {8,12}(\w+) = (?!@)", code, re.MULTILINE))
    assert set(returned["rules"]["contains"]) | set(returned["profiles"]["contains"]) <= keys


def test_the_documentation_of_win_port_probe_has_the_options_and_results_of_the_code() -> None:
    code = (MODULES / "win_port_probe.ps1").read_text(encoding="ascii")
    spec = code[code.index("$spec") : code.index("supports_check_mode")]
    options = dict(re.findall(r'^ {8}(\w+) = @\{ type = "(\w+)"', spec, re.MULTILINE))
    defaults = dict(re.findall(r"^ {8}(\w+) = .*default = ([\d.]+) \}$", spec, re.MULTILINE))
    documented = argument_spec("uc_firewall.pexip_sfb.win_port_probe")
    assert {name: option["type"] for name, option in documented.items()} == options
    assert {name: str(option["default"]) for name, option in documented.items() if "default" in option} == defaults
    text = (MODULES / "win_port_probe.py").read_text(encoding="utf-8")
    returned = yaml.safe_load(re.findall(r'RETURN = r"""(.*?)"""', text, re.DOTALL)[0])
    answer = code[code.index("return @{\n        verdict") : code.index("function Start-Probe")]
    assert list(returned["answers"]["contains"]) == re.findall(r"^ {8}(\w+) = ", answer, re.MULTILINE)
    told = set(re.findall(r'New-Answer "(\w+)"|\$verdict = "(\w+)"', code))
    assert {name for pair in told for name in pair if name} == {"open", "refused", "filtered", "error", "not_probeable"}
