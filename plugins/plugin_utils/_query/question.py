# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The question: may this source talk to this destination, by which rows, and if not, what is it that does not match."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .._matrix.expand import expand_host, expand_site, expand_transit
from .._matrix.rows import Row
from .._matrix.rows_off import RowsOff, why_off
from .._matrix.site import Site
from .._matrix.views import ADVERTISED, View
from .._rules.canonical import Rule
from .._rules.protocols import check_without_ports, parse_protocol, protocol_text
from .._rules.words import rule_line
from .._values.addresses import FAMILIES, AddressSet, Family
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.words import display, people_cidrs, some
from .places import ACCEPTED, ANYBODY, Place, Ports, Vocabulary

# What of a question does not match a rule. An address counts double: a row between the right parties comes nearer
# than one between others that happens to have the right ports.
_WEIGHTS = {"source address": 2, "destination address": 2, "protocol": 1, "source port": 1, "destination port": 1}


@dataclass(frozen=True)
class Question:
    """What is asked. None stands for what is not asked about: then some protocol or port that matches is enough."""

    source: Place
    destination: Place
    protocol: str | None = None
    source_port: Ports | None = None
    destination_port: Ports | None = None

    def text(self) -> str:
        """Word the question for people."""
        ports = [f" port {port.text}" if port is not None else "" for port in (self.source_port, self.destination_port)]
        protocol = protocol_text(self.protocol) if self.protocol else "traffic"
        return f"{protocol} from {self.source.text()}{ports[0]} to {self.destination.text()}{ports[1]}"

    def covers_more_than(self, rule: Rule) -> bool:
        """Whether it asks for something that *rule*, which is narrowed down to it, does not permit."""
        pairs = ((self.source, rule.source), (self.destination, rule.destination))
        places = any(place.is_many and place.addresses.of_family(rule.family) != part for place, part in pairs)
        asked = ((self.source_port, rule.source_ports), (self.destination_port, rule.destination_ports))
        return places or any(port is not None and port.ports != part for port, part in asked)


@dataclass(frozen=True)
class Answer:
    """The rules that permit it, narrowed down to the question; without any, the nearest one and what does not match."""

    question: Question
    matches: tuple[Rule, ...]
    nearest: Rule | None = None
    mismatches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether no single rule permits all that is asked: the rules say what is."""
        return bool(self.matches) and all(self.question.covers_more_than(rule) for rule in self.matches)

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the answer as plain data."""
        return {
            "permitted": bool(self.matches),
            "in_part": self.is_partial,
            "rows": list(dict.fromkeys(rule.row for rule in self.matches)),
            "matches": [rule.as_mapping() for rule in self.matches],
            "nearest": None if self.nearest is None else self.nearest.as_mapping(),
            "mismatches": list(self.mismatches),
            "notes": list(self.notes),
            "text": self.text(),
        }

    def text(self) -> list[str]:
        """Write the answer as lines for people."""
        lines = [f"{self._verdict()}: {self.question.text()}"]
        lines += [f"  by row {rule_line(rule)}" for rule in self.matches]
        if self.nearest is not None:
            lines.append(f"  nearest is row {rule_line(self.nearest)}")
            lines.append(f"  what does not match: {', '.join(self.mismatches)}")
        elif not self.matches:
            lines.append(f"  what does not match: {', '.join(self.mismatches)}")
        return [*lines, *(f"  note: {note}" for note in self.notes)]

    def _verdict(self) -> str:
        if not self.matches:
            return "Not permitted"
        if ANYBODY in (self.question.source, self.question.destination):
            return "What is permitted"
        return "Permitted, in part, by what follows" if self.is_partial else "Permitted"


