# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils import _disjoint_parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._disjoint_parts import disjoint_parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._intervals import IntervalSet
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_disjoint_parts, "LARGE", 2)


def _set(*numbers: int) -> IntervalSet:
    return IntervalSet.of((number, number) for number in numbers)


def test_a_union_of_others_is_these() -> None:
    assert disjoint_parts(_set(1, 3, 11, 13), [_set(1, 3), _set(11, 13)]) == [_set(1, 3), _set(11, 13)]


def test_what_is_left_is_the_last_part() -> None:
    assert disjoint_parts(_set(1, 3, 5, 7), [_set(1, 3)]) == [_set(1, 3), _set(5, 7)]


def test_what_is_not_within_it_is_no_part_of_it() -> None:
    assert disjoint_parts(_set(1, 3, 5), [_set(1, 9), _set(3, 9), _set(20, 22)]) == [_set(1, 3, 5)]
    assert disjoint_parts(_set(1, 5, 9), [IntervalSet(((1, 2), (8, 9)))]) == [_set(1, 5, 9)]


def test_small_sets_and_the_set_itself_are_no_parts() -> None:
    assert disjoint_parts(_set(1, 3, 5), [_set(1), _set(1, 3, 5)]) == [_set(1, 3, 5)]


numbers = st.frozensets(st.integers(0, 40), max_size=20)


@given(numbers, st.lists(numbers, max_size=6))
def test_parts_are_disjoint_and_together_the_set(whole: frozenset[int], others: list[frozenset[int]]) -> None:
    parts = disjoint_parts(_set(*whole), [_set(*other) for other in others])
    assert IntervalSet.union(parts) == _set(*whole)
    assert all(not one.intersection(other) for one, other in itertools.combinations(parts, 2))
    assert parts == disjoint_parts(_set(*whole), [_set(*other) for other in reversed(others)])
