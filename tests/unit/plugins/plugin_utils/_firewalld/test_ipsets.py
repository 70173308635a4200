# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ipsets of firewalld: names that stay, entries that firewalld takes."""

from __future__ import annotations

import netaddr
import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._firewalld.ipsets import (
    MAX_IPSET_NAME,
    PREFIX,
    IpsetTable,
    Party,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import Family
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import parse_ports

MEDIA = parse_ports("40000-49999", "media")


def party(*cidrs: str, endpoints: tuple[str, ...] = ("conferencing_node",), family: Family = "ipv4") -> Party:
    networks = [netaddr.IPNetwork(cidr) for cidr in cidrs]
    return Party(endpoints, IntervalSet.of((network.first, network.last) for network in networks), family)


def entries(party: Party, protocol: str = "", ports: IntervalSet | None = None) -> list[str]:
    table = IpsetTable()
    name = table.name("forward", party, protocol, ports) if ports else table.name("forward", party)
    return list(table.as_data()[name]["entries"])


def test_a_name_stays_when_addresses_change() -> None:
    assert IpsetTable().name("forward", party("192.0.2.1")) == IpsetTable().name("forward", party("192.0.2.7"))


@pytest.mark.parametrize(
    "other",
    [
        ("input", party("192.0.2.1"), "", None),
        ("forward", party("192.0.2.1", endpoints=("front_end",)), "", None),
        ("forward", party("2001:db8::1", family="ipv6"), "", None),
        ("forward", party("192.0.2.1"), "udp", MEDIA),
        ("forward", party("192.0.2.1"), "tcp", MEDIA),
    ],
)
def test_another_party_has_another_name(other: tuple[str, Party, str, IntervalSet | None]) -> None:
    hook, its_party, protocol, ports = other
    table = IpsetTable()
    first = table.name("forward", party("192.0.2.1"))
    second = table.name(hook, its_party, protocol, ports) if ports else table.name(hook, its_party)  # type: ignore[arg-type]
    assert first != second
    assert len(table.as_data()) == 2


def test_names_are_short_and_have_the_prefix_whatever_the_endpoint_is_called() -> None:
    name = IpsetTable().name("output", party("2001:db8::1", endpoints=("x" * 63, "y" * 63), family="ipv6"))
    assert name.startswith(f"{PREFIX}o6_")
    assert len(name) == MAX_IPSET_NAME


def test_equal_parties_share_a_set_and_parts_of_a_mesh_do_not() -> None:
    table = IpsetTable()
    first, again = table.name("forward", party("192.0.2.1")), table.name("forward", party("192.0.2.1"))
    second = table.name("forward", party("192.0.2.2"))
    assert first == again != second
    assert "part 2" in table.as_data()[second]["description"]


def test_source_ports_are_part_of_each_entry() -> None:
    found = entries(party("192.0.2.1", "198.51.100.0/24"), "udp", parse_ports(["40000-49999", 53], "ports"))
    assert found == [
        "192.0.2.1,udp:53",
        "192.0.2.1,udp:40000-49999",
        "198.51.100.0/24,udp:53",
        "198.51.100.0/24,udp:40000-49999",
    ]


@pytest.mark.parametrize(
    ("everybody", "halves"),
    [
        (party("0.0.0.0/0"), ["0.0.0.0/1,tcp:40000-49999", "128.0.0.0/1,tcp:40000-49999"]),
        (party("::/0", family="ipv6"), ["::/1,tcp:40000-49999", "8000::/1,tcp:40000-49999"]),
    ],
)
def test_any_address_with_a_source_port_is_both_halves(everybody: Party, halves: list[str]) -> None:
    assert entries(everybody, "tcp", MEDIA) == halves


def test_any_address_and_any_port_need_no_set() -> None:
    table = IpsetTable()
    assert table.name("forward", party("0.0.0.0/0")) == ""
    assert table.as_data() == {}


def test_a_new_neighbour_is_one_new_entry() -> None:
    before, after = entries(party("192.0.2.12")), entries(party("192.0.2.12", "192.0.2.13"))
    assert before == ["192.0.2.12"]
    assert after == ["192.0.2.12", "192.0.2.13"]


def test_a_network_stays_one_entry() -> None:
    assert entries(party("192.0.2.0/27")) == ["192.0.2.0/27"]
    assert len(entries(party("192.0.2.0/28"))) == 16
