# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a Pexip platform, for an inventory. What each address is for is Pexip's own rule, restated here.

A node with two addresses uses the secondary one for signalling and media, and the primary one among nodes. A static NAT
address belongs to the address of signalling and media; nothing between nodes is translated.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from .._sources.found import AddressValue, Found, FoundHost, behind_nat
from .._sources.names import NameBook
from .._values.errors import PortMatrixError, names, shown
from .._values.mapping import as_choice
from .platform import Location, Node, Platform, Server
from .resources import SERVERS

CONFERENCING = "pexip_conferencing_nodes"
TRANSCODING = "pexip_transcoding_nodes"
MANAGEMENT = "pexip_management_nodes"
TURN = "turn_servers"
# What nodes signal to; whether that is a Front End, a Director or a load balancer, Pexip does not know.
MSSIP = "pexip_mssip_proxies"


def find_hosts(
    platform: Platform, book: NameBook, wanted: Collection[str] = (), node_groups: Mapping[str, str] | None = None
) -> Found:
    """Return what there is in the locations *wanted*, by their names; empty is all of them.

    *node_groups* says for locations by name which of both groups their nodes are in, in place of what follows from
    their types.

    :raises PortMatrixError: if an option names a location that is not there.
    """
    known = {location.name for location in platform.locations.values()}
    _check_locations("locations", wanted, known)
    _check_locations("node_groups", node_groups or {}, known)
    for name, group in (node_groups or {}).items():
        as_choice(group, f"node_groups {shown(name)}", (CONFERENCING, TRANSCODING))
    locations = {uri: found for uri, found in platform.locations.items() if not wanted or found.name in wanted}
    nodes = [node for node in platform.nodes if node.location in locations]
    users = _users(platform)
    behind = _transcode_for_others(platform)
    hosts = [
        *(
            _node_host(node, locations[node.location], users, node.location in behind, node_groups or {})
            for node in nodes
        ),
        *map(_management_host, platform.management),
        *_named(locations, platform.turn_servers, "turn_server", TURN, book),
        *_named(locations, platform.mssip_proxies, "mssip_proxy", MSSIP, book),
        *_servers(locations, platform.management_servers, book),
    ]
    turn_ports, warnings = _turn_ports(
        [platform.turn_servers[u] for u in _used(locations, "turn_server", platform.turn_servers)]
    )
    ports = {**{name: [text] for name, text in platform.ports.items()}, **turn_ports}
    return Found(
        tuple(sorted(_distinct(hosts), key=lambda host: host.name)),
        ports,
        {"pexip_ports": ports},
        (*_location_warnings(locations, nodes), *_server_warnings(platform, locations, book), *warnings),
    )


