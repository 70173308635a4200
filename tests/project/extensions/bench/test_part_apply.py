# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured of a way to apply the rules, and what makes it no measurement of that way."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark.measure import FailedError, Run
from benchmark.part_apply import REMOVE, SITE, Lab, Way, measure

WAY = Way("this collection, nftables", "fe_nftables", SITE, REMOVE, "nftables")
LOG = """
PLAY [Apply the matrix] ****

TASK [uc_firewall.pexip_sfb.linux_firewall : Render what it is given] ****
ok: [fe_nftables]

TASK [uc_firewall.pexip_sfb.linux_firewall : See what differs and change it] ****
fe_nftables: ANSWER, revision b18813ab0e1b, changed
changed: [fe_nftables]

PLAY RECAP ****
fe_nftables : ok=40   changed=CHANGED    unreachable=0    failed=0    skipped=5    rescued=0    ignored=0
"""


class RecordedLab(Lab):
    """One whose plays take no time, and write a log: the first after an undo changes something."""

    def __init__(self, directory: Path, backend: str = "nftables", changes: tuple[int, int] = (3, 0)) -> None:
        super().__init__(directory)
        self._backend = backend
        self._each = changes
        self._left: list[int] = []

    def play(self, playbook: str | Path, *arguments: str) -> Run:
        self._left = list(self._each) if playbook == REMOVE else self._left
        changed = 1 if playbook == REMOVE else self._left.pop(0)
        answer = "200 rules of 12 rows" if self._backend == "nftables" else "200 rules"
        text = LOG.replace("ANSWER", answer).replace("CHANGED", str(changed))
        self._log.write_text(text, encoding="utf-8")
        return Run(1, 1, 1)


def test_a_first_and_an_unchanged_run_are_measured(tmp_path: Path) -> None:
    assert list(measure(RecordedLab(tmp_path), WAY)) == ["first run", "unchanged run"]


def test_another_back_end_is_no_measurement_of_this_one(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="back end"):
        measure(RecordedLab(tmp_path, backend="firewalld"), WAY)


@pytest.mark.parametrize(("changes", "message"), [((0, 0), "changed nothing"), ((3, 1), "changed something")])
def test_the_first_run_changes_something_and_the_second_nothing(
    tmp_path: Path, changes: tuple[int, int], message: str
) -> None:
    with pytest.raises(FailedError, match=message):
        measure(RecordedLab(tmp_path, changes=changes), WAY)


def test_tasks_are_counted(tmp_path: Path) -> None:
    lab = RecordedLab(tmp_path)
    lab.play(REMOVE)
    assert lab.tasks() == 2
