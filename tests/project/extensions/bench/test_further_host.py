# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a further host costs, now and at an earlier commit: measured in turn, and taken from the same round."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark import earlier as earlier_commit
from benchmark.earlier import earlier
from benchmark.further_host import EARLIER, MORE, NOW, ROUNDS, Version, compare
from benchmark.measure import FailedError, Run
from benchmark.results import Part


def test_both_versions_are_measured_in_turn_on_few_hosts_and_on_more() -> None:
    did: list[tuple[str, str | bool]] = []

    def version(name: str, further: float, tasks: int) -> Version:
        def unchanged(all_of_them: bool) -> tuple[Run, int]:
            did.append((name, all_of_them))
            seconds = 2 + (MORE * further if all_of_them else 0)
            return Run(seconds, seconds, 50), tasks

        return Version(lambda: did.append((name, "applied")), unchanged)

    part = Part("a_part", "A part")
    compare(part, 2, {NOW: version(NOW, 0.25, 8), EARLIER: version(EARLIER, 1.0, 23)}, 1 / 3)
    assert did == [(name, what) for name in (NOW, EARLIER) for what in ("applied", False, True)] * ROUNDS
    found = {(one.what, one.size, one.unit): one.runs for one in part.measurements}
    assert found[f"{NOW}, for each further host", f"{2 + MORE} hosts", "s (processor)"] == [0.25] * ROUNDS
    assert found[f"{EARLIER}: tasks", "2 hosts", "tasks"] == [23]
    assert [(one.runs, one.verdict) for one in part.wanted] == [([0.25] * ROUNDS, "reached")]


def test_a_clone_without_the_earlier_commit_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_commit, "COMMIT", "0123456789ab")
    with pytest.raises(FailedError, match="0123456789ab: git fetch --unshallow"):
        earlier(tmp_path)
