# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand, expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.permitted import (
    Flow,
    read_flows,
    unpermitted,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.permissions import Permissions
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import AddressSet, parse_network
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

SEEN: dict[str, t.Any] = {
    "hook": "forward",
    "family": "ipv4",
    "protocol": "udp",
    "source": "192.0.2.1",
    "destination": "198.51.100.9",
    "destination_port": 53,
    "packets": 3,
    "bytes": 180,
    "last_seen": "2026-03-02T08:15:27Z",
}
LATER = datetime.datetime(2026, 3, 3, tzinfo=datetime.timezone.utc)
# A row from a to b, to UDP port 53; another one from source port 500, and one for ESP.
ROWS = [
    {"id": "dns", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 53},
    {"id": "ike", "source": "x", "destination": "y", "protocols": "udp", "source_ports": 500, "destination_ports": 500},
    {"id": "esp", "source": "x", "destination": "y", "protocols": "esp"},
]
SITE = build_site(
    {
        "a": {"port_matrix_addresses": ["192.0.2.1", "2001:db8::1"]},
        "b": {"port_matrix_addresses": ["198.51.100.9", "2001:db8::9"]},
    },
    {"g": ["a"], "h": ["b"]},
    ROWS,
    endpoints={"x": {"groups": ["g"]}, "y": {"groups": ["h"]}},
)
TRANSIT = Permissions(("forward",), [*expand(SITE, "fw", ["forward"]), *expand_site(SITE)])


def flow(**values: t.Any) -> Flow:
    return read_flows([{**SEEN, **values}], "W")[0]


def judged(
    one: Flow,
    permissions: Permissions = TRANSIT,
    transit: AddressSet | None = None,
    rules_since: datetime.datetime | None = LATER,
) -> str:
    found = unpermitted(permissions, transit, [one], rules_since)
    return "refused" if found.refused else "doubtful" if found.doubtful else "permitted"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, "permitted"),
        ({"family": "ipv6", "source": "2001:db8::1", "destination": "2001:db8::9"}, "permitted"),
        ({"protocol": "esp", "destination_port": None}, "permitted"),
        ({"protocol": "50", "destination_port": None}, "permitted"),
        ({"protocol": "ah", "destination_port": None}, "refused"),
        ({"protocol": "tcp"}, "refused"),
        ({"destination_port": 54}, "refused"),
        ({"destination_port": 500}, "doubtful"),
        ({"source": "192.0.2.2"}, "refused"),
        ({"destination": "198.51.100.8"}, "refused"),
        ({"hook": "input"}, "refused"),
    ],
)
def test_a_flow_is_permitted_where_a_rule_has_all_of_it(values: dict[str, t.Any], verdict: str) -> None:
    assert judged(flow(**values)) == verdict


@pytest.mark.parametrize("rules_since", [None, datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)])
def test_what_was_seen_in_spite_of_the_rules_came_from_another_port(rules_since: datetime.datetime | None) -> None:
    assert judged(flow(destination_port=500), rules_since=rules_since) == "refused"


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({}, "permitted"),
        ({"source": ["192.0.2.0/24"], "destination": ["198.51.100.9"]}, "permitted"),
        ({"source": ["192.0.2.2"]}, "refused"),
        ({"source": ["2001:db8::/32"]}, "refused"),
        ({"source_ports": ["1024-65535"]}, "permitted"),
        ({"source_ports": ["55000-65535"]}, "doubtful"),
        ({"destination_ports": [123]}, "refused"),
    ],
)
@pytest.mark.parametrize("kind", ["management", "extra_rules"])
def test_other_rules_permit_too(kind: str, rule: dict[str, t.Any], verdict: str) -> None:
    rules = parse_extra_rules([{"name": "own", "hook": "input", "protocol": "udp", **rule}], "W")
    assert judged(flow(hook="input"), Permissions(("input",), (), **{kind: rules})) == verdict


@pytest.mark.parametrize(
    ("network", "verdict"), [("192.0.2.1", "refused"), ("198.51.100.8/29", "refused"), ("203.0.113.1", "permitted")]
)
def test_transit_that_is_not_judged_passes(network: str, verdict: str) -> None:
    transit = parse_network(network, "W")
    assert judged(flow(protocol="tcp"), transit=transit) == verdict
    assert judged(flow(protocol="tcp", hook="input"), transit=transit) == "refused"


def test_what_was_sent_to_a_group_of_hosts_is_a_flow_too() -> None:
    one = flow(hook="input", destination="224.0.0.251", destination_port=5353)
    assert judged(one) == "refused"
    assert "to 224.0.0.251 port 5353" in one.line()


def test_the_heaviest_come_first_and_a_line_says_what_it_is() -> None:
    light, heavy = flow(protocol="253", destination_port=None, packets=1), flow(destination_port=54, packets=9)
    assert unpermitted(TRANSIT, None, [light, heavy], None).refused == [heavy, light]
    assert heavy.line() == (
        "UDP from 192.0.2.1 to 198.51.100.9 port 54 (forward), packets 9, last seen 2026-03-02T08:15:27Z"
    )
    assert light.line().startswith("IP protocol 253 from 192.0.2.1 to 198.51.100.9 (forward), packets 1,")
    assert heavy.last_seen == datetime.datetime(2026, 3, 2, 8, 15, 27, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hook": "prerouting"}, "W hook: unknown value 'prerouting'; accepted: forward, input, output"),
        ({"family": "ipx"}, "W family: unknown value 'ipx'; accepted: ipv4, ipv6"),
        ({"protocol": "{{ x }}"}, "W protocol: unknown value '{{ x }}'"),
        ({"source": "2001:db8::1"}, "W source: '2001:db8::1' is not an address; accepted: one address, ipv4"),
        ({"destination": "{{ x }}"}, "W destination: '{{ x }}'"),
        ({"destination_port": "{{ x }}"}, "W destination_port: '{{ x }}' is out of range; accepted: 0 to 65535"),
        ({"packets": -1}, "W packets: -1 is not a count; accepted: a number from 0 on"),
        (
            {"last_seen": "yesterday"},
            "W last_seen: 'yesterday' is not a time; accepted: one such as 2026-03-02T08:15:27Z",
        ),
    ],
)
def test_what_is_no_flow(values: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        flow(**values)
    assert str(caught.value).startswith(message)


def test_a_flow_has_all_keys() -> None:
    with pytest.raises(PortMatrixError, match="is not a flow; accepted: what observed_flows returns"):
        read_flows([{"hook": "input"}], "W")
