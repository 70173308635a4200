# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site: its rows, and who the endpoints of those rows are. Built once from the inventory, then only read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._values.addresses import AddressSet, parse_network
from .._values.errors import PortMatrixError, ProblemList, names, shown
from .._values.mapping import as_choice, as_identifier, as_list, as_mapping, as_strings, as_text
from .empty_endpoints import without_empty_endpoints
from .endpoints import EndpointDefinition, Member, Side, resolve_members
from .hosts import VIEWS, View, parse_host
from .port_matrix import in_canonical_order, load_port_matrix, resolve_ranges
from .rows import Row, parse_rows


@dataclass(frozen=True)
class Site:
    """Validated rows, the members of every endpoint, and hosts whose view of NATed addresses is not the default."""

    rows: tuple[Row, ...]
    endpoints: Mapping[str, tuple[Member, ...]]
    local_views: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    # A site never changes, so what follows from it is worked out once.
    _sides: dict[tuple[str, ...], Side] = field(default_factory=dict, compare=False, repr=False)

    def view_of(self, host: str | None) -> View:
        """The address of a NATed pair that *host* sees; the site as a whole (None) sees the advertised one."""
        return "local" if host in self.local_views else "advertised"

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


def build_site(
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    rows: object,
    ports: Mapping[str, object] | None = None,
    endpoints: Mapping[str, object] | None = None,
    allow_empty: object = (),
) -> Site:
    """Build and validate a site.

    :param hosts: host name → its variables (those of ``HOST_VARIABLES``); hosts in no group of an endpoint are ignored.
    :param groups: group name → its host names, those of child groups included.
    :param rows: the rows that apply, in the row schema.
    :param ports: ``port_matrix_ports``: range name → ports.
    :param endpoints: ``port_matrix_endpoints``: endpoint name → ``groups``, ``interface``, ``networks``.
    :param allow_empty: ``port_matrix_allow_empty``: endpoints that may have no address.
    :raises PortMatrixError: with every problem of the inputs, a line each.
    """
    problems = ProblemList()
    ranges = problems.attempt(resolve_ranges, ports or {}, "port_matrix_ports")
    parsed_rows: tuple[Row, ...] = ()
    if ranges is not None:
        parsed_rows = problems.attempt(parse_rows, rows, "port_matrix_rows", ranges) or ()
    needed = sorted({name for row in parsed_rows for name in row.endpoints()})
    definitions = problems.attempt(_definitions, endpoints or {}, needed) or {}
    if problems:
        # Without rows or endpoints nobody knows which hosts matter, but what is wrong with a host is wrong anyway.
        for host, variables in hosts.items():
            problems.attempt(parse_host, host, variables)
    problems.raise_if_any()

    members, notes = resolve_members(definitions, needed, hosts, groups, problems)
    allowed = problems.attempt(_allowed_empty, allow_empty, definitions) or ()
    parsed_rows, left_out = without_empty_endpoints(parsed_rows, members, definitions, allowed, problems)
    notes.extend(left_out)
    members = {name: members[name] for name in sorted({name for row in parsed_rows for name in row.endpoints()})}
    local_views = frozenset(
        host
        for host, variables in hosts.items()
        if "port_matrix_view" in variables and _has_local_view(host, variables["port_matrix_view"], problems)
    )
    site = Site(in_canonical_order(parsed_rows), members, local_views)
    notes.extend(_hosts_apart(site))
    notes.extend(_open_to_everybody(site))
    for message in _families_apart(site):
        problems.add(message)
    problems.raise_if_any()
    return replace(site, notes=tuple(sorted(set(notes))))


