# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as data: the rules of a scope, and the flows that people read, which are the same rules grouped."""

from __future__ import annotations

import datetime
import hashlib
import json
import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .._matrix.locations import Location
from .._matrix.port_matrix import NUMBERED_GROUPS, load_port_matrix
from .._matrix.site import Site
from .._matrix.sources import Source
from .._matrix.views import SIGHTS
from .._observed.earlier import Earlier
from .._probes.verification import Verification
from .._rules.canonical import Hook, Rule
from .._rules.protocols import has_ports
from .._values.addresses import AddressSet, Family
from .._values.intervals import IntervalSet
from .._values.words import people_cidrs
from .baseline import Changes
from .change_request import ChangeRequest
from .host_lists import LITERAL_NETWORKS, HostList, HostLists, endpoint_title
from .observed import Observed, still_observed
from .rule_numbers import RuleNumbers
from .scope import Scope, rules_in_scope
from .sources import sources_of

_Side = tuple[tuple[str, ...], AddressSet]
"""Endpoints, and those of their addresses that a flow has."""
_Locations = frozenset[Location]
"""Where some hosts are."""


@dataclass(frozen=True, eq=False)
class Party:
    """One side of a flow: endpoints, their addresses, and which host has which of them. Each set exists once.

    ``by_endpoint`` has those endpoints that contribute an address, each with the list of who does. ``sources`` has for
    each host the systems that said some of its addresses here; none where these are written in the inventory.
    """

    id: str
    title: str
    endpoints: tuple[str, ...]
    addresses: AddressSet
    hosts: tuple[tuple[str, AddressSet], ...]
    by_endpoint: t.Mapping[str, HostList]
    sources: t.Mapping[str, tuple[Source, ...]]


@dataclass(frozen=True)
class Flow:
    """One direction of a row, as people read it: what differs in protocol, family or rectangle only is together.

    ``number`` is that of the row, and ``rule`` what the numbers of all its ``rules`` begin with.
    """

    number: int
    rule: str
    row: str
    purpose: str
    group: str
    tls: bool
    reference: str
    hook: Hook | None
    protocols: tuple[str, ...]
    source: Party
    source_ports: IntervalSet
    destination: Party
    destination_ports: IntervalSet
    owner: str
    ticket: str
    expires: datetime.date | None
    rules: tuple[str, ...]

    @property
    def has_ports(self) -> bool:
        """Whether its protocols have ports: all of them have, or none has."""
        return has_ports(self.protocols[0])


@dataclass(frozen=True)
class Gateway:
    """A firewall between the hosts, and the locations that it is at, which may be none."""

    name: str
    locations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation:
    """An address behind static NAT, and which gateways see which side of it. All others see what is advertised."""

    host: str
    own: str
    advertised: str
    own_seen_by: tuple[str, ...]
    advertised_seen_by: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything that the formats show. ``rule_numbers`` are those of the ``rules``, ``numbers`` those of the rows."""

    title: str
    scope: Scope
    rules: tuple[Rule, ...]
    rule_numbers: RuleNumbers
    flows: tuple[Flow, ...]
    parties: tuple[Party, ...]
    notes: tuple[str, ...] = ()
    changes: Changes | None = None
    verification: Verification | None = None
    numbers: t.Mapping[str, int] = field(default_factory=dict)
    change_request: ChangeRequest | None = None
    lists: tuple[HostList, ...] = ()
    translations: tuple[Translation, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    observed: Observed | None = None

    def revision(self) -> str:
        """A short digest of the flows: two reports with the same one permit the same."""
        return revision_of(self.rules)


def revision_of(rules: Iterable[Rule]) -> str:
    """Return a short digest of *rules*, which does not depend on their texts."""
    flows = [[r.row, r.protocol, r.family, r.source.intervals, r.source_ports.intervals, r.destination.intervals,
              r.destination_ports.intervals] for r in rules]  # fmt: skip
    return hashlib.sha256(json.dumps(flows).encode("ascii")).hexdigest()[:12]


def build_report(
    site: Site,
    scope: Scope,
    title: str,
    changes: Changes | None = None,
    verification: Verification | None = None,
    change_request: ChangeRequest | None = None,
    gateways: Sequence[str] = (),
    observed: Earlier | None = None,
) -> Report:
    """Build the report on *scope* of *site*.

    :param gateways: the firewalls between the hosts.
    :param change_request: what a change request has besides the flows.
    :param observed: what hosts were seen to remember.
    """
    rules = tuple(rules_in_scope(site, scope))
    numbers = row_numbers(row.id for row in site.rows)
    places = {rule: _places(site, rule) for rule in rules if rule.row in site.locations.rows}
    of_rules = RuleNumbers(rules, {rule: key for rule in places if (key := _common_locations(places[rule]))})
    rule_numbers = dict(zip(rules, of_rules.of_rules, strict=True))
    grouped = _grouped(rules, places)
    parties = _parties(site, [key for of_flow in grouped for key in _sides(of_flow)])
    return Report(
        title,
        scope,
        rules,
        of_rules,
        tuple(
            _flow(of_flow, numbers, of_rules.flow(of_flow[0]), [rule_numbers[rule] for rule in of_flow], parties)
            for of_flow in grouped
        ),
        tuple(parties.values()),
        (*site.warnings, *site.notes),
        changes,
        verification,
        numbers,
        change_request,
        tuple(dict.fromkeys(one for party in parties.values() for one in party.by_endpoint.values())),
        tuple(_translations(site, parties.values(), gateways)),
        tuple(Gateway(name, tuple(sorted(site.locations.of(name)))) for name in gateways),
        None if observed is None else still_observed(observed, site, scope),
    )


def row_numbers(row_ids: Iterable[str]) -> dict[str, int]:
    """Return row id → number: the place in the vendor's table, and for other rows the numbers that follow."""
    table = [str(row["id"]) for row in load_port_matrix().rows if row["group"] in NUMBERED_GROUPS]
    own = [row_id for row_id in row_ids if row_id not in table]
    return {row_id: number for number, row_id in enumerate([*table, *own], start=1)}


