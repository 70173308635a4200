# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who and what a question names: hosts, endpoints, groups, networks and addresses; ports and their ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .._matrix.hosts import Addresses, parse_host
from .._matrix.site import Site
from .._matrix.views import ADVERTISED, View
from .._values.addresses import AddressSet, looks_like_a_name, parse_network
from .._values.errors import PortMatrixError, nearest_text, shown
from .._values.intervals import IntervalSet
from .._values.ports import parse_ports
from .._values.words import display, people_cidrs, ports_text, some

ACCEPTED = "the name of a host, an endpoint or a group, an address, or a network"
_EVERY_ADDRESS = AddressSet(IntervalSet(((0, 2**32 - 1),)), IntervalSet(((0, 2**128 - 1),)))


@dataclass(frozen=True)
class Place:
    """Who is asked about: as the question names it, and its addresses.

    Of ``is_many``, some may be permitted and others not. ``unknown`` are the hosts of a group that have no address.
    """

    name: str
    addresses: AddressSet
    is_many: bool = False
    unknown: tuple[str, ...] = ()

    def text(self) -> str:
        """Name it for people, with its addresses where the name is not one."""
        shown_addresses = people_cidrs(self.addresses)
        name = display(self.name)
        return name if shown_addresses == [name] or self is ANYBODY else f"{name} ({some(shown_addresses)})"

    def notes(self) -> list[str]:
        """What its reader has to know of it."""
        hosts = some([display(host) for host in self.unknown])
        return [f"nothing is known about the addresses of {hosts}, so this is not about them"] if hosts else []


ANYBODY = Place("anybody", _EVERY_ADDRESS, True)
"""Who stands for what the question leaves out: what may reach it, or what it may reach."""


@dataclass(frozen=True)
class Vocabulary:
    """What names in a question mean: the site, and of the inventory what no row names.

    ``hostvars`` are the variables of hosts that may be asked about, ``groups`` their groups, ``ranges`` the port ranges
    by name.
    """

    site: Site
    hostvars: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, IntervalSet] = field(default_factory=dict)

    def place(self, value: object, where: str, local: str | None, view: View = ADVERTISED) -> Place:
        """Read one side of a question, as *view* sees it at the host *local*.

        :raises PortMatrixError: for what is none, with the nearest name.
        """
        if value is None or value == "":
            return ANYBODY
        if not isinstance(value, str):
            raise PortMatrixError.at(where, f"{shown(value)} is not a string", ACCEPTED)
        found = self._named(value, local, view)
        if found is not None:
            return found
        if not looks_like_a_name(value):
            addresses = parse_network(value, where)
            return Place(value, addresses, not addresses.only_single_addresses())
        meant = nearest_text(value, (name for name in self._names() if name != value))
        raise PortMatrixError.at(
            where, f"{shown(value)} is not a host with an address, an endpoint or a group{meant}", ACCEPTED
        )

    def _named(self, name: str, local: str | None, view: View) -> Place | None:
        """The host, or else the endpoint or group, of this *name*."""
        host = self._host(name, local, view)
        if host:
            return Place(name, host, any(part.networks for part in self._parts(name)))
        if name in self.site.endpoints:
            members = self.site.endpoints[name]
            parts = {
                m.host: m.addresses.seen("local" if m.host and m.host == local else view.of(m.host)) for m in members
            }
        else:
            parts = {member: self._host(member, local, view) for member in self.groups.get(name, ())}
        addresses = AddressSet.union(parts.values())
        unknown = tuple(sorted(str(host) for host, part in parts.items() if not part))
        return Place(name, addresses, True, unknown) if addresses else None

    def _parts(self, name: str) -> list[Addresses]:
        """All that is known of the addresses of one host."""
        parts = [m.addresses for members in self.site.endpoints.values() for m in members if m.host == name]
        if name in self.hostvars:
            host = parse_host(name, self.hostvars[name])
            parts += [part for part in (host.own, *host.interfaces.values()) if part]
        return parts

    def _host(self, name: str, local: str | None, view: View) -> AddressSet:
        sight = "local" if name == local else view.of(name)
        return AddressSet.union(part.seen(sight) for part in self._parts(name))

    def _names(self) -> Iterable[str]:
        hosts = {m.host for members in self.site.endpoints.values() for m in members if m.host}
        return {*hosts, *self.hostvars, *self.site.endpoints, *self.groups}

    def ports(self, value: object, where: str) -> Ports | None:
        """Read ports; None where the question is about whatever port.

        :raises PortMatrixError: for what is neither a port nor a range of ports by its name.
        """
        if value is None or value == "":
            return None
        ports = parse_ports(value, where, self.ranges)
        text = ports_text(ports)
        name = value if isinstance(value, str) and value in self.ranges else ""
        return Ports(ports, f"{name} ({text})" if name else text)


@dataclass(frozen=True)
class Ports:
    """Ports that are asked about, and how the question words them."""

    ports: IntervalSet
    text: str
