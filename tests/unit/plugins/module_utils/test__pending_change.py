# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change a host when. The rest of it needs systemd and is tested on real hosts, by tests/faults."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._pending_change import _locked


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "run/lock"
    order: list[str] = []

    def second() -> None:
        with _locked(path):
            order.append("second")

    with _locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_lock_that_its_holder_removed_locks_nobody_out_and_lets_nobody_in_twice(tmp_path: Path) -> None:
    path = tmp_path / "run/lock"
    holds: list[int] = []

    def waiter(number: int) -> None:
        with _locked(path):
            holds.append(number)
            assert len(holds) == 1
            time.sleep(0.1)
            holds.remove(number)

    with _locked(path):
        threads = [threading.Thread(target=waiter, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        shutil.rmtree(path.parent)  # as the removal of the role does
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert path.exists()
