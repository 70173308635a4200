# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site: its rows, and who the endpoints of those rows are. Built once from the inventory, then only read."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from .._values.addresses import AddressSet
from .._values.collector import collector_paused
from .._values.errors import ProblemList, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice
from .definitions import allowed_empty, define_endpoints
from .empty_endpoints import without_empty_endpoints
from .endpoints import EndpointDefinition, Member, Side, host_names, member_sources
from .expiry import expired_rows
from .hosts import parse_host
from .locations import Locations, read_locations
from .members import resolve_members
from .port_matrix import check_parts, in_canonical_order, resolve_ranges
from .rows import ROWS, Origin, Row, parse_rows
from .sources import Source, read_sources
from .variables import near_groups
from .views import ADVERTISED, Named, View, parse_view
from .warnings import families_apart, site_warnings


@dataclass(frozen=True)
class Site:
    """Validated rows, the members of every endpoint, hosts whose view of NATed addresses is not the default, locations.

    ``further`` are the addresses of hosts that no row names. ``warnings`` say what is likely to be wrong, ``notes``
    which input may not mean what it seems to, and ``sources`` which systems the addresses of a host are from.
    """

    rows: tuple[Row, ...]
    endpoints: Mapping[str, tuple[Member, ...]]
    views: Mapping[str, View] = field(default_factory=dict)
    further: Mapping[str, AddressSet] = field(default_factory=dict)
    locations: Locations = Locations({})
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    # A site never changes, so what follows from it is worked out once.
    _sides: dict[tuple[str, ...], Side] = field(default_factory=dict, compare=False, repr=False)

    def view_of(self, host: str | None) -> View:
        """What *host* sees of NATed pairs; the site as a whole (None) sees the advertised addresses."""
        return self.views.get(host or "", ADVERTISED)

    def side(self, endpoints: tuple[str, ...]) -> Side:
        """The members of all *endpoints* as one side of a row.

        :raises PortMatrixError: for the name of an endpoint that no row of this site uses.
        """
        if endpoints not in self._sides:
            for name in endpoints:
                as_choice(name, "endpoint", self.endpoints)
            self._sides[endpoints] = Side(member for name in endpoints for member in self.endpoints[name])
        return self._sides[endpoints]

    def endpoints_of(self, host: str) -> list[str]:
        """The endpoints that *host* is a member of, sorted."""
        return sorted(name for name, members in self.endpoints.items() if any(m.host == host for m in members))

    def all_addresses(self, endpoints: tuple[str, ...]) -> AddressSet:
        """Every address of the hosts of *endpoints*, whoever sees it: of each interface, and both sides of a NAT.

        :raises PortMatrixError: for the name of an endpoint that no row of this site uses.
        """
        side = self.side(endpoints)
        parts = {id(member.addresses): member.addresses for member in side.members.values()}
        for name, members in self.endpoints.items():
            if name not in endpoints:  # literal networks are of one endpoint only
                parts.update((id(m.addresses), m.addresses) for m in members if m.host in side.members and m.host)
        further = [addresses for host, addresses in self.further.items() if host in side.members]
        return AddressSet.union([*(one.all() for one in parts.values()), *further])


