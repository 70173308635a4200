# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import lock, pending_change
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.lock import locked
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange

pytestmark = pytest.mark.operating_system

HANG = 600  # seconds, which nothing else takes
HOSTS_MODULE = t.cast("t.Any", None)  # with nothing pending, a change asks nothing of it


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "run/lock"
    order: list[str] = []

    def second() -> None:
        with locked(path, HANG):
            order.append("second")

    with locked(path, HANG):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(HANG)
    assert order == ["first", "second"]


def test_a_lock_that_its_holder_removed_locks_nobody_out_and_lets_nobody_in_twice(tmp_path: Path) -> None:
    path = tmp_path / "run/lock"
    holds: list[int] = []

    def waiter(number: int) -> None:
        with locked(path, HANG):
            holds.append(number)
            assert len(holds) == 1
            time.sleep(0.1)
            holds.remove(number)

    with locked(path, HANG):
        threads = [threading.Thread(target=waiter, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        lock.remove(path)
    for thread in threads:
        thread.join(HANG)
        assert not thread.is_alive()
    assert path.exists()


def test_a_lock_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", HANG), pytest.raises(TimeoutError):
        locked(tmp_path / "lock", 0.1)


def test_what_is_no_directory_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(NotADirectoryError):
        locked(tmp_path / "run/lock", HANG)


def test_a_directory_that_goes_before_the_lock_is_in_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, made = Path.mkdir, list[Path]()

    def mkdir_once_in_vain(path: Path, **options: t.Any) -> None:
        made.append(path)
        mkdir(path, **options)
        if len(made) == 1:
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", mkdir_once_in_vain)
    with locked(tmp_path / "run/lock", HANG):
        assert made == [tmp_path / "run"] * 2


def test_who_comes_while_the_lock_is_being_removed_keeps_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_change, "DIRECTORY", tmp_path / "run")
    path, rmdir, theirs = tmp_path / "run/lock", Path.rmdir, list[t.IO[str]]()

    def rmdir_too_late(directory: Path) -> None:
        theirs.append(locked(path, HANG))
        rmdir(directory)

    one = PendingChange(HOSTS_MODULE, "")
    one.take_turn()
    (tmp_path / "run/go_back").touch()
    monkeypatch.setattr(Path, "rmdir", rmdir_too_late)
    one.forget()
    assert [entry.name for entry in path.parent.iterdir()] == ["lock"]
    with theirs[0], pytest.raises(TimeoutError):
        locked(path, 0)
    assert one._lock
    one._lock.close()


def test_nothing_is_left_of_a_lock_that_was_removed(tmp_path: Path) -> None:
    with locked(tmp_path / "run/lock", HANG):
        lock.remove(tmp_path / "run/lock")
    assert not (tmp_path / "run").exists()


# Takes its turn so many times and forgets all of it, as the removal of the role does. Prints how often that went well,
# how often somebody else had the turn, too, and what else went wrong.
_REMOVALS = """
import json, os, sys
from pathlib import Path
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import pending_change
pending_change.DIRECTORY = Path(sys.argv[1], "run")
done, twice, crashes = 0, 0, []
print("ready", flush=True)
sys.stdin.readline()
for _number in range(int(sys.argv[2])):
    try:
        one = pending_change.PendingChange(None, "")
        one.take_turn()
        try:
            os.mkdir(Path(sys.argv[1], "turn"))
        except FileExistsError:
            twice += 1
        else:
            os.rmdir(Path(sys.argv[1], "turn"))
        one.forget()
        done += 1
    except Exception as e:
        crashes.append(repr(e))
    if one._lock:
        one._lock.close()  # as the end of the module does
print(json.dumps([done, twice, crashes]))
"""
PROCESSES = 8
REMOVALS = 75


def test_removals_at_once_take_turns_and_none_of_them_crashes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _REMOVALS, str(tmp_path), str(REMOVALS)]
    pipe = subprocess.PIPE
    # Whatever runs these tests can have found the collection in its own way.
    collections = str(Path(pending_change.__file__).parents[6])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([collections, os.environ.get("PYTHONPATH", "")])}
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) for _number in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        counted = [json.loads(process.communicate(timeout=600)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [sum(one) for one in zip(*(count[:2] for count in counted))] == [PROCESSES * REMOVALS, 0]
    assert [crash for count in counted for crash in count[2]] == []
    assert not (tmp_path / "run").exists()
