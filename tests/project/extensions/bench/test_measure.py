# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark says that a program took is that program's, and not the benchmark's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmark.measure import FailedError, timed

MIB = 2**20


@pytest.fixture
def large_parent() -> Iterator[None]:
    """Let this process hold 200 MiB, as the benchmark does where it has made large sites."""
    held = b"x" * (200 * MIB)
    yield
    del held


@pytest.mark.usefixtures("large_parent")
def test_memory_is_that_of_the_program(tmp_path: Path) -> None:
    small = timed([sys.executable, "-c", ""], tmp_path / "log")
    large = timed([sys.executable, "-c", f"held = b'x' * (50 * {MIB})"], tmp_path / "log")
    assert small.memory < 40
    assert 45 < large.memory - small.memory < 55


@pytest.mark.usefixtures("large_parent")
def test_memory_is_that_of_the_largest_process_that_the_program_waited_for(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    run = timed([sys.executable, "-c", code, f"held = b'x' * (50 * {MIB})"], tmp_path / "log")
    assert 50 < run.memory < 100


def test_the_start_of_the_launcher_is_not_in_the_figures(tmp_path: Path) -> None:
    def least(*command: str) -> float:
        return min(timed(command, tmp_path / "log").processor for _number in range(5))

    assert least("true") < least(sys.executable, "-I", "-S", "-c", "") / 2


def test_waiting_takes_time_on_the_clock_and_none_of_a_processor(tmp_path: Path) -> None:
    run = timed(["sleep", "0.5"], tmp_path / "log")
    assert run.clock >= 0.5
    assert run.processor < 0.25


def test_the_output_of_the_program_is_in_the_log_and_in_the_message(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['WORD']); sys.exit('it went wrong')"
    with pytest.raises(FailedError, match=r"so it is\nit went wrong"):
        timed([sys.executable, "-u", "-c", code], tmp_path / "log", {"WORD": "so it is"})
    assert "WORD" not in os.environ


def test_a_program_that_a_signal_ended_has_failed(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="kill"):
        timed(["sh", "-c", "kill -9 $$"], tmp_path / "log")


def test_a_program_that_is_not_there_has_failed(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="No such file"):
        timed([tmp_path / "not-there"], tmp_path / "log")
