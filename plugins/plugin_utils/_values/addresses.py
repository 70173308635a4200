# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: literal IPv4 and IPv6 addresses and networks, parsed and written by the routines of the system.

A site can have tens of thousands of them, and netaddr takes ten times as long. It reads what has a netmask.
"""

from __future__ import annotations

import re
import socket
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import PortMatrixError, shown
from .intervals import IntervalSet
from .netaddr import netaddr
from .vaulted import Vaulted

Family = t.Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
ACCEPTED = "an IPv4 or IPv6 address, or a network as address/prefix length"

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
        return cls(IntervalSet.union([p.ipv4 for p in parts]), IntervalSet.union([p.ipv6 for p in parts]))

    def of_family(self, family: Family) -> IntervalSet:
        """The part of one family."""
        return self.ipv4 if family == "ipv4" else self.ipv6

    def families(self) -> frozenset[Family]:
        """The families that have at least one address."""
        return _FAMILIES_OF[bool(self.ipv4.intervals), bool(self.ipv6.intervals)]

    def intersection(self, other: AddressSet) -> AddressSet:
        """What is in both sets."""
        return AddressSet(self.ipv4.intersection(other.ipv4), self.ipv6.intersection(other.ipv6))

    def difference(self, other: AddressSet) -> AddressSet:
        """What is in this set and not in *other*."""
        return AddressSet(self.ipv4.difference(other.ipv4), self.ipv6.difference(other.ipv6))

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
    width = _WIDTH[family]
    cidrs = []
    while first <= last:
        # The largest network that begins here and does not end beyond.
        bits = min((first & -first or 1 << width).bit_length(), (last - first + 1).bit_length()) - 1
        cidrs.append(f"{format_address(first, family)}/{width - bits}")
        first += 1 << bits
    return cidrs


def parse_address(value: object, where: str) -> AddressSet:
    """Read what a host has: an address, a network, or an interface address.

    ``192.0.2.10/24`` is how ``ip address`` shows an interface: it has host bits set, so it names one machine
    and becomes ``192.0.2.10``. Reading it as the network would open more than was meant.

    :raises PortMatrixError: if *value* is none of these; the message begins with *where*.
    """
    family, address, length = _parse(value, where)
    return _span(family, address, _WIDTH[family] if _has_host_bits(family, address, length) else length)


def plain_address(value: object) -> AddressSet | None:
    """Read an address without a prefix length that a machine can have. None for all else, which may have a problem."""
    literal = _number(value) if isinstance(value, str) and "/" not in value else None
    if literal is None:
        return None
    family, address = literal
    for first, last, _widest, _reason in _UNUSABLE_SPANS[family]:
        if first <= address <= last:
            return None
    intervals = IntervalSet(((address, address),))
    return AddressSet(intervals) if family == "ipv4" else AddressSet(ipv6=intervals)


def parse_network(value: object, where: str) -> AddressSet:
    """Read what a rule or an endpoint names: an address or a network.

    With host bits set, as in ``192.0.2.10/24``, it may be meant as either, and the network would open more.

    :raises PortMatrixError: if *value* is neither, or may be both; the message begins with *where*.
    """
    family, address, length = _parse(value, where)
    if _has_host_bits(family, address, length):
        raise PortMatrixError.at(
            where,
            f"{shown(value)} may be one address or a network",
            "one without host bits" if isinstance(value, Vaulted) else _both_spellings(family, address, length),
        )
    return _span(family, address, length)


def _both_spellings(family: Family, address: int, length: int) -> str:
    single = format_address(address, family)
    network = f"{format_address(_bounds(family, address, length)[0], family)}/{length}"
    return f"{single} or {single}/{_WIDTH[family]} for the address, {network} for the network"


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

    :raises PortMatrixError: if an item is not an address; the message begins with *where*.
    """
    found: dict[Family, list[tuple[int, int]]] = {"ipv4": [], "ipv6": []}
    for cidr in cidrs:
        family, address, length = _read(cidr) or _read_with_netmask(cidr, where)
        found[family].append(_bounds(family, address, length))
    return AddressSet(IntervalSet.of(found["ipv4"]), IntervalSet.of(found["ipv6"]))


