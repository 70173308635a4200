# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs programs, and says what they took: seconds on the clock, seconds of a processor, the most memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

T = t.TypeVar("T")
_LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Run:
    """What one run of a program took, with all that it waited for. ``memory`` is in MiB, of its largest process."""

    clock: float
    processor: float
    memory: float


class FailedError(Exception):
    """A program that is measured did not do what it is measured for."""


def timed(command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run *command*, with its output in *log*.

    :raises FailedError: if it fails; the message has the end of its output.
    """
    arguments = [str(word) for word in command]
    with log.open("wb") as output:
        launched = subprocess.run(
            [sys.executable, "-I", "-S", _LAUNCHER, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    took = json.loads(launched.stdout or '{"ended": "no start"}')
    if took.pop("ended") != 0:
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise FailedError(f"{' '.join(arguments)[:200]} failed:\n{end}")
    return Run(**took)


def in_turn(variants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run all *variants* one after the other, *rounds* times: what else the machine does then meets all of them."""
    found: dict[str, list[T]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, run in variants.items():
            progress(f"{name}, run {number + 1} of {rounds}")
            found[name].append(run())
    return found


def median(values: Sequence[float]) -> float:
    """The median of *values*."""
    return statistics.median(values)


def ratios(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """The ratio of each run of one to the run of the other in the same round."""
    return [one / other for one, other in zip(of, to, strict=True)]


def progress(text: str) -> None:
    """Say on the terminal what is being done."""
    print(f"  {text}", file=sys.stderr, flush=True)