@collector_paused()
def build_site(
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    rows: object,
    ports: Mapping[str, object] | None = None,
    endpoints: Mapping[str, object] | None = None,
    allow_empty: object = (),
    same_location_rows: object = (),
    expired: object = "warn",
    today: datetime.date | None = None,
    extra_rows: object = (),
    misnamed: bool = False,
) -> Site:
    """Build and validate a site.

    :param hosts: host name → its variables (those of ``HOST_VARIABLES``); hosts in no group of an endpoint are ignored.
    :param groups: group name → its host names, those of child groups included.
    :param rows: the rows that apply, in the row schema.
    :param ports: ``port_matrix_ports``: range name → ports.
    :param endpoints: ``port_matrix_endpoints``: endpoint name → ``groups``, ``interface``, ``networks``,
        ``exclude``.
    :param allow_empty: ``port_matrix_allow_empty``: endpoints that may have no address.
    :param same_location_rows: ``port_matrix_same_location_rows``: rows that join only hosts that share a location.
    :param expired: ``port_matrix_expired``: what to do about rows whose last day is over.
    :param today: the day that this is judged by; without it, it is not.
    :param extra_rows: ``port_matrix_extra_rows``: those of the *rows* that are the site's own, for messages to say so.
    :param misnamed: whether a variable has a wrong name, so that what is missing may be there under that name.
    :raises PortMatrixError: with every problem of the inputs, a line each, and nothing that only follows from another.
    """
    problems = ProblemList()
    # One that is wrong has ports all the same, which the rows are read with.
    ranges = problems.attempt(resolve_ranges, ports or {}, "port_matrix_ports") or resolve_ranges({}, "")
    origin = problems.attempt(Origin, extra_rows) or Origin()
    read_rows = problems.attempt(_read_rows, rows, ranges, origin)
    parsed_rows = read_rows or ()
    users = _users(parsed_rows, origin)
    needed = sorted(users)
    definitions = problems.attempt(define_endpoints, endpoints or {}, None if read_rows is None else users) or {}
    if problems:
        # Without rows or endpoints nobody knows which hosts matter, but what is wrong with a host is wrong anyway.
        for host, variables in hosts.items():
            problems.attempt(parse_host, host, variables)
    problems.raise_if_any()

    missing = ProblemList() if misnamed else problems
    members = resolve_members(definitions, needed, hosts, groups, problems, missing)
    allowed = allowed_empty(allow_empty, definitions, problems)
    locations = problems.attempt(read_locations, hosts, same_location_rows, parsed_rows) or Locations({})
    sources = problems.attempt(read_sources, hosts) or {}
    permitted_empty = {*allowed, *members.incomplete}
    parsed_rows, left_out = without_empty_endpoints(
        parsed_rows, members.of_endpoint, definitions, permitted_empty, groups, missing
    )
    used = sorted({name for row in parsed_rows for name in row.endpoints()})
    site = Site(
        in_canonical_order(parsed_rows),
        {name: members.of_endpoint[name] for name in used},
        _views(hosts, groups, definitions, problems),
        members.further(used),
        locations,
        notes=tuple(sorted({*members.notes, *left_out})),
        sources=sources,
    )
    late = problems.attempt(expired_rows, site.rows, today, expired) or []
    problems.raise_if_any()
    for message in families_apart(site):
        problems.add(message)
    problems.raise_if_any()
    # A gateway that nobody asks about now is not among the hosts, and what its view is, nobody knows.
    gateways = [host for host in groups.get("port_matrix_gateways", ()) if host in hosts]
    unset = [host for host in gateways if "port_matrix_view" not in hosts[host]]
    unspecific = {key: of_key for key, of_key in members.unspecific.items() if key[0] in used}
    taken = {group for name in used for group in definitions[name].groups}
    return replace(site, warnings=(*near_groups(taken, groups), *site_warnings(site, unset, unspecific), *late))


def _read_rows(rows: object, ranges: Mapping[str, IntervalSet], origin: Origin) -> tuple[Row, ...]:
    check_parts(rows, ranges)
    return parse_rows(rows, ROWS, ranges, origin)


def _users(rows: Iterable[Row], origin: Origin) -> dict[str, str]:
    """Return endpoint name → the first row that needs it, with its variable."""
    users: dict[str, str] = {}
    for row in rows:
        for name in row.endpoints():
            users.setdefault(name, f"{origin.variable(row.id)} row {shown(row.id)}")
    return users


def _views(
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    definitions: Mapping[str, EndpointDefinition],
    problems: ProblemList,
) -> dict[str, View]:
    """Return host → its view, for each that has another one than the default."""

    def hosts_of(endpoint: EndpointDefinition) -> Iterable[str]:
        sources = member_sources(endpoint, definitions, groups)
        return (host for source in sources for host in host_names(source, groups))

    def named() -> Named:
        every = frozenset(host for members in groups.values() for host in members)
        return Named(every | frozenset(hosts), groups, {name: partial(hosts_of, d) for name, d in definitions.items()})

    views: dict[str, View] = {}
    known: Named | None = None
    for host, variables in hosts.items():
        if "port_matrix_view" in variables:
            known = known or named()
            where = f"host {shown(host)} port_matrix_view"
            view = problems.attempt(parse_view, variables["port_matrix_view"], where, known)
            if view and view != ADVERTISED:
                views[host] = view
    return views
