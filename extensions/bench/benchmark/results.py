# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of one part: what was measured, and what was wanted of it. Kept as JSON."""

from __future__ import annotations

import functools
import json
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .measure import Run, median

# A round that takes minutes is a part of the benchmark of its own: so many of them make the result.
SITTINGS = 5


@dataclass(frozen=True)
class Measurement:
    """One variant at one size: every run, in *unit*. ``size`` is in the words of the table, such as ``10,000``.

    A ``detail`` is on the terminal and in the JSON, and not in the table.
    """

    what: str
    size: str
    unit: str
    runs: Sequence[float]
    detail: bool = False

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.runs)


@dataclass(frozen=True)
class Wanted:
    """A figure that was wanted, and what was measured in each run. ``at_least`` tells on which side of it is good."""

    text: str
    figure: float
    runs: Sequence[float]
    at_least: bool
    unit: str = "times"

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    @property
    def verdict(self) -> str:
        """Whether the figure was reached, and whether all runs agree about it."""
        verdict = "reached" if self._good(self.median) else "NOT REACHED"
        agreed = sum(self._good(run) == self._good(self.median) for run in self.runs)
        return verdict if agreed == len(self.runs) else f"{verdict}, in {agreed} of {len(self.runs)}"

    def _good(self, run: float) -> bool:
        return run >= self.figure if self.at_least else run <= self.figure


@dataclass
class Part:
    """A part of the benchmark: its ``name`` on the command line, its title, and its results.

    ``conditions`` are what it was measured under, ``seconds`` how long each of its sittings took.
    """

    name: str
    title: str
    measurements: list[Measurement] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, what: str, size: str, unit: str, runs: Sequence[float], detail: bool = False) -> Measurement:
        """Keep the runs of one variant."""
        measurement = Measurement(what, size, unit, [round(run, 6) for run in runs], detail)
        self.measurements.append(measurement)
        return measurement

    def add_whole(self, what: str, size: str, runs: Sequence[Run]) -> None:
        """Keep all that is known of the runs of one variant."""
        self.add(what, size, "s (processor)", [run.processor for run in runs])
        self.add(what, size, "s (clock)", [run.clock for run in runs])
        self.add(what, size, "MiB (largest process)", [run.memory for run in runs])

    def want_at_least(self, text: str, figure: float, runs: Sequence[float]) -> None:
        """Compare *runs* with a *figure* that they should not be below."""
        self.wanted.append(Wanted(text, figure, [round(run, 6) for run in runs], at_least=True))

    def want_at_most(self, text: str, figure: float, runs: Sequence[float]) -> None:
        """Compare *runs* with a *figure* that they should not be above."""
        self.wanted.append(Wanted(text, figure, [round(run, 6) for run in runs], at_least=False))

    def save(self, directory: Path, name: str) -> None:
        """Write it as the JSON file of that name, medians and verdicts too."""
        data: dict[str, t.Any] = asdict(self)
        for item, measurement in zip(data["measurements"], self.measurements, strict=True):
            item["median"] = measurement.median
        for item, wanted in zip(data["wanted"], self.wanted, strict=True):
            item["median"], item["verdict"] = wanted.median, wanted.verdict
        path = directory / f"{name}.json"
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_part(path: Path) -> Part:
    """Read what :meth:`Part.save` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    for item, derived in ((item, key) for key in ("median", "verdict") for item in _items(data)):
        item.pop(derived, None)
    return Part(
        **{
            **data,
            "measurements": [Measurement(**item) for item in data["measurements"]],
            "wanted": [Wanted(**item) for item in data["wanted"]],
        }
    )


def _items(data: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [*data["measurements"], *data["wanted"]]


def in_sittings(name: str, measure: Callable[[str], Sequence[Part]]) -> dict[str, Callable[[], Sequence[Part]]]:
    """Return the parts that measure *name* once each, in a directory of their own: ``name-1`` and so on."""
    sittings = [f"{name}-{number}" for number in range(1, SITTINGS + 1)]
    return {sitting: functools.partial(measure, sitting) for sitting in sittings}


def load_result(directory: Path, name: str) -> Part | None:
    """Read what was measured of *name*, in one sitting or in several; None if it was not measured."""
    sittings = (directory / f"{name}-{number}.json" for number in range(1, SITTINGS + 1))
    parts = [load_part(path) for path in (directory / f"{name}.json", *sittings) if path.exists()]
    return functools.reduce(_joined, parts) if parts else None


def _joined(one: Part, other: Part) -> Part:
    """Return the runs of both as those of one part. Where they were measured under other conditions, it has both."""
    return replace(
        one,
        measurements=[
            replace(a, runs=[*a.runs, *b.runs]) for a, b in zip(one.measurements, other.measurements, strict=True)
        ],
        wanted=[replace(a, runs=[*a.runs, *b.runs]) for a, b in zip(one.wanted, other.wanted, strict=True)],
        conditions={
            key: value if (also := other.conditions[key]) in value.split(" and ") else f"{value} and {also}"
            for key, value in one.conditions.items()
        },
        seconds=[*one.seconds, *other.seconds],
    )
