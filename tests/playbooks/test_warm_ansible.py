# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fork of a loaded ansible-playbook, by which tests run playbooks, does what the command does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from warm_ansible import ansible_playbook

SETTINGS = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "COLUMNS": "100"}
TELL = {"ansible.builtin.debug": {"msg": "{{ lookup('env', 'ASKED') }} in {{ lookup('pipe', 'pwd') }}"}}
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
