# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interpreter that runs our PowerShell: what it takes from PowerShell, and that it lets no slip of the pen pass."""

from __future__ import annotations

import typing as t

import pytest
from simulated_windows.powershell import Script, ScriptError
from simulated_windows.powershell_values import DotNetError


class Thing:
    """An object whose property throws."""

    def Add(self, item: t.Any) -> int:  # noqa: N802
        return 1

    def Clear(self) -> None:  # noqa: N802
        """Return nothing."""

    @property
    def Broken(self) -> str:  # noqa: N802
        raise DotNetError("it is broken")


def run(code: str) -> t.Any:
    """Run a script; return what it hands to the command Show-Result."""
    shown: list[t.Any] = []
    commands = {"Show-Result": lambda _script, _given, positional, _named: shown.append(positional[0]) or []}
    Script(code.encode() + b"\n", {"Thing": Thing}, commands).run()
    return shown[0]


def result_of(body: str) -> t.Any:
    """What a function with this body returns."""
    return run(f"function Get-It {{\nparam($First, [int]$Second)\n{body}\n}}\n$got = Get-It\nShow-Result $got")


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        ("1", 1),
        ("1\n2", [1, 2]),
        ("return , @(1)", [1]),  # a list of one is the one, but for this
        ("return @(1)", 1),
        ("return @()", None),
        ("$thing = [Thing]::new()\n$thing.Add(3)\nreturn 2", [1, 2]),  # what a method returns is put out, too
        ("$thing = [Thing]::new()\n[void]$thing.Add(3)\n$thing.Clear()\nreturn 2", 2),
        ("foreach ($n in @(1, 2, 3)) { if ($n -eq 2) { continue }\n$n }", [1, 3]),
        ("foreach ($n in @(1, 2, 3)) { $n\nif ($n -eq 2) { break } }", [1, 2]),
        ("for ($i = 0; $i -lt 3; $i++) { $i }", [0, 1, 2]),
        ("return @(3, 1, 3) | Select-Object -Unique", [3, 1]),
        ('switch ("B") {\n"a" { 1 }\n"b" { 2 }\ndefault { 3 }\n}', 2),
        ('switch -wildcard ("icmpv4:8") {\n"icmp*" { 1 }\ndefault { 3 }\n}', 1),
        ('switch ("x") {\n"a" { 1 }\ndefault { 3 }\n}', 3),
        ("if ($false) { 1 } elseif ($true) { 2 } else { 3 }", 2),
        ('return "A" -eq "a"', True),
        ('return $null -eq ""', False),
        ('return @("x", "Y") -join "-"', "x-Y"),
        ('return "y" -in @("X", "Y")', True),
        ('return "6.5" -as [int]', 6),
        ('return "tcp" -as [int]', None),
        ("return [int]$null", 0),
        ("return $Second", 0),
        ('return "$($First) is `"$true`""', ' is "True"'),
        ("try { throw 'oh' } catch { return $_.Exception.Message } finally { $x = 1 }", "oh"),
        (
            "$thing = [Thing]::new()\nreturn $thing.Broken",
            None,
        ),  # as PowerShell has it; what our modules must not rely on
    ],
)
def test_what_it_takes_from_powershell(body: str, returned: t.Any) -> None:
    assert result_of(body) == returned


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("$a = $b", "\\$b was never set"),
        ("Get-Nothing", "no command get-nothing"),
        ("[Nothing]::new()", "no type nothing"),
        ("$a = [Thing]::new()\n$a.Count", "Thing has no member Count"),
        ("function Get-It { param($A)\n$A }\nGet-It 1 2", "has no parameter for \\[2\\]"),
        ("function Get-It { param($A)\n$A }\nGet-It -B 2", "has no parameter for {'b': 2}"),
        ("$a = 1 -shl 2", "no operator -shl"),
        ("$a = 2.5", "real_literal is not known here"),
        ("if ($a {", "is missing|line 1"),
        ("do { 1 } while ($true)", "do_statement is not known here"),
    ],
)
def test_it_stops_at_what_is_wrong_or_not_known(code: str, problem: str) -> None:
    with pytest.raises(ScriptError, match=problem):
        run(code)
