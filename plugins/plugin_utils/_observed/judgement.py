# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement: for each port that a pair was seen to use, why it is not permitted, before anything is proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .._matrix.port_matrix import load_port_matrix
from .._matrix.rows import Row
from .._matrix.site import Site
from .._query.places import Place, Ports
from .._query.question import Question, nearest_rule
from .._rules.canonical import Rule
from .._rules.extra import ExtraRule
from .._rules.protocols import families_of, has_ports
from .._values.addresses import FAMILIES, AddressSet, Family, format_address, parse_network
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.mapping import as_strings
from .findings import SOURCE_PORT, Reason
from .flows import NO_PORT, Pair, Talk
from .names import Names
from .site_rules import SiteRules, permitted, permitted_by_extra_rules
from .strangers import Candidate, Rows
from .variables import Variables

_OTHER_SIDE = ", which is the other side of a NAT (port_matrix_view)"


@dataclass(frozen=True)
class Part:
    """Ports of a talk with one reason. ``switch`` is the row group, or row, to switch on; ``candidate`` whom to add."""

    talk: Talk
    ports: IntervalSet
    reason: Reason | None = None
    switch: str = ""
    candidate: Candidate | None = None

    @property
    def pair(self) -> Pair:
        """Who talks to whom."""
        return self.talk.pair


class Judgement:
    """The rules of a site and those that it could have, which say of each talk what is not permitted."""

    def __init__(
        self,
        variables: Variables,
        extra_rules: Mapping[str, Sequence[ExtraRule]],
        names: Mapping[str, Names],
        rules_since: Mapping[str, str],
    ) -> None:
        self.site = variables.site()
        self.rules = SiteRules(self.site)
        self._extra_rules = extra_rules
        self._names = names
        self._rules_since = rules_since
        self._chosen = set(variables.chosen_groups())
        self._disabled = set(as_strings(variables.disabled_rows, "port_matrix_disabled_rows"))
        self._is_replaced = variables.rows is not None
        sites = variables.rows_off().sites
        self.off = [SiteRules(site) for site in sites]
        switchable = [(site, row) for site in sites for row in site.rows if self.switch(row)]
        self._nat = _other_sides(self.site)
        self._rows = Rows(variables.with_empty_endpoints(), switchable)

    def switch(self, row: Row) -> str:
        """What ``port_matrix_row_groups`` lacks for *row* of the table; empty where that is not why it is off."""
        name = row.id if row.id in load_port_matrix().only_by_name else row.group
        return "" if self._is_replaced or name in self._chosen or row.id in self._disabled else name

    def parts(self, talk: Talk) -> Iterator[Part]:
        """Yield what of *talk* is not permitted. What has no reason yet, no row of the table would permit."""
        pair = talk.pair
        matching = self.rules.matching(pair)
        left = talk.ports().difference(permitted(matching))
        left = left.difference(permitted_by_extra_rules(pair, self._extra_rules.get(pair.gateway, ())))
        for reason, ports in self._no_row_can_have(pair, left):
            left = left.difference(ports)
            yield Part(talk, ports, reason)
        for reason, ports in self._from_other_ports(talk, left, matching):
            yield Part(talk, ports, reason)
        left = left.difference(covers(self.rules, pair))
        for reason, ports in self._other_side_of_a_nat(pair, left):
            left = left.difference(ports)
            yield Part(talk, ports, reason)
        for part in (*self._rows_that_are_off(talk, left), *self._missing_hosts(talk, left)):
            ports = part.ports.intersection(left)
            if ports:
                left = left.difference(ports)
                yield Part(talk, ports, part.reason, part.switch, part.candidate)
        if left:
            yield Part(talk, left)

    def _no_row_can_have(self, pair: Pair, ports: IntervalSet) -> Iterator[tuple[Reason, IntervalSet]]:
        """Yield the ports that no row can permit, with what of them it is."""
        what = _no_row_can_have(pair)
        if not what and has_ports(pair.protocol):
            what, ports = "destination port", ports.intersection(IntervalSet(((NO_PORT, NO_PORT),)))
        if what and ports:
            yield Reason("unknown", differs_in=(what,)), ports

    def _from_other_ports(
        self, talk: Talk, ports: IntervalSet, matching: Sequence[Rule]
    ) -> Iterator[tuple[Reason, IntervalSet]]:
        """Yield the ports that rows permit from some source ports only.

        What was seen since the host has these rules, came from another source port. What was last seen before, these
        rules may permit, and nothing is said of it. Where nobody knows since when the host has them, that is said.
        """
        since = self._rules_since.get(talk.pair.gateway, "")
        later = talk.seen_after(since).intersection(ports) if since else ports
        for rule in matching:
            common = rule.destination_ports.intersection(later)
            if common:
                later = later.difference(common)
                yield Reason("missing_row" if since else "unknown", rule.row, SOURCE_PORT), common

    def _other_side_of_a_nat(self, pair: Pair, ports: IntervalSet) -> Iterator[tuple[Reason, IntervalSet]]:
        """Yield the ports that rows permit to the other address of a host behind a NAT: its gateway sees it otherwise.

        A row for the address would hide that ``port_matrix_view`` is wrong.
        """
        for side, address in (("source", pair.source), ("destination", pair.destination)):
            for other in sorted(self._nat.get((pair.family, address), ())):
                meant = pair._replace(source=other) if side == "source" else pair._replace(destination=other)
                for rule in self.rules.matching(meant):
                    common = rule.destination_ports.intersection(ports)
                    if common:
                        ports = ports.difference(common)
                        yield Reason("unknown", rule.row, (f"{side} address{_OTHER_SIDE}",)), common

    def _rows_that_are_off(self, talk: Talk, ports: IntervalSet) -> Iterator[Part]:
        for off in self.off:
            by_id = {row.id: row for row in off.site.rows}
            for rule in off.matching(talk.pair) if ports else ():
                switch = self.switch(by_id[rule.row])
                reason = (
                    Reason("row_group_off", rule.row, (), rule.group) if switch else Reason("missing_row", rule.row)
                )
                yield Part(talk, rule.destination_ports, reason, switch)

    def _missing_hosts(self, talk: Talk, ports: IntervalSet) -> Iterator[Part]:
        names = self._names[talk.pair.gateway]
        for one in self._rows.candidates(talk.pair, ports, names) if ports else ():
            switch = self.switch(one.row) if one.is_off else ""
            group = one.row.group if one.is_off else ""
            reason = Reason("missing_host", one.row.id, (f"{one.side} address",), group)
            yield Part(talk, one.ports, reason, switch, one)

    def nearest(self, pair: Pair, ports: IntervalSet) -> tuple[str, tuple[str, ...]]:
        """Return the row that comes nearest to *ports* of *pair*, and what does not match."""
        source, destination = (
            Place(format_address(address, pair.family), single(pair.family, address))
            for address in (pair.source, pair.destination)
        )
        first = ports.intervals[0][0]
        port = Ports(IntervalSet(((first, first),)), str(first)) if has_ports(pair.protocol) else None
        question = Question(source, destination, pair.protocol, None, port)
        rule, mismatches = nearest_rule(self.rules.all_at(pair.gateway, pair.hook), question)
        return (rule.row if rule else ""), mismatches


