# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says about a site: who has which addresses, and which port ranges are set.

Read from the raw inventory (the JSON of ``ansible-inventory --list``) by rules written down in the project's design, on
purpose without the collection's own code: the proof is worth something only if it does not share that code's mistakes.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The variables that hold for the whole site, whichever host or group carries them.
SITE_VARIABLES = frozenset(
    f"port_matrix_{name}"
    for name in (
        "ports", "row_groups", "strict_clients", "disabled_rows", "extra_rows", "rows", "same_location_rows",
        "endpoints", "allow_empty", "psom_split",
    )
)  # fmt: skip


class SiteError(ValueError):
    """The inventory cannot be read as a site."""


@dataclass(frozen=True)
class NatPair:
    """One entry of an address list: what the host itself sees, and what everybody outside its NAT sees."""

    local: Network
    advertised: Network


@dataclass(frozen=True)
class Host:
    """An inventory host or network.

    `view` is which side of a NATed pair it sees of others: "local" or "advertised" for each of the hosts, groups and
    endpoints that it names, and for "default". `locations` are where it is; empty: everywhere.
    """

    name: str
    addresses: tuple[NatPair, ...] = ()
    interfaces: Mapping[str, tuple[NatPair, ...]] = field(default_factory=dict)
    view: Mapping[str, str] = field(default_factory=dict)
    locations: frozenset[str] = frozenset()

    def own(self) -> tuple[NatPair, ...]:
        """The host's addresses; where none are given, those of all its interfaces."""
        return self.addresses or self.every_interface()

    def every_interface(self) -> tuple[NatPair, ...]:
        """The addresses of all interfaces; of a host without interfaces, its addresses."""
        return tuple(pair for pairs in self.interfaces.values() for pair in pairs) or self.addresses

    def on(self, interface: str) -> tuple[NatPair, ...]:
        """The addresses of an interface; of a host without interfaces, its addresses.

        A host with interfaces, but without this one, has none: the collection refuses such a site.
        """
        return self.interfaces.get(interface, ()) if self.interfaces else self.addresses

    def everything(self) -> tuple[NatPair, ...]:
        """Every address that the host has anywhere."""
        return tuple(dict.fromkeys(self.addresses + self.every_interface()))

    def near(self, other: Host) -> bool:
        """Whether two hosts share a location."""
        return not self.locations or not other.locations or bool(self.locations & other.locations)


@dataclass(frozen=True, eq=False)
class Site:
    """Hosts, groups (with the hosts of their children) and the variables that hold for the whole site.

    None of it changes any more: what follows from a site is worked out once, and the site itself is the key to that.
    """

    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, t.Any]

    def members(self, groups: Iterable[str]) -> list[Host]:
        """The hosts of these groups, each once; a group that the inventory does not have is empty."""
        names = {name: None for group in groups for name in self.groups.get(group, ())}
        return [self.hosts[name] for name in names]


def build_site(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, t.Any]],
    variables: Mapping[str, t.Any] | None = None,
) -> Site:
    """A site from its parts.

    :param groups: group name → host names, children already resolved.
    :param hostvars: host name → variables; only ``port_matrix_*`` and ``ansible_host`` are read.
    :param variables: variables of the whole site; they win over the same names in `hostvars`, as extra variables do.
    :raises SiteError: an address cannot be read, or hosts disagree about a variable of the whole site.
    """
    names = {name: None for members in groups.values() for name in members} | dict.fromkeys(hostvars)
    hosts = {name: _read_host(name, hostvars.get(name, {})) for name in names}
    return Site(
        hosts=hosts,
        groups={group: tuple(members) for group, members in groups.items()},
        variables=_site_variables(hostvars) | dict(variables or {}),
    )


def site_from_inventory(inventory: Mapping[str, t.Any], variables: Mapping[str, t.Any] | None = None) -> Site:
    """A site from the parsed JSON of ``ansible-inventory --list``; `variables` as in :func:`build_site`."""
    return build_site(resolved_groups(inventory), inventory.get("_meta", {}).get("hostvars", {}), variables)


