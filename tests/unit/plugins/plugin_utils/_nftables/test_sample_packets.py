# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sample packets: they are permitted by their rule, few, and where a rule begins and ends."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sample_packets import (
    MOST_FOR_A_RULE,
    SamplePacket,
    sample_packets,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Hook, Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import Family
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import ANY_PORT
from hypothesis import given
from hypothesis import strategies as st

PORTS = IntervalSet(((40000, 49999),))


def networks(*texts: str) -> IntervalSet:
    parts = [ipaddress.ip_network(text) for text in texts]
    return IntervalSet.of((int(part.network_address), int(part.broadcast_address)) for part in parts)


def rule(**changes: t.Any) -> Rule:
    values: dict[str, t.Any] = {
        "row": "media",
        "purpose": "Media",
        "group": "integration",
        "tls": False,
        "reference": "",
        "protocol": "udp",
        "family": "ipv4",
        "source_endpoint": ("conferencing_node",),
        "source": networks("192.0.2.11/32"),
        "source_ports": PORTS,
        "destination_endpoint": ("client",),
        "destination": networks("203.0.113.0/25"),
        "destination_ports": ANY_PORT,
        "hook": "forward",
        **changes,
    }
    return Rule(**values)


def test_the_first_and_the_last_of_each_side() -> None:
    first, last = sample_packets([rule()])
    assert first == SamplePacket("media", "forward", "ipv4", "udp", "192.0.2.11", 40000, "203.0.113.1", 1024)
    assert last == SamplePacket("media", "forward", "ipv4", "udp", "192.0.2.11", 49999, "203.0.113.126", 65535)
    assert first.as_mapping() == {
        "row": "media",
        "hook": "forward",
        "family": "ipv4",
        "protocol": "udp",
        "source": "192.0.2.11",
        "source_port": 40000,
        "destination": "203.0.113.1",
        "destination_port": 1024,
    }


def test_one_packet_where_there_is_only_one() -> None:
    one = IntervalSet(((5061, 5061),))
    packets = sample_packets([rule(source_ports=one, destination=networks("198.51.100.21/32"), destination_ports=one)])
    assert [(packet.source_port, packet.destination) for packet in packets] == [(5061, "198.51.100.21")]


def test_every_one_of_a_few_machines_has_one() -> None:
    nodes = ["192.0.2.11/32", "192.0.2.13/32", "192.0.2.17/32", "198.51.100.1/32", "198.51.100.9/32"]
    packets = sample_packets([rule(source=networks(*nodes))])
    assert {f"{packet.source}/32" for packet in packets} == set(nodes)


def test_neighbours_are_machines_and_no_network() -> None:
    packets = sample_packets([rule(source=networks("192.0.2.12/30"))])
    assert {packet.source for packet in packets} == {"192.0.2.12", "192.0.2.15"}


@pytest.mark.parametrize(
    ("family", "network", "ends"),
    [
        ("ipv4", "0.0.0.0/0", ["1.0.0.1", "223.255.255.254"]),
        ("ipv4", "10.0.0.0/8", ["10.0.0.1", "10.255.255.254"]),
        ("ipv6", "::/0", ["2000::1", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"]),
        ("ipv6", "fd00::/64", ["fd00::1", "fd00::ffff:ffff:ffff:fffe"]),
    ],
)
def test_any_address_is_a_usual_one(family: Family, network: str, ends: list[str]) -> None:
    other = networks("192.0.2.11/32") if family == "ipv4" else networks("2001:db8::1/128")
    packets = sample_packets([rule(family=family, source=other, destination=networks(network))])
    assert [packets[0].destination, packets[-1].destination] == ends


def test_rules_of_no_host_and_equal_packets_are_left_out() -> None:
    assert sample_packets([rule(hook=None)]) == []
    assert sample_packets([rule(), rule()]) == sample_packets([rule()])


@st.composite
def _sets(draw: st.DrawFn, most: int, bound: int) -> IntervalSet:
    pairs = draw(st.lists(st.tuples(st.integers(1, bound), st.integers(0, 40)), min_size=1, max_size=most))
    return IntervalSet.of((first, min(first + more, bound)) for first, more in pairs)


@given(
    source=_sets(30, 2**32 - 1),
    destination=_sets(30, 2**32 - 1),
    source_ports=_sets(5, 65535),
    destination_ports=_sets(5, 65535),
    hook=st.sampled_from(["input", "output", "forward"]),
)
def test_a_rule_permits_its_samples_and_has_few(
    source: IntervalSet, destination: IntervalSet, source_ports: IntervalSet, destination_ports: IntervalSet, hook: Hook
) -> None:
    of = rule(
        source=source,
        destination=destination,
        source_ports=source_ports,
        destination_ports=destination_ports,
        hook=hook,
    )
    packets = sample_packets([of])
    assert 1 <= len(packets) <= MOST_FOR_A_RULE
    for packet in packets:
        assert packet.hook == hook
        assert int(ipaddress.ip_address(packet.source)) in source
        assert int(ipaddress.ip_address(packet.destination)) in destination
        assert packet.source_port in source_ports
        assert packet.destination_port in destination_ports
    ends = [(ports.intervals[0][0], ports.intervals[-1][1]) for ports in (source_ports, destination_ports)]
    assert (packets[0].source_port, packets[-1].source_port) == ends[0]
    assert (packets[0].destination_port, packets[-1].destination_port) == ends[1]


def test_a_packet_without_ports_has_none() -> None:
    (packet, *_others) = sample_packets([rule(protocol="esp", source_ports=ANY_PORT)])
    assert (packet.protocol, packet.source_port, packet.destination_port) == ("esp", None, None)
    assert packet.as_mapping()["destination_port"] is None