def _other_sides(site: Site) -> dict[tuple[Family, int], set[int]]:
    """Each address of a host behind a NAT → those that it has on the other side."""
    found: dict[tuple[Family, int], set[int]] = {}
    for members in site.endpoints.values():
        for nat in (nat for member in members for nat in member.addresses.pairs):
            for family in FAMILIES:
                sides = nat.local.of_family(family), nat.advertised.of_family(family)
                for one, other in (sides, sides[::-1]):
                    for address in one.values():
                        found.setdefault((family, address), set()).update(other.values())
    return found


def single(family: Family, address: int) -> AddressSet:
    """One address as a set."""
    span = IntervalSet(((address, address),))
    return AddressSet(ipv4=span) if family == "ipv4" else AddressSet(ipv6=span)


def _no_row_can_have(pair: Pair) -> str:
    """Say what of *pair* no row can have, such as a multicast address; empty where one can have it."""
    if pair.family not in families_of(pair.protocol):
        return "protocol"
    for side, address in (("source", pair.source), ("destination", pair.destination)):
        if not _is_of_a_machine(pair.family, address):
            return f"{side} address"
    return "" if pair.source != pair.destination else "source and destination, which are the same"


@lru_cache(maxsize=65536)
def _is_of_a_machine(family: Family, address: int) -> bool:
    try:
        parse_network(format_address(address, family), "")
    except PortMatrixError:
        return False
    return True


def covers(rules: SiteRules, pair: Pair) -> IntervalSet:
    """The destination ports that *rules* permit to *pair*, be it from some source ports only."""
    return IntervalSet.union(rule.destination_ports for rule in rules.matching(pair))
