# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.boot_file import BootFile

pytestmark = pytest.mark.operating_system


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it's/ruleset.nft"


def test_nothing_is_in_place_before_it_is_settled(path: Path) -> None:
    file = BootFile(path, "new\n")
    file.stage()
    assert file.current() == ""
    file.settle()
    assert file.current() == file.wanted() == f"mode 0640, owner {os.geteuid()}:{os.getegid()}\nnew\n"
    assert list(path.parent.iterdir()) == [path]


def test_settling_without_staging_leaves_the_file_alone(path: Path) -> None:
    BootFile(path, "old").stage()
    BootFile(path, "old").settle()
    BootFile(path, "old").settle()
    assert path.read_text(encoding="utf-8") == "old"


def test_what_was_staged_is_missed_where_somebody_took_it(path: Path) -> None:
    BootFile(path, "old").stage()
    BootFile(path, "old").settle()
    with pytest.raises(FileNotFoundError, match=r"ruleset\.nft\.pending"):
        BootFile(path, "new").settle()
    assert path.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("other", encoding="utf-8"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.chmod(0o644),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.parent.rmdir(), path.parent.write_text("a file", encoding="utf-8")),
    ],
)
def test_whatever_somebody_did_to_it_is_a_difference(path: Path, spoil: t.Callable[[Path], object]) -> None:
    file = BootFile(path, "content")
    file.stage()
    file.settle()
    spoil(path)
    assert file.current() != file.wanted()


@pytest.mark.parametrize("by_shell", [False, True], ids=["python", "shell"])
def test_what_was_staged_goes_with_the_directory_that_was_made_for_it(path: Path, by_shell: bool) -> None:
    file = BootFile(path, "content")
    file.stage()
    if by_shell:
        subprocess.run(["sh", "-c", file.forgetting()], check=False)
    else:
        file.forget()
    assert not path.parent.exists()


@pytest.mark.parametrize("by_shell", [False, True], ids=["python", "shell"])
def test_the_file_itself_stays_when_what_was_staged_goes(path: Path, by_shell: bool) -> None:
    BootFile(path, "old").stage()
    BootFile(path, "old").settle()
    file = BootFile(path, "new")
    file.stage()
    if by_shell:
        subprocess.run(["sh", "-c", file.forgetting()], check=False)
    else:
        file.forget()
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_directory_in_its_place_is_an_error_that_names_it(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as caught:
        BootFile(path, "content").stage()
    assert caught.value.filename == str(path)


def test_a_device_without_space_leaves_nothing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        BootFile(path, "content").stage()
    assert not path.parent.exists()
