# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a check that failed: made from logs of the programs themselves, as their form may change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from warm_ansible import ansible_playbook

SUMMARY = Path(__file__).parents[1] / "checks/summary.py"
TESTS = """
import pytest, subprocess, sys
@pytest.mark.parametrize("number", [1, 2])
def test_a_number(number):
    assert number == 1, "it is another one"
class TestClass:
    def test_method(self):
        raise ValueError("first line\\nsecond line")
@pytest.fixture
def broken():
    raise OSError("nothing there")
def test_needs(broken):
    pass
def test_leaves_a_process():
    process = subprocess.Popen(["sleep", "1"])
    del process
"""


def summary(log: str, directory: Path) -> list[str]:
    path = directory / "log"
    path.write_text(log, encoding="utf-8")
    done = subprocess.run([sys.executable, SUMMARY, path], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture
def pytest_log(tmp_path: Path) -> str:
    (tmp_path / "test_x.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--quiet", "-W", "error", "test_x.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout


def test_of_pytest_each_test_and_what_it_asserted(pytest_log: str, tmp_path: Path) -> None:
    said = summary(pytest_log, tmp_path)
    assert said[:6] == [
        "FAILED test_x.py::test_a_number[2]",
        "    AssertionError: it is another one",
        "    assert 2 == 1",
        "FAILED test_x.py::TestClass::test_method",
        "    ValueError: first line",
        "    second line",
    ]
    assert "ERROR test_x.py::test_needs" in said
    assert "    OSError: nothing there" in said
    assert "Traceback" not in "".join(said)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_of_ansible_each_task_and_its_message(form: str, tmp_path: Path) -> None:
    tasks: list[dict[str, t.Any]] = [
        {"name": "Is ignored", "ansible.builtin.fail": {"msg": "not so bad"}, "ignore_errors": True},
        {
            "name": "Run a program",
            "ansible.builtin.command": {"argv": ["sh", "-c", "echo it says; echo why >&2; exit {{ item }}"]},
            "loop": [0, 3],
            "ignore_errors": "{{ not stops }}",
        },
        {"name": "Stop", "ansible.builtin.assert": {"that": "1 == 2", "fail_msg": "one line\n\nand another"}},
    ]
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": form}

    def said_where(stops: bool) -> list[str]:
        options = ["-i", "localhost,", "-c", "local", "-e", json.dumps({"stops": stops})]
        options += ["-e", f"ansible_python_interpreter={sys.executable}"]
        return summary(ansible_playbook([*options, play], env=environment).stdout, tmp_path)

    assert said_where(True) == ["TASK [Run a program]", "  localhost (item=3): non-zero return code", "    why"]
    assert said_where(False) == ["TASK [Stop]", "  localhost: one line", "    and another"]


def test_of_pytest_in_the_result_of_a_task(pytest_log: str, tmp_path: Path) -> None:
    """The scenario `faults` runs pytest as a task."""
    task = {"ansible.builtin.command": {"argv": ["sh", "-c", "cat pytest.log; exit 1"], "chdir": str(tmp_path)}}
    (tmp_path / "pytest.log").write_text(pytest_log, encoding="utf-8")
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    done = ansible_playbook(
        ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", play],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"},
    )
    said = summary(done.stdout, tmp_path)
    assert said[:3] == [
        "FAILED test_x.py::test_a_number[2]", "    AssertionError: it is another one", "    assert 2 == 1",
    ]  # fmt: skip


def test_of_anything_else_its_last_lines(tmp_path: Path) -> None:
    log = "".join(f"line {number}\n" for number in range(50)) + "\n\033[1m== Removing the lab\033[0m\n"
    assert summary(log, tmp_path) == [f"line {number}" for number in range(40, 50)]
    assert summary("", tmp_path) == ["It printed nothing."]


def test_a_coverage_that_is_too_low_is_a_reason(tmp_path: Path) -> None:
    reason = "FAIL Required test coverage of 100% not reached. Total coverage: 99.98%"
    assert summary(f"plugins/x.py 3 1 97%\n{reason}\n5 passed in 1.2s\n", tmp_path) == [reason]


def test_more_failures_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    said = summary("".join(f"FAILED tests/test_x.py::test_{number} - assert\n" for number in range(9)), tmp_path)
    assert said[-1] == "(5 more failed)"
    assert len(said) == 9
