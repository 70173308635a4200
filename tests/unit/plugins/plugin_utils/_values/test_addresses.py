# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import netaddr
import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import (
    ACCEPTED,
    AddressSet,
    Family,
    format_address,
    format_range,
    has_host_bits,
    is_literal_address,
    parse_address,
    parse_network,
    parse_single_address,
    read_cidrs,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted
from hypothesis import given
from hypothesis import strategies as st


def _cidrs(addresses: AddressSet) -> list[str]:
    return addresses.cidrs("ipv4") + addresses.cidrs("ipv6")


@pytest.mark.parametrize(
    ("value", "cidr"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.10/32", "192.0.2.10/32"),
        ("192.0.2.10/31", "192.0.2.10/31"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::0010", "2001:db8::10/128"),
        ("2001:db8::/64", "2001:db8::/64"),
        ("::/0", "::/0"),
        ("fe80::1", "fe80::1/128"),
    ],
)
def test_addresses_and_networks(value: str, cidr: str) -> None:
    assert _cidrs(parse_address(value, "W")) == [cidr]
    assert _cidrs(parse_network(value, "W")) == [cidr]


@pytest.mark.parametrize(
    ("value", "single", "width", "network"),
    [
        ("192.0.2.10/24", "192.0.2.10", 32, "192.0.2.0/24"),
        ("192.0.2.11/31", "192.0.2.11", 32, "192.0.2.10/31"),
        ("2001:DB8::10/64", "2001:db8::10", 128, "2001:db8::/64"),
    ],
)
def test_an_interface_address_is_one_machine_of_a_host_and_refused_elsewhere(
    value: str, single: str, width: int, network: str
) -> None:
    assert _cidrs(parse_address(value, "W")) == [f"{single}/{width}"]
    with pytest.raises(PortMatrixError) as caught:
        parse_network(value, "W")
    assert str(caught.value) == (
        f"W: '{value}' may be one address or a network"
        f"; accepted: {single} or {single}/{width} for the address, {network} for the network"
    )


def test_a_vaulted_address_with_host_bits_is_not_spelt_out() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_network(Vaulted("192.0.2.10/24"), "W")
    assert str(caught.value) == "W: a vaulted value may be one address or a network; accepted: one without host bits"


GARBAGE = [
    "", "/24", "10", "10/8", "10.1/16", "192.0.2", "192.0.2.256", "192.0.2.1.5", " 192.0.2.1", "192.0.2.1 ",
    "192.0.2.1\n", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/-1", "192.0.2.1/255.255.255.0", "192.0.2.1/24/24",
    "192.0.2.1-192.0.2.5", "010.0.0.1", "2001:db8::/129", "2001:db8:::1", "fe80::1%eth0", "[2001:db8::1]",
    "192.0.2.1:443", "\uff11.2.3.4", "192.0.2.1; drop", "{ 192.0.2.1 }", "192.0.2.1|x", '"192.0.2.1"',
    "192.0.2.1\nflush ruleset", "192.0.2.0/\u0662",
]  # fmt: skip


@pytest.mark.parametrize("parse", [parse_address, parse_network, parse_single_address])
@pytest.mark.parametrize("value", [*GARBAGE, 5, None, True, 3221225985, ["192.0.2.1"], b"192.0.2.1"])
def test_refuses_what_is_no_address(parse: object, value: object) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse(value, "W")  # type: ignore[operator]
    assert str(caught.value) == f"W: {value!a} is not an address; accepted: {ACCEPTED}"


@pytest.mark.parametrize("value", ["fe1.example.com", "fe1", "FE1.example.com.", "fe_1", "1e5", "3com.example"])
def test_says_of_a_host_name_that_it_is_one(value: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_address(value, "W")
    assert str(caught.value) == f"W: '{value}' is a host name, and the rules need an address; accepted: {ACCEPTED}"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("127.0.0.1", "a loopback address, which no other host can reach"),
        ("127.0.0.0/8", "a loopback address, which no other host can reach"),
        ("127.0.0.1/4", "a loopback address, which no other host can reach"),
        ("::1", "a loopback address, which no other host can reach"),
        ("224.0.0.1", "a multicast address"),
        ("239.255.255.255", "a multicast address"),
        ("ff02::1", "a multicast address"),
        ("0.0.0.0", "not the address of a host"),
        ("::", "not the address of a host"),
        ("255.255.255.255", "the broadcast address"),
        ("::ffff:192.0.2.1", "an IPv4 address in IPv6 notation; write it as IPv4"),
        ("192.0.2.1/0", "every address by its prefix length, and one address by the rest"),
        ("2001:db8::1/0", "every address by its prefix length, and one address by the rest"),
    ],
)
def test_refuses_addresses_that_no_host_has(value: str, reason: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_address(value, "W")
    assert str(caught.value) == f"W: '{value}' is {reason}; accepted: {ACCEPTED}"


@pytest.mark.parametrize(
    "value", ["128.0.0.0/1", "0.0.0.0/1", "224.0.0.0/3", "8000::/1", "126.255.255.255", "128.0.0.0"]
)
def test_accepts_the_neighbours_and_the_surroundings_of_unusable_addresses(value: str) -> None:
    assert parse_address(value, "W")


def test_single_address_refuses_a_network() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_single_address("192.0.2.0/31", "W")
    assert str(caught.value) == "W: '192.0.2.0/31' is a network; accepted: one IPv4 or IPv6 address"


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("192.0.2.1", True), ("2001:db8::1", True), ("192.0.2.1/24", False), ("fe1", False), ("10", False),
        ("", False), (None, False), (5, False), ("192.0.2.1\n", False),
        ("192.0.2.1\0", False), ("fe80::1%eth0", False),
    ],
)  # fmt: skip
def test_literal_addresses_need_no_name_service(value: object, literal: bool) -> None:
    assert is_literal_address(value) is literal


