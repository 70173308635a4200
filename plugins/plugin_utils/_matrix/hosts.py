# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the inventory: their addresses, their interfaces, and what others see of them behind static NAT."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._values.addresses import AddressSet, has_host_bits, is_literal_address, parse_address, parse_single_address
from .._values.errors import PortMatrixError, ProblemList, shown
from .._values.mapping import as_list, as_mapping
from .._values.vaulted import Vaulted

View = t.Literal["advertised", "local"]
VIEWS: tuple[View, ...] = ("advertised", "local")

# The host variables that the core reads; the glue fetches no other.
HOST_VARIABLES = ("port_matrix_addresses", "port_matrix_interfaces", "port_matrix_view", "ansible_host")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one host or interface: as the host itself has them, and as everybody else sees them.

    ``networks`` tells whether a network is among them, so that they may be many machines. The sets do not tell:
    two neighbouring addresses of one machine are merged there as the network of these two would be.
    """

    local: AddressSet = AddressSet()
    advertised: AddressSet = AddressSet()
    networks: bool = False

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
        return cls(
            AddressSet.union(p.local for p in all_parts),
            AddressSet.union(p.advertised for p in all_parts),
            any(p.networks for p in all_parts),
        )

    def seen(self, view: View) -> AddressSet:
        """The addresses as a host with *view* sees them."""
        return self.local if view == "local" else self.advertised

    def __bool__(self) -> bool:
        return bool(self.local)


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the inventory. ``own`` are its own addresses, which may be networks (of clients, say).

    ``hint`` says why it has no address, where it has none; ``notes`` say what was read in a way that may surprise.
    """

    name: str
    own: Addresses = Addresses()
    interfaces: Mapping[str, Addresses] = field(default_factory=dict)
    hint: str = ""
    notes: tuple[str, ...] = ()

    def on(self, interface: str | None) -> Addresses:
        """The addresses of *interface*: a name, ``"*"`` for every interface, None for the host's own addresses.

        A host without that interface falls back to its own addresses.
        """
        if interface == "*" and self.interfaces:
            return Addresses.union(self.interfaces.values())
        return self.interfaces.get(interface or "", self.own)


def parse_host(name: str, variables: Mapping[str, object]) -> Host:
    """Read the host variables ``HOST_VARIABLES`` of the host *name*.

    :raises PortMatrixError: with everything that is wrong with this host.
    """
    where = f"host {shown(name)}"
    value = variables.get("port_matrix_interfaces")
    if not value:  # most hosts of a large site
        own = _own_addresses(where, variables, {})
        return Host(name, own, {}, "" if own else _hint(where, variables), tuple(_notes(where, variables, {})))
    problems = ProblemList()
    interfaces: dict[str, Addresses] = {}
    if not isinstance(value, Mapping):
        problems.add(
            f"{where} port_matrix_interfaces: {shown(value)} is not a mapping; accepted: interface → addresses"
        )
        value = {}
    for interface, addresses in value.items():
        label = interface if str(interface).isprintable() else shown(interface)
        place = f"{where} port_matrix_interfaces.{label}"
        parsed = problems.attempt(_parse_addresses, addresses, place)
        interfaces[str(interface)] = parsed or Addresses()
    own = problems.attempt(_own_addresses, where, variables, interfaces) or Addresses()
    problems.raise_if_any()
    notes = tuple(_notes(where, variables, value))
    return Host(name, own, interfaces, _hint(where, variables), notes)


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
    return Addresses(local, advertised)


def _notes(where: str, variables: Mapping[str, object], interfaces: Mapping[object, object]) -> Iterable[str]:
    """Yield a note for each interface address with a prefix length: it was read as one address, not as a network."""
    for addresses in (variables.get("port_matrix_addresses", ()), *interfaces.values()):
        for item in as_list(addresses, where):
            if isinstance(item, str) and "/" in item and has_host_bits(item):
                address = "before the slash" if isinstance(item, Vaulted) else item.partition("/")[0]
                yield f"{where}: {shown(item)} is an interface address and counts as the one address {address}"
