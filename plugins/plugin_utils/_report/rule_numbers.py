# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A number for each flow and each rule, by which people speak of it: the same in every report that has it.

It is made of what a rule is for, and of no list that something could be put into: ``R4K7Q2`` stands for a row and a
direction of it, and ``R4K7Q2-udp-4`` for its rule of one protocol and family, whatever addresses and ports these have
today. A rule that keeps to a location has three characters more, of the name of that. Where several rules are left, as
in a mesh, these are of the lowest addresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from .._rules.canonical import Rule

# Crockford's: no letter that is taken for another, or for a digit.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FLOW_DIGITS, _PART_DIGITS = 6, 3
_Flow = tuple[str, tuple[str, ...], tuple[str, ...]]


class RuleNumbers:
    """The numbers of the rules of one report.

    ``locations`` has what rules that keep to locations are told apart by, whoever is there today.
    """

    def __init__(self, rules: Sequence[Rule], locations: Mapping[Rule, Hashable]) -> None:
        self._flows = _codes((_flow(rule) for rule in rules), _FLOW_DIGITS)
        self._locations = locations
        self.of_rules = self._numbered(rules)

    def flow(self, rule: Rule) -> str:
        """The number of the flow that *rule*, which need not be one of the report, belongs to."""
        flow = _flow(rule)
        return "R" + (self._flows[flow] if flow in self._flows else _code(flow, _FLOW_DIGITS))

    def short(self, rule: Rule) -> str:
        """The number of *rule*, and of all that are of its protocol and family in the same flow."""
        return f"{self.flow(rule)}-{rule.protocol}-{rule.family[-1]}"

    def _numbered(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        alike: dict[str, list[Rule]] = {}
        for rule in rules:
            alike.setdefault(self.short(rule), []).append(rule)
        parts = {short: self._parts(several) for short, several in alike.items()}
        return tuple(f"{short}{parts[short][rule]}" for rule in rules for short in (self.short(rule),))

    def _parts(self, rules: Sequence[Rule]) -> Mapping[Rule, str]:
        """What tells *rules* of one flow, protocol and family apart: as little of their addresses as that takes."""
        if len(rules) == 1 and rules[0] not in self._locations:
            return {rules[0]: ""}
        left = list(rules)
        found: dict[Rule, Hashable] = {}
        for identity in (self._locations.get, *_IDENTITIES):
            groups: dict[Hashable, list[Rule]] = {}
            for rule in left:
                groups.setdefault(identity(rule), []).append(rule)
            alone = {group[0]: key for key, group in groups.items() if len(group) == 1 and key is not None}
            found |= alone
            left = [rule for rule in left if rule not in alone]
        codes = _codes(found.values(), _PART_DIGITS)
        return {rule: f"-{codes[key]}" for rule, key in found.items()}


def _flow(rule: Rule) -> _Flow:
    return rule.row, rule.source_endpoint, rule.destination_endpoint


_IDENTITIES: tuple[Callable[[Rule], Hashable], ...] = (
    lambda rule: (rule.source.intervals[0][0], rule.destination.intervals[0][0]),
    lambda rule: (rule.hook, rule.source.intervals, rule.destination.intervals),
)


def _codes(identities: Iterable[Hashable], digits: int) -> dict[Hashable, str]:
    """Return identity → code, each another one. Of two that would have the same, both are longer."""
    codes = {identity: _code(identity, digits) for identity in identities}
    while len(set(codes.values())) < len(codes):
        taken = list(codes.values())
        codes = {
            identity: _code(identity, len(code) + 1) if taken.count(code) > 1 else code
            for identity, code in codes.items()
        }
    return codes


def _code(identity: Hashable, digits: int) -> str:
    number = int.from_bytes(hashlib.sha256(repr(identity).encode("ascii", "backslashreplace")).digest(), "big")
    return "".join(_DIGITS[number >> 5 * digit & 31] for digit in range(digits))
