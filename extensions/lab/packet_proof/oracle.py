# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle: which rows of the port table permit a packet.

Written from the port table and the design's endpoint table alone. It shares nothing with the collection's core, so that
the two can be held against each other. Pure: :func:`permitted` depends on its arguments only.

A row permits a packet if there are two DIFFERENT inventory entries (hosts, networks, or literal networks of
``port_matrix_endpoints``), one in the row's source with the packet's source address and one in its destination with the
packet's destination address, and protocol and both ports fit. Nothing permits a packet from an address to itself, or
one whose addresses are of two families.
"""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packet_proof.site import Address, Host, NatPair, Network, Site, SiteError, read_network

Range = tuple[int, int]
ANY: tuple[Range, ...] = ((0, 65535),)

DEFAULT_PORTS: Mapping[str, t.Any] = {
    "sip": 5061,
    "media": "40000-49999",
    "edge_media": "50000-59999",
    "ephemeral": "55000-65535",
    "avatar": 80,
    "turn": 3478,
    "psom": [443, 8057],
    "https": 443,
    "edge_relay": 3478,
}

_CN, _FE, _EDGE_AV, _CLIENT, _SERVER = "conferencing_node", "front_end", "edge_av", "client", "sfb_server"
# id, sources, destinations, protocols, source ports, destination ports, both directions, group
_TABLE: tuple[tuple[str, str, str, str, str, str, bool, str], ...] = (
    ("sip_signaling", _FE, _CN, "tcp", "any", "sip", True, "integration"),
    ("media_to_nodes", f"{_CLIENT} {_SERVER}", _CN, "udp", "any", "media", False, "integration"),
    ("conference_avatar", _CLIENT, _CN, "tcp", "any", "avatar", False, "integration"),
    ("media_nodes_to_edge", _CN, _EDGE_AV, "udp tcp", "media", "edge_media", False, "integration"),
    ("media_edge_to_nodes", _EDGE_AV, _CN, "udp tcp", "edge_media", "media", False, "integration"),
    ("media_from_nodes", _CN, f"{_CLIENT} {_SERVER}", "udp tcp", "media", "any", False, "integration"),
    ("media_nodes_to_turn", _CN, "turn_server", "udp", "media", "turn", False, "integration"),
    ("psom_content", _CN, "web_conferencing", "tcp", "ephemeral", "psom", False, "integration"),
    ("https_content", _CN, f"{_FE} edge", "tcp", "ephemeral", "https", False, "integration"),
    ("wac_content", _CN, "wac_server", "tcp", "ephemeral", "https", False, "integration"),
    ("strict_client_relay", _CLIENT, "edge_internal", "udp", "any", "edge_relay", False, "strict_clients"),
    ("strict_edge_media", _EDGE_AV, _CN, "tcp udp", "any", "media", False, "strict_clients"),
)

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "conferencing_node": ("pexip_conferencing_nodes",),
    "front_end": ("sfb_front_ends",),
    "edge": ("sfb_edges",),
    "edge_av": ("sfb_edges",),
    "edge_internal": ("sfb_edges",),
    "client": ("sfb_clients",),
    "sfb_server": ("sfb_front_ends", "sfb_servers"),
    "web_conferencing": ("sfb_web_conferencing",),
    "turn_server": ("turn_servers",),
    "wac_server": ("wac_servers",),
}
ENDPOINTS = tuple(_GROUPS)
_INTERFACES = {
    "conferencing_node": "media",
    "edge_av": "av_edge",
    "edge_internal": "internal",
    "web_conferencing": "web_conferencing",
}
_WEB_CONFERENCING_ELSEWHERE = ("front_end", "edge")


@dataclass(frozen=True)
class Packet:
    """The first packet of a flow."""

    source: Address
    destination: Address
    protocol: str
    source_port: int
    destination_port: int

    def reply(self) -> Packet:
        """The packet that a stateful firewall takes for this one's answer."""
        return Packet(self.destination, self.source, self.protocol, self.destination_port, self.source_port)


@dataclass(frozen=True)
class Flow:
    """One direction of a row."""

    row: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    protocols: tuple[str, ...]
    source_ports: tuple[Range, ...]
    destination_ports: tuple[Range, ...]
    enabled: bool = True
    same_location: bool = False


def permitted(site: Site, packet: Packet, at: str | None = None) -> tuple[str, ...]:
    """The ids of the enabled rows that permit a packet, in table order; empty: nothing permits it.

    :param at: the host that judges: it sees itself by its local addresses, and of other NATed hosts the side that its
        ``port_matrix_view`` names. None: an onlooker who sees advertised addresses.
    """
    rows = (flow.row for flow in flows(site) if flow.enabled and flow_permits(site, flow, packet, at))
    return tuple(dict.fromkeys(rows))


def flow_permits(site: Site, flow: Flow, packet: Packet, at: str | None = None) -> bool:
    """Whether this direction of a row fits a packet, whether or not the row is enabled."""
    return (
        packet.protocol in flow.protocols
        and contains(flow.source_ports, packet.source_port)
        and contains(flow.destination_ports, packet.destination_port)
        and joins(site, flow, packet.source, packet.destination, at)
    )


