# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's own checks: they must work before a change, and after it, or there is none."""

from __future__ import annotations

import socket
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller, NftablesTarget

Checks = list[dict[str, t.Any]]
CONTROLLER = "198.19.121.1"  # its address in the lab


def test_a_check_from_the_controller_that_fails_afterwards_takes_the_change_back(
    target: AnyTarget, controller: Controller, nodes: list[str], one_answer: Checks
) -> None:
    before = target.firewall()
    run = controller.play(target, nodes=nodes, linux_firewall_confirm_checks=one_answer)
    assert not run.succeeded
    port = one_answer[0]["port"]
    assert f"taken back again, because there was no answer from 127.0.0.1:{port} to the controller" in run.output()
    assert target.firewall() == before


def test_a_check_from_the_host_that_fails_afterwards_takes_the_change_back(
    nftables_target: NftablesTarget, controller: Controller
) -> None:
    """Egress is judged from then on, and nothing lets the host reach a server of the controller.

    Nor would it reach its neighbour's, but that has faults of its own meanwhile.
    """
    before = nftables_target.firewall()
    with socket.create_server((CONTROLLER, 0)) as server:
        port = server.getsockname()[1]
        checks = [{"host": CONTROLLER, "port": port, "from": "target"}]
        run = controller.play(nftables_target, linux_firewall_egress=True, linux_firewall_confirm_checks=checks)
    assert not run.succeeded
    assert f"taken back again, because there was no answer from {CONTROLLER}:{port} to the target" in run.output()
    assert nftables_target.firewall() == before


@pytest.mark.parametrize("place", ["target", "controller"])
def test_a_check_that_fails_beforehand_stops_the_change(
    target: AnyTarget, controller: Controller, nodes: list[str], place: str
) -> None:
    before = target.firewall()
    checks = [{"host": "127.0.0.1", "port": 1, "from": place}]
    run = controller.play(target, nodes=nodes, linux_firewall_confirm_checks=checks)
    assert not run.succeeded
    assert "Nothing was changed: a check that is to prove the change fails without it already" in run.output()
    assert f"127.0.0.1:1 to the {place}" in run.output()
    assert target.firewall() == before


def test_a_check_that_works_confirms(target: AnyTarget, controller: Controller, nodes: list[str]) -> None:
    checks = [{"host": target.address, "port": 22, "from": place} for place in ("target", "controller")]
    run = controller.play(target, nodes=nodes, linux_firewall_confirm_checks=checks)
    assert run.succeeded, run.output()
    assert target.is_changed()
    assert controller.play(target).succeeded


def test_without_a_timeout_nothing_is_pending(target: AnyTarget, controller: Controller, nodes: list[str]) -> None:
    run = controller.play(target, nodes=nodes, linux_firewall_confirm_timeout=0)
    assert run.succeeded, run.output()
    assert target.is_changed()
    assert controller.play(target, linux_firewall_confirm_timeout=0).succeeded
