# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: literal IPv4 and IPv6 addresses and networks, parsed and written by netaddr."""

from __future__ import annotations

import functools
import re
import socket
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ._errors import PortMatrixError, shown
from ._intervals import IntervalSet
from ._netaddr import netaddr

Family = t.Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
ACCEPTED = "an IPv4 or IPv6 address, or a network as address/prefix length"

_VERSION: dict[Family, t.Literal[4, 6]] = {"ipv4": 4, "ipv6": 6}
_WIDTH: dict[Family, int] = {"ipv4": 32, "ipv6": 128}
_FAMILIES_OF: dict[tuple[bool, bool], frozenset[Family]] = {
    (False, False): frozenset(),
    (True, False): frozenset({"ipv4"}),
    (False, True): frozenset({"ipv6"}),
    (True, True): frozenset({"ipv4", "ipv6"}),
}
_OF_SYSTEM: dict[Family, socket.AddressFamily] = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_PREFIX_LENGTH = re.compile(r"\d{1,3}", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?", re.IGNORECASE | re.ASCII)

# Special-purpose addresses (RFC 6890, RFC 5771, RFC 4291) that no host has for others to talk to.
_UNUSABLE = {
    "127.0.0.0/8": "a loopback address, which no other host can reach",
    "::1/128": "a loopback address, which no other host can reach",
    "224.0.0.0/4": "a multicast address",
    "ff00::/8": "a multicast address",
    "0.0.0.0/32": "not the address of a host",
    "::/128": "not the address of a host",
    "255.255.255.255/32": "the broadcast address",
    "::ffff:0:0/96": "an IPv4 address in IPv6 notation; write it as IPv4",
}


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of both families, each as an interval set of integers."""

    ipv4: IntervalSet = IntervalSet()
    ipv6: IntervalSet = IntervalSet()

    @classmethod
    def union(cls, sets: Iterable[AddressSet]) -> AddressSet:
        """Everything that is in one of *sets*."""
        parts = list(sets)
        if len(parts) == 1:
            return parts[0]
        return cls(IntervalSet.union(p.ipv4 for p in parts), IntervalSet.union(p.ipv6 for p in parts))

    def of_family(self, family: Family) -> IntervalSet:
        """The part of one family."""
        return self.ipv4 if family == "ipv4" else self.ipv6

    def families(self) -> frozenset[Family]:
        """The families that have at least one address."""
        return _FAMILIES_OF[bool(self.ipv4.intervals), bool(self.ipv6.intervals)]

    def intersection(self, other: AddressSet) -> AddressSet:
        """What is in both sets."""
        return AddressSet(self.ipv4.intersection(other.ipv4), self.ipv6.intersection(other.ipv6))

    def cidrs(self, family: Family) -> list[str]:
        """The addresses of *family* as sorted, merged CIDR strings, single addresses included (``/32``, ``/128``)."""
        return format_cidrs(self.of_family(family), family)

    def __bool__(self) -> bool:
        return bool(self.ipv4.intervals or self.ipv6.intervals)

    def only_single_addresses(self) -> bool:
        """Tell whether no interval holds more than one address, as is so for a machine and not for a network."""
        return all(first == last for first, last in self.ipv4.intervals + self.ipv6.intervals)


def format_cidrs(addresses: IntervalSet, family: Family) -> list[str]:
    """Write an interval set of *family* as sorted, merged CIDR strings."""
    width = _WIDTH[family]
    cidrs: list[str] = []
    for first, last in addresses.intervals:
        if first == last:
            cidrs.append(f"{format_address(first, family)}/{width}")
        else:
            cidrs.extend(format_range(first, last, family))
    return cidrs


def format_address(address: int, family: Family) -> str:
    """Write one address."""
    return socket.inet_ntop(_OF_SYSTEM[family], address.to_bytes(_WIDTH[family] // 8, "big"))


def format_range(first: int, last: int, family: Family) -> list[str]:
    """Write the addresses from *first* to *last* as the fewest CIDR strings."""
    version = _VERSION[family]
    cidrs = netaddr.iprange_to_cidrs(netaddr.IPAddress(first, version), netaddr.IPAddress(last, version))
    return [str(cidr) for cidr in cidrs]


def parse_address(value: object, where: str) -> AddressSet:
    """Read what a host has: an address, a network, or an interface address.

    ``192.0.2.10/24`` is how ``ip address`` shows an interface: it has host bits set, so it names one machine
    and becomes ``192.0.2.10``. Reading it as the network would open more than was meant.

    :raises PortMatrixError: if *value* is none of these; the message begins with *where*.
    """
    plain = _read_plain(value)
    if plain and not any(first <= plain[1] <= last for first, last in _unusable_spans()[plain[0]]):
        family, address, length = plain
        if length == _WIDTH[family] or _is_network(family, address, length):
            return _span(family, address, length)
    network = _parse(value, where)
    return _as_set(netaddr.IPNetwork(network.ip) if network.ip != network.network else network)


def parse_network(value: object, where: str) -> AddressSet:
    """Read a literal network (or a single address) of an endpoint; host bits are cleared, as the key says network.

    :raises PortMatrixError: if *value* is neither; the message begins with *where*.
    """
    return _as_set(_parse(value, where).cidr)


def parse_single_address(value: object, where: str) -> AddressSet:
    """Read the address of one machine.

    :raises PortMatrixError: if *value* is none, or a network; the message begins with *where*.
    """
    address = parse_address(value, where)
    if not address.only_single_addresses():
        raise PortMatrixError.at(where, f"{shown(value)} is a network", "one IPv4 or IPv6 address")
    return address


def read_cidrs(cidrs: Iterable[str], where: str = "site") -> AddressSet:
    """Read back what :meth:`AddressSet.cidrs` wrote, of both families.

    :raises PortMatrixError: if an item is no address; the message begins with *where*.
    """
    found: dict[Family, list[tuple[int, int]]] = {"ipv4": [], "ipv6": []}
    for cidr in cidrs:
        family, address, length = _read_plain(cidr) or _read_other(cidr, where)
        size = 1 << (_WIDTH[family] - length)
        first = address & -size
        found[family].append((first, first + size - 1))
    return AddressSet(IntervalSet.of(found["ipv4"]), IntervalSet.of(found["ipv6"]))


def is_literal_address(value: object) -> bool:
    """Tell whether *value* is an address that needs no name service, as ``ansible_host`` may be."""
    return isinstance(value, str) and (netaddr.valid_ipv4(value) or netaddr.valid_ipv6(value))


def has_host_bits(value: str) -> bool:
    """Tell whether *value*, a valid address or network, is an interface address such as ``192.0.2.10/24``."""
    network = netaddr.IPNetwork(value)
    return bool(network.ip != network.network)


def _read_plain(value: object) -> tuple[Family, int, int] | None:
    """Read an address or network in its usual form: family, address, prefix length. None is for netaddr to judge.

    A site can have tens of thousands of them, and this takes a tenth of the time.
    """
    if not isinstance(value, str):
        return None
    address, slash, prefix = value.partition("/")
    family: Family = "ipv6" if ":" in address else "ipv4"
    try:
        number = int.from_bytes(socket.inet_pton(_OF_SYSTEM[family], address), "big")
    except (OSError, ValueError):  # the latter for a character that is none of a host's
        return None
    if not slash:
        return family, number, _WIDTH[family]
    length = int(prefix) if _PREFIX_LENGTH.fullmatch(prefix) else _WIDTH[family] + 1
    return (family, number, length) if length <= _WIDTH[family] else None


def _read_other(value: str, where: str) -> tuple[Family, int, int]:
    """Read the same in another form, such as Windows has it: with a netmask."""
    try:
        network = netaddr.IPNetwork(value)
    except (netaddr.AddrFormatError, ValueError) as e:
        raise PortMatrixError.at(where, f"{shown(value)} is not an address", ACCEPTED) from e
    return "ipv4" if network.version == 4 else "ipv6", int(network.ip), network.prefixlen


def _is_network(family: Family, address: int, length: int) -> bool:
    """Tell whether *address* has no host bits, and the network is not every address."""
    return length > 0 and not address & ((1 << (_WIDTH[family] - length)) - 1)


def _span(family: Family, first: int, length: int) -> AddressSet:
    intervals = IntervalSet(((first, first + (1 << (_WIDTH[family] - length)) - 1),))
    return AddressSet(ipv4=intervals) if family == "ipv4" else AddressSet(ipv6=intervals)


def _as_set(network: netaddr.IPNetwork) -> AddressSet:
    intervals = IntervalSet(((network.first, network.last),))
    return AddressSet(ipv4=intervals) if network.version == 4 else AddressSet(ipv6=intervals)


def _parse(value: object, where: str) -> netaddr.IPNetwork:
    if not isinstance(value, str):
        raise PortMatrixError.at(where, f"{shown(value)} is not an address", ACCEPTED)
    address, slash, prefix = value.partition("/")
    try:
        if slash and not _PREFIX_LENGTH.fullmatch(prefix):
            raise ValueError(prefix)
        network = netaddr.IPNetwork(value)
    except (netaddr.AddrFormatError, ValueError) as e:
        problem = f"{shown(value)} is not an address"
        if not slash and _HOST_NAME.fullmatch(address) and not _looks_numeric(address):
            problem = f"{shown(value)} is a host name, and the rules need an address"
        raise PortMatrixError.at(where, problem, ACCEPTED) from e
    if reason := _unusable(network):
        raise PortMatrixError.at(where, f"{shown(value)} is {reason}", ACCEPTED)
    return network


def _looks_numeric(text: str) -> bool:
    return not any(letter.isalpha() for letter in text)


@functools.cache
def _unusable_networks() -> tuple[tuple[int, int, int, int, str], ...]:
    networks = ((netaddr.IPNetwork(text), reason) for text, reason in _UNUSABLE.items())
    return tuple((n.version, n.first, n.last, n.prefixlen, reason) for n, reason in networks)


@functools.cache
def _unusable_spans() -> dict[Family, list[tuple[int, int]]]:
    return {
        family: [(first, last) for version, first, last, _length, _why in _unusable_networks() if version == number]
        for family, number in _VERSION.items()
    }


def _unusable(network: netaddr.IPNetwork) -> str:
    """Say why no machine can have this address; empty where one can. Wider networks, such as "any", may hold it."""
    address = int(network.ip)
    is_interface_address = address != network.first
    if network.prefixlen == 0 and is_interface_address:
        return "every address by its prefix length, and one address by the rest"
    for version, first, last, prefixlen, reason in _unusable_networks():
        reaches = network.prefixlen >= prefixlen or is_interface_address
        if reaches and network.version == version and first <= address <= last:
            return reason
    return ""
