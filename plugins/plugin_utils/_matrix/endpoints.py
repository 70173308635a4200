# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints: the parties that rows name, and which hosts and networks of a site they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._values.addresses import AddressSet, Family
from .._values.errors import names, nearest, shown
from .._values.mapping import as_flag, as_identifier, as_mapping, as_strings, as_text
from .hosts import Addresses
from .views import ADVERTISED, View


@dataclass(frozen=True)
class EndpointDefinition:
    """Where the addresses of an endpoint come from.

    ``interface`` is the name of an interface, ``"*"`` for all of them, or None for the host's own addresses.
    While ``groups`` have no host and there are no literal ``networks``, the members of the endpoints in ``fallback``
    count. ``excluded`` addresses, and those of the ``excluded_endpoints``, are taken out of it. Where it
    ``may_be_empty``, it is absent from its rows without a host.
    """

    name: str
    groups: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    interface: str | None = None
    title: str = ""
    networks: AddressSet = AddressSet()
    may_be_empty: bool = False
    excluded: AddressSet = AddressSet()
    excluded_endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One participant of an endpoint: a host of the inventory, or (``host`` is None) its literal networks."""

    host: str | None
    addresses: Addresses

    def is_machine(self) -> bool:
        """Tell whether this is one machine, which never talks to itself through a firewall; a network may."""
        return self.host is not None and not self.addresses.networks

    def seen(self, view: View) -> AddressSet:
        """The addresses as a host with *view* sees them."""
        return self.addresses.seen(view.of(self.host))


class Side:
    """One side of a row: the members of its endpoints, each host once. What is worked out of them is kept."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members: dict[str | None, Member] = {}
        for member in members:
            known = self.members.setdefault(member.host, member)
            if known.addresses is not member.addresses:
                both = Addresses.union((known.addresses, member.addresses))
                self.members[member.host] = Member(member.host, both)
        self.machines = frozenset(h for h, m in self.members.items() if h and not m.addresses.networks)
        self._seen: dict[View, AddressSet] = {}
        self._of_families: dict[frozenset[Family], list[str]] = {}

    def seen(self, view: View = ADVERTISED) -> AddressSet:
        """The addresses of all members as a host with *view* sees them."""
        if view not in self._seen:
            self._seen[view] = AddressSet.union(_all_seen(self.members.values(), view))
        return self._seen[view]

    def only(self, hosts: Callable[[str | None], bool]) -> Side:
        """The side without those members whose host does not satisfy *hosts*; None stands for literal networks."""
        return Side(member for host, member in self.members.items() if hosts(host))

    def machines_by_families(self) -> Mapping[frozenset[Family], Sequence[str]]:
        """Return families → the machines that others see with addresses of just these."""
        if not self._of_families:
            for host, member in self.members.items():
                if host and not member.addresses.networks:
                    self._of_families.setdefault(member.addresses.advertised.families(), []).append(host)
        return self._of_families

    def part(self, view: View, hosts: Callable[[str | None], bool]) -> AddressSet:
        """The addresses of those members whose host satisfies *hosts*; None stands for literal networks."""
        return AddressSet.union(m.seen(view) for m in self.members.values() if hosts(m.host))


def _all_seen(members: Iterable[Member], view: View) -> Iterable[AddressSet]:
    if view.others:
        return (member.seen(view) for member in members)
    if view.sight == "local":  # alike for thousands of hosts
        return (member.addresses.local for member in members)
    return (member.addresses.advertised for member in members)


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


def no_address_message(endpoint: EndpointDefinition, users: str, other_groups: Iterable[str] = ()) -> str:
    """Say that *endpoint* is empty, which rows need it (*users*), which of *other_groups* is near, and each way out."""
    groups = names(shown(group) for group in endpoint.groups) or "none"
    near = {nearest(group, other_groups) for group in endpoint.groups} - {""}
    groups += f"; there is a group {names(map(shown, near))}, which is the nearest" if near else ""
    fallback = f"; without a host there: the endpoints {names(endpoint.fallback)}" if endpoint.fallback else ""
    return (
        f"endpoint {endpoint.name}: has no addresses, and row {users} needs them (its groups: {groups}{fallback}); "
        f"accepted: hosts in those groups, networks in port_matrix_endpoints.{endpoint.name}, "
        f"{endpoint.name} in port_matrix_allow_empty, or the rows in port_matrix_disabled_rows"
    )
