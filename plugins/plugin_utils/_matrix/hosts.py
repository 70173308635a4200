# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the inventory: their addresses, their interfaces, and what others see of them behind static NAT."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._values.addresses import (
    AddressSet,
    has_host_bits,
    is_literal_address,
    looks_like_a_name,
    parse_address,
    parse_single_address,
    plain_address,
)
from .._values.errors import PortMatrixError, ProblemList, names, nearest, shown
from .._values.mapping import as_list, as_mapping
from .._values.vaulted import Vaulted
from .sources import VARIABLE
from .views import Sight

# The host variables that the core reads; the glue fetches no other.
HOST_VARIABLES = (
    "port_matrix_addresses",
    "port_matrix_interfaces",
    "port_matrix_location",
    "port_matrix_view",
    "ansible_host",
    VARIABLE,
)


class Pair(t.NamedTuple):
    """One address behind static NAT: what is on the machine, what others see instead, and whether it is a secret."""

    local: AddressSet
    advertised: AddressSet
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one host or interface: as the host itself has them, and as everybody else sees them.

    ``networks`` tells whether a network is among them, so that they may be many machines. The sets do not tell:
    two neighbouring addresses of one machine are merged there as the network of these two would be. ``pairs`` are
    those addresses that are behind static NAT.
    """

    local: AddressSet = AddressSet()
    advertised: AddressSet = AddressSet()
    networks: bool = False
    pairs: tuple[Pair, ...] = field(default=(), compare=False)

    @classmethod
    def plain(cls, addresses: AddressSet) -> Addresses:
        """One address or network without NAT: the same from everywhere."""
        return cls(addresses, addresses, not addresses.only_single_addresses())

    @classmethod
    def union(cls, parts: Iterable[Addresses]) -> Addresses:
        """Everything that is in one of *parts*."""
        all_parts = list(parts)
        if len(all_parts) == 1:
            return all_parts[0]
        local = AddressSet.union([p.local for p in all_parts])
        alike = all(p.local is p.advertised for p in all_parts)
        return cls(
            local,
            local if alike else AddressSet.union([p.advertised for p in all_parts]),
            any(p.networks for p in all_parts),
            tuple(pair for p in all_parts for pair in p.pairs),
        )

    def seen(self, sight: Sight) -> AddressSet:
        """The addresses as somebody sees them who sees that side of a NATed pair."""
        return self.local if sight == "local" else self.advertised

    def all(self) -> AddressSet:
        """The addresses of both sides."""
        return self.local if self.local is self.advertised else AddressSet.union((self.local, self.advertised))

    def without(self, excluded: AddressSet) -> Addresses:
        """What is left without *excluded*. Of a NATed pair, both addresses go with either."""
        gone = [p for p in self.pairs if p.local.intersection(excluded) or p.advertised.intersection(excluded)]
        local = AddressSet.union((excluded, *(pair.local for pair in gone)))
        advertised = AddressSet.union((excluded, *(pair.advertised for pair in gone)))
        pairs = tuple(pair for pair in self.pairs if pair not in gone)
        return Addresses(self.local.difference(local), self.advertised.difference(advertised), self.networks, pairs)

    def __bool__(self) -> bool:
        return bool(self.local.ipv4.intervals or self.local.ipv6.intervals)


_NO_INTERFACES: Mapping[str, Addresses] = {}


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the inventory. ``own`` are its own addresses, which may be networks (of clients, say).

    ``spans`` tells whether these are those of all its interfaces, as they are where nobody says anything else.
    ``hint`` says why it has no address, where it has none; ``notes`` say which input may not mean what it seems to.
    """

    name: str
    own: Addresses = Addresses()
    interfaces: Mapping[str, Addresses] = field(default_factory=dict)
    spans: bool = True
    hint: str = ""
    notes: tuple[str, ...] = ()

    def on(self, interface: str | None, user: str = "a row") -> Addresses:
        """The addresses of *interface*: a name, ``"*"`` for every interface, None for the host's own addresses.

        A host without interfaces has its own addresses on each. *user* says for the message who needs them.

        :raises PortMatrixError: for a host with interfaces that lacks this one.
        """
        if interface is None or not self.interfaces:
            return self.own
        if interface == "*":
            return self.own if self.spans else Addresses.union(self.interfaces.values())
        if not self.interfaces.get(interface):
            there = {name: addresses for name, addresses in self.interfaces.items() if addresses}
            listed = f"{_listed(there) or 'none with an address'}{_nearest_text(interface, there)}"
            raise PortMatrixError.at(
                f"host {shown(self.name)} port_matrix_interfaces",
                f"has no {interface}, which {user} needs; it has {listed}",
                interface_accepted(interface, there),
            )
        return self.interfaces[interface]

    def all(self) -> Addresses:
        """Its own addresses and those of every interface."""
        return self.own if self.spans else Addresses.union([self.own, *self.interfaces.values()])


