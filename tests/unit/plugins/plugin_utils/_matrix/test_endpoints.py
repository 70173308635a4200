# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.endpoints import (
    EndpointDefinition,
    Member,
    Side,
    no_address_message,
    parse_endpoint,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.views import LOCAL
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import AddressSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


def _member(name: str | None, *addresses: object) -> Member:
    return Member(name, parse_host("h", {"port_matrix_addresses": addresses}).own)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "e",
            {"group": "x"},
            "W: unknown key 'group', the nearest is groups; accepted: fallback, groups, interface, may_be_empty, title",
        ),
        ("e", {"groups": True}, "W groups: True is not a list; accepted: a list"),
        ("e", {"interface": True}, "W interface: True is not a string; accepted: one line of text"),
        (
            "E",
            {},
            "W: 'E' cannot be an id"
            "; accepted: a lower-case letter, then up to 62 lower-case letters, digits and underscores",
        ),
    ],
)
def test_refuses_what_is_no_endpoint(name: str, value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_endpoint(name, value, "W")
    assert str(caught.value) == message


def test_an_endpoint_has_its_name_for_a_title_unless_given_one() -> None:
    assert parse_endpoint("e", {}, "W").title == "e"
    assert parse_endpoint("e", {"title": "The  Edge"}, "W").title == "The Edge"


@pytest.mark.parametrize(
    ("member", "machine"),
    [
        (_member("h", "192.0.2.1"), True),
        (_member("h", "192.0.2.1", "192.0.2.2", "2001:db8::1"), True),
        (_member("h", "192.0.2.0/31"), False),
        (_member(None, "192.0.2.1"), False),
    ],
    ids=["machine", "machine with neighbouring addresses", "network", "literal network"],
)
def test_machines(member: Member, machine: bool) -> None:
    assert member.is_machine() is machine


def test_a_host_in_two_endpoints_of_a_side_is_one_member() -> None:
    side = Side([_member("h", "192.0.2.1"), _member("h", "198.51.100.1"), _member(None, "203.0.113.0/24")])
    assert set(side.members) == {"h", None}
    assert side.machines == {"h"}
    assert side.seen(LOCAL).cidrs("ipv4") == ["192.0.2.1/32", "198.51.100.1/32", "203.0.113.0/24"]
    assert side.part(LOCAL, lambda host: host == "h").cidrs("ipv4") == ["192.0.2.1/32", "198.51.100.1/32"]


def test_a_side_is_seen_with_the_addresses_of_the_view() -> None:
    side = Side([_member("h", {"address": "192.0.2.1", "advertised": "203.0.113.1"})])
    assert side.seen(LOCAL).cidrs("ipv4") == ["192.0.2.1/32"]
    assert side.seen().cidrs("ipv4") == ["203.0.113.1/32"]


@pytest.mark.parametrize(
    ("endpoint", "groups"),
    [
        (EndpointDefinition("e", ("b", "a")), "'a', 'b'"),
        (EndpointDefinition("e", ("a",), ("d", "c")), "'a'; without a host there: the endpoints c, d"),
        (EndpointDefinition("e"), "none"),
    ],
)
def test_the_message_of_an_empty_endpoint_names_every_way_out(endpoint: EndpointDefinition, groups: str) -> None:
    assert no_address_message(endpoint, "sip, psom") == (
        f"endpoint e: has no addresses, and row sip, psom needs them (its groups: {groups}); accepted: "
        "hosts in those groups, networks in port_matrix_endpoints.e, "
        "e in port_matrix_allow_empty, or the rows in port_matrix_disabled_rows"
    )


def test_no_member_means_no_address() -> None:
    assert Side([]).seen(LOCAL) == AddressSet()
