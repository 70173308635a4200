# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers change one host at once: the second one is told, and has changed nothing."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller, Held

WAITING = "another change of this host's firewall is waiting for its confirmation"


def test_one_change_at_a_time(target: AnyTarget, controller: Controller, nodes: list[str], held: Held) -> None:
    before = target.firewall()
    first = controller.start(target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    target.wait_for_pending()
    with first.paused():
        changed = target.firewall()
        second = controller.play(target, nodes=["198.19.121.13"])
        assert not second.succeeded
        assert f"Nothing was changed: {WAITING}" in second.output()
        assert target.firewall() == changed
    held.release()
    first.end()
    assert not first.succeeded
    assert target.firewall() == before


def test_plays_that_start_together_leave_one_state(target: AnyTarget, controller: Controller, nodes: list[str]) -> None:
    runs = [controller.start(target, nodes=nodes), controller.start(target, nodes=nodes)]
    for run in runs:
        run.end()
    assert any(run.succeeded for run in runs), [run.output() for run in runs]
    assert all(run.succeeded or WAITING in run.output() for run in runs), [run.output() for run in runs]
    assert target.is_changed()
    assert not target.has("/run/pexip_sfb/pending")
    again = controller.play(target, nodes=nodes)
    assert again.succeeded
    assert "changed=0" in again.output()
    assert controller.play(target).succeeded