def parse_host(name: str, variables: Mapping[str, object]) -> Host:
    """Read the host variables ``HOST_VARIABLES`` of the host *name*.

    :raises PortMatrixError: with everything that is wrong with this host.
    """
    return _plain_host(name, variables) or _parse_host(name, variables)


def _plain_host(name: str, variables: Mapping[str, object]) -> Host | None:
    """Return a host with nothing to say about it, as most of a large site are; None for any other.

    It has one address, or interfaces with one each.
    """
    if given := variables.get("port_matrix_interfaces"):
        interfaces = _plain_interfaces(given) if "port_matrix_addresses" not in variables else None
        return None if interfaces is None else Host(name, Addresses.union(interfaces.values()), interfaces)
    own = _plain_addresses(variables.get("port_matrix_addresses", [variables.get("ansible_host")]))
    return None if own is None else Host(name, own, _NO_INTERFACES)


def _plain_interfaces(given: object) -> dict[str, Addresses] | None:
    """Return interface → its address where neither has a problem; None for all else, which may have one."""
    interfaces: dict[str, Addresses] = {}
    for interface, value in given.items() if isinstance(given, dict) else ():
        addresses = _plain_addresses(value)
        if addresses is None or not isinstance(interface, str):
            return None
        interfaces[interface] = addresses
    return interfaces or None


def _plain_addresses(value: object) -> Addresses | None:
    """Return the address of a list of one that has no problem; None for all else, which may have one."""
    address = plain_address(value[0]) if isinstance(value, list) and len(value) == 1 else None
    return None if address is None else Addresses(address, address)


def _parse_host(name: str, variables: Mapping[str, object]) -> Host:
    where = f"host {shown(name)}"
    value = variables.get("port_matrix_interfaces")
    if not value:
        own = _own_addresses(where, variables, {})
        hint = "" if own else _hint(where, variables)
        return Host(name, own, hint=hint, notes=tuple(_notes(where, variables, {})))
    problems = ProblemList()
    interfaces = problems.attempt(_parse_interfaces, value, f"{where} port_matrix_interfaces") or {}
    own = problems.attempt(_own_addresses, where, variables, interfaces) or Addresses()
    problems.raise_if_any()
    notes = tuple(_notes(where, variables, t.cast("Mapping[object, object]", value)))
    return Host(name, own, interfaces, "port_matrix_addresses" not in variables, _hint(where, variables), notes)


def _parse_interfaces(value: object, where: str) -> dict[str, Addresses]:
    """Read interface → addresses, or the name of another interface.

    :raises PortMatrixError: with everything that is wrong with them.
    """
    given = {str(interface): item for interface, item in as_mapping(value, where).items()}
    problems = ProblemList()
    parsed: dict[str, Addresses] = {}
    for interface in given:
        label = interface if interface.isprintable() else shown(interface)
        parsed[interface] = problems.attempt(_parse_interface, interface, given, f"{where}.{label}") or Addresses()
    problems.raise_if_any()
    return parsed


