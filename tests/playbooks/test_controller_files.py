# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``controller_files``, for a host that cannot be reached."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from warm_ansible import ansible_playbook

HERE = Path(__file__).parent


def run(where: Path, *options: str, inside: str = "", **arguments: Any) -> tuple[int, dict[str, Any]]:
    """Run one task with these *arguments*; return the exit code and its result.

    :param inside: what a shell does first, in a mount namespace that the run has for itself.
    """
    task = {"uc_firewall.pexip_sfb.controller_files": arguments}
    play = {"hosts": "far", "gather_facts": False, "become": True, "tasks": [task]}
    (where / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    command = ["-i", "far,", "-c", "untouchable", "-vvv", *options, "play.json"]
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_BECOME_EXE": "/nowhere/sudo",
        "COLUMNS": "10000",
    }
    if inside:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", f'{inside}\n"$@"', "sh", "ansible-playbook", *command],
            cwd=where, env=environment, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
    else:
        done = ansible_playbook(command, cwd=where, env=environment)
    _before, _arrow, result = done.stdout.partition("[far]")[2].partition(" => ")
    return done.returncode, json.JSONDecoder().raw_decode(result)[0] if result else {"said": done.stdout + done.stderr}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_written_once_and_taken_away(tmp_path: Path) -> None:
    place = tmp_path / "new/directory"
    wanted = {"directory": str(place), "files": [{"name": "a", "content": "é\n"}, {"name": "b", "content": "2"}]}
    _code, preview = run(tmp_path, "--check", "--diff", **wanted)
    assert (preview["changed"], preview["written"]) == (True, ["a", "b"])
    assert [one["after"] for one in preview["diff"]] == ["é\n", "2"]
    assert not place.exists()
    _code, first = run(tmp_path, **wanted)
    assert (first["changed"], first["written"], first["removed"]) == (True, ["a", "b"], [])
    assert (place / "a").read_text(encoding="utf-8") == "é\n"
    assert (mode(place / "a"), mode(place)) == (0o640, 0o750)
    (place / "theirs").write_text("theirs", encoding="utf-8")
    _code, second = run(tmp_path, **wanted)
    assert (second["changed"], second["written"]) == (False, [])
    _code, third = run(tmp_path, directory=str(place), absent=["b", "c"])
    assert (third["changed"], third["removed"]) == (True, ["b"])
    assert sorted(path.name for path in place.iterdir()) == ["a", "theirs"]


@pytest.mark.parametrize("there", [0o1777, 0o700])
def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path, there: int) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(there)
    wanted = {"directory": str(place), "files": [{"name": "a", "content": "1"}]}
    _code, first = run(tmp_path, **wanted)
    _code, second = run(tmp_path, **wanted)
    assert (first["changed"], second["changed"]) == (True, False)
    assert (mode(place), mode(place / "a")) == (there, 0o640)


@pytest.mark.parametrize(("wanted", "of_directory"), [("0600", 0o700), ("0644", 0o755)])
def test_files_get_the_mode_that_is_asked_for(tmp_path: Path, wanted: str, of_directory: int) -> None:
    place = tmp_path / "new"
    task = {"directory": str(place), "files": [{"name": "a", "content": "1"}]}
    run(tmp_path, **task)
    old = mode(place / "a")
    _code, preview = run(tmp_path, "--check", "--diff", mode=wanted, **task)
    assert (preview["changed"], preview["written"], mode(place / "a")) == (True, ["a"], old)
    assert (preview["diff"][0]["before"], preview["diff"][0]["after"]) == ("mode 0640\n", f"mode {wanted}\n")
    run(tmp_path, mode=wanted, **task)
    assert mode(place / "a") == int(wanted, 8)
    run(tmp_path, mode=wanted, **{**task, "directory": str(tmp_path / "another")})
    assert mode(tmp_path / "another") == of_directory


@pytest.mark.parametrize("wrong", [416, "u=rw", "01640"])
def test_what_is_no_mode_is_refused(tmp_path: Path, wrong: object) -> None:
    code, result = run(tmp_path, directory=str(tmp_path / "d"), files=[{"name": "a", "content": "x"}], mode=wrong)
    assert (code, result["msg"]) == (2, f"mode: '{wrong}' is not a file mode; accepted: as in \"0640\", in quotes")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("name", ["../a", "/a", "", ".."])
def test_what_is_no_name_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    code, result = run(tmp_path, directory=str(tmp_path / "d"), files=[{"name": name, "content": "x"}])
    assert code == 2
    assert "is not the name of a file" in result["msg"]
    assert not (tmp_path / "d").exists()


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    # What is in the small file system is gone with the mount namespace, so it is copied before that.
    inside = "mount -t tmpfs -o size=16k,mode=0755 none small; echo before >small/a; trap 'cp -r small seen' EXIT"
    code, result = run(tmp_path, inside=inside, directory=str(place), files=[{"name": "a", "content": "x" * 100_000}])
    assert code == 2
    assert "No space left on device" in result["msg"]
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "seen").iterdir()} == {"a": "before\n"}


def test_a_file_that_is_no_text_is_given_as_base64(tmp_path: Path) -> None:
    wanted = {"directory": str(tmp_path), "files": [{"name": "a", "content": "UEsAAQ==", "encoding": "base64"}]}
    code, result = run(tmp_path, **wanted)
    assert (code, result["changed"]) == (0, True)
    assert (tmp_path / "a").read_bytes() == b"PK\0\1"
    assert run(tmp_path, **wanted)[1]["changed"] is False
    wanted["files"][0]["content"] = "no base64"
    code, result = run(tmp_path, **wanted)
    assert code
    assert "the content of a is not base64" in str(result)
