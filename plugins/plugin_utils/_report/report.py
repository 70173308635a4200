# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as data: the rules of a scope, and the flows that people read, which are the same rules grouped."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .._matrix.port_matrix import NUMBERED_GROUPS, load_port_matrix
from .._matrix.site import Site
from .._matrix.sources import Source
from .._probes.verification import Verification
from .._rules.canonical import Hook, Rule
from .._rules.protocols import has_ports
from .._values.addresses import AddressSet, Family
from .._values.intervals import IntervalSet
from .baseline import Changes
from .scope import Scope, rules_in_scope

# What stands for the host where an endpoint has networks of its own, which belong to no host.
LITERAL_NETWORKS = "literal networks"


@dataclass(frozen=True, eq=False)
class Party:
    """One side of a flow: endpoints, their addresses, and which host has which of them. Each set exists once.

    ``by_endpoint`` has those endpoints that contribute an address, with the names of their hosts. ``sources`` has for
    each host the systems that said some of its addresses here; none where these are written in the inventory.
    """

    id: str
    title: str
    endpoints: tuple[str, ...]
    addresses: AddressSet
    hosts: tuple[tuple[str, AddressSet], ...]
    by_endpoint: t.Mapping[str, tuple[str, ...]]
    sources: t.Mapping[str, tuple[Source, ...]]


@dataclass(frozen=True)
class Flow:
    """One direction of a row, as people read it: what differs in protocol, family or rectangle only is together."""

    number: int
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

    @property
    def has_ports(self) -> bool:
        """Whether its protocols have ports: all of them have, or none has."""
        return has_ports(self.protocols[0])


@dataclass(frozen=True)
class Report:
    """Everything that the formats show."""

    title: str
    scope: Scope
    rules: tuple[Rule, ...]
    flows: tuple[Flow, ...]
    parties: tuple[Party, ...]
    notes: tuple[str, ...] = ()
    changes: Changes | None = None
    verification: Verification | None = None
    numbers: t.Mapping[str, int] = field(default_factory=dict)

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
) -> Report:
    """Build the report on *scope* of *site*."""
    rules = tuple(rules_in_scope(site, scope))
    numbers = row_numbers(row.id for row in site.rows)
    parties = _Parties(site)
    flows = tuple(_flow(rules_of_flow, numbers, parties) for rules_of_flow in _grouped(rules))
    notes = (*site.warnings, *site.notes)
    return Report(title, scope, rules, flows, parties.all(), notes, changes, verification, numbers)


def row_numbers(row_ids: Iterable[str]) -> dict[str, int]:
    """Return row id → number: the place in the vendor's table, and for other rows the numbers that follow."""
    table = [str(row["id"]) for row in load_port_matrix().rows if row["group"] in NUMBERED_GROUPS]
    own = [row_id for row_id in row_ids if row_id not in table]
    return {row_id: number for number, row_id in enumerate([*table, *own], start=1)}


def endpoint_title(name: str) -> str:
    """The name that people know an endpoint by."""
    known = load_port_matrix().endpoints
    return known[name].title if name in known else name


def _grouped(rules: Iterable[Rule]) -> list[list[Rule]]:
    groups: dict[t.Hashable, list[Rule]] = {}
    for r in rules:
        key = (r.row, r.hook, r.source_endpoint, r.destination_endpoint, r.source_ports, r.destination_ports)
        groups.setdefault(key, []).append(r)
    return list(groups.values())


def _flow(rules: Sequence[Rule], numbers: t.Mapping[str, int], parties: _Parties) -> Flow:
    first = rules[0]
    return Flow(
        number=numbers[first.row],
        row=first.row,
        purpose=first.purpose,
        group=first.group,
        tls=first.tls,
        reference=first.reference,
        hook=first.hook,
        protocols=tuple(dict.fromkeys(rule.protocol for rule in rules)),
        source=parties.party(first.source_endpoint, [(rule.family, rule.source) for rule in rules]),
        source_ports=first.source_ports,
        destination=parties.party(first.destination_endpoint, [(rule.family, rule.destination) for rule in rules]),
        destination_ports=first.destination_ports,
    )


class _Parties:
    """Finds the party of a side, and knows which there were, so that nobody lists an address set twice."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._found: dict[tuple[tuple[str, ...], AddressSet], Party] = {}

    def all(self) -> tuple[Party, ...]:
        return tuple(self._found.values())

    def party(self, endpoints: tuple[str, ...], parts: Iterable[tuple[Family, IntervalSet]]) -> Party:
        sets = list(dict.fromkeys(parts))
        addresses = AddressSet(
            IntervalSet.union(part for family, part in sets if family == "ipv4"),
            IntervalSet.union(part for family, part in sets if family == "ipv6"),
        )
        key = (endpoints, addresses)
        if key not in self._found:
            hosts = self._hosts(endpoints, addresses)
            of_each = {name: tuple(host for host, _dummy in self._hosts((name,), addresses)) for name in endpoints}
            by_endpoint = {name: found for name, found in of_each.items() if found}
            self._found[key] = Party(
                id=f"addresses-{len(self._found) + 1}",
                title=" or ".join(endpoint_title(name) for name in by_endpoint),
                endpoints=endpoints,
                addresses=addresses,
                hosts=hosts,
                by_endpoint=by_endpoint,
                sources={host: _sources(self._site, host, of_host) for host, of_host in hosts},
            )
        return self._found[key]

    def _hosts(self, endpoints: tuple[str, ...], addresses: AddressSet) -> tuple[tuple[str, AddressSet], ...]:
        found = []
        for host, member in self._site.side(endpoints).members.items():
            of_host = member.addresses.all().intersection(addresses)
            if of_host:
                found.append((LITERAL_NETWORKS if host is None else host, of_host))
        return tuple(sorted(found, key=lambda item: item[0]))


def _sources(site: Site, host: str, addresses: AddressSet) -> tuple[Source, ...]:
    """Return the sources of *host* that have some of *addresses*, each with these only."""
    parts = [replace(s, addresses=s.addresses.intersection(addresses)) for s in site.sources.get(host, ())]
    return tuple(part for part in parts if part.addresses)