def joins(site: Site, flow: Flow, source: Address, destination: Address, at: str | None = None) -> bool:
    """Whether a flow leads from one address to the other: two different inventory entries hold them."""
    if source == destination or source.version != destination.version:
        return False
    return any(
        one != other and near(site, flow, one, other)
        for one in owners(site, flow.sources, source, at)
        for other in owners(site, flow.destinations, destination, at)
    )


def near(site: Site, flow: Flow, one: str, other: str) -> bool:
    """Whether the row joins these two owners: it keeps to no locations, they share one, or one of them has none."""
    if not flow.same_location:
        return True
    locations = [site.hosts[owner].locations if owner in site.hosts else frozenset() for owner in (one, other)]
    return not all(locations) or bool(locations[0] & locations[1])


def owners(site: Site, endpoints: Iterable[str], address: Address, at: str | None = None) -> frozenset[str]:
    """Who of the given endpoints holds an address: names of hosts, and texts of literal networks."""
    return frozenset(
        owner
        for endpoint in endpoints
        for owner, network in endpoint_networks(site, endpoint, at)
        if network.version == address.version and address in network
    )


@functools.lru_cache(maxsize=1000)
def endpoint_networks(site: Site, endpoint: str, at: str | None = None) -> Sequence[tuple[str, Network]]:
    """The addresses of an endpoint, each with its owner, as the host `at` sees them."""
    if endpoint not in _GROUPS:
        raise SiteError(f"{endpoint!r} is no endpoint; known are {', '.join(_GROUPS)}")
    override = _override(site, endpoint)
    if endpoint == "web_conferencing" and not _has_members_of_its_own(site, override):
        return [entry for other in _WEB_CONFERENCING_ELSEWHERE for entry in _web_conferencing_on(site, other, at)]
    gone = _excluded(site, endpoint)
    members = site.members(tuple(override.get("groups", _GROUPS[endpoint])))
    found = [
        (host.name, seen)
        for host in members
        for seen in _left(site, host, _addresses(host, endpoint, override), gone, at)
    ]
    return found + _literal_networks(endpoint, override, gone)


@functools.lru_cache(maxsize=10)
def flows(site: Site) -> Sequence[Flow]:
    """Every direction of every row: the table (or ``port_matrix_rows``), then ``port_matrix_extra_rows``."""
    given = site.variables.get("port_matrix_rows")
    rows = _own_table() if given is None else list(given)
    rows += site.variables.get("port_matrix_extra_rows") or []
    ports = dict(DEFAULT_PORTS) | dict(site.variables.get("port_matrix_ports") or {})
    disabled = set(site.variables.get("port_matrix_disabled_rows") or ())
    strict = bool(site.variables.get("port_matrix_strict_clients", False))
    local = set(site.variables.get("port_matrix_same_location_rows") or ())
    found = []
    for row in rows:
        forward = Flow(
            row=str(row["id"]),
            sources=_words(row["source"]),
            destinations=_words(row["destination"]),
            protocols=_words(row["protocols"]),
            source_ports=port_ranges(row.get("source_ports", "any"), ports),
            destination_ports=port_ranges(row.get("destination_ports", "any"), ports),
            enabled=row["id"] not in disabled and (strict or row.get("group") != "strict_clients"),
            same_location=bool(local & {"all", row["id"], row.get("group", "custom")}),
        )
        found.append(forward)
        if row.get("bidirectional"):
            back = {"sources": forward.destinations, "destinations": forward.sources}
            found.append(Flow(**(vars(forward) | back)))
    return found


def port_ranges(spec: t.Any, names: Mapping[str, t.Any]) -> tuple[Range, ...]:
    """Ports from a number, "a-b", "any", a name of a range, or a list of these; sorted, not merged."""
    if isinstance(spec, (list, tuple)):
        found = {item for part in spec for item in port_ranges(part, names)}
        return tuple(sorted(found)) or ANY
    text = str(spec).strip()
    if text == "any":
        return ANY
    if text in names:
        return port_ranges(names[text], {})
    low, dash, high = text.partition("-")
    try:
        return ((int(low), int(high if dash else low)),)
    except ValueError as error:
        raise SiteError(f"{spec!r} is no port, range or name of a range; names are {', '.join(names)}") from error


def contains(ranges: Iterable[Range], port: int) -> bool:
    """Whether a port lies in one of the ranges."""
    return any(low <= port <= high for low, high in ranges)


def _override(site: Site, endpoint: str) -> Mapping[str, t.Any]:
    return (site.variables.get("port_matrix_endpoints") or {}).get(endpoint) or {}


def _has_members_of_its_own(site: Site, override: Mapping[str, t.Any]) -> bool:
    """Whether the Web Conferencing service is somewhere else than on the Front Ends and Edges."""
    return bool("groups" in override or override.get("networks") or site.members(_GROUPS["web_conferencing"]))