def _definitions(overrides: Mapping[str, object], needed: Sequence[str]) -> dict[str, EndpointDefinition]:
    known = load_port_matrix().endpoints
    definitions = dict(known)
    problems = ProblemList()
    for name, value in as_mapping(overrides, "port_matrix_endpoints").items():
        if name not in known and name not in needed:
            problems.add(
                f"port_matrix_endpoints: unknown endpoint {shown(name)}, which no row uses; accepted: {names(known)}"
            )
            continue
        definition = problems.attempt(_override, name, value, known.get(name))
        definitions[name] = definition or definitions.get(name, EndpointDefinition(name))
    for name in needed:
        if name not in definitions:
            problems.add(
                f"port_matrix_rows: unknown endpoint {shown(name)}; accepted: {names(definitions)}, "
                "or one that port_matrix_endpoints defines"
            )
    problems.raise_if_any()
    return definitions


def _override(name: str, value: object, base: EndpointDefinition | None) -> EndpointDefinition:
    where = f"port_matrix_endpoints.{name}"
    spec = as_mapping(value, where, ("groups", "interface", "networks"))
    endpoint = base or EndpointDefinition(as_identifier(name, where))
    if "groups" in spec:
        endpoint = replace(endpoint, groups=as_strings(spec["groups"], f"{where}.groups"), fallback=())
    if "interface" in spec:
        interface = spec["interface"]
        endpoint = replace(endpoint, interface=None if interface is None else as_text(interface, f"{where}.interface"))
    place = f"{where}.networks"
    networks = AddressSet.union(parse_network(item, place) for item in as_list(spec.get("networks", ()), place))
    return replace(endpoint, networks=networks)


def _allowed_empty(allow_empty: object, definitions: Mapping[str, EndpointDefinition]) -> tuple[str, ...]:
    allowed = as_strings(allow_empty, "port_matrix_allow_empty")
    for name in allowed:
        if name not in definitions:
            raise PortMatrixError.at("port_matrix_allow_empty", f"unknown endpoint {shown(name)}", names(definitions))
    return allowed


def _families_apart(site: Site) -> Iterable[str]:
    """Yield a message for each endpoint of a row that has no family in common with the other side, or the protocol."""
    for row in site.rows:
        for here, there in ((row.source, row.destination), (row.destination, row.source)):
            opposite = site.side(there).seen("advertised").families()
            for name in here:
                own = site.side((name,)).seen("advertised").families()
                if own and not own & row.families():
                    yield (
                        f"row {row.id}: endpoint {name} has only {names(own)}, "
                        f"and {names(row.protocols)} is {names(row.families())} only; "
                        "accepted: the protocol of a family that it has, or the row in port_matrix_disabled_rows"
                    )
                elif own and opposite and not own & opposite:
                    yield (
                        f"row {row.id}: endpoint {name} has only {names(own)}, "
                        f"and {names(there)} only {names(opposite)}; "
                        "accepted: a family that both have, or the row in port_matrix_disabled_rows"
                    )


def _hosts_apart(site: Site) -> Iterable[str]:
    """Yield a note for each machine that a row names and that shares no family with the other side of that row."""
    for row in site.rows:
        for here, there in ((row.source, row.destination), (row.destination, row.source)):
            opposite = site.side(there).seen("advertised").families()
            for own, machines in site.side(here).machines_by_families().items():
                if opposite and not own & opposite & row.families():
                    for host in machines:
                        yield f"host {shown(host)} has only {names(own)}: row {row.id} opens nothing for it"


def _open_to_everybody(site: Site) -> Iterable[str]:
    """Yield a note for each endpoint that is every address, as unknown partners are, with the rows that this opens."""
    opened: dict[str, dict[str, None]] = {}
    for row in site.rows:
        if row.group in load_port_matrix().left_out_when_empty:
            for source, _destination in row.directions():
                for name in source:
                    if _is_everybody(site.side((name,)).seen("advertised")):
                        opened.setdefault(name, {})[row.id] = None
    for name, rows in opened.items():
        yield f"endpoint {name} is every address, so everybody may send what {', '.join(rows)} permits"


def _is_everybody(addresses: AddressSet) -> bool:
    return addresses.ipv4.size() == 1 << 32 or addresses.ipv6.size() == 1 << 128


def _has_local_view(host: str, view: object, problems: ProblemList) -> bool:
    where = f"host {shown(host)} port_matrix_view"
    return problems.attempt(as_choice, view, where, VIEWS) == "local"
