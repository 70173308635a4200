# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk is full: the change does not begin, instead of ending half done."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller, NftablesTarget, Target


@contextlib.contextmanager
def full(target: Target, directory: str) -> Iterator[None]:
    """Have a file system without space in the place of *directory*, with what is in it."""
    target.run(
        "sh", "-ec",
        f"mkdir -p {directory}; cp -a {directory} /root/copy; mount -t tmpfs -o size=64k,mode=0750 tmpfs {directory}; "
        f"cp -a /root/copy/. {directory}; ! dd if=/dev/zero of={directory}/ballast bs=1k 2>/dev/null",
    )  # fmt: skip
    try:
        yield
    finally:  # also after a test that failed: the next one needs the space
        target.run("sh", "-ec", f"umount {directory}; rm -r /root/copy")


def test_the_file_for_the_next_boot_does_not_fit(
    nftables_target: NftablesTarget, controller: Controller, nodes: list[str]
) -> None:
    before = nftables_target.firewall()
    with full(nftables_target, "/etc/pexip_sfb"):
        run = controller.play(nftables_target, nodes=nodes)
        assert not nftables_target.has("/etc/pexip_sfb/ruleset.nft.pending")
    assert not run.succeeded
    assert "Nothing was changed: /etc/pexip_sfb/ruleset.nft.pending could not be written: No space left" in run.output()
    assert nftables_target.firewall() == before


def test_the_way_back_does_not_fit(target: AnyTarget, controller: Controller, nodes: list[str]) -> None:
    before = target.firewall()
    target.run("rm", "-rf", "/run/pexip_sfb")  # what an earlier change left there would make room
    with full(target, "/run/pexip_sfb"):
        run = controller.play(target, nodes=nodes)
        assert not target.has("/run/pexip_sfb/pending")
        assert target.run("systemctl", "is-active", "pexip-sfb-firewall-go-back.timer", check=False).strip() != "active"
    assert not run.succeeded
    assert "Nothing was changed: " in run.output()
    assert "No space left on device" in run.output()
    assert target.firewall() == before
