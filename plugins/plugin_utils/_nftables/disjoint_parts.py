# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large sets of addresses as unions of others, so that an address which several rules need is kept once.

A rule over such a union becomes a rule for each part, and a packet passes all of them. So a union is kept as a set of
its own where one rule would become too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._values.intervals import IntervalSet

# From here on, a set costs more (to write, to load, to keep) than the few rules that smaller ones in its place take.
LARGE = 256
# So many rules may come of one. Without a bound, eight branches with a row each make 64.
MOST_RULES = 3

# The numbers of smaller sets that are disjoint parts of one, and what is left of it.
_Union = tuple[list[int], IntervalSet]


def is_large(addresses: IntervalSet) -> bool:
    """Tell whether *addresses* has so many intervals that its size is what it costs."""
    return len(addresses.intervals) >= LARGE


def shared_parts(rules: Iterable[tuple[IntervalSet, IntervalSet]]) -> dict[IntervalSet, list[IntervalSet]]:
    """Return each large set of *rules* (source and destination) → disjoint sets that together are it.

    These are others of the *rules*, as far as they lie within it, and what is left. It is its own and only part where
    none does, or where a rule would become more than ``MOST_RULES``. Of two that overlap, the larger one is a part, and
    the smaller one is beside the parts, with addresses that they have too.
    """
    sides = [side for rule in rules for side in rule]
    large = sorted({side for side in sides if is_large(side)}, key=lambda one: (len(one.intervals), one.intervals))
    unions = [_largest_within(one, large[:index]) for index, one in enumerate(large)]
    number = {one: index for index, one in enumerate(large)}
    numbers = [number.get(side) for side in sides]
    parts = _within_bounds(unions, list(zip(numbers[::2], numbers[1::2], strict=True)))
    contents = [*large, *(rest for _others, rest in unions)]
    return {one: [contents[part] for part in parts[index]] for index, one in enumerate(large)}


def _largest_within(union: IntervalSet, smaller: Sequence[IntervalSet]) -> _Union:
    """Return which of *smaller*, sorted by size, are parts of *union*, and what is left of it.

    The largest come first: the parts of a part are found within it. Each has to save as much as is large, which a few
    hosts within a wide network do not.
    """
    found, left = [], union
    for index in reversed(range(len(smaller))):
        one = smaller[index]
        if one.intervals[0][0] in left and one.intervals[-1][1] in left and one.intersection(left) == one:
            rest = left.difference(one)
            if len(left.intervals) - len(rest.intervals) >= LARGE:
                found.append(index)
                left = rest
    return found, left


def _within_bounds(unions: Sequence[_Union], rules: Sequence[tuple[int | None, int | None]]) -> list[list[int]]:
    """Return the parts of each of *unions*, as numbers: one of *unions*, or beyond them what is left of one.

    *rules* have the numbers of their sides, None for one that is not large. The largest are split first, as they save
    most; one that is not split is a part of these, and its own parts are not.
    """
    split: frozenset[int] = frozenset()
    for index in reversed(range(len(unions))):
        parts = _parts(unions, split | {index})
        if all(_count(parts, here) * _count(parts, there) <= MOST_RULES for here, there in rules):
            split |= {index}
    return _parts(unions, split)


def _parts(unions: Sequence[_Union], split: frozenset[int]) -> list[list[int]]:
    parts: list[list[int]] = []
    for index, (others, rest) in enumerate(unions):
        if others and index in split:
            found = [part for other in others for part in parts[other]]
            parts.append([*found, len(unions) + index] if rest else found)
        else:
            parts.append([index])
    return parts


def _count(parts: Sequence[Sequence[int]], side: int | None) -> int:
    return 1 if side is None else len(parts[side])