def ask(
    site: Site,
    source: object = None,
    destination: object = None,
    protocol: object = None,
    source_port: object = None,
    destination_port: object = None,
    at: object = None,
    gateways: Sequence[str] = (),
    hostvars: Mapping[str, Mapping[str, object]] | None = None,
    rows_off: Callable[[], RowsOff] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    ranges: Mapping[str, IntervalSet] | None = None,
) -> Answer:
    """Answer whether *source* may send the first packet of a flow to *destination*.

    :param source: and *destination*: the name of a host, an endpoint or a group, whose addresses then all count, or one
        address or network. One of them may be None, for whoever may.
    :param protocol: in small letters or capitals.
    :param source_port: and *destination_port*: ports, or the name of a range. Those of them that are permitted count.
    :param at: the host or gateway that judges. It sees its own addresses, and of NATed pairs the side of its view.
        None: an onlooker, who sees advertised addresses.
    :param hostvars: the variables of hosts that may be asked about though no row names them; *groups* are their groups.
    :param rows_off: returns the rows that are off, which are asked where nothing permits it.
    :param ranges: port ranges by their names.
    :raises PortMatrixError: for a name that nobody knows, a protocol or port that is none.
    """
    vocabulary = Vocabulary(site, hostvars or {}, groups or {}, ranges or {})
    rules, local, view = _as_seen_at(site, at, gateways)
    question = Question(
        vocabulary.place(source, "source", local, view),
        vocabulary.place(destination, "destination", local, view),
        _protocol(protocol),
        vocabulary.ports(source_port, "source_port"),
        vocabulary.ports(destination_port, "destination_port"),
    )
    if question.source is ANYBODY and question.destination is ANYBODY:
        raise PortMatrixError.at("source and destination", "neither is named", f"at least one of them: {ACCEPTED}")
    for where, port in (("source_port", question.source_port), ("destination_port", question.destination_port)):
        if question.protocol is not None and port is not None:
            check_without_ports(question.protocol, where)
    matches = tuple(found for rule in rules if (found := _narrowed(rule, question)))
    unknown = [note for place in (question.source, question.destination) for note in place.notes()]
    if matches:
        return Answer(question, matches, notes=tuple(unknown))
    backwards = Question(
        question.destination, question.source, question.protocol, question.destination_port, question.source_port
    )
    notes = [*unknown, *_nat_notes(site, question, local, view), *_way_back_notes(rules, backwards)]
    notes += [] if rows_off is None else _notes_on_rows_off(site, rows_off(), question, at, gateways)
    nearest, mismatches = nearest_rule(rules, question)
    return Answer(question, (), nearest, mismatches, tuple(notes))


def _as_seen_at(site: Site, at: object, gateways: Sequence[str]) -> tuple[list[Rule], str | None, View]:
    """Return the rules that hold where *at* judges, the host that has its local addresses there, and its view."""
    if at is None:
        return expand_site(site), None, ADVERTISED
    is_endpoint = isinstance(at, str) and bool(site.endpoints_of(at))
    if not isinstance(at, str) or not (is_endpoint or at in gateways):
        raise PortMatrixError.at("at", f"{shown(at)} judges nothing", "a host that is an endpoint, or a gateway")
    rules = expand_transit(site, at) if at in gateways else []
    if is_endpoint:
        rules = expand_host(site, at, "input") + expand_host(site, at, "output") + rules
    return rules, at, site.view_of(at)


def _protocol(value: object) -> str | None:
    if value is None:
        return None
    return parse_protocol(value.lower() if isinstance(value, str) else value, "protocol")


def _points(rule: Rule, question: Question) -> tuple[IntervalSet, IntervalSet]:
    """Narrow the source and destination ports of *rule* down to those that are asked about."""
    source, destination = (
        _point(value, ports) if rule.has_ports or value is None else IntervalSet()
        for value, ports in (
            (question.source_port, rule.source_ports),
            (question.destination_port, rule.destination_ports),
        )
    )
    return source, destination


def _point(value: Ports | None, ports: IntervalSet) -> IntervalSet:
    return ports if value is None else value.ports.intersection(ports)


def _narrowed(rule: Rule, question: Question) -> Rule | None:
    """Return what of *rule* the question is about, or None."""
    source = rule.source.intersection(question.source.addresses.of_family(rule.family))
    destination = rule.destination.intersection(question.destination.addresses.of_family(rule.family))
    source_ports, destination_ports = _points(rule, question)
    same_machine = source == destination and source.size() == 1
    if question.protocol not in (None, rule.protocol) or same_machine:
        return None
    if not (source and destination and source_ports and destination_ports):
        return None
    return replace(
        rule,
        source=source,
        destination=destination,
        source_ports=source_ports,
        destination_ports=destination_ports,
    )


