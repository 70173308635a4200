# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose addresses are seen: machines of the inventory, and the networks that an address lies in."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .._matrix.endpoints import Member
from .._matrix.hosts import Host, parse_host
from .._matrix.site import Site
from .._values.addresses import FAMILIES, AddressSet, Family
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet


class Party(t.NamedTuple):
    """Who an address is. The name of a machine or a network of the inventory, or of an endpoint; empty for nobody.

    What everybody is in, such as 0.0.0.0/0 for video endpoints, has a name too, and makes nobody part of the site.
    """

    name: str = ""
    is_machine: bool = False
    is_of_site: bool = False


NOBODY = Party()
_MOST_OF_A_MACHINE = 64
OF_A_PROPOSAL = "observed_"
"""How the endpoints of proposed rows begin. Who is in one was seen once, which makes nobody part of the site."""
_EVERYBODY: dict[Family, int] = {"ipv4": 1 << 32, "ipv6": 1 << 128}


class Names:
    """The parties of some sites, as one host that judges sees them, and other hosts of the inventory."""

    def __init__(self, sites: Iterable[Site], gateway: str, others: Iterable[Host] = ()) -> None:
        self._machines: dict[tuple[Family, int], str] = {}
        self._networks: dict[Family, set[tuple[int, str, IntervalSet]]] = {family: set() for family in FAMILIES}
        known = list(sites)
        # What is seen comes first: the other side of a NAT can be the address of somebody else.
        for site in known:
            view = site.view_of(gateway)
            for member in (member for members in site.endpoints.values() for member in members):
                if member.is_machine():
                    sight = "local" if member.host == gateway else view.of(member.host)
                    self._add_machine(str(member.host), member.addresses.seen(sight))
        for site in known:
            for endpoint, members in site.endpoints.items():
                for member in members if not endpoint.startswith(OF_A_PROPOSAL) else ():
                    self._add(endpoint, member)
            for host, addresses in site.further.items():
                self._add_further(host, addresses)
        for other in others:
            self._add(other.name, Member(other.name, other.all()))
        # The smallest network that an address lies in says most.
        self._sorted = {
            family: sorted(networks, key=lambda one: (one[0], one[1], one[2].intervals))
            for family, networks in self._networks.items()
        }

        self.of = lru_cache(maxsize=None)(self._of)
        """Who has an address: the machine that has it, or else the smallest network that it lies in.

        It is asked about each of few addresses many times, and passes all networks.
        """

    def _of(self, family: Family, address: int) -> Party:
        machine = self._machines.get((family, address))
        if machine is not None:
            return Party(machine, is_machine=True, is_of_site=True)
        for size, name, span in self._sorted[family]:
            if address in span:
                return Party(name, is_of_site=size < _EVERYBODY[family])
        return NOBODY

    def machines_in(self, family: Family, first: int, last: int) -> bool:
        """Whether a machine has an address from *first* to *last*."""
        return any(kind == family and first <= address <= last for kind, address in self._machines)

    def _add(self, endpoint: str, member: Member) -> None:
        if member.is_machine():
            self._add_machine(str(member.host), member.addresses.all())
            return
        for family in FAMILIES:
            span = member.addresses.all().of_family(family)
            if span:
                self._networks[family].add((span.size(), member.host or endpoint, span))

    def _add_further(self, host: str, addresses: AddressSet) -> None:
        """Add addresses of which nobody says whether they are a machine's, or a network of many."""
        for family in FAMILIES:
            span = addresses.of_family(family)
            if span.size() > _MOST_OF_A_MACHINE:
                self._networks[family].add((span.size(), host, span))
            else:
                self._add_machine(host, AddressSet(**{family: span}))

    def _add_machine(self, name: str, addresses: AddressSet) -> None:
        for family in FAMILIES:
            span = addresses.of_family(family)
            for address in span.values():
                self._machines.setdefault((family, address), name)


def hosts_with_addresses(hosts: Mapping[str, Mapping[str, object]]) -> list[Host]:
    """Return those of *hosts* that say which addresses they have. They are only asked for their names here."""
    parsed = (_parsed(name, variables) for name, variables in sorted(hosts.items()))
    return [host for host in parsed if host]


def _parsed(name: str, variables: Mapping[str, object]) -> Host | None:
    try:
        return parse_host(name, variables)
    except PortMatrixError:
        return None  # what is wrong with a host that no row needs is nobody's business here
