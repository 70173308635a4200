# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change a host when. The rest of it needs systemd and is tested on real hosts, by tests/faults."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import pending_change, steps
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange

HANG = 600  # seconds: only what hangs takes as long, on a busy machine too

pytestmark = pytest.mark.operating_system


class FailedError(Exception):
    """The module failed."""


class Host:
    """Runs shells for real, and plays systemd: a timer that never fires, and a service that runs for *busy* looks."""

    def __init__(self) -> None:
        self.params: dict[str, t.Any] = {"confirm_checks": [], "step": "apply", "over_ssh": False}
        self.busy = 0
        self.warnings: list[str] = []
        self.when_done: Callable[[], object] = lambda: None

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        if command[0] == "/bin/sh":
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        if command[1] != "is-active":
            return 0, "", ""
        self.busy -= 1
        if self.busy == 0:
            self.when_done()
        return 0, "activating\n" if self.busy > 0 else "inactive\n", ""

    def get_bin_path(self, name: str) -> str:
        return name

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise FailedError(result["msg"])


class Change:
    """A file that has "old" before and "new" after it; *meanwhile* happens while it is being made."""

    def __init__(self, path: Path, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.path = path
        self.kept = 0
        self._meanwhile = meanwhile
        if not path.exists():
            path.write_text("old", encoding="utf-8")

    def way_back(self, directory: Path) -> str:
        (directory / "kept").write_text(self.path.read_text(encoding="utf-8"), encoding="utf-8")
        return f"cp taken_back/kept {self.path}\n"

    def make(self) -> None:
        self._meanwhile()
        self.path.write_text("new", encoding="utf-8")

    def holds(self) -> bool:
        return self.path.read_text(encoding="utf-8") == "new"

    def keep(self) -> None:
        self.kept += 1

    def stage(self) -> None: ...

    def forget(self) -> None: ...


@pytest.fixture
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pending_change, "DIRECTORY", tmp_path / "run")
    return tmp_path / "run"


@contextlib.contextmanager
def pending(host: Host, identity: str = "mine") -> Iterator[PendingChange]:
    one = PendingChange(t.cast("t.Any", host), identity)
    try:
        yield one
    finally:
        one.close()


def apply(host: Host, change: Change, identity: str = "mine") -> None:
    with pending(host, identity) as one:
        one.take_turn()
        steps.make_change(t.cast("t.Any", host), one, change, 90)


def step(host: Host, change: Change, name: str) -> dict[str, t.Any]:
    host.params["step"] = name
    with pending(host) as one:
        one.hold()
        return steps.answer(t.cast("t.Any", host), one, change, {})


def take_turn(host: Host) -> None:
    with pending(host) as one:
        one.take_turn()


def go_back(directory: Path) -> None:
    subprocess.run(["/bin/sh", str(directory / "go_back")], check=True, capture_output=True)


def test_a_change_is_confirmed_once_and_kept_until_it_lasts(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change)
    assert step(host, change, "outcome")["outcome"] == "pending"
    assert step(host, change, "confirm")["outcome"] == "confirmed"
    # The answer was lost, maybe together with what should have been written.
    assert step(host, change, "confirm")["outcome"] == "confirmed"
    assert change.kept == 2
    assert change.holds()
    # And meanwhile somebody else made another change, for good.
    change.path.write_text("other", encoding="utf-8")
    assert step(host, change, "confirm")["outcome"] == "confirmed"
    assert change.kept == 2


