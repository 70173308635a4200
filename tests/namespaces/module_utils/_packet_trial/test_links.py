# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a host whose kernel is busy: what it is told takes effect later."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial import links
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.hang import HangsError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import Host, Link, Way
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import in_thread
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import Flow
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import Sample, World
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import Netlink
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Ruleset

OURS, THEIRS = (socket.inet_pton(socket.AF_INET6, f"2001:db8::{number}") for number in (1, 2))
SAMPLE = Sample("input", Flow(socket.IPPROTO_UDP, THEIRS, 1024, OURS, 3478), "eth0", "")
HOST = Host({"eth0": Link("eth0", 7)}, ways={OURS: Way("", "local"), THEIRS: Way("eth0", "unicast")})
REAL = links._way


def try_it() -> None:
    def work() -> None:
        World(HOST, Ruleset(), [SAMPLE]).close()

    in_thread(work)


def test_it_waits_until_the_addresses_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of the kernel does that for IPv6, and a packet that comes before would be forwarded."""
    late = [Way(), Way()]

    def busy(netlink: Netlink, address: bytes, names: dict[int, str]) -> Way:
        return late.pop() if late else REAL(netlink, address, names)

    monkeypatch.setattr(links, "_way", busy)
    try_it()
    assert late == []


def test_a_kernel_that_never_does_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_ATTEMPTS", 3)
    monkeypatch.setattr(links, "_way", lambda *_arguments: Way())
    with pytest.raises(HangsError, match="the kernel does not take 2001:db8::1 as its own"):
        try_it()
