# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark says about a figure that was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark.__main__ import PARTS, RESULTS, chosen
from benchmark.measure import ratios
from benchmark.results import Part, in_sittings, load_part, load_result
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
    part = Part("a_part", "A part", seconds=[1])
    part.want_at_least("Times faster", 10, runs)
    assert part_as_markdown(part).endswith(f"| {verdict} |")


def test_at_most_is_the_other_side() -> None:
    part = Part("a_part", "A part", seconds=[1])
    part.want_at_most("Time", 0.2, [0.1, 0.2, 0.3])
    assert part_as_markdown(part).endswith(
        "| Time | at most 0.2 times | 0.200 times | 0.100 to 0.300 | reached, in 2 of 3 |"
    )


def test_runs_of_one_round_are_compared() -> None:
    assert ratios([2, 30], [1, 10]) == [2, 3]


def _sitting(run: float, date: str = "2026-01-01") -> Part:
    part = Part("a_part", "A part", conditions={"date": date, "machine": "2 cores, 4 GiB"}, seconds=[run * 10])
    part.add("this", "10", "s", [run])
    part.want_at_least("Times faster", 10, [run])
    return part


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    part = _sitting(1.5)
    part.save(tmp_path, "a_part")
    assert load_part(tmp_path / "a_part.json") == load_result(tmp_path, "a_part") == part


def test_the_runs_of_all_sittings_make_the_result(tmp_path: Path) -> None:
    parts = in_sittings("a_part", lambda name: [_sitting(float(name.rpartition("-")[2]) * 4)])
    for name, measure in parts.items():
        for part in measure():
            part.save(tmp_path, name)
    result = load_result(tmp_path, "a_part")
    assert result is not None
    assert [one.runs for one in result.measurements] == [[4, 8, 12, 16, 20]]
    assert (result.wanted[0].median, result.wanted[0].verdict) == (12, "reached, in 3 of 5")
    text = part_as_markdown(result)
    assert "date 2026-01-01; machine 2 cores, 4 GiB; took 5 sittings of 40 to 200 s." in text


def test_sittings_under_other_conditions_say_so(tmp_path: Path) -> None:
    for number, date in enumerate(("2026-01-01", "2026-01-02", "2026-01-01"), 1):
        _sitting(1, date).save(tmp_path, f"a_part-{number}")
    result = load_result(tmp_path, "a_part")
    assert result is not None
    assert result.conditions == {"date": "2026-01-01 and 2026-01-02", "machine": "2 cores, 4 GiB"}


def test_what_was_not_measured_is_not_there(tmp_path: Path) -> None:
    assert load_result(tmp_path, "a_part") is None


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("controller", ["controller"]),
        ("apply-firewalld", [f"apply-firewalld-{number}" for number in range(1, 6)]),
        ("apply-firewalld-3", ["apply-firewalld-3"]),
        ("apply-firewall", []),
    ],
)
def test_a_name_is_that_of_a_part_or_of_all_its_sittings(name: str, parts: list[str]) -> None:
    assert chosen(name) == parts


def test_a_result_is_in_the_page_for_every_part() -> None:
    assert {part.rstrip("-12345") for part in PARTS} == {name for name in RESULTS if name != "load"}
