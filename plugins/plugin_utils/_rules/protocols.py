# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP protocols: what users write, the one spelling that every back end gets, and which of them have ports.

A protocol is its name where it has one here, and else its number as text. A number of one with a name becomes the name.
"""

from __future__ import annotations

import re

from .._values.addresses import FAMILIES, Family
from .._values.errors import PortMatrixError, names, nearest_text, shown
from .._values.mapping import as_list

# Name → number (IANA, Protocol Numbers).
NUMBERS = {
    "ah": 51, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "sctp": 132, "tcp": 6, "udp": 17, "vrrp": 112,
}  # fmt: skip
WITH_PORTS = ("sctp", "tcp", "udp")
ACCEPTED = f"{names(NUMBERS)}, or a number 0-255"

_NAMES = {number: name for name, number in NUMBERS.items()}
_TEXTS = {"icmpv6": "ICMPv6"}
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
# IPv6 has extension headers under these numbers: hop-by-hop options, routing, fragment, destination options (RFC 8200,
# section 4). What follows them is the protocol, so a rule for one of them would let everything through that has it.
_EXTENSION_HEADERS = ("0", "43", "44", "60")
_ONLY_FAMILY: dict[str, Family] = {
    "icmp": "ipv4",
    "icmpv6": "ipv6",
    **dict.fromkeys(_EXTENSION_HEADERS, FAMILIES[0]),
}


def parse_protocol(value: object, where: str) -> str:
    """Return *value*, a name or a number (also as text), in its one spelling.

    :raises PortMatrixError: if it is no protocol; the message begins with *where*.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = int(value)
        if number > 255:
            raise PortMatrixError.at(where, f"{shown(value)} is out of range", ACCEPTED)
        return _NAMES.get(number, str(number))
    if not isinstance(value, str) or value not in NUMBERS:
        raise PortMatrixError.at(where, f"unknown value {shown(value)}{nearest_text(value, NUMBERS)}", ACCEPTED)
    return str.__str__(value)


def parse_protocols(value: object, where: str) -> tuple[str, ...]:
    """Return *value*, a protocol or a list of them, sorted; they all have ports, or none of them has.

    :raises PortMatrixError: for anything else; the message begins with *where*.
    """
    items = [value] if isinstance(value, (str, int)) else as_list(value, where)
    if not items:
        raise PortMatrixError.at(where, "is an empty list", "at least one")
    protocols = sorted({parse_protocol(item, where) for item in items})
    without = [protocol for protocol in protocols if not has_ports(protocol)]
    if 0 < len(without) < len(protocols):
        raise PortMatrixError.at(
            where,
            f"{names(without)} among protocols with ports",
            f"a row of its own for protocols without ports, or only {names(WITH_PORTS)}",
        )
    return tuple(protocols)


def check_without_ports(protocol: str, where: str) -> None:
    """Refuse ports at *where* for a *protocol* that has none.

    :raises PortMatrixError: if it has none.
    """
    if not has_ports(protocol):
        accepted = f"no ports, or one of the protocols {names(WITH_PORTS)}"
        raise PortMatrixError.at(where, f"{protocol} has no ports", accepted)


def has_ports(protocol: str) -> bool:
    """Tell whether *protocol* has ports."""
    return protocol in WITH_PORTS


def number_of(protocol: str) -> int:
    """The number of *protocol*."""
    return NUMBERS[protocol] if protocol in NUMBERS else int(protocol)


def families_of(protocol: str) -> tuple[Family, ...]:
    """The families that have *protocol*: ICMP belongs to one."""
    return (_ONLY_FAMILY[protocol],) if protocol in _ONLY_FAMILY else FAMILIES


def protocol_text(protocol: str) -> str:
    """Write *protocol* for people."""
    return f"IP protocol {protocol}" if protocol.isdigit() else _TEXTS.get(protocol, protocol.upper())
