# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which address, in the eyes of a host that judges. Written from the design's table of endpoints."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packet_proof.port_table import ENDPOINTS, EVERY_INTERFACE, INTERFACES, WEB_CONFERENCING_ELSEWHERE
from packet_proof.site import Address, Host, NatPair, Network, Site, SiteError, read_network

Owned = tuple[str, Network]  # the name of a host or the text of a literal network, and what it has


def owners(site: Site, endpoints: Iterable[str], address: Address, at: str | None = None) -> frozenset[str]:
    """Who of the given endpoints holds an address: names of hosts, and texts of literal networks."""
    return frozenset(
        owner
        for endpoint in endpoints
        for owner, network in endpoint_networks(site, endpoint, at)
        if network.version == address.version and address in network
    )


@functools.lru_cache(maxsize=1000)
def endpoint_networks(site: Site, endpoint: str, at: str | None = None) -> Sequence[Owned]:
    """The addresses of an endpoint, each with its owner, as the host `at` sees them."""
    if endpoint not in ENDPOINTS:
        raise SiteError(f"{endpoint!r} is not an endpoint; known are {', '.join(ENDPOINTS)}")
    override = _override(site, endpoint)
    if endpoint == "web_conferencing" and not _has_members_of_its_own(site):
        return [entry for other in WEB_CONFERENCING_ELSEWHERE for entry in _web_conferencing_on(site, other, at)]
    gone = _excluded(site, endpoint)
    interface = override.get("interface", INTERFACES.get(endpoint))
    found = [
        (host.name, seen)
        for host in _members(site, endpoint)
        for seen in _left(site, host, _addresses(host, interface), gone, at)
    ]
    return found + _literal_networks(endpoint, override, gone)


@functools.lru_cache(maxsize=100)
def every_address(site: Site, endpoint: str, at: str | None = None) -> Sequence[Network]:
    """All that the hosts of an endpoint have: every interface, and both sides of a NAT."""
    owned = endpoint_networks(site, endpoint, at)
    hosts = [site.hosts[owner] for owner in dict.fromkeys(owner for owner, _addresses in owned) if owner in site.hosts]
    sides = [side for host in hosts for pair in host.everything() for side in (pair.local, pair.advertised)]
    return [network for _owner, network in owned] + sides


@functools.lru_cache(maxsize=1000)
def _excluded(site: Site, endpoint: str) -> Sequence[Network]:
    """What `exclude` takes out of an endpoint: networks, and whatever the hosts of an endpoint have that it names."""
    found: list[Network] = []
    for item in _override(site, endpoint).get("exclude") or ():
        if item not in ENDPOINTS:
            found.append(read_network(f"port_matrix_endpoints, {endpoint}, exclude", item))
            continue
        for name in _counted_for(site, str(item)):
            sides = (pair for host in _members(site, name) for pair in host.everything())
            found += [side for pair in sides for side in (pair.local, pair.advertised)]
            found += [network for _owner, network in _literal_networks(name, _override(site, name), ())]
    return found


def _left(
    site: Site, host: Host, pairs: Iterable[NatPair], gone: Sequence[Network], at: str | None
) -> Iterator[Network]:
    """What somebody sees of a host without what is excluded. Both addresses of a NATed pair go with either."""
    pairs = list(pairs)
    translated = [pair for pair in pairs if pair.local != pair.advertised]
    lost = [pair for pair in translated if any(_overlaps(side, gone) for side in (pair.local, pair.advertised))]
    local = _sees_local(site, host, at)
    gone = [*gone, *(_side(pair, local) for pair in lost)]
    for pair in pairs:
        yield from _without(_side(pair, local), gone)


def _without(network: t.Any, gone: Iterable[Network]) -> Iterator[Network]:
    """What is left of a network."""
    hole: t.Any = next((other for other in gone if _overlaps(network, (other,))), None)
    if hole is None:
        yield network
    elif not network.subnet_of(hole):
        for part in network.address_exclude(hole):
            yield from _without(part, gone)


def _overlaps(network: t.Any, others: Iterable[Network]) -> bool:
    return any(network.version == other.version and network.overlaps(other) for other in others)


def _members(site: Site, endpoint: str) -> list[Host]:
    return site.members(tuple(_override(site, endpoint).get("groups", ENDPOINTS[endpoint])))


def _override(site: Site, endpoint: str) -> Mapping[str, t.Any]:
    return (site.variables.get("port_matrix_endpoints") or {}).get(endpoint) or {}


def _has_members_of_its_own(site: Site) -> bool:
    """Whether the Web Conferencing service is somewhere else than on the Front Ends and Edges."""
    override = _override(site, "web_conferencing")
    return bool("groups" in override or override.get("networks") or site.members(ENDPOINTS["web_conferencing"]))


def _counted_for(site: Site, endpoint: str) -> Sequence[str]:
    """The endpoints whose hosts an endpoint has: itself, or those that the Web Conferencing service is on."""
    elsewhere = endpoint == "web_conferencing" and not _has_members_of_its_own(site)
    return WEB_CONFERENCING_ELSEWHERE if elsewhere else (endpoint,)


def _web_conferencing_on(site: Site, other: str, at: str | None) -> list[Owned]:
    """The service where Front Ends and Edges have it: on its interface, on the one they are told to use, or on any."""
    override = _override(site, other)
    gone = [*_excluded(site, "web_conferencing"), *_excluded(site, other)]
    wanted = _override(site, "web_conferencing").get("interface", INTERFACES["web_conferencing"])
    found = []
    for host in _members(site, other):
        there = [name for name in (wanted, override.get("interface")) if name in host.interfaces]
        pairs = _addresses(host, there[0] if there else None if host.interfaces else wanted)
        found += [(host.name, seen) for seen in _left(site, host, pairs, gone, at)]
    return found + _literal_networks(other, override, gone)


def _literal_networks(endpoint: str, override: Mapping[str, t.Any], gone: Sequence[Network]) -> list[Owned]:
    networks = [read_network(f"port_matrix_endpoints, {endpoint}", text) for text in override.get("networks") or ()]
    return [(f"network {network}", part) for network in networks for part in _without(network, gone)]


def _addresses(host: Host, interface: str | None) -> tuple[NatPair, ...]:
    """Which of its addresses a member of an endpoint contributes."""
    if interface == EVERY_INTERFACE:
        return host.every_interface()
    return host.on(str(interface)) if interface else host.own()


def _side(pair: NatPair, local: bool) -> Network:
    return pair.local if local else pair.advertised


def _sees_local(site: Site, host: Host, at: str | None) -> bool:
    """Whether the one who judges sees a host by its local addresses: itself, and whom its `port_matrix_view` names so.

    The host's own name goes before its groups, and these before its endpoints.

    :raises SiteError: two groups or two endpoints of the host are named, each with another side.
    """
    if at == host.name:
        return True
    view = site.hosts[at].view if at is not None and at in site.hosts else {}
    by_name = {view[host.name]} if host.name in view else set()
    groups = {side for name, side in view.items() if host.name in site.groups.get(name, ())}
    endpoints = {
        side
        for name, side in view.items()
        if name in ENDPOINTS and name not in site.groups
        for one in _counted_for(site, name)
        if host in _members(site, one)
    }
    decided = by_name or groups or endpoints or {view.get("default", "advertised")}
    if len(decided) > 1:
        raise SiteError(f"host {at}: its view names {host.name} both as local and as advertised")
    return decided == {"local"}