def resolved_groups(inventory: Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Group name → all its hosts, those of its child groups included."""

    def hosts_of(group: str, above: frozenset[str]) -> list[str]:
        entry = inventory.get(group, {})
        found = dict.fromkeys(entry.get("hosts", []))
        for child in entry.get("children", []):
            if child not in above:
                found |= dict.fromkeys(hosts_of(child, above | {child}))
        return list(found)

    return {group: hosts_of(group, frozenset({group})) for group in inventory if group != "_meta"}


def _site_variables(hostvars: Mapping[str, Mapping[str, t.Any]]) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for host, variables in hostvars.items():
        for name, value in variables.items():
            if name not in SITE_VARIABLES:
                continue
            if found.setdefault(name, value) != value:
                raise SiteError(f"host {host}: {name} differs from another host's, but it holds for the whole site")
            if "{{" in str(value):
                raise SiteError(f"{name} is a template, and the raw inventory has no value for it: give it by --set")
    return found


def _read_host(name: str, variables: Mapping[str, t.Any]) -> Host:
    interfaces = _interfaces(name, variables.get("port_matrix_interfaces") or {})
    addresses = variables.get("port_matrix_addresses") or []
    if not addresses and not interfaces:
        addresses = _literal(variables.get("ansible_host"))
    return Host(
        name=name,
        addresses=_pairs(name, addresses),
        interfaces=interfaces,
        view=_view(variables.get("port_matrix_view") or {}),
        locations=frozenset(_texts(variables.get("port_matrix_location") or ())),
    )


def _interfaces(host: str, given: Mapping[str, t.Any]) -> dict[str, tuple[NatPair, ...]]:
    """Interface → addresses. The value may be the name of another interface."""
    found: dict[str, tuple[NatPair, ...]] = {}
    for interface, entries in given.items():
        passed = {interface}
        while isinstance(entries, str) and entries in given:
            if entries in passed:
                raise SiteError(f"host {host}: interface {interface} is only another name of itself")
            passed.add(entries)
            entries = given[entries]
        found[str(interface)] = _pairs(host, entries)
    return found


def _view(given: str | Mapping[str, str]) -> dict[str, str]:
    return {"default": given} if isinstance(given, str) else {str(name): str(side) for name, side in given.items()}


def _texts(given: t.Any) -> list[str]:
    return [str(entry) for entry in ([given] if isinstance(given, str) else given)]


def _literal(ansible_host: object) -> list[str]:
    """ansible_host counts as an address only where it is one."""
    try:
        ipaddress.ip_address(str(ansible_host))
    except ValueError:
        return []
    return [str(ansible_host)]


def _pairs(host: str, entries: t.Any) -> tuple[NatPair, ...]:
    pairs = []
    for entry in [entries] if isinstance(entries, (str, Mapping)) else entries:
        if isinstance(entry, Mapping):
            local = read_address(host, entry["address"])
            pairs.append(NatPair(local, read_address(host, entry.get("advertised") or entry["address"])))
        else:
            network = read_address(host, entry)
            pairs.append(NatPair(network, network))
    return tuple(pairs)


def read_address(where: str, text: object) -> Network:
    """What a host has: a network, or with host bits set the one address. :raises SiteError: it is none."""
    try:
        interface = ipaddress.ip_interface(str(text))
    except ValueError as error:
        raise SiteError(f"{where}: {text!r} is not an address or network: {error}") from error
    is_network = interface.ip == interface.network.network_address
    return interface.network if is_network else ipaddress.ip_network(interface.ip)


def read_network(where: str, text: object) -> Network:
    """An address or a network, without host bits. :raises SiteError: it is none; `where` says whose."""
    try:
        return ipaddress.ip_network(str(text))
    except ValueError as error:
        raise SiteError(f"{where}: {text!r} is not an address or network: {error}") from error
