# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the addresses of a host are from: which system said them, and when it was read. Inventory plugins set it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from .._values.addresses import AddressSet, parse_address
from .._values.errors import ProblemList, shown
from .._values.mapping import as_list, as_mapping, as_strings, as_text

VARIABLE = "pexip_sfb_sources"
_TEXTS = ("system", "record", "name", "read", "looked_up_in")


@dataclass(frozen=True, slots=True)
class Source:
    """A *record* called *name* in a *system*, when that was *read*, and the addresses that it has.

    Where the system has a name in place of them, ``looked_up_in`` says what had the addresses; otherwise it is empty.
    """

    system: str
    record: str
    name: str
    read: str
    looked_up_in: str
    addresses: AddressSet

    def as_mapping(self) -> dict[str, t.Any]:
        """Return this as plain data; :func:`read_sources` reads it back."""
        texts = {key: getattr(self, key) for key in _TEXTS}
        cidrs = self.addresses.cidrs("ipv4") + self.addresses.cidrs("ipv6")
        return {**{key: text for key, text in texts.items() if text or key != "looked_up_in"}, "addresses": cidrs}


def read_sources(hosts: Mapping[str, Mapping[str, object]]) -> dict[str, tuple[Source, ...]]:
    """Read ``pexip_sfb_sources`` of *hosts*: host → its sources, for each that has some.

    :raises PortMatrixError: with everything that is wrong with them.
    """
    problems = ProblemList()
    found = {}
    for host in sorted(host for host, variables in hosts.items() if VARIABLE in variables):
        found[host] = problems.attempt(_sources, hosts[host][VARIABLE], f"host {shown(host)} {VARIABLE}")
    problems.raise_if_any()
    return {host: sources for host, sources in found.items() if sources}


def _sources(value: object, where: str) -> tuple[Source, ...]:
    return tuple(_source(item, where) for item in as_list(value, where))


def _source(value: object, where: str) -> Source:
    data = as_mapping(value, where, (*_TEXTS, "addresses"))
    system, record, name, read, looked_up_in = (as_text(data.get(key, ""), f"{where} {key}") for key in _TEXTS)
    addresses = as_strings(data.get("addresses", ()), f"{where} addresses")
    parsed = AddressSet.union(parse_address(address, f"{where} addresses") for address in addresses)
    return Source(system, record, name, read, looked_up_in, parsed)
