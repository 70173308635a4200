# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 4: ``linux_firewall`` on a host, first run and unchanged run, against a task for each rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .ansible_site import changes, tasks
from .measure import FailedError, Run, median, progress, timed
from .results import Part
from .rule_tasks import INVENTORY, write_rule_tasks

_TOP = Path(__file__).resolve().parents[3]
_PLAYBOOKS = _TOP / "extensions/bench/playbooks"
_LAB = _TOP / "extensions/lab"
SITE, REMOVE = "uc_firewall.pexip_sfb.site", "uc_firewall.pexip_sfb.remove"
_RESET = _PLAYBOOKS / "reset.yml"
# How the answer of a run begins: the rules of firewalld do not tell their rows.
_ANSWERS = {"nftables": r": \d+ rules? of \d+ rows?, revision ", "firewalld": r": \d+ rules?, revision "}
WANTED_TIMES = {"first run": 20, "unchanged run": 10}
_OURS_IN_A_SITTING = 3
HOSTS = {"nftables": "fe_nftables", "firewalld": "fe_firewalld"}


@dataclass(frozen=True)
class Way:
    """A playbook that opens the ports of one host, and one that takes that back."""

    name: str
    host: str
    playbook: str | Path
    undo: str | Path
    backend: str | None = None

    @property
    def times(self) -> int:
        """How often it is measured in a sitting: a busy moment would be a large part of the seconds that ours takes."""
        return _OURS_IN_A_SITTING if self.backend else 1


def _ways(directory: Path, backend: str) -> tuple[Way, Way]:
    host = HOSTS[backend]
    ours = Way(f"this collection, {backend}", host, SITE, REMOVE, backend)
    if backend == "nftables":
        playbook = write_rule_tasks(directory / "nft_rules.yml")
        return ours, Way("a task for each nft rule", host, playbook, _RESET)
    return ours, Way("ansible.posix.firewalld in a loop", host, _PLAYBOOKS / "firewalld_loop.yml", _RESET)


class Lab:
    """Two containers. Use it as a context manager: they are gone afterwards.

    :param settings: more of Ansible's settings, as variables of the environment.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self._settings = {"ANSIBLE_NOCOLOR": "1", **(settings or {})}
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

    def play(self, playbook: str | Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
        """Run a playbook on the lab."""
        return timed([*self._command, playbook, *arguments], self._log, {**self._settings, **(environment or {})})

    def changes(self) -> int:
        """How many tasks the last play says that it changed."""
        return changes(self._log)

    def used(self, backend: str) -> bool:
        """Whether the last play applied the role with that back end."""
        return re.search(_ANSWERS[backend], self._log.read_text(encoding="utf-8")) is not None

    def tasks(self) -> int:
        """How many tasks the last play had."""
        return tasks(self._log)


def apply(directory: Path, name: str, pipelining: bool = True) -> Part:
    """Measure the two ways of one back end, on a host of its own: the other one once, as it takes minutes.

    :param pipelining: whether Ansible pipelines modules, which it does not unless it is told to.
    """
    what = "200 permissions on a container over SSH, the whole `ansible-playbook`"
    part = (
        Part(f"apply-{name}", f"Apply, {name}: {what}")
        if pipelining
        else Part(f"apply-defaults-{name}", f"Apply, {name}, as Ansible comes, without pipelining: {what}")
    )
    with Lab(directory, {"ANSIBLE_PIPELINING": str(pipelining)}) as lab:
        ways = {way: [measure(lab, way) for _time in range(way.times)] for way in _ways(directory, name)}
    for way, measured in ways.items():
        for what in measured[0]:
            part.add(way.name, what, "s (clock)", [runs[what].clock for runs in measured])
            part.add(way.name, what, "s (processor)", [runs[what].processor for runs in measured], detail=True)
    (ours, of_ours), (theirs, (their_runs,)) = ways.items()
    for what, run in their_runs.items():
        times = run.clock / median([runs[what].clock for runs in of_ours])
        part.want_at_least(f"{ours.name}, {what}: times faster than {theirs.name}", WANTED_TIMES[what], [times])
    return part


def measure(lab: Lab, way: Way) -> dict[str, Run]:
    """Try *way* on a host that has none of it, and once more.

    :raises FailedError: if the first run changed nothing, the second something, or the role took another back end.
    """
    progress(way.name)
    lab.play(way.undo, "--limit", way.host)
    first = lab.play(way.playbook, "--limit", way.host)
    check(lab.changes() > 0, f"{way.name}: the first run changed nothing")
    check(not way.backend or lab.used(way.backend), f"{way.name}: another back end was used")
    unchanged = lab.play(way.playbook, "--limit", way.host)
    check(lab.changes() == 0, f"{way.name}: the second run changed something")
    return {"first run": first, "unchanged run": unchanged}


def check(holds: bool, otherwise: str) -> None:
    """Give up unless something *holds* without which a measurement is not what it is called.

    :raises FailedError: if not; its message says what is *otherwise*.
    """
    if not holds:
        raise FailedError(otherwise)
