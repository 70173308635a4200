# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proposal: which variables of the site would permit what was seen, and what each of them is for."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from .._matrix.port_matrix import load_port_matrix
from .._values.addresses import Family
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .additions import Addition, additions
from .extra_rows import Ends, ProposedRow, ends_of, propose_rows
from .findings import Reason
from .judgement import Judgement, Part, covers
from .names import Names
from .site_rules import SiteRules
from .variables import Variables

Address = tuple[Family, int]


class Proposed(t.NamedTuple):
    """One thing that is proposed, how it permits more than was seen, and for which findings, by their places."""

    what: str
    wider: tuple[str, ...]
    flows: tuple[int, ...]


@dataclass(frozen=True)
class Proposal:
    """What is added to the variables *before*, which makes them *after*. Each thing has the parts that it is for.

    ``switches`` are row groups, and rows that apply by name. ``problems`` say what cannot be proposed, and why.
    """

    before: Variables
    after: Variables
    switches: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    additions: Mapping[Addition, tuple[Part, ...]] = field(default_factory=dict)
    rows: tuple[ProposedRow, ...] = ()
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.switches or self.additions or self.rows)

    def endpoints(self) -> list[str]:
        """The endpoints that get addresses."""
        return sorted({addition.endpoint for addition in self.additions})

    def wider_switch(self, switch: str) -> str:
        """Say what applies with *switch*, whatever of it was seen."""
        there = {row.id for row in self.before.site().rows}
        new = [row.id for row in self.after.site().rows if switch in (row.id, row.group) and row.id not in there]
        return f"with {switch}, all of these rows apply: {', '.join(new)}"

    def wider_endpoint(self, endpoint: str) -> str:
        """Say what *endpoint* may do, whatever of it was seen."""
        rows = [row.id for row in self.after.site().rows if endpoint in row.endpoints()]
        return f"what is in {endpoint} may do all that these rows permit: {', '.join(rows)}"

    def wider(self) -> list[str]:
        """Say each way in which this permits more than was seen."""
        said = [self.wider_switch(switch) for switch in self.switches]
        said += [self.wider_endpoint(endpoint) for endpoint in self.endpoints()]
        said += [addition.wider() for addition in self.additions if addition.wider()]
        return said + [f"row {one.row['id']}: {text}" for one in self.rows for text in one.wider]

    def things(self) -> Iterator[tuple[str, tuple[str, ...], tuple[Part, ...], Addition | None]]:
        """Yield each thing: what it is, how it is wider, the parts that it is for, and the addition that it is."""
        for switch, parts in self.switches.items():
            yield f"row group {switch}", (self.wider_switch(switch),), parts, None
        of_endpoints = {endpoint: self.wider_endpoint(endpoint) for endpoint in self.endpoints()}
        for one, parts in self.additions.items():
            wider = tuple(filter(None, (of_endpoints[one.endpoint], one.wider())))
            yield f"{one.cidr()} in endpoint {one.endpoint}", wider, parts, one
        for row in self.rows:
            yield f"row {row.row['id']}", tuple(f"row {row.row['id']}: {text}" for text in row.wider), row.parts, None


def propose(
    before: Variables,
    judgement: Judgement,
    parts: Sequence[Part],
    shunned: Iterable[Address],
    names: Mapping[str, Names],
) -> tuple[Proposal, list[Part]]:
    """Return the proposal for *parts*, and the parts, each now with its reason.

    :param shunned: those who get nothing, and in whose network nobody gets more than single addresses.
    """
    maker = _Maker(before, judgement, names, frozenset(shunned))
    settled = [part for part in parts if _kind(part) == "unknown"]
    left = maker.switch_on([part for part in parts if _kind(part) != "unknown"])
    left = maker.add_addresses(left)
    return maker.finish(left, settled)


