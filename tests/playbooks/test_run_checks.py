# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script that runs the checks says that all is well only where all of them have been run and passed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PASSES, FAILS, IS_KILLED = "exit 0", "exit 1", "kill -KILL $PPID"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the script alone, where two checks do what a test says, and all others fail at once."""
    (tmp_path / "tests/checks").mkdir(parents=True)
    for script in ("run-checks", "checks/summary.py"):
        shutil.copy(TOP / "tests" / script, tmp_path / "tests" / script)
    (tmp_path / "bin").mkdir()
    for program in ("git", "lint-imports", "molecule", "mypy", "podman", "pytest", "ruff", "yamllint"):
        (tmp_path / "bin" / program).symlink_to("/bin/false")
    return tmp_path


def run(checkout: Path, *arguments: str, tables: str = PASSES, licences: str = PASSES) -> tuple[int, str]:
    for program, script in (("python", tables), ("reuse", licences)):
        path = checkout / "bin" / program
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    done = subprocess.run(
        [checkout / "tests/run-checks", *arguments],
        env={
            "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(checkout / "molecule"),
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_checks_that_pass(checkout: Path) -> None:
    code, said = run(checkout, "tables", "licences")
    assert code == 0
    assert said.endswith("2 passed, 0 failed\n")


def test_a_check_that_fails(checkout: Path) -> None:
    code, said = run(checkout, "tables", "licences", tables=FAILS)
    assert code == 1
    assert said.endswith("1 passed, 1 failed\n")


def test_a_check_that_fails_says_why_first_and_where_the_rest_is(checkout: Path) -> None:
    """A thousand lines about something else come after what matters."""
    assertion = "printf '____ test_it ____\\nE   assert 1 == 2\\n'"
    chatter = "for n in $(seq 1000); do echo chatter $n; done"
    _code, said = run(
        checkout, "tables", tables=f"{assertion}; {chatter}; echo 'FAILED tests/test_x.py::test_it - assert'; exit 1"
    )
    head, why, asserted, where, *rest = said.splitlines()
    assert re.match(r"tables +FAILED ", head)
    assert (why, asserted) == ("    FAILED tests/test_x.py::test_it", "        assert 1 == 2")
    assert where == "    The end of the log .build/logs/tables.log:"
    assert len(rest) < 20
    assert "chatter 1000" in said
    assert (checkout / ".build/logs/tables.log").read_text(encoding="utf-8").count("chatter") == 1000


def test_what_did_not_come_to_an_end_is_no_success(checkout: Path) -> None:
    code, said = run(checkout, "tables", "licences", licences=IS_KILLED)
    assert code == 1
    assert "1 of 2 checks did not come to an end\n1 passed, 0 failed\n" in said


def test_a_program_that_is_no_check_is_not_run(checkout: Path) -> None:
    code, said = run(checkout, "tables", "true")
    assert code == 2
    assert said.startswith("No check is called true; accepted: all, lint, molecule, ")
    assert " tables " in said
    assert not (checkout / ".build/logs/tables.log").exists()


def test_without_a_name_each_check_is_taken_once(checkout: Path) -> None:
    """All of them, by two lanes that share a queue."""
    _code, said = run(checkout)
    ran = [line.split()[0] for line in said.splitlines() if re.match(r"\w+ +(ok|FAILED) ", line)]
    assert len(ran) == len(set(ran)) > 20
    assert {"tables", "licences", "package", "demo", "demo_firewalld", "molecule_faults", "html"} <= set(ran)


def test_a_group_may_stand_next_to_a_check(checkout: Path) -> None:
    _code, said = run(checkout, "lint", "package")
    ran = {line.split()[0] for line in said.splitlines() if line and not line.startswith(" ")}
    assert {"tables", "licences", "package", "ansible_style"} <= ran
