# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that an endpoint lacks: one by one, or as the network that they are in where they are many."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .._values.addresses import Family, format_address, format_range
from .names import Names

# So many addresses of one network make it the network that is missing, and not single machines in it.
MANY = 8
_NETWORK_BITS: dict[Family, int] = {"ipv4": 8, "ipv6": 64}


@dataclass(frozen=True)
class Addition:
    """A network that an endpoint lacks, or one address, and the addresses in it that were seen."""

    endpoint: str
    family: Family
    first: int
    last: int
    seen: tuple[int, ...]

    def cidr(self) -> str:
        """Write it as an inventory has it."""
        if self.first == self.last:
            return format_address(self.first, self.family)
        return format_range(self.first, self.last, self.family)[0]

    def has(self, family: Family, address: int) -> bool:
        """Whether *address* is in it."""
        return family == self.family and self.first <= address <= self.last

    def wider(self) -> str:
        """Say how much more it is than what was seen; empty where it is no more."""
        if self.first == self.last:
            return ""
        return f"{self.cidr()} is wider than what was seen: {len(self.seen)} addresses of this network were"


def additions(
    endpoint: str,
    addresses: Iterable[tuple[Family, int]],
    others: Collection[tuple[Family, int]],
    names: Iterable[Names],
) -> list[Addition]:
    """Return what *endpoint* lacks for *addresses*.

    :param others: addresses that it must not get, which were seen as something else.
    :param names: no network with a machine of these is given to it.
    """
    known = list(names)
    taken = {network_of(*other) for other in others}
    by_network: dict[tuple[Family, int], list[int]] = {}
    for family, address in sorted(set(addresses)):
        by_network.setdefault(network_of(family, address), []).append(address)
    found = []
    for (family, network), seen in sorted(by_network.items()):
        bits = _NETWORK_BITS[family]
        first, last = network << bits, ((network + 1) << bits) - 1
        is_many = len(seen) >= MANY and (family, network) not in taken
        if is_many and not any(one.machines_in(family, first, last) for one in known):
            found.append(Addition(endpoint, family, first, last, tuple(seen)))
        else:
            found += [Addition(endpoint, family, address, address, (address,)) for address in seen]
    return found


def network_of(family: Family, address: int) -> tuple[Family, int]:
    """The network that *address* is in, as family and number."""
    return family, address >> _NETWORK_BITS[family]


def network_text(family: Family, address: int) -> str:
    """Write the network that *address* is in."""
    first = network_of(family, address)[1] << _NETWORK_BITS[family]
    return format_range(first, first + (1 << _NETWORK_BITS[family]) - 1, family)[0]
