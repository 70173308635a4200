# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller, or the host, is gone between the change and its confirmation."""

from __future__ import annotations

import signal
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller, FirewalldTarget, Held


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted with Ctrl-C"])
def test_the_host_goes_back_without_its_controller(
    target: AnyTarget, controller: Controller, nodes: list[str], held: Held, end: signal.Signals
) -> None:
    before = target.firewall()
    run = controller.start(target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    target.wait_for_pending()
    run.send(end)
    assert target.firewall() != before
    target.elapse()
    target.wait_for_end_of_pending()
    assert target.firewall() == before
    # Whoever comes next finds nothing in the way.
    following = controller.play(target)
    assert following.succeeded, following.output()
    assert target.firewall() == before


def test_a_reboot_before_the_confirmation_brings_what_was_confirmed(
    target: AnyTarget, controller: Controller, nodes: list[str], held: Held
) -> None:
    before = target.firewall()
    run = controller.start(target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    target.wait_for_pending()
    target.wait_for_question()
    target.reboot()
    assert "198.19.121.12" not in target.run("nft", "list", "ruleset")
    held.release()
    run.end()
    assert not run.succeeded
    assert "The host knows nothing of the change: the connection broke before it was made, or the host" in run.output()
    following = controller.play(target)
    assert following.succeeded, following.output()
    assert target.firewall() == before


def test_a_soft_reboot_before_the_confirmation_keeps_the_timer(
    firewalld_target: FirewalldTarget, controller: Controller, nodes: list[str], held: Held
) -> None:
    """That of Debian 13: older systemds have no such reboot."""
    before = firewalld_target.firewall()
    run = controller.start(firewalld_target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    firewalld_target.wait_for_pending()
    firewalld_target.wait_for_question()
    firewalld_target.soft_reboot()
    firewalld_target.elapse()
    firewalld_target.wait_for_end_of_pending()
    held.release()
    run.end()
    assert not run.succeeded
    assert firewalld_target.firewall() == before


def test_a_confirmed_change_outlasts_a_reboot(target: AnyTarget, controller: Controller, nodes: list[str]) -> None:
    assert controller.play(target, nodes=nodes).succeeded
    changed = target.firewall()
    target.reboot()
    assert target.is_changed()
    assert target.firewall() == changed
    assert controller.play(target).succeeded
