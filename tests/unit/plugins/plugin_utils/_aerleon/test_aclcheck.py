# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aerleon's own check of the policy against the oracle of the packet proof: random packets on random sites."""

from __future__ import annotations

import ipaddress
import itertools
import random
import typing as t

import pytest
from aerleon.lib import aclcheck, naming, policy, policy_builder
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from other_firewalls import policy_of
from packet_proof import oracle
from random_sites import GROUPS_OF_ROWS, Case, cases, expected_rows

SITES = 5
# 100,000 in all. Where another release or Python is tried, a tenth of that.
PACKETS_OF_EACH = 20_000 if settings.get_current_profile_name() != "quick" else 2_000
tried: list[int] = []


def _packets(case: Case, rng: random.Random) -> t.Iterator[oracle.Packet]:
    """Packets that a row of the site permits, and some just outside the ends of what it has."""
    flows = [flow for flow in oracle.flows(case.oracle) if flow.group in GROUPS_OF_ROWS and flow.enabled]
    networks = {
        name: [network for _owner, network in oracle.endpoint_networks(case.oracle, name, None)]
        or [ipaddress.ip_network("10.0.0.0/27")]
        for flow in flows
        for name in (*flow.sources, *flow.destinations)
    }
    while True:
        flow = rng.choice(flows)
        source, destination = (
            rng.choice(networks[rng.choice(names)])[rng.choice((0, -1))] + rng.choice((0, 0, 0, 0, 1, -1))
            for names in (flow.sources, flow.destinations)
        )
        ports = [
            min(65535, max(1, rng.choice(rng.choice(ranges)) + rng.choice((0, 0, 0, 0, 1, -1))))
            for ranges in (flow.source_ports, flow.destination_ports)
        ]
        if source != destination and source.version == destination.version:
            yield oracle.Packet(
                source, destination, rng.choice((*flow.protocols * 4, "tcp", "udp")), ports[0], ports[1]
            )


@given(cases(), st.integers())
@settings(
    max_examples=SITES,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_aclcheck_permits_what_the_oracle_permits(case: Case, seed: int) -> None:
    made = policy_of(case.core)
    assume(made.terms)
    definitions = naming.Naming()
    definitions.ParseDefinitionsObject(made.definitions, "")
    read = policy.FromBuilder(policy_builder.PolicyBuilder(made.as_document("site"), definitions))
    answers: dict[oracle.Packet, bool] = {}
    packets = list(itertools.islice(_packets(case, random.Random(seed)), PACKETS_OF_EACH))
    for packet in set(packets):  # more than half come twice
        check = aclcheck.AclCheck(
            read,
            str(packet.source),
            str(packet.destination),
            packet.source_port,
            packet.destination_port,
            packet.protocol,
        )
        answers[packet] = bool(check.exact_matches)
        assert answers[packet] == bool(expected_rows(case, packet, None, None, None)), packet
    assert set(answers.values()) == {True, False}
    tried.append(len(packets))


@pytest.mark.large
def test_these_were_enough() -> None:
    assert sum(tried) == SITES * PACKETS_OF_EACH
