# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who takes part in probes: the machines on either side of a row, managed hosts inside of networks among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .._matrix.endpoints import Side
from .._matrix.hosts import Addresses, Host
from .._matrix.locations import Location, share
from .._matrix.site import Site
from .._matrix.views import LOCAL, View
from .._values.addresses import AddressSet, Family, format_address, format_cidrs, read_cidrs
from .._values.intervals import IntervalSet


@dataclass(frozen=True)
class Target:
    """One address that can be probed. ``port`` is None where the group of probes has one for all."""

    host: str
    address: str
    port: int | None = None
    token: str = ""


class Pool:
    """The targets of one side, sorted by host; how many belong to each host is counted once."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self.targets = tuple(targets)
        self._of_host = Counter(target.host for target in self.targets)

    def without(self, host: str) -> int:
        """How many targets are on other hosts than *host*."""
        return len(self.targets) - self._of_host[host]


class Parties:
    """The parties of a site. *managed* are the hosts that Ansible connects to, by name."""

    def __init__(self, site: Site, managed: Mapping[str, Host]) -> None:
        self._site = site
        self._managed = managed
        self._machines: dict[tuple[str, ...], dict[str, Addresses]] = {}
        self._pools: dict[tuple[tuple[str, ...], View, Family, Location], Pool] = {}
        self._networks: dict[tuple[tuple[str, ...], Family, Location], Pool] = {}

    def machines(self, endpoints: tuple[str, ...]) -> Mapping[str, Addresses]:
        """The machines of *endpoints*, by name. A managed host whose address is in a network of them is one, too."""
        if endpoints not in self._machines:
            side = self._site.side(endpoints)
            found = {host: side.members[host].addresses for host in sorted(side.machines)}
            for name, host in sorted(self._managed.items()):
                inside = AddressSet() if name in found else _all_of(host).local.intersection(_networks(side))
                if inside:
                    found[name] = Addresses(inside, inside)
            self._machines[endpoints] = dict(sorted(found.items()))
        return self._machines[endpoints]

    def location(self, endpoints: tuple[str, ...], host: str) -> Location:
        """Where *host* is as one of *endpoints*: a managed host within networks of them is where these are."""
        side = self._site.side(endpoints)
        if host in side.members:
            return self._site.locations.of(host)
        inside = self.machines(endpoints)[host].local if host in self.machines(endpoints) else AddressSet()
        found = [
            self._site.locations.of(name)
            for name, member in side.members.items()
            if name not in side.machines and member.addresses.local.intersection(inside)
        ]
        return frozenset().union(*found) if all(found) else frozenset()

    def pool(self, endpoints: tuple[str, ...], view: View, family: Family, near: Location = frozenset()) -> Pool:
        """The addresses of the machines of *endpoints* as a host with *view* sees them, which is *near* them."""
        key = (endpoints, view, family, near)
        if key not in self._pools:
            targets = {
                Target(host, address)
                for host, addresses in self.machines(endpoints).items()
                if share(near, self.location(endpoints, host))
                for address in single_addresses(addresses.seen(view.of(host)).of_family(family), family)
            }
            known = {target.address for target in targets}
            literal = self._literal(endpoints, view, family, near)
            targets |= {target for target in literal if target.address not in known}
            self._pools[key] = Pool(sorted(targets, key=lambda target: (target.host, target.address)))
        return self._pools[key]

    def _literal(self, endpoints: tuple[str, ...], view: View, family: Family, near: Location) -> Iterable[Target]:
        """Single addresses among the networks of an endpoint: each is a machine that is in no inventory."""
        for name, cidr in self._cidrs(endpoints, view, family, near):
            if _is_single(cidr):
                yield Target(name or cidr.partition("/")[0], cidr.partition("/")[0])

    def _cidrs(
        self, endpoints: tuple[str, ...], view: View, family: Family, near: Location
    ) -> Iterable[tuple[str, str]]:
        side = self._site.side(endpoints)
        for name, member in sorted(side.members.items(), key=lambda item: item[0] or ""):
            if name not in side.machines and share(near, self._site.locations.of(name)):
                for cidr in format_cidrs(member.seen(view).of_family(family), family):
                    yield name or "", cidr

    def empty_networks(self, endpoints: tuple[str, ...], family: Family, near: Location = frozenset()) -> Pool:
        """The first network of each member of *endpoints* in which there is no managed host, and so nobody to probe.

        Of those only that are *near* the sender.
        """
        if (endpoints, family, near) not in self._networks:
            found: dict[str, Target] = {}
            for name, cidr in self._cidrs(endpoints, LOCAL, family, near):  # networks are not behind NAT
                if not _is_single(cidr) and name not in found and not self._is_inhabited(endpoints, cidr, family):
                    found[name] = Target(name, cidr)
            self._networks[endpoints, family, near] = Pool(found.values())
        return self._networks[endpoints, family, near]

    def _is_inhabited(self, endpoints: tuple[str, ...], cidr: str, family: Family) -> bool:
        network = read_cidrs([cidr]).of_family(family)
        return any(
            first in network
            for host, addresses in self.machines(endpoints).items()
            if host not in self._site.side(endpoints).machines
            for first, _last in addresses.local.of_family(family).intervals
        )


def single_addresses(addresses: IntervalSet, family: Family) -> list[str]:
    """Write each address of a machine, without a prefix length. A machine has few, so all are listed."""
    return [format_address(address, family) for address in addresses.values()]


def _is_single(cidr: str) -> bool:
    return cidr.endswith(("/128",) if ":" in cidr else ("/32",))


def _all_of(host: Host) -> Addresses:
    """Every address of a host, on whatever interface. One that is a network itself is in no network."""
    every = Addresses.union([host.own, *host.interfaces.values()])
    return Addresses() if every.networks else every


def _networks(side: Side) -> AddressSet:
    return AddressSet.union(
        member.addresses.local for host, member in side.members.items() if host not in side.machines
    )
