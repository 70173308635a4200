# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members: which hosts and networks of an inventory the endpoints are, and with which of their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._values.addresses import AddressSet
from .._values.errors import ProblemList, shown
from .endpoints import EndpointDefinition, Member, host_names, member_sources
from .hosts import Addresses, Host, parse_host


@dataclass
class Members:
    """Endpoint → its members, and what may surprise somebody.

    ``incomplete`` are the endpoints of hosts with which something is wrong. ``unspecific`` are endpoint and its
    interface → the hosts that do not say which of theirs that is. ``hosts`` are those that were looked at, and
    ``excluded`` what is taken out of the networks of such a host, by its name.
    """

    of_endpoint: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    unspecific: dict[tuple[str, str], dict[str, Host]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    hosts: dict[str, Host | None] = field(default_factory=dict)
    excluded: dict[str, AddressSet] = field(default_factory=dict)

    def further(self, endpoints: Iterable[str]) -> dict[str, AddressSet]:
        """Return host → the addresses that it has besides those that any of *endpoints* has of it."""
        named: dict[str, list[Addresses]] = {}
        for member in (member for name in endpoints for member in self.of_endpoint[name]):
            host = self.hosts.get(member.host or "")
            if host and (host.interfaces or member.addresses is not host.own):
                named.setdefault(host.name, []).append(member.addresses)
        found: dict[str, AddressSet] = {}
        for name, parts in sorted(named.items()):
            host = self.hosts[name]
            # Most hosts have no address but those that some endpoint has of them.
            if host and not any(part is host.own and host.spans for part in parts):
                left = _left_of(host.all(), self.excluded.get(name))
                if further := left.difference(AddressSet.union(part.all() for part in parts)):
                    found[name] = further
        return found


def resolve_members(
    definitions: Mapping[str, EndpointDefinition],
    needed: Sequence[str],
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    problems: ProblemList,
    missing: ProblemList | None = None,
) -> Members:
    """Find the members of the *needed* endpoints. Each host is parsed once, however many endpoints it is in.

    What is wrong goes to *problems*, and that a host has no address to *missing* where that is another list.
    """
    return _Resolver(definitions, hosts, groups, problems, problems if missing is None else missing).resolve(needed)


class _Resolver:
    def __init__(
        self,
        definitions: Mapping[str, EndpointDefinition],
        hosts: Mapping[str, Mapping[str, object]],
        groups: Mapping[str, Sequence[str]],
        problems: ProblemList,
        missing: ProblemList,
    ) -> None:
        self._definitions = definitions
        self._hosts = hosts
        self._groups = groups
        self._problems = problems
        self._missing = missing
        self._members = Members()

    def resolve(self, needed: Sequence[str]) -> Members:
        for name in needed:
            self._members.of_endpoint[name] = tuple(self._of(self._definitions[name]))
        return self._members

    def _of(self, endpoint: EndpointDefinition) -> Iterator[Member]:
        found: dict[str | None, Addresses] = {}
        for source in member_sources(endpoint, self._definitions, self._groups):
            excluded = AddressSet.union((self._exclusion(endpoint), self._exclusion(source)))
            for host, addresses in self._parts(endpoint, source):
                left = self._without(excluded, source.name, host, addresses) if excluded else addresses
                if left is not None:
                    found[host] = Addresses.union((found[host], left)) if host in found else left
        for host in sorted(name for name in found if name is not None):
            yield Member(host, found[host])
        if None in found:
            yield Member(None, found[None])

    def _without(self, excluded: AddressSet, endpoint: str, host: str | None, addresses: Addresses) -> Addresses | None:
        """Return what is left of the *addresses* of *host* without what *endpoint* excludes; None where nothing is."""
        if host and addresses.networks:
            known = self._members.excluded.get(host, AddressSet())
            self._members.excluded[host] = AddressSet.union((excluded, known))
        left = addresses.without(excluded)
        if left:
            return left
        who = f"host {shown(host)}" if host else "its networks"
        self._members.notes.append(f"port_matrix_endpoints.{endpoint}.exclude: leaves nothing of {who}")
        return None

    def _parts(
        self, endpoint: EndpointDefinition, source: EndpointDefinition
    ) -> Iterable[tuple[str | None, Addresses]]:
        """Yield the hosts and networks of *source*, with the addresses that count for *endpoint*."""
        for name in host_names(source, self._groups):
            host = self._host(name)
            addresses = None
            if host:
                if host.notes:
                    self._members.notes.extend(host.notes)
                # Most hosts of a large site have no interfaces.
                addresses = self._problems.attempt(self._on, host, endpoint, source) if host.interfaces else host.own
            if addresses:
                yield name, addresses
                continue
            self._members.incomplete.add(endpoint.name)
            if host and addresses is not None:
                self._missing.add(host.hint)
        if source.networks:
            yield None, Addresses.plain(source.networks)

    def _on(self, host: Host, endpoint: EndpointDefinition, source: EndpointDefinition) -> Addresses:
        """Return the addresses of *host* that count for *endpoint*: of its interface, or else the one of its *source*.

        A service that is on hosts of other endpoints while it has none of its own may be on any of their interfaces.

        :raises PortMatrixError: for a host with interfaces, in a group of the endpoint itself, that lacks this one.
        """
        lacks = endpoint.interface not in (None, "*", *host.interfaces)
        if source is endpoint or not lacks:
            return host.on(endpoint.interface, endpoint.name)
        if source.interface in host.interfaces:
            return host.on(source.interface, endpoint.name)
        self._members.unspecific.setdefault((endpoint.name, str(endpoint.interface)), {})[host.name] = host
        return host.own

    def _host(self, name: str) -> Host | None:
        parsed = self._members.hosts
        if name not in parsed:
            parsed[name] = self._problems.attempt(parse_host, name, self._hosts.get(name, {}))
        return parsed[name]

    def _exclusion(self, endpoint: EndpointDefinition) -> AddressSet:
        """What is taken out of *endpoint*. Of an endpoint that it names, every address of every host."""
        parts = [endpoint.excluded]
        for name in endpoint.excluded_endpoints:
            for source in member_sources(self._definitions[name], self._definitions, self._groups):
                hosts = [self._host(host) for host in host_names(source, self._groups)]
                parts += [source.networks, *(host.all().all() for host in hosts if host)]
        return AddressSet.union(parts)


def _left_of(addresses: Addresses, excluded: AddressSet | None) -> AddressSet:
    """All *addresses* of a host. What is excluded from a network is not the host's; a machine keeps what it has."""
    return addresses.all() if excluded is None else addresses.without(excluded).all()
