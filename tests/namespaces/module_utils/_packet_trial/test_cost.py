# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a trial costs where rules drop much, in questions to the kernel."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial import world

from .firewall import Firewall
from .test_verdict import chains

pytestmark = pytest.mark.newer_nft


def test_a_chain_is_read_once_however_many_packets_its_rules_drop(
    firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def rules_of(netlink: t.Any, *chain: t.Any) -> list[t.Any]:
        read.append(chain)
        return of_chain(netlink, *chain)

    of_chain = world.rules_of
    monkeypatch.setattr(world, "rules_of", rules_of)
    firewall.load(chains("meta l4proto udp drop\nmeta l4proto tcp drop"))
    dropped = [finding for finding in firewall.judged().values() if finding]
    assert len(dropped) > 2 * len(read)
    assert sorted(name for _family, _table, name in read) == ["forward", "input", "output"]
