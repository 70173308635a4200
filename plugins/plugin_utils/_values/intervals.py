# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interval sets over integers: the one form that ports and addresses share."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

_END = (1 << 128, 1 << 128)  # behind every port and address
_LOOK_UP = 16  # steps of a pass through a set that take as long as looking one interval up in it


def _common(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    left = iter(others)
    one, other = next(left, _END)
    for first, last in some:
        while other < first:
            one, other = next(left, _END)
        while one <= last:
            yield one if one > first else first, other if other < last else last
            if other > last:
                break
            one, other = next(left, _END)


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """Sorted, disjoint, non-adjacent closed intervals ``(first, last)``.

    Equal sets are equal objects, whatever order or overlap they were made from.
    """

    intervals: tuple[tuple[int, int], ...] = ()
    # Of thousands of intervals it takes a while, and each look-up in a mapping asks for it.
    _hash: int | None = field(default=None, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        known = self._hash
        if known is None:
            known = hash(self.intervals)
            object.__setattr__(self, "_hash", known)
        return known

    @classmethod
    def of(cls, intervals: Iterable[tuple[int, int]]) -> IntervalSet:
        """Merge *intervals* (``first <= last`` each) into canonical form."""
        merged: list[tuple[int, int]] = []
        end = -math.inf
        for interval in sorted(intervals):
            first, last = interval
            if first > end + 1:
                merged.append(interval)
                end = last
            elif last > end:
                merged[-1] = (merged[-1][0], last)
                end = last
        return cls(tuple(merged))

    @classmethod
    def union(cls, sets: Iterable[IntervalSet]) -> IntervalSet:
        """Everything that is in one of *sets*."""
        parts = [one.intervals for one in sets if one.intervals]
        return cls(*parts) if len(parts) < 2 else cls.of(chain.from_iterable(parts))

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def size(self) -> int:
        """How many integers the set holds. Not ``len()``, which cannot count an IPv6 /64."""
        return sum(last - first + 1 for first, last in self.intervals)

    def values(self) -> Iterator[int]:
        """Yield each integer. For sets that are known to be small, as those of single hosts are."""
        return (value for first, last in self.intervals for value in range(first, last + 1))

    def __contains__(self, value: int) -> bool:
        index = bisect_right(self.intervals, value, key=lambda interval: interval[0]) - 1
        return index >= 0 and value <= self.intervals[index][1]

    def intersection(self, other: IntervalSet) -> IntervalSet:
        """What is in both sets. Costs as many look-ups as the smaller set has intervals, or one pass through both."""
        if not self.intervals or not other.intervals:  # half of all calls: most sites have one family
            return _NOTHING
        small, large = (self, other) if len(self.intervals) < len(other.intervals) else (other, self)
        if len(large.intervals) < _LOOK_UP * len(small.intervals):
            return IntervalSet(tuple(_common(small.intervals, large.intervals)))
        found = []
        for first, last in small.intervals:
            index = max(0, bisect_right(large.intervals, first, key=lambda interval: interval[0]) - 1)
            while index < len(large.intervals) and large.intervals[index][0] <= last:
                if large.intervals[index][1] >= first:
                    found.append((max(first, large.intervals[index][0]), min(last, large.intervals[index][1])))
                index += 1
        return IntervalSet(tuple(found))

    def difference(self, other: IntervalSet) -> IntervalSet:
        """What is in this set and not in *other*."""
        if not self.intervals or not other.intervals:
            return self
        left: list[tuple[int, int]] = []
        taken = iter(self.intersection(other).intervals)
        hole = next(taken, None)
        for first, last in self.intervals:
            while hole is not None and hole[0] <= last:
                if hole[0] > first:
                    left.append((first, hole[0] - 1))
                first = hole[1] + 1
                hole = next(taken, None)
            if first <= last:
                left.append((first, last))
        return IntervalSet(tuple(left))

    def issubset(self, other: IntervalSet) -> bool:
        """Tell whether every integer of this set is in *other*."""
        return IntervalSet.union((self, other)) == other


_NOTHING = IntervalSet()
