# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints: the parties that rows name, and which hosts and networks of a site they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._values.addresses import AddressSet, Family
from .._values.errors import ProblemList, names, shown
from .._values.mapping import as_flag, as_identifier, as_mapping, as_strings, as_text
from .hosts import Addresses, Host, View, parse_host


@dataclass(frozen=True)
class EndpointDefinition:
    """Where the addresses of an endpoint come from.

    ``interface`` is the name of an interface, ``"*"`` for all of them, or None for the host's own addresses.
    While ``groups`` have no host and there are no literal ``networks``, the members of the endpoints in ``fallback``
    count. Where it ``may_be_empty``, it is absent from its rows without a host.
    """

    name: str
    groups: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    interface: str | None = None
    title: str = ""
    networks: AddressSet = AddressSet()
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One participant of an endpoint: a host of the inventory, or (``host`` is None) its literal networks."""

    host: str | None
    addresses: Addresses

    def is_machine(self) -> bool:
        """Tell whether this is one machine, which never talks to itself through a firewall; a network may."""
        return self.host is not None and not self.addresses.networks


class Side:
    """One side of a row: the members of its endpoints, each host once. What is worked out of them is kept."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members: dict[str | None, Member] = {}
        for member in members:
            known = self.members.setdefault(member.host, member)
            if known.addresses is not member.addresses:
                both = Addresses.union((known.addresses, member.addresses))
                self.members[member.host] = Member(member.host, both)
        self.machines = frozenset(host for host, member in self.members.items() if host and member.is_machine())
        self._seen: dict[View, AddressSet] = {}
        self._of_families: dict[frozenset[Family], list[str]] = {}

    def seen(self, view: View) -> AddressSet:
        """The addresses of all members as a host with *view* sees them."""
        if view not in self._seen:
            self._seen[view] = AddressSet.union(member.addresses.seen(view) for member in self.members.values())
        return self._seen[view]

    def machines_by_families(self) -> Mapping[frozenset[Family], Sequence[str]]:
        """Return families → the machines that others see with addresses of just these."""
        if not self._of_families:
            for host in self.machines:
                families = self.members[host].addresses.advertised.families()
                self._of_families.setdefault(families, []).append(host)
        return self._of_families

    def part(self, view: View, hosts: Callable[[str | None], bool]) -> AddressSet:
        """The addresses of those members whose host satisfies *hosts*; None stands for literal networks."""
        return AddressSet.union(m.addresses.seen(view) for m in self.members.values() if hosts(m.host))


def parse_endpoint(name: str, value: object, where: str) -> EndpointDefinition:
    """Check one endpoint of the data file.

    :raises PortMatrixError: if it is not one.
    """
    spec = as_mapping(value, where, ("groups", "fallback", "interface", "title", "may_be_empty"))
    interface = spec.get("interface")
    return EndpointDefinition(
        name=as_identifier(name, where),
        groups=as_strings(spec.get("groups", ()), f"{where} groups"),
        fallback=as_strings(spec.get("fallback", ()), f"{where} fallback"),
        interface=None if interface is None else as_text(interface, f"{where} interface"),
        title=as_text(spec.get("title", name), f"{where} title"),
        may_be_empty=as_flag(spec.get("may_be_empty", False), f"{where} may_be_empty"),
    )


def resolve_members(
    definitions: Mapping[str, EndpointDefinition],
    needed: Sequence[str],
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    problems: ProblemList,
) -> tuple[dict[str, tuple[Member, ...]], list[str]]:
    """Find the members of the *needed* endpoints. Each host is parsed once, however many endpoints it is in.

    What is wrong goes to *problems*. Returns endpoint → members, and notes on what was read in a way that may surprise.
    """
    parsed: dict[str, Host | None] = {}
    resolved: dict[str, tuple[Member, ...]] = {}
    notes: list[str] = []
    for name in needed:
        definition = definitions[name]
        found: dict[str | None, list[Addresses]] = {}
        for source in member_sources(definition, definitions, groups):
            for host_name in host_names(source, groups):
                if host_name not in parsed:
                    parsed[host_name] = problems.attempt(parse_host, host_name, hosts.get(host_name, {}))
                host = parsed[host_name]
                if host is None:
                    continue
                notes.extend(host.notes)
                if definition.interface is not None:
                    notes.extend(_fallback_note(host, definition))
                addresses = host.on(_interface(host, definition, source))
                if addresses:
                    found.setdefault(host_name, []).append(addresses)
                else:
                    problems.add(host.hint)
            if source.networks:
                found.setdefault(None, []).append(Addresses.plain(source.networks))
        in_order = sorted(found.items(), key=lambda item: (item[0] is None, item[0] or ""))
        resolved[name] = tuple(Member(member, Addresses.union(parts)) for member, parts in in_order)
    return resolved, notes


def member_sources(
    endpoint: EndpointDefinition,
    definitions: Mapping[str, EndpointDefinition],
    groups: Mapping[str, Sequence[str]],
) -> list[EndpointDefinition]:
    """Whose hosts and networks count for *endpoint*: its own, or those of its fallback, as the site overrides them."""
    if endpoint.networks or host_names(endpoint, groups):
        return [endpoint]
    return [definitions[name] for name in endpoint.fallback]


def host_names(endpoint: EndpointDefinition, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The hosts of the groups of *endpoint*, sorted."""
    return sorted({host for group in endpoint.groups for host in groups.get(group, ())})


def _interface(host: Host, endpoint: EndpointDefinition, source: EndpointDefinition) -> str | None:
    """The interface of *host* that counts for *endpoint*: its own, or else the one that *source* names.

    ``"*"`` names none: of a host without the interface of *endpoint* its own addresses count.
    """
    lacks = endpoint.interface not in (None, "*") and endpoint.interface not in host.interfaces
    return source.interface if lacks and source.interface not in (None, "*") else endpoint.interface


def _fallback_note(host: Host, endpoint: EndpointDefinition) -> Iterable[str]:
    interface = endpoint.interface
    lacks = interface not in (None, "*") and interface not in host.interfaces
    if lacks and host.interfaces and not endpoint.fallback:
        yield f"host {shown(host.name)} has no interface {interface}: {endpoint.name} takes its own addresses"


def no_address_message(endpoint: EndpointDefinition, users: str) -> str:
    """Say that *endpoint* is empty, which rows need it (*users*), and every way out."""
    groups = names(shown(group) for group in endpoint.groups) or "none"
    fallback = f"; without a host there: the endpoints {names(endpoint.fallback)}" if endpoint.fallback else ""
    return (
        f"endpoint {endpoint.name}: has no addresses, and row {users} needs them (its groups: {groups}{fallback}); "
        f"accepted: hosts in those groups, networks in port_matrix_endpoints.{endpoint.name}, "
        f"{endpoint.name} in port_matrix_allow_empty, or the rows in port_matrix_disabled_rows"
    )
