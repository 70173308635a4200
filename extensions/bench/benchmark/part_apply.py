# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 4: ``linux_firewall`` on a host, first run and unchanged run, against a task for each rule."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .measure import FailedError, Run, progress, ratios, timed
from .results import Part
from .rule_tasks import INVENTORY, write_rule_tasks

_TOP = Path(__file__).resolve().parents[3]
_PLAYBOOKS = _TOP / "extensions/bench/playbooks"
_LAB = _TOP / "extensions/lab"
ROUNDS = 5
# The others take minutes for a round: as many rounds as fit, and one in any case.
_SECONDS_OF_A_PART = 270
SITE, REMOVE = "uc_firewall.pexip_sfb.site", "uc_firewall.pexip_sfb.remove"
_RESET = _PLAYBOOKS / "reset.yml"
HOSTS = {"nftables": "fe_nftables", "firewalld": "fe_firewalld"}


@dataclass(frozen=True)
class Way:
    """A playbook that opens the ports of one host, and one that takes that back."""

    name: str
    host: str
    playbook: str | Path
    undo: str | Path
    backend: str | None = None


def _ways(directory: Path, backend: str) -> tuple[Way, Way]:
    host = HOSTS[backend]
    ours = Way(f"this collection, {backend}", host, SITE, REMOVE, backend)
    if backend == "nftables":
        playbook = write_rule_tasks(directory / "nft_rules.yml")
        return ours, Way("a task for each nft rule", host, playbook, _RESET)
    return ours, Way("ansible.posix.firewalld in a loop", host, _PLAYBOOKS / "firewalld_loop.yml", _RESET)


class Lab:
    """Two containers. Use it as a context manager: they are gone afterwards."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "ansible.log"
        state = f"lab_state_directory={directory}"
        self._command: list[str | Path] = ["ansible-playbook", "-i", INVENTORY, "-e", state]

    def __enter__(self) -> Lab:
        try:
            self.play(_LAB / "create.yml")
            # On the command line: variables of an inventory do not choose the hosts of a play.
            self.play(_LAB / "firewalld.yml", "-e", f"lab_firewalld_hosts={HOSTS['firewalld']}")
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

    def used(self, backend: str) -> bool:
        """Whether the last play applied the role with that back end."""
        return f"/roles/linux_firewall/tasks/{backend}.yml for " in self._log.read_text(encoding="utf-8")

    def tasks(self) -> int:
        """How many tasks the last play had."""
        return len(re.findall(r"^TASK \[", self._log.read_text(encoding="utf-8"), re.MULTILINE))


def apply(directory: Path, name: str) -> Part:
    """Measure the two ways of one back end, on a host of its own."""
    part = Part(
        f"apply-{name}", f"Apply, {name}: 200 permissions on a container over SSH, the whole `ansible-playbook`"
    )
    took: dict[tuple[str, str], list[float]] = {}
    end = time.monotonic() + _SECONDS_OF_A_PART
    ours, theirs = _ways(directory, name)
    with Lab(directory) as lab:
        for way, until in ((ours, math.inf), (theirs, end)):
            first, unchanged = _rounds(lab, way, until)
            for what, runs in (("first run", first), ("unchanged run", unchanged)):
                took[way.name, what] = [run.clock for run in runs]
                part.add(way.name, what, "s (clock)", took[way.name, what])
                part.add(way.name, what, "s (processor)", [run.processor for run in runs], detail=True)
    for what in ("first run", "unchanged run"):
        times = ratios(took[theirs.name, what], took[ours.name, what])
        part.want_at_least(f"{ours.name}, {what}: times faster than {theirs.name}", 10, times)
    return part


def _rounds(lab: Lab, way: Way, until: float) -> tuple[Sequence[Run], Sequence[Run]]:
    """Try *way* once, and again as long as one more round is over at *until*."""
    first: list[Run] = []
    unchanged: list[Run] = []
    longest = 0.0
    while not first or (len(first) < ROUNDS and time.monotonic() + longest < until):
        progress(f"{way.name}, run {len(first) + 1} of {ROUNDS} at most")
        begun = time.monotonic()
        lab.play(way.undo, "--limit", way.host)
        first.append(lab.play(way.playbook, "--limit", way.host))
        check(lab.changes() > 0, f"{way.name}: the first run changed nothing")
        check(not way.backend or lab.used(way.backend), f"{way.name}: another back end was used")
        unchanged.append(lab.play(way.playbook, "--limit", way.host))
        check(lab.changes() == 0, f"{way.name}: the second run changed something")
        longest = max(longest, time.monotonic() - begun)
    return first, unchanged


def check(holds: bool, otherwise: str) -> None:
    """Give up unless something *holds* without which a measurement is not what it is called.

    :raises FailedError: if not; its message says what is *otherwise*.
    """
    if not holds:
        raise FailedError(otherwise)
