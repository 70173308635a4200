# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows import Row
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.flows import Flow, flows, sample_ports
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from hypothesis import given
from hypothesis import strategies as st


def flow(row_id: str, protocol: str, ports: object, **row: object) -> Flow:
    value = {"id": row_id, "source": "a", "destination": "b", "protocols": protocol, "destination_ports": ports, **row}
    return Flow(Row.parse(value, "", {}), ("a",), ("b",), protocol, "ipv4")


@pytest.mark.parametrize(
    ("tested", "services", "idle"),
    [
        (flow("r", "tcp", [80, 443]), [(80, "tcp_connect"), (443, "tcp_connect")], []),
        (flow("r", "tcp", 443, tls=True), [(443, "tls")], []),
        (flow("sip_signaling", "tcp", 5061), [(5061, "tls")], []),
        (flow("r", "tcp", ["5060-5063", "5070-5074"]), [(n, "tcp_connect") for n in range(5060, 5064)], [(5070, 5074)]),
        (flow("r", "tcp", "any"), [], [(0, 65535)]),
        (flow("r", "udp", [3478, 3480]), [(3478, "stun")], [(3480, 3480)]),
        (flow("r", "udp", "3478-3481"), [(3478, "stun")], [(3479, 3481)]),
        (flow("r", "udp", "3477-3478"), [(3478, "stun")], [(3477, 3477)]),
        (flow("media_nodes_to_turn", "udp", 3480), [(3480, "stun")], []),
        (flow("r", "udp", "40000-49999"), [], [(40000, 49999)]),
        (flow("r", "udp", "3000-3999"), [], [(3000, 3999)]),
    ],
)
def test_what_listens_and_what_is_idle(tested: Flow, services: list[object], idle: list[tuple[int, int]]) -> None:
    assert tested.services(tls=True) == services
    assert tested.idle() == IntervalSet(tuple(idle))


def test_without_tls_ports_are_connected_to() -> None:
    assert flow("sip_signaling", "tcp", 5061, tls=True).services(tls=False) == [(5061, "tcp_connect")]


def test_the_table_says_what_answers() -> None:
    answers = {name: r.answers for name, r in load_port_matrix().ranges.items() if r.answers}
    assert answers == {"sip": "tls", "turn": "stun", "edge_relay": "stun"}


def test_flows_are_what_has_addresses_on_both_sides() -> None:
    hosts = {
        "n": {"port_matrix_addresses": ["192.0.2.1", "2001:db8::1"]},
        "f": {"port_matrix_addresses": ["192.0.2.2"]},
    }
    groups = {"pexip_conferencing_nodes": ["n"], "sfb_front_ends": ["f"]}
    empty = ["client", "edge", "edge_av", "turn_server", "wac_server"]
    built = build_site(hosts, groups, select_rows(), allow_empty=empty)
    found = [(one.row.id, one.source, one.protocol, one.family) for one in flows(built)]
    assert found[:2] == [
        ("sip_signaling", ("front_end",), "tcp", "ipv4"),
        ("sip_signaling", ("conferencing_node",), "tcp", "ipv4"),
    ]
    assert {family for _row, _source, _protocol, family in found} == {"ipv4"}
    assert "wac_content" not in {row for row, _source, _protocol, _family in found}


@given(st.lists(st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(sorted).map(tuple), min_size=1, max_size=4))
def test_samples_are_within_and_at_the_ends(intervals: list[tuple[int, int]]) -> None:
    ports = IntervalSet.of(intervals)
    samples = sample_ports(ports)
    assert 1 <= len(samples) <= 3
    for port, (first, last) in samples:
        assert port in ports
        assert first <= port <= last
        assert IntervalSet(((first, last),)).issubset(ports)
    high = [port for first, last in ports.intervals for port in (first, last) if port > 1023]
    assert samples[-1][0] == ports.intervals[-1][1]
    if high and ports.intervals[-1][1] > 1023:
        assert all(port > 1023 for port, _interval in samples)
    if ports.intervals[0][0] > 1023:
        assert samples[0][0] == ports.intervals[0][0]


def test_any_port_is_sampled_above_those_of_root() -> None:
    assert sample_ports(IntervalSet(((0, 65535),))) == [
        (1024, (1024, 65535)),
        (33280, (1024, 65535)),
        (65535, (1024, 65535)),
    ]
    assert sample_ports(IntervalSet(((123, 123),))) == [(123, (123, 123))]