def _check_locations(option: str, given: Iterable[str], known: Collection[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise PortMatrixError.at(
            option, f"no location is called {names(map(repr, unknown))}", names(known) or "none is there"
        )


def _transcode_for_others(platform: Platform) -> set[str]:
    """The locations whose nodes transcode for proxying nodes of others, and so see no endpoint themselves."""
    proxying = {node.location for node in platform.nodes if node.node_type == "PROXYING"}
    return {behind for uri in proxying for behind in platform.locations[uri].transcodes_in if behind != uri}


def _users(platform: Platform) -> dict[str, set[str]]:
    """URI of a location → names of the locations whose calls its nodes transcode."""
    users: dict[str, set[str]] = {}
    for location in platform.locations.values():
        for uri in location.transcodes_in:
            users.setdefault(uri, set()).add(location.name)
    return users


def _node_host(
    node: Node, location: Location, users: Mapping[str, set[str]], behind: bool, node_groups: Mapping[str, str]
) -> FoundHost:
    by_type = TRANSCODING if behind and node.node_type == "CONFERENCING" else CONFERENCING
    return FoundHost(
        node.name,
        (node_groups.get(location.name, by_type), location.group),
        "worker_vm",
        # It needs the nodes that it transcodes for, so it is where they are, too.
        locations=tuple(sorted({location.name, *users.get(node.location, ())})),
        facts={
            "pexip_node_type": node.node_type.lower(),
            "pexip_dns_names": list(node.dns_names),
            "pexip_maintenance_mode": node.maintenance,
        },
        **_addresses(node, "media"),
    )


def _management_host(node: Node) -> FoundHost:
    return FoundHost(node.name, (MANAGEMENT,), "management_vm", **_addresses(node, "management"))


def _addresses(node: Node, interface: str) -> dict[str, t.Any]:
    """Where everything happens at the same addresses, these are the host's, which then needs no interfaces.

    A node has one IPv6 address. Where it has a secondary address, both are for signalling and media (inferred).
    """
    ipv6 = (node.ipv6,) if node.ipv6 else ()
    inside = (node.address, *ipv6) if node.media == node.address else (node.address,)
    outside: tuple[AddressValue, ...] = (behind_nat(node.media, node.static_nat), *ipv6)
    return {"addresses": inside} if inside == outside else {"interfaces": {interface: outside, "internode": inside}}


def _used(locations: Mapping[str, Location], field: str, known: Mapping[str, Server]) -> dict[str, list[str]]:
    """The URIs that *locations* have in *field* → names of these locations, in a fixed order."""
    found: dict[str, list[str]] = {}
    for location in sorted(locations.values(), key=lambda location: location.name):
        uri = getattr(location, field)
        if uri is None:
            continue
        if uri not in known:
            raise PortMatrixError.at(f"system_location {shown(location.name)} {field}", f"{shown(uri)} is not listed")
        found.setdefault(uri, []).append(location.name)
    return found


def _named(
    locations: Mapping[str, Location], known: Mapping[str, Server], field: str, group: str, book: NameBook
) -> Iterable[FoundHost]:
    """Yield a host for each server that *locations* use. One that is a name without address has none, and a warning."""
    for uri, used_in in _used(locations, field, known).items():
        server = known[uri]
        yield FoundHost(
            server.name,
            (group,),
            field,
            book.addresses_of(server.address),
            locations=tuple(used_in),
            looked_up_in=book.looked_up_in(server.address),
        )


def _servers(
    locations: Mapping[str, Location], of_management: Mapping[str, tuple[str, ...]], book: NameBook
) -> Iterable[FoundHost]:
    """Yield a host for each DNS, NTP and syslog server. These have no names, so each is called by its address."""
    groups: dict[str, set[str]] = {}
    used_in: dict[str, set[str]] = {}
    users = [(location.servers, {location.name}) for location in locations.values()]
    for servers, where in [*users, (of_management, set[str]())]:
        for group in SERVERS:
            for name in servers[group]:
                groups.setdefault(name, set()).add(group)
                used_in.setdefault(name, set()).update(where)
    for name, found in groups.items():
        yield FoundHost(
            name,
            tuple(sorted(found)),
            " and ".join(SERVERS[group] for group in sorted(found)),
            book.addresses_of(name),
            locations=tuple(sorted(used_in[name])),
            looked_up_in=book.looked_up_in(name),
        )


def _distinct(hosts: Iterable[FoundHost]) -> list[FoundHost]:
    """Give what has the name of something else another one: a TURN server and a location's proxy may share theirs."""
    found = list(hosts)
    taken = Counter(host.name for host in found)
    twice = sorted(name for name, number in Counter(host.name for host in found if host.own).items() if number > 1)
    if twice:
        raise PortMatrixError.at(
            "worker_vm and management_vm", f"two are called {names(map(repr, twice))}", "names of their own"
        )
    return [
        replace(host, name=f"{host.name} ({host.record})") if taken[host.name] > 1 and not host.own else host
        for host in found
    ]


def _turn_ports(servers: Iterable[Server]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the range ``turn``, and what does not fit the row that it is for, which is about UDP."""
    warnings = [
        f"The TURN server {server.name!r} is used over {server.transport.upper()}, and the port matrix has UDP"
        for server in servers
        if server.transport != "udp"
    ]
    ports = sorted({server.port for server in servers})
    if len(ports) > 1:
        listed = ", ".join(map(str, ports))
        warnings.append(f"TURN servers have the ports {listed}, and the range turn has all of them for each")
    return ({"turn": [str(port) for port in ports]} if ports else {}), warnings


def _location_warnings(locations: Mapping[str, Location], nodes: Iterable[Node]) -> Iterable[str]:
    """Yield what Pexip's rules for locations forbid."""
    groups: dict[str, str] = {}
    for uri, location in sorted(locations.items(), key=lambda item: item[1].name):
        here = [node for node in nodes if node.location == uri]
        if len({node.node_type for node in here}) > 1:
            yield f"The location {location.name!r} mixes proxying and transcoding nodes, which Pexip advises against"
        if len({node.static_nat is None for node in here}) > 1:
            without = names(repr(node.name) for node in here if node.static_nat is None)
            yield (
                f"The location {location.name!r} has nodes with static NAT, and {without} without, "
                "which Pexip says must not share a location"
            )
        other = groups.setdefault(location.group, location.name)
        if other != location.name:
            yield f"The locations {other!r} and {location.name!r} share the group {location.group}"


def _server_warnings(platform: Platform, locations: Mapping[str, Location], book: NameBook) -> Iterable[str]:
    """Yield what is used by nobody, and what has no address: nothing is opened for it."""
    for uri, server in platform.turn_servers.items():
        if all(location.turn_server != uri for location in platform.locations.values()):
            yield f"The TURN server {server.name!r} is left out, as no location uses it"
    proxies = {platform.mssip_proxies[uri].address for uri in _used(locations, "mssip_proxy", platform.mssip_proxies)}
    for name in book.missing():
        what = "The Skype for Business server" if name in {proxy.lower() for proxy in proxies} else "The server"
        yield f"{what} {name!r} is a name, and has no address here. Set it in addresses, or resolve: true"
