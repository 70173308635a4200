# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a dead run or somebody else left on the host."""

from __future__ import annotations

import signal
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller, FirewalldTarget, Held, NftablesTarget

DIED = "An earlier run died before its change of the firewall was confirmed, and nothing was going to take that"
RULESET = "/etc/pexip_sfb/ruleset.nft"


def test_a_change_that_nothing_would_take_back_is_taken_back(
    target: AnyTarget, controller: Controller, nodes: list[str], held: Held
) -> None:
    before = target.firewall()
    run = controller.start(target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    target.wait_for_pending()
    run.send(signal.SIGKILL)
    target.run("systemctl", "stop", "pexip-sfb-firewall-go-back.timer")
    assert target.is_changed()
    # The same play in check mode only looks, and a real one clears it away first.
    assert DIED not in controller.play(target, "role", "--check").output()
    assert target.is_changed()
    # One that stops before it changes anything itself: what it leaves is not its own doing.
    no_answer = [{"host": "127.0.0.1", "port": 1, "from": "target"}]
    following = controller.play(target, nodes=nodes, linux_firewall_confirm_checks=no_answer)
    assert "a check that is to prove the change fails without it already" in following.output()
    assert DIED in following.output()
    assert not target.has("/run/pexip_sfb/pending")
    assert target.firewall() == before


def test_a_change_that_nothing_would_take_back_is_no_obstacle_to_the_removal(
    nftables_target: NftablesTarget, controller: Controller, nodes: list[str], held: Held
) -> None:
    """Taking it back puts a table in again that somebody removed meanwhile."""
    run = controller.start(nftables_target, nodes=nodes, linux_firewall_confirm_checks=held.checks)
    nftables_target.wait_for_pending()
    run.send(signal.SIGKILL)
    nftables_target.run("systemctl", "stop", "pexip-sfb-firewall-go-back.timer")
    nftables_target.run("nft", "delete", "table", "inet", "pexip_sfb")
    removal = controller.play(nftables_target, linux_firewall_state="absent")
    assert removal.succeeded, removal.output()
    assert DIED in removal.output()
    assert "pexip_sfb" not in nftables_target.run("nft", "list", "ruleset")


def test_a_run_that_died_before_it_changed_anything_is_no_obstacle(target: AnyTarget, controller: Controller) -> None:
    before = target.firewall()
    target.run("mkdir", "-p", "/run/pexip_sfb/pending")
    target.run("sh", "-c", "echo '{' > /run/pexip_sfb/pending/change.json")
    run = controller.play(target)
    assert run.succeeded, run.output()
    assert DIED not in run.output()  # there was nothing to take back
    assert not target.has("/run/pexip_sfb/pending")
    assert target.firewall() == before


def test_what_was_staged_by_a_dead_run_goes(nftables_target: NftablesTarget, controller: Controller) -> None:
    before = nftables_target.firewall()
    nftables_target.run("sh", "-c", f"echo nonsense > {RULESET}.pending")
    run = controller.play(nftables_target)
    assert run.succeeded, run.output()
    assert nftables_target.firewall() == before


def test_a_broken_file_is_seen_and_repaired(nftables_target: NftablesTarget, controller: Controller) -> None:
    before = nftables_target.firewall()
    nftables_target.run("sh", "-c", f"echo 'table inet {{ nonsense' > {RULESET}")
    looked = controller.play(nftables_target, "role", "--check")
    assert "-table inet { nonsense" in looked.output()
    run = controller.play(nftables_target)
    assert run.succeeded, run.output()
    assert nftables_target.firewall() == before
    nftables_target.reboot()
    assert nftables_target.firewall() == before


@pytest.mark.parametrize(
    ("spoil", "mend", "expected"),
    [
        (
            f"mv {RULESET} /root/kept && mkdir {RULESET}",
            f"rmdir {RULESET} && mv /root/kept {RULESET}",
            f"Nothing was changed: {RULESET} could not be written: Is a directory",
        ),
        (
            "mv /etc/pexip_sfb /root/kept && touch /etc/pexip_sfb",
            "rm /etc/pexip_sfb && mv /root/kept /etc/pexip_sfb",
            "Nothing was changed: /etc/pexip_sfb could not be written: File exists",
        ),
    ],
)
def test_what_cannot_be_replaced_stops_the_change(
    nftables_target: NftablesTarget, controller: Controller, nodes: list[str], spoil: str, mend: str, expected: str
) -> None:
    before = nftables_target.firewall()
    nftables_target.run("sh", "-c", spoil)
    run = controller.play(nftables_target, nodes=nodes)
    nftables_target.run("sh", "-c", mend)
    assert not run.succeeded
    assert expected in run.output()
    assert nftables_target.firewall() == before


def test_a_missing_nft_is_named(nftables_target: NftablesTarget, controller: Controller, nodes: list[str]) -> None:
    before = nftables_target.firewall()
    nftables_target.run("mv", "/usr/sbin/nft", "/root/nft")
    run = controller.play(nftables_target, nodes=nodes)
    nftables_target.run("mv", "/root/nft", "/usr/sbin/nft")
    assert not run.succeeded
    assert "nft was not found on this host: install the package nftables" in run.output()
    assert nftables_target.firewall() == before


def test_a_policy_without_its_ipsets_is_repaired(firewalld_target: FirewalldTarget, controller: Controller) -> None:
    """Somebody removed the files of two ipsets: firewalld would refuse this policy at its next start."""
    before = firewalld_target.firewall()
    firewalld_target.run("sh", "-c", "rm /etc/firewalld/ipsets/pexip_sfb_i6_*.xml && firewall-cmd --state")
    firewalld_target.wait(lambda: "pexip_sfb_i6" not in _permanent_sets(firewalld_target))
    run = controller.play(firewalld_target)
    assert run.succeeded, run.output()
    assert firewalld_target.firewall() == before


def _permanent_sets(target: FirewalldTarget) -> str:
    return target.run("firewall-cmd", "--permanent", "--get-ipsets")