def test_the_connection_that_made_a_change_does_not_confirm_it(
    run_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, change = Host(), Change(tmp_path / "state")
    monkeypatch.setattr(pending_change, "ssh_connection", lambda: "21 300")
    apply(host, change)
    host.params["over_ssh"] = True
    left = step(host, change, "confirm")
    assert (left["outcome"], left["msg"]) == (
        "pending",
        "the confirmation came over the connection that was there before",
    )
    assert change.kept == 0
    monkeypatch.setattr(pending_change, "ssh_connection", lambda: "22 301")
    assert step(host, change, "confirm")["outcome"] == "confirmed"


def test_on_the_host_itself_there_is_no_other_connection(
    run_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller is the host, and somebody works there over SSH."""
    monkeypatch.setattr(pending_change, "ssh_connection", lambda: "21 300")
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change)
    assert step(host, change, "confirm")["outcome"] == "confirmed"


def test_after_a_reboot_nothing_is_known_and_nothing_is_left(run_directory: Path, tmp_path: Path) -> None:
    assert step(Host(), Change(tmp_path / "state"), "confirm")["outcome"] == "unknown"
    assert not run_directory.exists()


def test_a_confirmation_waits_for_the_module_that_makes_the_change(run_directory: Path, tmp_path: Path) -> None:
    """The connection broke while the change was being made."""
    answers: list[dict[str, t.Any]] = []
    path = tmp_path / "state"

    def confirm() -> None:
        answers.append(step(Host(), Change(path), "confirm"))

    thread = threading.Thread(target=confirm)

    def meanwhile() -> None:
        thread.start()
        time.sleep(0.3)

    apply(Host(), Change(path, meanwhile))
    thread.join(HANG)
    assert answers[0]["outcome"] == "confirmed"
    assert path.read_text(encoding="utf-8") == "new"


def test_a_change_that_takes_longer_than_its_timer_is_taken_back_to_the_end(
    run_directory: Path, tmp_path: Path
) -> None:
    change = Change(tmp_path / "state", meanwhile=lambda: go_back(run_directory))
    with pytest.raises(FailedError, match=r"^The change took longer than confirm_timeout, 90 s, and was taken back\.$"):
        apply(Host(), change)
    assert change.path.read_text(encoding="utf-8") == "old"
    assert not (run_directory / "pending").exists()


def test_a_run_waits_while_the_change_of_another_is_being_taken_back(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change, "other")
    way_back = (run_directory / "pending/go_back").read_text(encoding="utf-8")
    (run_directory / "pending").rename(run_directory / "taken_back")  # the timer has just begun
    result = run_directory / "taken_back/result"
    host.busy, host.when_done = 3, lambda: result.write_text("0", encoding="utf-8")
    take_turn(host)
    assert result.exists()
    assert (run_directory / "taken_back/go_back").read_text(encoding="utf-8") == way_back


def test_what_became_of_a_change_is_told_when_it_is_over(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change)
    (run_directory / "pending").rename(run_directory / "taken_back")
    (run_directory / "taken_back/output").write_text("no such table", encoding="utf-8")
    result = run_directory / "taken_back/result"
    host.busy, host.when_done = 3, lambda: result.write_text("1", encoding="utf-8")
    left = step(host, change, "outcome")
    assert (left["outcome"], left["error"]) == ("taken_back", "no such table")


def test_a_timer_that_is_faster_than_the_confirmation_is_waited_for(run_directory: Path, tmp_path: Path) -> None:
    host = Host()

    class Late(Change):
        def holds(self) -> bool:
            (run_directory / "pending").rename(run_directory / "taken_back")
            result = run_directory / "taken_back/result"
            host.busy, host.when_done = 3, lambda: result.write_text("0", encoding="utf-8")
            return True

    change = Late(tmp_path / "state")
    apply(host, change)
    left = step(host, change, "confirm")
    assert (left["outcome"], left["error"]) == ("taken_back", "")
    assert change.kept == 0


def test_a_way_back_that_was_interrupted_is_no_success(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change)
    (run_directory / "pending").rename(run_directory / "taken_back")
    assert step(host, change, "outcome")["error"] == "something ended it before it was done"


def test_a_way_back_that_never_ends_stops_the_next_run(
    run_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_change, "_LONGEST_WAIT", 0)
    host = Host()
    apply(host, Change(tmp_path / "state"))
    (run_directory / "pending").rename(run_directory / "taken_back")
    host.busy = 100
    with pytest.raises(FailedError, match=r"^Nothing was changed: the host has been taking an earlier change"):
        take_turn(host)


def test_a_run_that_died_before_its_way_back_was_there_is_no_obstacle(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change)
    step(host, change, "confirm")
    (run_directory / "pending").mkdir()
    (run_directory / "pending/change.json").write_text("{", encoding="utf-8")
    take_turn(host)
    assert not (run_directory / "pending").exists()
    assert host.warnings == []
    assert change.holds()


def test_a_change_that_nothing_would_take_back_is_taken_back(run_directory: Path, tmp_path: Path) -> None:
    host, change = Host(), Change(tmp_path / "state")
    apply(host, change, "dead")
    take_turn(host)
    assert change.path.read_text(encoding="utf-8") == "old"
    assert len(host.warnings) == 1


def test_the_time_that_is_left_goes_by_the_clock_of_the_timer(
    run_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's timer stands still while the host is suspended, and so does one clock of the kernel."""
    clocks = {time.CLOCK_MONOTONIC: 1000.0, time.CLOCK_BOOTTIME: 1000.0}
    monkeypatch.setattr(time, "clock_gettime", clocks.__getitem__)
    apply(Host(), Change(tmp_path / "state"))
    clocks[time.CLOCK_MONOTONIC] += 20
    clocks[time.CLOCK_BOOTTIME] += 3600
    with pending(Host()) as one:
        assert one.seconds_left() == 70
