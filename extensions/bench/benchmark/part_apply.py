# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 4: ``linux_firewall`` on a host, first run and unchanged run, against a task for each rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .measure import FailedError, Run, progress, ratios, timed
from .results import Part

_TOP = Path(__file__).resolve().parents[3]
_PLAYBOOKS = _TOP / "extensions/bench/playbooks"
_LAB = _TOP / "extensions/lab"
OUR_ROUNDS, THEIR_ROUNDS = 3, 1
_SITE, _REMOVE = "uc_firewall.pexip_sfb.site", "uc_firewall.pexip_sfb.remove"


@dataclass(frozen=True)
class Way:
    """A playbook that opens the ports of one host, one that takes that back, and how often it is tried."""

    name: str
    host: str
    playbook: str | Path
    undo: str | Path
    rounds: int


_RESET = _PLAYBOOKS / "reset.yml"
WAYS = {
    "nftables": (
        Way("this collection, nftables", "fe_nftables", _SITE, _REMOVE, OUR_ROUNDS),
        Way("a task for each nft rule", "fe_nftables", _PLAYBOOKS / "nft_rules.yml", _RESET, THEIR_ROUNDS),
    ),
    "firewalld": (
        Way("this collection, firewalld", "fe_firewalld", _SITE, _REMOVE, OUR_ROUNDS),
        Way(
            "ansible.posix.firewalld in a loop", "fe_firewalld", _PLAYBOOKS / "firewalld_loop.yml", _RESET, THEIR_ROUNDS
        ),
    ),
}


class Lab:
    """Two containers. Use it as a context manager: they are gone afterwards."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "ansible.log"
        inventory = _TOP / "extensions/bench/inventory"
        self._command: list[str | Path] = [
            "ansible-playbook",
            "-i",
            inventory,
            "-e",
            f"lab_state_directory={directory}",
        ]

    def __enter__(self) -> Lab:
        try:
            self.play(_LAB / "create.yml")
            self.play(_LAB / "firewalld.yml")
        except FailedError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.play(_LAB / "destroy.yml")

    def play(self, playbook: str | Path, *arguments: str) -> Run:
        """Run a playbook on the lab."""
        return timed([*self._command, playbook, *arguments], self._log, {"ANSIBLE_NOCOLOR": "1"})

    def changes(self) -> int:
        """How many tasks the last play says that it changed."""
        recap = self._log.read_text(encoding="utf-8").rpartition("PLAY RECAP")[2]
        return sum(int(number) for number in re.findall(r"changed=(\d+)", recap))


def apply(directory: Path, name: str) -> Part:
    """Measure the two ways of one back end, on a host of its own."""
    part = Part(
        f"apply-{name}", f"Apply, {name}: 200 permissions on a container over SSH, the whole `ansible-playbook`"
    )
    took: dict[tuple[str, str], list[float]] = {}
    with Lab(directory) as lab:
        for way in WAYS[name]:
            first, unchanged = _runs(lab, way)
            for what, runs in (("first run", first), ("unchanged run", unchanged)):
                took[way.name, what] = [run.clock for run in runs]
                part.add(way.name, what, "s (clock)", took[way.name, what])
    ours, theirs = WAYS[name]
    for what in ("first run", "unchanged run"):
        times = ratios(took[theirs.name, what], took[ours.name, what])
        part.want_at_least(f"{ours.name}, {what}: times faster than {theirs.name}", 10, times)
    return part


def _runs(lab: Lab, way: Way) -> tuple[Sequence[Run], Sequence[Run]]:
    first, unchanged = [], []
    for number in range(way.rounds):
        progress(f"{way.name}, run {number + 1} of {way.rounds}")
        lab.play(way.undo, "--limit", way.host)
        first.append(lab.play(way.playbook, "--limit", way.host))
        _check(lab.changes() > 0, f"{way.name}: the first run changed nothing")
        unchanged.append(lab.play(way.playbook, "--limit", way.host))
        _check(lab.changes() == 0, f"{way.name}: the second run changed something")
    lab.play(way.undo, "--limit", way.host)
    return first, unchanged


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise FailedError(otherwise)