def _mismatches(rule: Rule, question: Question) -> tuple[str, ...]:
    family: Family = rule.family
    source_ports, destination_ports = _points(rule, question)
    matching = {
        "source address": bool(rule.source.intersection(question.source.addresses.of_family(family))),
        "destination address": bool(rule.destination.intersection(question.destination.addresses.of_family(family))),
        "protocol": question.protocol in (None, rule.protocol),
        "source port": bool(source_ports),
        "destination port": bool(destination_ports),
    }
    return tuple(part for part, fits in matching.items() if not fits)


def nearest_rule(rules: Sequence[Rule], question: Question) -> tuple[Rule | None, tuple[str, ...]]:
    """Return the rule that the question misses by the least, the first of equals, and what does not match."""
    source, destination = question.source.addresses, question.destination.addresses
    common = [family for family in FAMILIES if source.of_family(family) and destination.of_family(family)]
    if not common:
        return None, ("family, as one is IPv4 and the other IPv6",)
    if source == destination:
        return None, ("source and destination, which are the same",)
    scored = [(rule, _mismatches(rule, question)) for rule in rules if rule.family in common]
    if not scored:
        return None, (f"family, as no row has {' or '.join(family.replace('ipv', 'IPv') for family in common)} here",)
    return min(scored, key=lambda item: _distance(question, *item))


def _distance(question: Question, rule: Rule, mismatches: Sequence[str]) -> tuple[int, int]:
    """How far *rule* is from the question. Of equals, one for the very port that is asked about is nearer."""
    weight = sum(_WEIGHTS[part] for part in mismatches)
    return weight, 0 if question.destination_port is None else rule.destination_ports.size()


def _nat_notes(site: Site, question: Question, local: str | None, view: View) -> list[str]:
    """Point at addresses that the one who judges does not see, because of static NAT."""
    found: dict[tuple[str, AddressSet], AddressSet] = {}
    for member in (member for members in site.endpoints.values() for member in members if member.host is not None):
        seen = member.addresses.seen("local" if member.host == local else view.of(member.host))
        both = member.addresses.all()
        for place in (question.source, question.destination):
            hidden = both.intersection(place.addresses)
            if hidden and not seen.intersection(place.addresses):
                key = str(member.host), hidden
                # Of the endpoints that a host is in, the one with the fewest addresses says most.
                found[key] = min(found.get(key, seen), seen, key=lambda one: one.ipv4.size() + one.ipv6.size())
    return [
        f"{some(hidden)} {'is an address' if len(hidden) == 1 else 'are addresses'} of {display(host)} that "
        f"{'is' if len(hidden) == 1 else 'are'} not seen here; what is seen is {some(people_cidrs(seen))}"
        for (host, addresses), seen in found.items()
        for hidden in [people_cidrs(addresses)]
    ]


def _notes_on_rows_off(
    site: Site, rows_off: RowsOff, question: Question, at: object, gateways: Sequence[str]
) -> list[str]:
    """Name the rows that would permit it and are off, or say why that cannot be told."""
    notes: list[str] = []
    for off in rows_off.sites:
        # Where it is judged is not an endpoint of these rows, perhaps, and then none of them is for it.
        if at is None or at in gateways or (isinstance(at, str) and off.endpoints_of(at)):
            permitting = {rule.row for rule in _as_seen_at(off, at, gateways)[0] if _narrowed(rule, question)}
            rows = [row for row in off.rows if row.id in permitting]
            notes += [f"row {row.id} would permit it, but {why_off(site, row)}" for row in rows]
    if not notes:
        notes = [
            f"whether a row that is off would permit it cannot be told: {problem}"
            for problem, rows in rows_off.problems.items()
            if any(_may_concern(row, question) for row in rows)
        ]
    return notes


def _may_concern(row: Row, question: Question) -> bool:
    return (question.protocol is None or question.protocol in row.protocols) and (
        question.destination_port is None or bool(question.destination_port.ports.intersection(row.destination_ports))
    )


def _way_back_notes(rules: Sequence[Rule], backwards: Question) -> list[str]:
    rows = dict.fromkeys(rule.row for rule in rules if _narrowed(rule, backwards))
    if not rows:
        return []
    return [f"the other direction is permitted by {', '.join(rows)}, and answers to that pass on their own"]
