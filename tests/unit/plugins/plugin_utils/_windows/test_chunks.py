# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import Family, read_cidrs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.chunks import ADDRESSES_PER_RULE, chunks_of

TEN = 10 << 24
WIDTH: dict[Family, int] = {"ipv4": 32, "ipv6": 128}


def spread(choose: random.Random, size: int, family: Family) -> set[int]:
    """Addresses from all over."""
    return {choose.getrandbits(WIDTH[family]) for n in range(size)}


def in_subnets(choose: random.Random, size: int, family: Family) -> set[int]:
    """Addresses in networks of 256, of which many have a neighbour and are written as one network with it."""
    first = 0x20010DB8 << 96 if family == "ipv6" else TEN
    networks = [first + (choose.getrandbits(16) << 8) for n in range(size // 60 + 1)]
    return {choose.choice(networks) + choose.getrandbits(8) for n in range(size)}


def close(choose: random.Random, size: int, family: Family) -> set[int]:
    """Every second address from one on."""
    return {TEN + 2 * n for n in range(size)}


def close_and_scattered(choose: random.Random, size: int, family: Family) -> set[int]:
    """Most of them close, and one in each network around."""
    return close(choose, size, family) | {TEN ^ (1 << bit) for bit in range(12, WIDTH[family])}


Shape = Callable[[random.Random, int, Family], set[int]]
SHAPES: list[Shape] = [spread, in_subnets, close, close_and_scattered]


def cut(addresses: set[int], family: Family) -> dict[str, list[str]]:
    chunks = list(chunks_of(IntervalSet.of((address, address) for address in addresses), family))
    found = {chunk.start: list(chunk.addresses) for chunk in chunks}
    assert len(found) == len(chunks)
    return found


def test_no_addresses_are_no_chunk() -> None:
    """A rule with an empty list would be for every address."""
    assert list(chunks_of(IntervalSet(), "ipv4")) == []


@pytest.mark.parametrize("family", WIDTH)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [150, 450, 3000])
def test_the_chunks_together_are_the_addresses(shape: Shape, size: int, family: Family) -> None:
    addresses = shape(random.Random(size), size, family)
    chunks = cut(addresses, family)
    assert max(map(len, chunks.values())) <= ADDRESSES_PER_RULE
    together = read_cidrs(text for chunk in chunks.values() for text in chunk).of_family(family)
    assert together == IntervalSet.of((address, address) for address in addresses)
    assert next(iter(chunks)) == ""
    starts = [read_cidrs([start]).of_family(family).intervals[0][0] for start in list(chunks)[1:]]
    assert starts == sorted(starts)


@pytest.mark.large
@pytest.mark.parametrize("family", WIDTH)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [150, 190, 230, 450, 1000])
def test_an_address_more_or_less_changes_at_most_two_chunks(shape: Shape, size: int, family: Family) -> None:
    choose = random.Random(size)
    addresses = shape(choose, size, family)
    before = cut(addresses, family)
    for step in range(40):
        more = shape(choose, size, family) - addresses
        addresses ^= {choose.choice(sorted(more or addresses)) if step % 2 else choose.choice(sorted(addresses))}
        after = cut(addresses, family)
        differing = [start for start in before.keys() | after.keys() if before.get(start) != after.get(start)]
        assert 1 <= len(differing) <= 2
        before = after


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [201, 300, 400, 600, 1000, 2000, 20000])
def test_the_chunks_are_not_many_more_than_slices_would_be(shape: Shape, size: int) -> None:
    chunks = cut(shape(random.Random(size), size, "ipv4"), "ipv4")
    slices = -(-sum(map(len, chunks.values())) // ADDRESSES_PER_RULE)
    # One more for each length of a prefix is the worst that scattered addresses can do around those that are close.
    assert len(chunks) <= 2 * slices + (32 if shape is close_and_scattered else 0)


def test_an_address_between_all_others_leaves_the_rest_alone() -> None:
    addresses = close(random.Random(0), 1000, "ipv4")
    before, after = cut(addresses, "ipv4"), cut({TEN - 2, *addresses}, "ipv4")
    assert [start for start in after if before.get(start) != after[start]] == ["", "10.0.0.0"]
    assert after["10.0.0.0"] == before[""]