def _parse_interface(interface: str, given: Mapping[str, object], where: str) -> Addresses:
    passed = [interface]
    while isinstance(value := given[passed[-1]], str) and value in given:
        if value in passed:
            raise PortMatrixError.at(
                where, f"{' → '.join([*passed, value])} leads nowhere", "an interface that finally has addresses"
            )
        passed.append(value)
    if isinstance(value, str) and looks_like_a_name(value):
        raise PortMatrixError.at(
            where,
            f"{shown(value)} is neither an address nor an interface of this host{_nearest_text(value, given)}",
            f"addresses, or one of {_listed(given)}",
        )
    return _parse_addresses(value, where)


def _own_addresses(where: str, variables: Mapping[str, object], interfaces: Mapping[str, Addresses]) -> Addresses:
    if "port_matrix_addresses" in variables:
        return _parse_addresses(variables["port_matrix_addresses"], f"{where} port_matrix_addresses")
    if interfaces:
        return Addresses.union(interfaces.values())
    for literal in (variables.get("ansible_host"), variables.get("inventory_hostname")):
        if is_literal_address(literal):
            return Addresses.plain(parse_address(literal, f"{where} ansible_host"))
    return Addresses()


def _hint(where: str, variables: Mapping[str, object]) -> str:
    """Say why a host has no address, for the message of whoever needs one."""
    ansible_host = variables.get("ansible_host")
    reason = f"ansible_host {shown(ansible_host)} is a name, and the rules need an address" if ansible_host else ""
    return f"{where}: {reason or 'has no address'}; accepted: set port_matrix_addresses for this host"


def _parse_addresses(value: object, where: str) -> Addresses:
    items = as_list(value, where)
    if len(items) == 1:
        return _parse_item(items[0], where)
    problems = ProblemList()
    parts = [problems.attempt(_parse_item, item, where) for item in items]
    problems.raise_if_any()
    return Addresses.union(part for part in parts if part)


def _parse_item(item: object, where: str) -> Addresses:
    if not isinstance(item, Mapping):
        return Addresses.plain(parse_address(item, where))
    pair = as_mapping(item, where, ("address", "advertised"))
    if "address" not in pair:
        raise PortMatrixError.at(where, f"{shown(dict(pair))} has no address", "{address: …, advertised: …}")
    local = parse_single_address(pair["address"], f"{where} address")
    advertised = parse_single_address(pair.get("advertised", pair["address"]), f"{where} advertised")
    if local.families() != advertised.families():
        raise PortMatrixError.at(where, f"{shown(dict(pair))} mixes IPv4 and IPv6", "two addresses of one family")
    secret = any(isinstance(side, Vaulted) for side in pair.values())
    return Addresses(local, advertised, pairs=(Pair(local, advertised, secret),) if local != advertised else ())


def interface_accepted(interface: str, there: Iterable[str]) -> str:
    """Say how a host that has other interfaces *there* says where *interface* is."""
    example = nearest(interface, there) or next(iter(sorted(there)), "")
    as_in = f", as in {{{interface}: {example}}}" if example.isidentifier() else ""
    return f"{interface} with its addresses, or with the name of the interface that has them{as_in}"


def _listed(interfaces: Iterable[str]) -> str:
    return names(one if one.isprintable() else shown(one) for one in interfaces)


def _nearest_text(name: str, known: Iterable[str]) -> str:
    best = nearest(name, known)
    return f", and {best if best.isprintable() else shown(best)} is the nearest" if best else ""


def _notes(where: str, variables: Mapping[str, object], interfaces: Mapping[object, object]) -> Iterable[str]:
    """Yield a note for each interface address with a prefix length: it was read as one address, not as a network."""
    for addresses in (variables.get("port_matrix_addresses", ()), *interfaces.values()):
        for item in as_list(addresses, where):
            if isinstance(item, str) and "/" in item and has_host_bits(item):
                address = "before the slash" if isinstance(item, Vaulted) else item.partition("/")[0]
                yield f"{where}: {shown(item)} is an interface address and counts as the one address {address}"
