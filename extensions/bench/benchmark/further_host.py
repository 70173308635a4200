# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a further host costs on the controller in a run that finds nothing to change, now and at an earlier commit."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from .earlier import COMMIT
from .measure import Run, progress, ratios
from .results import Part

ROUNDS, MORE = 5, 10
NOW, EARLIER = "the playbook", f"the playbook at {COMMIT}"


class Version(t.NamedTuple):
    """The collection at one commit.

    ``applied`` brings all hosts to what it wants. ``unchanged`` runs on the first of them, or with True on all, and
    returns the run and how many tasks it had.
    """

    applied: Callable[[], object]
    unchanged: Callable[[bool], tuple[Run, int]]


def compare(part: Part, one: int, versions: Mapping[str, Version], at_most: float) -> None:
    """Measure :data:`NOW` and :data:`EARLIER` in turn, on *one* host or more and on :data:`MORE` beyond these.

    A further host should take *at_most* so much of what it took.
    """
    sizes = {_hosts(one): False, _hosts(one + MORE): True}
    runs: dict[tuple[str, str], list[Run]] = {(name, size): [] for name in versions for size in sizes}
    tasks: dict[str, int] = {}
    for number in range(ROUNDS):
        for name, version in versions.items():
            progress(f"{name}, run {number + 1} of {ROUNDS}")
            version.applied()
            for size, all_of_them in sizes.items():
                run, count = version.unchanged(all_of_them)
                runs[name, size].append(run)
                tasks.setdefault(name, count)
    each: dict[str, list[float]] = {}
    fewer, more = sizes
    for name in versions:
        for size in sizes:
            part.add_whole(name, size, runs[name, size])
        pairs = list(zip(runs[name, more], runs[name, fewer], strict=True))
        each[name] = [(a.processor - b.processor) / MORE for a, b in pairs]
        part.add(f"{name}, for each further host", more, "s (processor)", each[name])
        part.add(f"{name}, for each further host", more, "s (clock)", [(a.clock - b.clock) / MORE for a, b in pairs])
        part.add(f"{name}: tasks", fewer, "tasks", [tasks[name]])
    what = f"for each further host: seconds of a processor to those at {COMMIT}"
    part.want_at_most(what, at_most, ratios(each[NOW], each[EARLIER]))


def _hosts(number: int) -> str:
    return f"{number} host{'s' if number != 1 else ''}"
