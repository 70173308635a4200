# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import ACCEPTED as PROTOCOLS
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import ACCEPTED
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import ANY_PORT, format_ports

KEYS = "destination, destination_ports, hook, name, protocol, source, source_ports"
PORTS = "a port 1-65535, a range first-last, or any"


def test_a_short_rule_lets_everybody_in_from_any_port() -> None:
    (rule,) = parse_extra_rules([{"name": "ssh", "protocol": "tcp", "destination_ports": 22}], "W")
    assert (rule.name, rule.hook, rule.protocol, rule.source, rule.destination) == ("ssh", "input", "tcp", None, None)
    assert rule.source_ports == ANY_PORT
    assert format_ports(rule.destination_ports) == ["22"]


def test_a_full_rule() -> None:
    (rule,) = parse_extra_rules(
        [
            {
                "name": "snmp",
                "hook": "forward",
                "protocol": "udp",
                "source": ["192.0.2.0/24", "2001:db8::1"],
                "destination": ["198.51.100.1"],
                "source_ports": "1024-65535",
                "destination_ports": [161, 162],
            }
        ],
        "W",
    )
    assert rule.hook == "forward"
    assert rule.source is not None
    assert rule.source.cidrs("ipv4") + rule.source.cidrs("ipv6") == ["192.0.2.0/24", "2001:db8::1/128"]
    assert rule.destination is not None
    assert rule.destination.cidrs("ipv4") == ["198.51.100.1/32"]
    assert (format_ports(rule.source_ports), format_ports(rule.destination_ports)) == (["1024-65535"], ["161-162"])


@pytest.mark.parametrize("protocol", ["icmp", "icmpv6", "vrrp"])
def test_protocols_without_ports(protocol: str) -> None:
    (rule,) = parse_extra_rules([{"name": "ping", "protocol": protocol}], "W")
    assert (rule.protocol, rule.source_ports, rule.destination_ports) == (protocol, ANY_PORT, ANY_PORT)


NO_FAMILY = (
    "W ssh: can match no packet: its protocol, source and destination have no family in common; accepted: one family"
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ...}, f"W: {{'protocol': 'tcp'}} has no name; accepted: a mapping with the keys {KEYS}"),
        ({"protocol": ...}, f"W: {{'name': 'ssh'}} has no protocol; accepted: a mapping with the keys {KEYS}"),
        ({"port": 22}, f"W: unknown key 'port'; accepted: {KEYS}"),
        (
            {"name": 'ssh" accept'},
            "W name: 'ssh\" accept' cannot be an id"
            "; accepted: a lower-case letter, then up to 62 lower-case letters, digits and underscores",
        ),
        (
            {"protocol": "ipsec"},
            f"W ssh protocol: unknown value 'ipsec'; accepted: {PROTOCOLS}",
        ),
        (
            {"protocol": 256},
            f"W ssh protocol: '256' is out of range; accepted: {PROTOCOLS}",
        ),
        ({"hook": "prerouting"}, "W ssh hook: unknown value 'prerouting'; accepted: forward, input, output"),
        ({"source": 5}, "W ssh source: 5 is not a list; accepted: a list"),
        (
            {"source": ["192.0.2.1"], "destination": ["2001:db8::1"]},
            NO_FAMILY,
        ),
        (
            {"protocol": "icmp", "source": ["2001:db8::1"], "source_ports": ..., "destination_ports": ...},
            NO_FAMILY,
        ),
        ({"source": []}, "W ssh source: is an empty list; accepted: addresses, or no source for any address"),
        (
            {"destination": []},
            "W ssh destination: is an empty list; accepted: addresses, or no destination for any address",
        ),
        (
            {"source": ["jump.example"]},
            f"W ssh source: 'jump.example' is a host name, and the rules need an address; accepted: {ACCEPTED}",
        ),
        (
            {"source": ["198.51.100.99/24"]},
            "W ssh source: '198.51.100.99/24' may be one address or a network"
            "; accepted: 198.51.100.99 or 198.51.100.99/32 for the address, 198.51.100.0/24 for the network",
        ),
        (
            {"destination": ["192.0.2.1", "2001:db8::1/64"]},
            "W ssh destination: '2001:db8::1/64' may be one address or a network"
            "; accepted: 2001:db8::1 or 2001:db8::1/128 for the address, 2001:db8::/64 for the network",
        ),
        ({"source_ports": 0}, f"W ssh source_ports: 0: port 0 is out of range; accepted: {PORTS}"),
        ({"destination_ports": "23-22"}, f"W ssh destination_ports: '23-22' ends before it begins; accepted: {PORTS}"),
        (
            {"destination_ports": "sip"},
            f"W ssh destination_ports: the range name 'sip' is not defined; accepted: {PORTS}",
        ),
        (
            {"protocol": "icmp", "destination_ports": 22},
            "W ssh destination_ports: icmp has no ports; accepted: no ports, or one of the protocols sctp, tcp, udp",
        ),
        (
            {"protocol": 50, "source_ports": 22},
            "W ssh source_ports: esp has no ports; accepted: no ports, or one of the protocols sctp, tcp, udp",
        ),
    ],
)
def test_refuses_with_place_value_and_what_is_accepted(changes: dict[str, t.Any], message: str) -> None:
    rule = {"name": "ssh", "protocol": "tcp", **changes}
    with pytest.raises(PortMatrixError) as caught:
        parse_extra_rules([{key: value for key, value in rule.items() if value is not ...}], "W")
    assert str(caught.value) == message


def test_every_wrong_rule_is_reported() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_extra_rules(["ssh", {"name": "a", "protocol": "tcp"}, {"name": "b", "protocol": "x"}], "W")
    assert str(caught.value).splitlines() == [
        f"W: 'ssh' is not a mapping; accepted: a mapping with the keys {KEYS}",
        f"W b protocol: unknown value 'x'; accepted: {PROTOCOLS}",
    ]


def test_extra_rules_are_a_list() -> None:
    with pytest.raises(PortMatrixError, match=r"^W: 5 is not a list; accepted: a list$"):
        parse_extra_rules(5, "W")
