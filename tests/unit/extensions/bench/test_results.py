# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark says about a figure that was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark.measure import ratios
from benchmark.results import Part, load_part
from benchmark.table import part_as_markdown


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([10, 11, 12], "reached"),
        ([9, 11, 12], "reached, in 2 of 3"),
        ([8, 9, 12], "**not reached**, in 2 of 3"),
        ([7, 8, 9], "**not reached**"),
        ([10], "reached"),
    ],
)
def test_a_verdict_says_where_runs_disagree(runs: list[float], verdict: str) -> None:
    part = Part("a_part", "A part")
    part.want_at_least("Times faster", 10, runs)
    assert part_as_markdown(part).endswith(f"| {verdict} |")


def test_at_most_is_the_other_side() -> None:
    part = Part("a_part", "A part")
    part.want_at_most("Time", 0.2, [0.1, 0.2, 0.3])
    assert part_as_markdown(part).endswith(
        "| Time | at most 0.2 times | 0.200 times | 0.100 to 0.300 | reached, in 2 of 3 |"
    )


def test_runs_of_one_round_are_compared_and_otherwise_each_with_each() -> None:
    assert ratios([2, 30], [1, 10]) == [2, 3]
    assert ratios([20], [1, 2]) == [20, 10]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    part = Part("a_part", "A part", conditions={"kernel": "6"}, seconds=1.5)
    part.add("this", "10", "s", [1, 2, 4])
    part.want_at_least("Times faster", 10, [9, 11, 12])
    part.save(tmp_path)
    assert load_part(tmp_path / "a_part.json") == part
