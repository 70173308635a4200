# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: the lists of addresses and ports of a rule, read in any form that Windows writes them in."""

from __future__ import annotations

from .._values.addresses import AddressSet, read_cidrs
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.netaddr import netaddr
from .._values.ports import ANY_PORT, parse_ports


def read_addresses(text: str) -> tuple[AddressSet, frozenset[str]]:
    """Read a list of addresses in any form that Windows has for them; words such as LocalSubnet are returned apart."""
    items = [part.strip().lower() for part in text.split(",")]
    try:
        return read_cidrs(items), frozenset()
    except PortMatrixError:
        pass  # ranges and words are among them
    sets: list[AddressSet] = []
    words: set[str] = set()
    for item in items:
        addresses = _read_address(item)
        if addresses is None:
            words.add("any" if item in ("*", "any", "") else item)
        else:
            sets.append(addresses)
    return AddressSet.union(sets), frozenset(words)


def read_port_list(text: str) -> IntervalSet | str:
    """Read a list of ports; what is none, such as RPC, stays text."""
    if text.strip().lower() in ("*", "any", ""):
        return ANY_PORT
    try:
        return parse_ports([item.strip() for item in text.split(",")], "ports")
    except PortMatrixError:
        return text.strip().lower()


def _read_address(item: str) -> AddressSet | None:
    first, dash, last = item.partition("-")
    try:
        return read_cidrs(map(str, netaddr.iprange_to_cidrs(first, last)) if dash else [item])
    except (netaddr.AddrFormatError, PortMatrixError, ValueError):
        return None