@pytest.mark.parametrize(("value", "has"), [("192.0.2.1/24", True), ("192.0.2.0/24", False), ("192.0.2.1", False)])
def test_host_bits(value: str, has: bool) -> None:
    assert has_host_bits(value) is has


def test_union_merges_per_family() -> None:
    parts = [parse_address(a, "W") for a in ("192.0.2.1", "2001:db8::", "192.0.2.0", "2001:db8::1")]
    union = AddressSet.union(parts)
    assert _cidrs(union) == ["192.0.2.0/31", "2001:db8::/127"]
    assert union.families() == {"ipv4", "ipv6"}


def test_the_empty_set_has_no_family() -> None:
    empty = AddressSet.union([])
    assert not empty
    assert empty.families() == frozenset()
    assert empty == AddressSet()


@pytest.mark.parametrize("value", ["192.0.2.1", "2001:db8::1"])
def test_a_set_of_one_family_is_true(value: str) -> None:
    assert parse_address(value, "W")


@pytest.mark.parametrize(
    ("intervals", "cidrs"),
    [
        ([(0, 2**32 - 1)], ["0.0.0.0/0"]),
        ([(1, 6)], ["0.0.0.1/32", "0.0.0.2/31", "0.0.0.4/31", "0.0.0.6/32"]),
        ([(2**32 - 1, 2**32 - 1), (0, 0)], ["0.0.0.0/32", "255.255.255.255/32"]),
    ],
)
def test_cidrs_are_sorted_and_merged(intervals: list[tuple[int, int]], cidrs: list[str]) -> None:
    assert AddressSet(ipv4=IntervalSet.of(intervals)).cidrs("ipv4") == cidrs


def _intervals(width: int) -> st.SearchStrategy[IntervalSet]:
    value = st.integers(0, 2**width - 1)
    pairs = st.tuples(value, value).map(lambda pair: (min(pair), max(pair)))
    return st.lists(pairs, max_size=4).map(IntervalSet.of)


@given(_intervals(32), _intervals(128))
def test_cidrs_read_back_as_the_same_addresses(ipv4: IntervalSet, ipv6: IntervalSet) -> None:
    addresses = AddressSet(ipv4, ipv6)
    assert read_cidrs(_cidrs(addresses)) == addresses


def test_reading_back_refuses_garbage() -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_cidrs(["192.0.2.0/24", "x"])
    assert str(caught.value) == f"site: 'x' is not an address; accepted: {ACCEPTED}"


@given(st.text())
def test_any_text_is_an_address_or_an_error_of_one_line(text: str) -> None:
    try:
        assert parse_address(text, "W")
    except PortMatrixError as e:
        assert len(str(e).splitlines()) == 1  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "cidrs"),
    [
        ("198.51.100.1/255.255.255.255", ["198.51.100.1/32"]),
        ("10.0.0.0/255.255.255.128", ["10.0.0.0/25"]),
        ("10.0.0.77/25", ["10.0.0.0/25"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
    ],
)
def test_what_windows_writes_is_read_too(text: str, cidrs: list[str]) -> None:
    assert read_cidrs([text]).cidrs("ipv4") == cidrs


v4 = st.integers(0, 2**32 - 1)
v6 = st.integers(0, 2**128 - 1)


@given(
    st.one_of(st.tuples(st.just("ipv4"), v4, st.integers(0, 32)), st.tuples(st.just("ipv6"), v6, st.integers(0, 128)))
)
def test_the_short_way_reads_and_writes_what_netaddr_does(one: tuple[Family, int, int]) -> None:
    family, number, length = one
    network = netaddr.IPNetwork((number, length), 4 if family == "ipv4" else 6)
    assert read_cidrs([str(network)]).cidrs(family) == [str(network.cidr)]
    assert format_address(number, family) == str(netaddr.IPAddress(number, 4 if family == "ipv4" else 6))
    try:
        short = parse_address(str(network), "W")
    except PortMatrixError:
        return  # nobody's address; the examples above are about these
    wanted = network.cidr if network.ip == network.network else netaddr.IPNetwork(network.ip)
    assert short.cidrs(family) == [str(wanted)]


@given(st.one_of(st.tuples(st.just("ipv4"), v4, v4), st.tuples(st.just("ipv6"), v6, v6)))
def test_a_range_is_written_as_netaddr_does(one: tuple[Family, int, int]) -> None:
    family, *ends = one
    first, last = (netaddr.IPAddress(end, 4 if family == "ipv4" else 6) for end in sorted(ends))
    assert format_range(min(ends), max(ends), family) == list(map(str, netaddr.iprange_to_cidrs(first, last)))


@given(
    st.sampled_from(["192.0.2.1", "2001:db8::1", "::", "1:2:3:4:5:6:7:8", "2001:db8::192.0.2.1", "10.1", "010.0.0.1"]),
    st.sampled_from(["", "/0", "/8", "/24", "/032", "/33", "/128", "/129"]),
    st.integers(0, 20),
    st.text("0123456789af.:/% \n\0é", max_size=2),
)
def test_what_netaddr_takes_for_an_address_is_one(address: str, prefix: str, place: int, other: str) -> None:
    text = address[:place] + other + address[place + 1 :] + prefix
    try:
        network = str(netaddr.IPNetwork(text).cidr)
    except (netaddr.AddrFormatError, ValueError):
        network = ""
    try:
        parsed = _cidrs(parse_network(text, "W"))
    except PortMatrixError as e:
        # Examples above are about addresses of nobody and host bits. Only Windows writes a netmask.
        assert not network or "is not an address" not in str(e) or "." in text.partition("/")[2]  # noqa: PT017
    else:
        assert parsed == [network]
