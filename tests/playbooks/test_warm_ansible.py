# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fork of a loaded ansible-playbook, by which tests run playbooks, does what the command does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import warm_commands
from warm_ansible import ansible_playbook

SETTINGS = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "COLUMNS": "100"}
TELL = {"ansible.builtin.debug": {"msg": "{{ lookup('env', 'ASKED') }} in {{ lookup('pipe', 'pwd') }}"}}
WARM = [sys.executable, warm_commands.__file__]
FAIL = {"ansible.builtin.fail": {"msg": "no"}}


def written(directory: Path, *tasks: dict[str, Any]) -> list[str]:
    """The arguments that play these tasks."""
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (directory / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    return ["-i", "localhost,", "-c", "local", "play.yml"]


@pytest.mark.parametrize(
    ("tasks", "arguments", "code"), [([TELL], [], 0), ([TELL, FAIL], [], 2), ([TELL], ["--no-such-option"], 2)]
)
def test_it_ends_and_says_what_the_command_does(
    tmp_path: Path, tasks: list[dict[str, Any]], arguments: list[str], code: int
) -> None:
    command = [*written(tmp_path, *tasks), *arguments]
    environment = {**os.environ, **SETTINGS}
    for asked in ("once", "twice"):  # the second one is of a process that is loaded already
        expected = subprocess.run(
            ["ansible-playbook", *command], cwd=tmp_path, env={**environment, "ASKED": asked},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        done = ansible_playbook(command, cwd=tmp_path, env=environment, of_this_run={"ASKED": asked})
        assert (done.returncode, done.stdout, done.stderr) == (code, expected.stdout, expected.stderr)
        assert expected.returncode == code
        assert f"{asked} in {tmp_path}" in expected.stdout or arguments


def test_a_run_that_does_not_end_is_killed(tmp_path: Path) -> None:
    command = written(tmp_path, {"ansible.builtin.pause": {"seconds": 60}})
    assert ansible_playbook(command, cwd=tmp_path, env={**os.environ, **SETTINGS}, timeout=3).returncode < 0
    assert ansible_playbook(written(tmp_path, TELL), cwd=tmp_path, env={**os.environ, **SETTINGS}).returncode == 0


def test_a_command_that_calls_it_twice_ends_and_says_the_same(tmp_path: Path) -> None:
    play = shlex.join(["ansible-playbook", *written(tmp_path, TELL, FAIL)])
    script = f"{play}; echo $?; {play}"
    environment = {**os.environ, **SETTINGS, "ASKED": "twice"}
    expected, done = (
        subprocess.run(
            [*command, "sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        for command in ([], WARM)
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, expected.stdout, expected.stderr)
    assert done.stdout.count(f"twice in {tmp_path}") == 2
    where = subprocess.run([*WARM, "which", "ansible-playbook"], capture_output=True, text=True, check=True).stdout
    assert sys.prefix not in where


def test_a_play_ends_with_the_program_that_was_called(tmp_path: Path) -> None:
    play = shlex.join(["ansible-playbook", *written(tmp_path, {"ansible.builtin.pause": {"seconds": 1000}})])
    script = f"{play} >output & until grep -q pause output; do sleep 0.1; done; kill $!"
    environment = {**os.environ, **SETTINGS}
    subprocess.run([*WARM, "sh", "-c", script], cwd=tmp_path, env=environment, timeout=500, check=True)
