# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from hypothesis import given
from hypothesis import strategies as st

INTERVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))))


@pytest.mark.parametrize(
    ("given_intervals", "merged"),
    [
        ([], ()),
        ([(5, 9)], ((5, 9),)),
        ([(7, 9), (1, 2)], ((1, 2), (7, 9))),
        ([(1, 5), (3, 9)], ((1, 9),)),
        ([(1, 9), (3, 5)], ((1, 9),)),
        ([(1, 2), (3, 4)], ((1, 4),)),
        ([(1, 2), (4, 5)], ((1, 2), (4, 5))),
        ([(3, 3), (3, 3)], ((3, 3),)),
    ],
    ids=["none", "one", "sorted", "overlapping", "contained", "adjacent", "apart", "twice"],
)
def test_of_merges_into_canonical_form(given_intervals: list[tuple[int, int]], merged: object) -> None:
    assert IntervalSet.of(given_intervals).intervals == merged


@given(INTERVALS)
def test_of_keeps_exactly_the_members(intervals: list[tuple[int, int]]) -> None:
    members = {value for first, last in intervals for value in range(first, last + 1)}
    merged = IntervalSet.of(intervals)
    assert {value for value in range(-1, 63) if value in merged} == members
    assert merged.size() == len(members)
    assert bool(merged) == bool(members)


@given(INTERVALS, INTERVALS)
def test_union_and_subset_agree_with_plain_sets(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    left, right = IntervalSet.of(one), IntervalSet.of(two)
    union = IntervalSet.union([left, right])
    assert union == IntervalSet.of([*one, *two])
    assert left.issubset(union)
    assert left.issubset(right) == all(value in right for value in range(61) if value in left)


def test_equal_sets_are_found_in_a_mapping_whatever_they_were_made_from() -> None:
    named = {IntervalSet.of([(1, 2), (3, 4)]): "ports"}
    assert named[IntervalSet(((1, 4),))] == "ports"
    assert IntervalSet(((1, 5),)) not in named


def test_values_are_listed_in_order() -> None:
    assert list(IntervalSet.of([(7, 9), (1, 1)]).values()) == [1, 7, 8, 9]
    assert list(IntervalSet().values()) == []


def test_union_of_nothing_is_empty() -> None:
    assert IntervalSet.union([]) == IntervalSet()


def test_size_counts_more_than_a_machine_word_holds() -> None:
    assert IntervalSet(((0, 2**128 - 1),)).size() == 2**128


@given(INTERVALS, INTERVALS)
def test_intersection_and_difference_agree_with_plain_sets(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    left, right = IntervalSet.of(one), IntervalSet.of(two)
    both, only = left.intersection(right), left.difference(right)
    assert [v for v in range(61) if v in both] == [v for v in range(61) if v in left and v in right]
    assert [v for v in range(61) if v in only] == [v for v in range(61) if v in left and v not in right]
    # Canonical, so that equal sets are equal objects.
    assert both == IntervalSet.of(both.intervals)
    assert only == IntervalSet.of(only.intervals)
