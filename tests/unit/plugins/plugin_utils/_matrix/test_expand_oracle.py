# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expansion against the oracle of the packet proof, which is written from the port table and shares no code with it.

Random sites, random packets near every boundary: a rule matches exactly where the oracle finds a row.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import (
    expand_host,
    expand_site,
    expand_transit,
)
from hypothesis import event, given, settings
from hypothesis import strategies as st
from packet_proof import oracle
from random_sites import GATEWAY, HOSTS, cases, drawn_packets, expected_rows, matching_rows


@given(st.data())
@pytest.mark.parametrize("gateway", [None, GATEWAY])
def test_the_site_and_its_transit_permit_what_the_oracle_permits(gateway: str | None, data: st.DataObject) -> None:
    case = data.draw(cases())
    rules = expand_transit(case.core, gateway) if gateway else expand_site(case.core)
    for packet in drawn_packets(data, case, gateway):
        permitted = matching_rows(rules, packet)
        event("permitted" if permitted else "denied")
        assert permitted == expected_rows(case, packet, gateway, None, None)
        assert permitted >= set(oracle.permitted(case.oracle, packet, gateway))


@settings(max_examples=50)
@given(st.data())
@pytest.mark.parametrize("hook", ["input", "output"])
def test_a_host_permits_what_the_oracle_permits(hook: t.Any, data: st.DataObject) -> None:
    case = data.draw(cases())
    host = data.draw(st.sampled_from(HOSTS))
    rules = expand_host(case.core, host, hook)
    sender, receiver = (None, host) if hook == "input" else (host, None)
    for packet in drawn_packets(data, case, host):
        assert matching_rows(rules, packet) == expected_rows(case, packet, host, sender, receiver)