def is_literal_address(value: object) -> bool:
    """Tell whether *value* is an address that needs no name service, as ``ansible_host`` may be."""
    return isinstance(value, str) and "/" not in value and _read(value) is not None


def has_host_bits(value: str) -> bool:
    """Tell whether *value*, a valid address or network, is an interface address such as ``192.0.2.10/24``."""
    return _has_host_bits(*_parse(value, "address"))


def _read(value: str) -> tuple[Family, int, int] | None:
    """Read an address, or an address and a prefix length: family, address, prefix length. None where it is neither."""
    address, slash, prefix = value.partition("/")
    literal = _number(address)
    if literal is None:
        return None
    family, number = literal
    if not slash:
        return family, number, _WIDTH[family]
    length = int(prefix) if _PREFIX_LENGTH.fullmatch(prefix) else _WIDTH[family] + 1
    return (family, number, length) if length <= _WIDTH[family] else None


def _number(address: str) -> tuple[Family, int] | None:
    """Read an address: family and number. None where it is none."""
    family: Family = "ipv6" if ":" in address else "ipv4"
    try:
        return family, int.from_bytes(socket.inet_pton(_OF_SYSTEM[family], address), "big")
    except (OSError, ValueError):  # the latter for a character that is none of a host's
        return None


def _read_with_netmask(value: str, where: str) -> tuple[Family, int, int]:
    """Read a network as Windows writes it."""
    try:
        network = netaddr.IPNetwork(value)
    except (netaddr.AddrFormatError, ValueError) as e:
        raise PortMatrixError.at(where, f"{shown(value)} is not an address", ACCEPTED) from e
    return "ipv4" if network.version == 4 else "ipv6", int(network.ip), network.prefixlen


def _bounds(family: Family, address: int, length: int) -> tuple[int, int]:
    """Return the first and the last address of the network that *address* is in."""
    size = 1 << (_WIDTH[family] - length)
    first = address & -size
    return first, first + size - 1


def _span(family: Family, address: int, length: int) -> AddressSet:
    intervals = IntervalSet((_bounds(family, address, length),))
    return AddressSet(ipv4=intervals) if family == "ipv4" else AddressSet(ipv6=intervals)


def _has_host_bits(family: Family, address: int, length: int) -> bool:
    return address != _bounds(family, address, length)[0]


def _parse(value: object, where: str) -> tuple[Family, int, int]:
    literal = _read(value) if isinstance(value, str) else None
    if literal is None:
        problem = f"{shown(value)} is not an address"
        if isinstance(value, str) and looks_like_a_name(value):
            problem = f"{shown(value)} is a host name, and the rules need an address"
        raise PortMatrixError.at(where, problem, ACCEPTED)
    if reason := _unusable(*literal):
        raise PortMatrixError.at(where, f"{shown(value)} is {reason}", ACCEPTED)
    return literal


def looks_like_a_name(text: str) -> bool:
    """Tell whether *text* may be the name of a host or an interface, and is not an address with a typing error."""
    is_numeric = not any(letter.isalpha() for letter in text)
    return bool(_HOST_NAME.fullmatch(text)) and not is_numeric


def _unusable(family: Family, address: int, length: int) -> str:
    """Say why no machine can have this address; empty where one can. Wider networks, such as "any", may hold it."""
    is_interface_address = _has_host_bits(family, address, length)
    if length == 0 and is_interface_address:
        return "every address by its prefix length, and one address by the rest"
    for first, last, widest, reason in _UNUSABLE_SPANS[family]:
        if first <= address <= last and (length >= widest or is_interface_address):
            return reason
    return ""


def _unusable_spans() -> dict[Family, list[tuple[int, int, int, str]]]:
    spans: dict[Family, list[tuple[int, int, int, str]]] = {"ipv4": [], "ipv6": []}
    for network, reason in _UNUSABLE.items():
        addresses = read_cidrs([network])
        for family in addresses.families():
            ((first, last),) = addresses.of_family(family).intervals
            spans[family].append((first, last, int(network.partition("/")[2]), reason))
    return spans


_UNUSABLE_SPANS = _unusable_spans()
