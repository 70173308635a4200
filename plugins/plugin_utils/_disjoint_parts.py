# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large sets of addresses as unions of others, so that an address which several rules need is kept once."""

from __future__ import annotations

from collections.abc import Iterable

from ._intervals import IntervalSet

# From here on, a set costs more (to write, to load, to keep) than the rules that smaller ones in its place take.
LARGE = 256


def is_large(addresses: IntervalSet) -> bool:
    """Tell whether *addresses* has so many intervals that its size is what it costs."""
    return len(addresses.intervals) >= LARGE


def disjoint_parts(addresses: IntervalSet, others: Iterable[IntervalSet]) -> list[IntervalSet]:
    """Return disjoint sets that together are *addresses*: as many as there are among *others*, then what is left.

    Only large ones are taken. Where none of *others* lies within it, *addresses* is its own and only part.
    """
    parts: list[IntervalSet] = []
    left = addresses
    smaller = {one for one in others if is_large(one) and len(one.intervals) < len(addresses.intervals)}
    for one in sorted(smaller, key=lambda one: (len(one.intervals), one.intervals)):
        first, last = one.intervals[0][0], one.intervals[-1][1]
        if first in left and last in left and one.intersection(left) == one:
            parts.append(one)
            left = left.difference(one)
    return [*parts, left] if left else parts
