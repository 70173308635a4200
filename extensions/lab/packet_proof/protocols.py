# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocols that a packet may have, by IANA's "Assigned Internet Protocol Numbers"."""

from __future__ import annotations

NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "sctp": 132}
_NAMES = {number: name for name, number in NUMBERS.items()}
_WITH_PORTS = ("tcp", "udp", "sctp")
_ONLY_FAMILY = {"icmp": 4, "icmpv6": 6}
NO_PORTS = ((0, 0),)


def protocol_number(name: str) -> int:
    """The number of a protocol that has a name here, or is one: "esp" and "50" are 50."""
    return NUMBERS[name] if name in NUMBERS else int(name)


def protocol_name(text: str) -> str:
    """The name of a protocol, also of one that was given as a number; of one without a name here, its number."""
    return _NAMES.get(int(text), text) if text.isdecimal() else text


def has_ports(protocol: str) -> bool:
    """Whether packets of a protocol have ports."""
    return protocol in _WITH_PORTS


def family_has(version: int, protocol: str) -> bool:
    """Whether packets of a protocol exist in IPv4 or in IPv6."""
    return _ONLY_FAMILY.get(protocol, version) == version
