# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that locks everybody out comes back by itself, and the play says so."""

from __future__ import annotations

import re
import socket
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import AnyTarget, Controller, NftablesTarget


TAKEN_BACK = "The change was made and taken back again, because no new connection to the host worked"


def test_what_was_there_comes_back(target: AnyTarget, controller: Controller) -> None:
    before = target.firewall()
    run = controller.lock_out(target, target.lockout)
    assert not run.succeeded
    assert TAKEN_BACK in run.output()
    assert target.firewall() == before
    target.wait(target.answers)


def test_an_established_connection_is_not_taken_for_a_new_one(
    nftables_target: NftablesTarget, controller: Controller
) -> None:
    before = nftables_target.firewall()
    run = controller.lock_out(nftables_target, nftables_target.no_new_connection)
    assert not run.succeeded
    assert TAKEN_BACK in run.output()
    assert nftables_target.firewall() == before


def test_a_connection_that_cannot_be_closed_confirms_nothing(
    nftables_target: NftablesTarget, controller: Controller, tmp_path: Path
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\ncase " $* " in *" -O stop "*) exit 255 ;; esac\nexec ssh "$@"\n', encoding="utf-8")
    ssh.chmod(0o755)
    before = nftables_target.firewall()
    run = controller.lock_out(nftables_target, nftables_target.no_new_connection, ansible_ssh_executable=str(ssh))
    assert not run.succeeded
    assert "the confirmation came over the connection that was there before" in run.output()
    assert "The change was made and taken back again" in run.output()
    assert nftables_target.firewall() == before


def test_counters_come_back_too(nftables_target: NftablesTarget, controller: Controller) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _number in range(100):
            sender.sendto(b"nobody takes this", (nftables_target.address, 9))
    nftables_target.wait(lambda: _denied(nftables_target) >= 100)
    before = _denied(nftables_target)
    controller.lock_out(nftables_target, nftables_target.lockout)
    assert _denied(nftables_target) >= before


def _denied(target: NftablesTarget) -> int:
    found = re.search(
        r'counter packets (\d+) bytes \d+ drop comment "default_deny"', target.run("nft", "list", "ruleset")
    )
    assert found
    return int(found[1])


@pytest.mark.parametrize(
    ("management", "expected"),
    [
        ([], "the ruleset would cut off Ansible itself, which connects from 198.19.121.1 to port 22"),
        ([{"name": "ssh", "protocol": "tcp", "source": ["192.0.2.9"], "destination_ports": [22]}], "would cut off"),
    ],
)
def test_the_role_refuses_a_ruleset_that_would_cut_it_off(
    nftables_target: NftablesTarget, controller: Controller, management: list[dict[str, t.Any]], expected: str
) -> None:
    before = nftables_target.firewall()
    run = controller.play(nftables_target, linux_firewall_management=management, nodes=["198.19.121.13"])
    assert not run.succeeded
    assert expected in run.output()
    assert nftables_target.firewall() == before