def _places(site: Site, rule: Rule) -> tuple[_Locations, _Locations]:
    """Return the locations of the hosts of either side of *rule*."""
    source, destination = (
        frozenset(
            site.locations.of(None if host == LITERAL_NETWORKS else host) for host, _addresses in _hosts(site, *side)
        )
        for side in _sides([rule])
    )
    return source, destination


def _common_locations(places: tuple[_Locations, _Locations]) -> tuple[tuple[str, ...], ...] | None:
    """Return the locations that all hosts of each side share, as far as they have any; None where nobody has one."""
    sides = []
    for locations in places:
        located = [one for one in locations if one]
        common = frozenset.intersection(*located) if located else frozenset()
        sides.append(tuple(sorted(common or frozenset().union(*located))))
    return tuple(sides) if any(sides) else None


def _grouped(rules: Iterable[Rule], places: t.Mapping[Rule, tuple[_Locations, _Locations]]) -> list[list[Rule]]:
    groups: dict[t.Hashable, list[Rule]] = {}
    for r in rules:
        # Of a row that stays within locations, each is a flow: all hosts of both sides together would be more.
        key = (r.row, r.hook, r.source_endpoint, r.destination_endpoint, r.source_ports, r.destination_ports,
               places.get(r))  # fmt: skip
        groups.setdefault(key, []).append(r)
    return list(groups.values())


def _sides(rules: Sequence[Rule]) -> tuple[_Side, _Side]:
    """Return the endpoints and addresses of both sides of a flow."""
    first = rules[0]
    return (
        (first.source_endpoint, _united((rule.family, rule.source) for rule in rules)),
        (first.destination_endpoint, _united((rule.family, rule.destination) for rule in rules)),
    )


def _united(parts: Iterable[tuple[Family, IntervalSet]]) -> AddressSet:
    sets = list(dict.fromkeys(parts))
    return AddressSet(
        IntervalSet.union(part for family, part in sets if family == "ipv4"),
        IntervalSet.union(part for family, part in sets if family == "ipv6"),
    )


def _flow(
    rules: Sequence[Rule],
    numbers: t.Mapping[str, int],
    number: str,
    rule_numbers: Iterable[str],
    parties: t.Mapping[_Side, Party],
) -> Flow:
    first = rules[0]
    source, destination = _sides(rules)
    return Flow(
        number=numbers[first.row],
        rule=number,
        rules=tuple(rule_numbers),
        row=first.row,
        purpose=first.purpose,
        group=first.group,
        tls=first.tls,
        reference=first.reference,
        hook=first.hook,
        protocols=tuple(dict.fromkeys(rule.protocol for rule in rules)),
        source=parties[source],
        source_ports=first.source_ports,
        destination=parties[destination],
        destination_ports=first.destination_ports,
        owner=first.owner,
        ticket=first.ticket,
        expires=first.expires,
    )


def _parties(site: Site, sides: Iterable[_Side]) -> dict[_Side, Party]:
    """Return the party of each side. Sides that are the same have one."""
    lists = HostLists(site)
    found = {
        (endpoints, addresses): {name: entries for name in endpoints if (entries := lists.entries(name, addresses))}
        for endpoints, addresses in dict.fromkeys(sides)
    }
    titled = lists.titled()
    return {
        (endpoints, addresses): Party(
            id=f"addresses-{number}",
            title=" or ".join(endpoint_title(name) for name in by_endpoint),
            endpoints=endpoints,
            addresses=addresses,
            hosts=(hosts := _hosts(site, endpoints, addresses)),
            by_endpoint={name: titled[entries] for name, entries in by_endpoint.items()},
            sources={host: sources_of(site, host, of_host) for host, of_host in hosts},
        )
        for number, ((endpoints, addresses), by_endpoint) in enumerate(found.items(), start=1)
    }


def _hosts(site: Site, endpoints: tuple[str, ...], addresses: AddressSet) -> tuple[tuple[str, AddressSet], ...]:
    found = []
    for host, member in site.side(endpoints).members.items():
        of_host = member.addresses.all().intersection(addresses)
        if of_host:
            found.append((LITERAL_NETWORKS if host is None else host, of_host))
    return tuple(sorted(found, key=lambda item: item[0]))


def _translations(site: Site, parties: Iterable[Party], gateways: Sequence[str]) -> list[Translation]:
    """Return the NATed addresses that *parties* have, by host."""
    pairs = {
        (member.host or LITERAL_NETWORKS, pair.local, pair.advertised)
        for party in parties
        for member in site.side(party.endpoints).members.values()
        for pair in member.addresses.pairs
        if AddressSet.union((pair.local, pair.advertised)).intersection(party.addresses)
    }
    found = []
    for host, local, advertised in pairs:
        seen = {sight: tuple(name for name in gateways if site.view_of(name).of(host) == sight) for sight in SIGHTS}
        (own,), (other,) = people_cidrs(local), people_cidrs(advertised)
        found.append(Translation(host, own, other, seen["local"], seen["advertised"]))
    return sorted(found, key=lambda one: (one.host, one.own, one.advertised))
