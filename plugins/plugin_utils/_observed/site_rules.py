# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ports of a pair the rules of its host permit. Source ports are not remembered, so no rule is asked for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from .._matrix.expand import expand_host, expand_transit
from .._matrix.site import Site
from .._rules.canonical import Hook, Rule
from .._rules.extra import ExtraRule
from .._values.intervals import IntervalSet
from .flows import Pair
from .permitted import CLIENT_PORTS


class SiteRules:
    """The rules of one site, as each host that judges has them, worked out where they are asked for."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._rules: dict[tuple[str, Hook], dict[tuple[str, str], list[Rule]]] = {}
        self.matching = lru_cache(maxsize=None)(self._matching)

    def all_at(self, gateway: str, hook: Hook) -> list[Rule]:
        """Every rule that *gateway* has for *hook*."""
        return [rule for rules in self._at(gateway, hook).values() for rule in rules]

    def _at(self, gateway: str, hook: Hook) -> Mapping[tuple[str, str], Sequence[Rule]]:
        key = gateway, hook
        if key not in self._rules:
            by_kind = self._rules.setdefault(key, {})
            expanded = (
                expand_transit(self.site, gateway) if hook == "forward" else expand_host(self.site, gateway, hook)
            )
            for rule in expanded:
                by_kind.setdefault((rule.family, rule.protocol), []).append(rule)
        return self._rules[key]

    def _matching(self, pair: Pair) -> tuple[Rule, ...]:
        """The rules whose addresses and protocol are those of *pair*, in their order."""
        return tuple(
            rule
            for rule in self._at(pair.gateway, pair.hook).get((pair.family, pair.protocol), ())
            if pair.source in rule.source and pair.destination in rule.destination
        )


def permitted(rules: Iterable[Rule]) -> IntervalSet:
    """The destination ports that *rules* permit from every port that a client takes."""
    return IntervalSet.union(rule.destination_ports for rule in rules if CLIENT_PORTS.issubset(rule.source_ports))


def permitted_by_extra_rules(pair: Pair, rules: Iterable[ExtraRule]) -> IntervalSet:
    """The destination ports that *rules* of the pair's host permit from every port that a client takes."""
    return IntervalSet.union(
        rule.destination_ports
        for rule in rules
        if rule.hook == pair.hook
        and rule.protocol == pair.protocol
        and CLIENT_PORTS.issubset(rule.source_ports)
        and all(
            side is None or address in side.of_family(pair.family)
            for side, address in ((rule.source, pair.source), (rule.destination, pair.destination))
        )
    )
