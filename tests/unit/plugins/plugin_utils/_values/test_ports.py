# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import (
    ANY_PORT,
    format_ports,
    parse_ports,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted
from hypothesis import given
from hypothesis import strategies as st

LITERALS = "a port 1-65535, a range first-last, or any"
RANGES = {"sip": IntervalSet(((5061, 5061),)), "media": IntervalSet(((40000, 49999),))}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5061, ["5061"]),
        ("5061", ["5061"]),
        (1, ["1"]),
        (65535, ["65535"]),
        ("40000-49999", ["40000-49999"]),
        ("443-443", ["443"]),
        ([8057, 443], ["443", "8057"]),
        ((443, "444"), ["443-444"]),
        (["50000-50010", "50005-50020", 50021], ["50000-50021"]),
        ("any", []),
        ([443, "any"], []),
        ("1-65535", ["1-65535"]),
        ("sip", ["5061"]),
        (["media", 50000], ["40000-50000"]),
        ("40000\u201349999", ["40000-49999"]),
        ("40000 \u2013 49999", ["40000-49999"]),
        ("443, 8057", ["443", "8057"]),
        ("[443, '8057', 'sip']", ["443", "5061", "8057"]),
        (" 5061\n", ["5061"]),
    ],
)
def test_ports_are_sorted_and_merged(value: object, written: list[str]) -> None:
    assert format_ports(parse_ports(value, "W", RANGES)) == written


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0, "0: port 0 is out of range"),
        ("0", "'0': port 0 is out of range"),
        (65536, "65536: port 65536 is out of range"),
        ("65536", "'65536': port 65536 is out of range"),
        ("0-80", "'0-80': port 0 is out of range"),
        ("65000-70000", "'65000-70000': port 70000 is out of range"),
        ("49999-40000", "'49999-40000' ends before it begins"),
        (-1, "-1 is not a port"),
        ("5061;", "'5061;' is not a port"),
        ("443 8057", "'443 8057' is not a port"),
        ("443--444", "'443--444' is not a port"),
        ("443\u2014444", "'443\\u2014444' is not a port"),
        ("40000-", "'40000-' is not a port"),
        ("\u0665", "'\\u0665' is not a port"),
        ("12345678901", "'12345678901' is not a port"),
        (["443", ""], "'' is not a port"),
        ("443 }; accept", "'443 }; accept' is not a port"),
        ("psom_all", "the range name 'psom_all' is not defined"),
        (True, "True is not a port"),
        (443.0, "443.0 is not a port"),
        (None, "None is not a port"),
        ({"port": 443}, "{'port': 443} is not a port"),
        ([[443]], "[443] is not a port"),
    ],
)
@pytest.mark.parametrize(
    ("ranges", "accepted"), [(None, LITERALS), (RANGES, LITERALS + ", or a range name (media, sip)")]
)
def test_refuses_what_is_no_port(
    value: object, problem: str, ranges: dict[str, IntervalSet] | None, accepted: str
) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_ports(value, "W", ranges)
    assert str(caught.value) == f"W: {problem}; accepted: {accepted}"


@pytest.mark.parametrize("value", [[], (), ""])
def test_refuses_an_empty_list(value: object) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_ports(value, "W")
    assert str(caught.value) == f"W: is an empty list; accepted: {LITERALS}"


def test_one_wrong_item_in_a_list_is_named() -> None:
    with pytest.raises(PortMatrixError, match=r"^W: 'x' is not a port|^W: the range name 'x' is not defined"):
        parse_ports([443, "x"], "W")


def test_a_range_name_that_is_not_defined_is_said_with_the_nearest() -> None:
    with pytest.raises(PortMatrixError, match="the range name 'medai' is not defined, the nearest is media;"):
        parse_ports("medai", "W", RANGES)


def test_any_holds_every_port() -> None:
    assert all(port in ANY_PORT for port in (0, 1, 65535))
    assert format_ports(ANY_PORT) == []


PORT = st.integers(1, 65535)


@given(st.lists(st.tuples(PORT, PORT).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=8))
def test_what_is_written_reads_back_as_the_same_ports(ranges: list[tuple[int, int]]) -> None:
    ports = IntervalSet.of(ranges)
    assert parse_ports(format_ports(ports), "W") == ports


def test_a_vaulted_port_is_read_and_not_shown() -> None:
    assert format_ports(parse_ports(Vaulted("5061"), "W")) == ["5061"]
    with pytest.raises(PortMatrixError) as caught:
        parse_ports(Vaulted("70007"), "W")
    assert str(caught.value) == f"W: a vaulted value: port is out of range; accepted: {LITERALS}"
