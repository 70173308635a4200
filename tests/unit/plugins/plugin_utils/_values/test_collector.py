# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import weakref

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.collector import collector_paused


def test_the_collector_is_paused_and_runs_again_also_after_an_error() -> None:
    running = []

    @collector_paused()
    def fail() -> None:
        running.append(gc.isenabled())
        raise KeyError

    assert gc.isenabled()
    with pytest.raises(KeyError):
        fail()
    assert running == [False]
    assert gc.isenabled()


def test_what_was_made_is_old_and_a_cycle_in_it_is_found_all_the_same() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    with collector_paused():
        cycle = Cycle()
    assert any(one is cycle for one in gc.get_objects(generation=2))
    gone = weakref.ref(cycle)
    del cycle
    gc.collect()
    assert gone() is None


def test_what_somebody_has_frozen_stays_so() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_paused():
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()


def test_a_collector_that_somebody_has_stopped_stays_so() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
