# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed between an earlier report and this one: flows added and removed, widened and narrowed."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .._rules.canonical import Rule
from .._values.addresses import AddressSet
from .._values.intervals import IntervalSet

KINDS = ("added", "removed", "widened", "narrowed")
_DIMENSIONS = ("source", "destination", "source_ports", "destination_ports")
PartyHosts = tuple[tuple[str, ...], tuple[tuple[str, AddressSet], ...]]
"""The endpoints of one side of flows, and who has which addresses there."""
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Changes:
    """Rules that are there or gone as a whole, and of those that changed the part that is new or gone.

    Exact: what an earlier report permits, less what was ``removed`` and ``narrowed``, plus what was ``added`` and
    ``widened``, is what this one permits. ``rules`` and ``hosts`` are those of the earlier report.
    """

    baseline: str
    added: tuple[Rule, ...] = ()
    removed: tuple[Rule, ...] = ()
    widened: tuple[Rule, ...] = ()
    narrowed: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()
    hosts: tuple[PartyHosts, ...] = ()

    def by_kind(self) -> dict[str, tuple[Rule, ...]]:
        """The rules of each kind of change, in the order in which they are shown."""
        return {kind: getattr(self, kind) for kind in KINDS}

    def __bool__(self) -> bool:
        return any(self.by_kind().values())


def compare(earlier: Sequence[Rule], now: Sequence[Rule], baseline: str, hosts: Iterable[PartyHosts] = ()) -> Changes:
    """Compare two lists of rules row by row, protocol by protocol and family by family.

    :param baseline: the revision of the earlier report.
    :param hosts: who had which addresses there.
    """
    before, after = _by_key(earlier), _by_key(now)
    added = [rule for rule in now if _key(rule) not in before]
    removed = [rule for rule in earlier if _key(rule) not in after]
    both = [key for key in after if key in before]
    widened = [piece for key in both for piece in _remainder(after[key], before[key])]
    narrowed = [piece for key in both for piece in _remainder(before[key], after[key])]
    return Changes(
        baseline, tuple(added), tuple(removed), tuple(widened), tuple(narrowed), tuple(earlier), tuple(hosts)
    )


def _key(rule: Rule) -> _Key:
    return rule.row, rule.protocol, rule.family


def _by_key(rules: Iterable[Rule]) -> dict[_Key, list[Rule]]:
    found: dict[_Key, list[Rule]] = {}
    for rule in rules:
        found.setdefault(_key(rule), []).append(rule)
    return found


def _remainder(rules: Sequence[Rule], others: Sequence[Rule]) -> list[Rule]:
    """What *rules* permit and *others* do not, in few pieces."""
    left: list[Rule] = []
    unchanged = set(others)
    for rule in rules:
        pieces = [] if rule in unchanged else [rule]
        # A piece is counted once, where two rules overlap.
        for other in (*others, *left):
            pieces = [rest for piece in pieces for rest in _without(piece, other)]
        left += pieces
    return _joined(left)


def _with(rule: Rule, name: str, part: IntervalSet) -> Rule:
    changed: dict[str, t.Any] = {name: part}
    return replace(rule, **changed)


def _dimension(rule: Rule, name: str) -> IntervalSet:
    value: IntervalSet = getattr(rule, name)
    return value


def _without(piece: Rule, other: Rule) -> list[Rule]:
    """Cut *other* out of *piece*, dimension by dimension."""
    inside = {name: _dimension(piece, name).intersection(_dimension(other, name)) for name in _DIMENSIONS}
    if not all(inside.values()):
        return [piece]
    left = []
    for name in _DIMENSIONS:
        outside = _dimension(piece, name).difference(inside[name])
        if outside:
            left.append(_with(piece, name, outside))
        piece = _with(piece, name, inside[name])
    return left


def _joined(pieces: list[Rule]) -> list[Rule]:
    """Join pieces that differ in one dimension only, for as long as there are some."""
    while True:
        count = len(pieces)
        for name in _DIMENSIONS:
            alike: dict[Rule, list[IntervalSet]] = {}
            for piece in pieces:
                alike.setdefault(_with(piece, name, IntervalSet()), []).append(_dimension(piece, name))
            pieces = [_with(rule, name, IntervalSet.union(parts)) for rule, parts in alike.items()]
        if len(pieces) == count:
            return pieces