class _Maker:
    """Makes a proposal in three steps. What one of them cannot have permitted is left to the next."""

    def __init__(
        self, before: Variables, judgement: Judgement, names: Mapping[str, Names], shunned: frozenset[Address]
    ) -> None:
        self._before = self._after = before
        self._judgement = judgement
        self._names = names
        self._shunned = shunned
        self._switches: dict[str, tuple[Part, ...]] = {}
        self._additions: dict[Addition, tuple[Part, ...]] = {}
        self._problems: list[str] = []

    def _attempt(self, what: str, change: Callable[[Variables], Variables]) -> bool:
        changed = change(self._after)
        try:
            changed.site()
        except PortMatrixError as e:
            self._problems.append(f"{what} cannot be proposed: {str(e).splitlines()[0]}")
            return False
        self._after = changed
        return True

    def switch_on(self, parts: Sequence[Part]) -> list[Part]:
        """Switch on the row groups that permit some of *parts*, and return *parts* with what has no reason now."""
        for switch in sorted({part.switch for part in parts if _kind(part) == "row_group_off"}):
            if self._attempt(f"row group {switch}", partial(Variables.with_groups, groups=[switch])):
                self._switches[switch] = tuple(p for p in parts if p.switch == switch and _kind(p) == "row_group_off")
        return [_without_reason(part) if part.switch and part.switch not in self._switches else part for part in parts]

    def add_addresses(self, parts: Sequence[Part]) -> list[Part]:
        """Add the addresses that endpoints lack, and return the parts. What these permit, too, has a reason now."""
        wanting: dict[str, list[tuple[Part, Address]]] = {}
        for part in parts:
            if part.candidate:
                address = part.pair.family, part.candidate.address(part.pair)
                wanting.setdefault(part.candidate.endpoint, []).append((part, address))
        for endpoint in sorted(wanting):
            self._add_to(endpoint, wanting[endpoint], parts)
        rules = SiteRules(self._after.site())
        found: list[Part] = []
        for part in parts:
            if part.candidate or not part.reason:
                permitted = covers(rules, part.pair).intersection(part.ports)
                found += self._permitted_now(rules, part, permitted)
                part = replace(_without_reason(part), ports=part.ports.difference(permitted))
            if part.ports:
                found.append(part)
        return found

    def _add_to(self, endpoint: str, wanting: Sequence[tuple[Part, Address]], parts: Sequence[Part]) -> None:
        lacking = dict.fromkeys(address for _part, address in wanting)
        others = self._shunned | {address for part in parts for address in _ends(part)} - set(lacking)
        added = additions(endpoint, lacking, others, self._names.values())
        networks = [one.cidr() for one in added]
        if self._attempt(f"endpoint {endpoint}", lambda variables: variables.with_networks(endpoint, networks)):
            having = {(one.family, address): one for one in added for address in one.seen}
            parts_of: dict[Addition, list[Part]] = {one: [] for one in added}
            for part, address in wanting:
                parts_of[having[address]].append(part)
            self._additions.update((one, tuple(of_one)) for one, of_one in parts_of.items())

    def _permitted_now(self, rules: SiteRules, part: Part, permitted: IntervalSet) -> list[Part]:
        if not permitted or part.candidate:
            return [replace(part, ports=permitted)] if permitted else []
        row = next(r.row for r in rules.matching(part.pair) if r.destination_ports.intersection(permitted))
        source, _destination = _ends(part)
        added = any(one.has(*source) for one in self._additions)
        side = "source address" if added else "destination address"
        return [replace(part, ports=permitted, reason=Reason("missing_host", row, (side,)))]

    def finish(self, parts: Sequence[Part], settled: Sequence[Part]) -> tuple[Proposal, list[Part]]:
        """Write rows for what is left, and return the proposal and all parts."""
        site = self._after.site()
        done, wanting = list(settled), list[tuple[Part, Ends]]()
        for part in parts:
            if part.reason and part.reason.kind != "missing_row":
                done.append(part)
                continue
            reason = part.reason or Reason("missing_row", *self._judgement.nearest(part.pair, part.ports))
            ends = ends_of(site, part.pair) if self._is_of_site(part) else None
            if ends:
                wanting.append((replace(part, reason=reason), ends))
            else:
                done.append(replace(part, reason=reason._replace(kind="unknown")))
        rows = propose_rows(site, wanting, self._names, self._taken())
        for one in rows:
            self._after = self._after.with_row(one.row, one.endpoints)
        proposal = Proposal(
            self._before, self._after, self._switches, self._additions, tuple(rows), tuple(self._problems)
        )
        return proposal, [*done, *(part for part, _ends in wanting)]

    def _taken(self) -> set[str]:
        matrix = load_port_matrix()
        rows = {str(row["id"]) for row in matrix.variants()} | {
            row.id for row in self._after.with_empty_endpoints().rows
        }
        return rows | set(self._after.definitions())

    def _is_of_site(self, part: Part) -> bool:
        names = self._names[part.pair.gateway]
        return any(names.of(*end).is_of_site for end in _ends(part))


def _kind(part: Part) -> str:
    return part.reason.kind if part.reason else ""


def _without_reason(part: Part) -> Part:
    return Part(part.talk, part.ports)


def _ends(part: Part) -> tuple[Address, Address]:
    pair = part.pair
    return (pair.family, pair.source), (pair.family, pair.destination)