def _web_conferencing_on(site: Site, other: str, at: str | None) -> list[tuple[str, Network]]:
    """The service where the Front Ends or Edges have it: on its interface, on the one they are told to use, on any."""
    override = _override(site, other)
    gone = [*_excluded(site, "web_conferencing"), *_excluded(site, other)]
    wanted = _override(site, "web_conferencing").get("interface", _INTERFACES["web_conferencing"])
    found = []
    for host in site.members(tuple(override.get("groups", _GROUPS[other]))):
        named = override.get("interface")
        interface = wanted if wanted in host.interfaces or not named else named
        found += [(host.name, seen) for seen in _left(site, host, host.on(str(interface)), gone, at)]
    return found + _literal_networks(other, override, gone)


def _literal_networks(
    endpoint: str, override: Mapping[str, t.Any], gone: Sequence[Network]
) -> list[tuple[str, Network]]:
    networks = [read_network(f"port_matrix_endpoints, {endpoint}", text) for text in override.get("networks") or ()]
    return [(f"network {network}", part) for network in networks for part in _without(network, gone)]


@functools.lru_cache(maxsize=1000)
def _excluded(site: Site, endpoint: str) -> Sequence[Network]:
    """What `exclude` takes out of an endpoint: networks, and whatever the hosts of an endpoint have that it names."""
    found: list[Network] = []
    for item in _override(site, endpoint).get("exclude") or ():
        if item not in _GROUPS:
            found.append(read_network(f"port_matrix_endpoints, {endpoint}", item))
            continue
        for name in _counted_for(site, str(item)):
            override = _override(site, name)
            for host in site.members(tuple(override.get("groups", _GROUPS[name]))):
                found += [side for pair in host.everything() for side in (pair.local, pair.advertised)]
            found += [network for _owner, network in _literal_networks(name, override, ())]
    return found


def _counted_for(site: Site, endpoint: str) -> Sequence[str]:
    """The endpoints whose hosts an endpoint has: itself, or those that the Web Conferencing service is on."""
    elsewhere = endpoint == "web_conferencing" and not _has_members_of_its_own(site, _override(site, endpoint))
    return _WEB_CONFERENCING_ELSEWHERE if elsewhere else (endpoint,)


def _left(
    site: Site, host: Host, pairs: Iterable[NatPair], gone: Sequence[Network], at: str | None
) -> Iterable[Network]:
    """What somebody sees of a host without what is excluded. Both addresses of a NATed pair go with either."""
    pairs = list(pairs)
    natted = [pair for pair in pairs if pair.local != pair.advertised]
    lost = [pair for pair in natted if any(_overlap(side, gone) for side in (pair.local, pair.advertised))]
    local, advertised = [*gone, *(pair.local for pair in lost)], [*gone, *(pair.advertised for pair in lost)]
    for pair in pairs:
        seen = _seen(site, host, pair, at)
        yield from _without(seen, local if _sees_local(site, host, at) else advertised)


def _overlap(network: Network, others: Iterable[Network]) -> bool:
    return any(network.version == other.version and network.overlaps(other) for other in others)


def _without(network: Network, gone: Sequence[Network]) -> Iterable[Network]:
    """A network without others, as the largest networks that are left."""
    hole = next((other for other in gone if _overlap(network, (other,))), None)
    if hole is None:
        yield network
    elif not network.subnet_of(hole):  # type: ignore[arg-type] # of one version, as they overlap
        for half in network.subnets():
            yield from _without(half, gone)


def _own_table() -> list[dict[str, t.Any]]:
    keys = ("id", "source", "destination", "protocols", "source_ports", "destination_ports", "bidirectional", "group")
    return [dict(zip(keys, row, strict=True)) for row in _TABLE]


def _words(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(value.split() if isinstance(value, str) else value)


def _addresses(host: Host, endpoint: str, override: Mapping[str, t.Any]) -> tuple[NatPair, ...]:
    """Which of its addresses a member of an endpoint contributes."""
    interface = override.get("interface", _INTERFACES.get(endpoint))
    if interface:
        return host.on(str(interface))
    return host.every_interface() if endpoint == "edge" else host.own()


def _seen(site: Site, host: Host, pair: NatPair, at: str | None) -> Network:
    """An address as the judging host sees it."""
    return pair.local if _sees_local(site, host, at) else pair.advertised


def _sees_local(site: Site, host: Host, at: str | None) -> bool:
    """Whether the one who judges sees the local addresses of a host: of itself, and of whom its view names so."""
    view = site.hosts[at].view if at and at in site.hosts else "advertised"
    if at == host.name or isinstance(view, str):
        return at == host.name or view == "local"
    groups = {side for name, side in view.items() if host.name in site.groups.get(name, ())}
    endpoints = {
        side
        for name, side in view.items()
        if name in _GROUPS and name not in site.groups
        for one in _counted_for(site, name)
        if host in site.members(tuple(_override(site, one).get("groups", _GROUPS[one])))
    }
    by_name = {view[host.name]} if host.name in view else set()
    decided = by_name or groups or endpoints or {view.get("default", "advertised")}
    if len(decided) > 1:
        raise SiteError(f"host {at}: its view names {host.name} both as local and as advertised")
    return decided == {"local"}
