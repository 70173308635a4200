# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python of the lab's hosts does what Python does, and compiles what is in a ZIP file only once."""

from __future__ import annotations

import marshal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

LAB_PYTHON = Path(__file__).parents[5] / "extensions/lab/image/lab-python"
MODULE = """
import json, sys
sys.path.insert(0, {archive!r})
import part
print(json.dumps([__name__, part.VALUE, part.value.__code__.co_filename, sys.argv[1:]]))
"""
PART = "VALUE = {value}\ndef value(): return VALUE\n"


def answer(python: list[str | Path], directory: Path, value: int, as_file: bool) -> str:
    """What *python* prints of a module that uses a part with this *value*."""
    archive = directory / f"{value}.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("part.py", PART.format(value=value))
    module = MODULE.format(archive=str(archive))
    (directory / "module.py").write_text(module, encoding="utf-8")
    arguments = [directory / "module.py", "an argument"] if as_file else []
    return subprocess.run(
        [*python, *arguments], input=None if as_file else module, env={"XDG_CACHE_HOME": str(directory / "cache")},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("as_file", [True, False])
def test_it_answers_as_python_does(as_file: bool, tmp_path: Path) -> None:
    for value in (1, 1, 2):
        expected = answer([sys.executable], tmp_path, value, as_file)
        assert f'["__main__", {value}, ' in expected
        assert answer([sys.executable, LAB_PYTHON], tmp_path, value, as_file) == expected
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 2


def test_what_is_kept_is_used(tmp_path: Path) -> None:
    answer([sys.executable, LAB_PYTHON], tmp_path, 1, False)
    (kept,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    kept.write_bytes(marshal.dumps(compile(PART.format(value=3), "", "exec")))
    assert '["__main__", 3, ' in answer([sys.executable, LAB_PYTHON], tmp_path, 1, False)


def test_where_nothing_can_be_kept_it_answers_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no directory", encoding="utf-8")
    assert '["__main__", 1, ' in answer([sys.executable, LAB_PYTHON], tmp_path, 1, False)
