# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables import disjoint_parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.disjoint_parts import (
    MOST_RULES,
    shared_parts,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disjoint_parts, "LARGE", 2)


def _set(*numbers: int) -> IntervalSet:
    return IntervalSet.of((number, number) for number in numbers)


def _parts(union: IntervalSet, *others: IntervalSet) -> list[IntervalSet]:
    """The parts of *union*, with a rule over it and rules over *others*, to one address each."""
    return shared_parts([(one, _set(99)) for one in (union, *others)])[union]


def test_a_union_of_others_is_these() -> None:
    assert _parts(_set(1, 3, 11, 13), _set(1, 3), _set(11, 13)) == [_set(11, 13), _set(1, 3)]


def test_what_is_left_is_the_last_part() -> None:
    assert _parts(_set(1, 3, 5, 7), _set(1, 3)) == [_set(1, 3), _set(5, 7)]


def test_what_is_not_within_it_is_no_part_of_it() -> None:
    assert _parts(_set(1, 3, 5), _set(1, 9), _set(3, 9), _set(20, 22)) == [_set(1, 3, 5)]
    assert _parts(_set(1, 5, 9), IntervalSet(((1, 2), (8, 9)))) == [_set(1, 5, 9)]


def test_small_sets_have_no_parts_and_are_none() -> None:
    assert shared_parts([(_set(1), _set(1, 3, 5))]) == {_set(1, 3, 5): [_set(1, 3, 5)]}


def test_a_few_hosts_within_a_wide_network_do_not_tear_it() -> None:
    union = IntervalSet(((0, 1000), (2000, 2000), (2002, 2002)))
    assert _parts(union, _set(10, 12)) == [union]


def test_nested_unions_are_held_once() -> None:
    inner, middle, outer = (IntervalSet(tuple((2 * n, 2 * n) for n in range(count))) for count in (3, 6, 9))
    parts = shared_parts([(one, _set(99)) for one in (inner, middle, outer)])
    assert [len(part.intervals) for part in parts[outer]] == [3, 3, 3]
    assert parts[middle] == parts[outer][:2]
    assert parts[inner] == parts[outer][:1]


def test_of_sets_that_overlap_the_larger_ones_are_parts() -> None:
    first, second, across = _set(*range(0, 10, 2)), _set(*range(10, 20, 2)), _set(6, 8, 10, 12)
    assert _parts(_set(*range(0, 20, 2)), first, second, across) == [second, first]
    assert _parts(across, first, second) == [across]


def test_a_rule_becomes_so_many_and_no_more() -> None:
    whole = _set(*range(0, 16, 2))
    assert len(_parts(whole, *(_set(n, n + 2) for n in range(0, 12, 4)))) == 1
    assert len(_parts(whole, *(_set(n, n + 2) for n in range(0, 8, 4)))) == MOST_RULES
    other = _set(20, 22, 24, 26)
    parts = shared_parts([(whole, other), (_set(0, 2), _set(99)), (_set(20, 22), _set(99))])
    assert [len(parts[one]) for one in (whole, other)] == [2, 1]


def test_where_inner_unions_are_too_many_the_outer_one_still_shares_them_whole() -> None:
    branches = [_set(n, n + 2) for n in range(0, 20, 4)]
    clients, nodes = _set(*range(0, 20, 2)), _set(*range(30, 50, 2))
    parts = shared_parts(
        [(clients, nodes), (_set(*range(0, 20, 2), 99, 101), nodes), *((one, nodes) for one in branches)]
    )
    assert parts[clients] == [clients]
    assert parts[_set(*range(0, 20, 2), 99, 101)] == [clients, _set(99, 101)]


numbers = st.frozensets(st.integers(0, 40), max_size=20)


@given(st.lists(st.tuples(numbers, numbers), max_size=6))
def test_parts_are_disjoint_and_together_the_set(sides: list[tuple[frozenset[int], frozenset[int]]]) -> None:
    rules = [(_set(*source), _set(*destination)) for source, destination in sides]
    found = shared_parts(rules)
    for whole, parts in found.items():
        assert IntervalSet.union(parts) == whole
        assert all(not one.intersection(other) for one, other in itertools.combinations(parts, 2))
    assert all(len(found.get(a, [a])) * len(found.get(b, [b])) <= MOST_RULES for a, b in rules)
    assert found == shared_parts(reversed(rules))
