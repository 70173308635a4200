# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interfaces, addresses and routes of the host, as far as packets need them, and the same in a copy of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.hang import HangsError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import (
    CREATE,
    ROUTE,
    Netlink,
    NetlinkError,
    attribute,
    pack,
    read_text,
    text,
    walk,
)

_NEW_LINK, _GET_LINK, _SET_LINK, _NEW_ADDRESS, _GET_ADDRESS, _NEW_ROUTE, _GET_ROUTE = 16, 18, 19, 20, 22, 24, 26
_REPLACE = 0x100
_LINK = struct.Struct("=BBHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_MAC, _NAME, _INFO, _GROUP, _NAMESPACE = 1, 3, 18, 27, 28
_KIND, _DATA, _PEER = 1, 2, 1
_UP, _NO_ARP = 1, 0x80
_LOOPBACK = "lo"
_NO_DAD = 2
_PERMANENT = 0x80
_MAIN, _STATIC, _ON_LINK = 254, 4, 253
_UNICAST, _LOCAL = 1, 2
_TYPES = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast"}
# Of a host with more than that, the interfaces and routes that no packet needs are left out.
_MOST_LINKS = 64
_MOST_ROUTES = 1000
_SOON, _ATTEMPTS = 0.01, 12000  # seconds until the kernel is asked once more, and how often


@dataclass(frozen=True)
class Link:
    """An interface of the host."""

    name: str
    index: int
    mac: bytes = b""
    group: int = 0


class Way(t.NamedTuple):
    """What the host says about an address: the interface that leads there, and of which type the address is."""

    interface: str = ""
    type: str = ""


@dataclass(frozen=True)
class Address:
    """An address of the host: family, length of the prefix and interface, and its attributes."""

    family: int
    length: int
    index: int
    attributes: bytes


@dataclass(frozen=True)
class Route:
    """A route of the host's main table: family, length of the prefix, interface, destination and metric."""

    family: int
    length: int
    index: int
    destination: bytes
    metric: bytes


@dataclass
class Host:
    """The interfaces, addresses and routes of a host, and the ways to the addresses of packets."""

    links: dict[str, Link]
    addresses: list[Address] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    ways: dict[bytes, Way] = field(default_factory=dict)


def read_host(addresses: Iterable[bytes]) -> Host:
    """Read what the host knows, and ask it for the ways to *addresses*."""
    netlink = Netlink(ROUTE)
    try:
        links = [_link(message) for message in netlink.dump(_GET_LINK, _LINK.pack(0, 0, 0, 0, 0, 0))]
        host = Host({link.name: link for link in links})
        names = {link.index: link.name for link in links}
        host.ways = {address: _way(netlink, address, names) for address in addresses}
        for message in netlink.dump(_GET_ADDRESS, bytes(8)):
            family, length, _flags, _scope, index = _ADDRESS.unpack_from(message)
            kept = pack((kind, content) for kind, content in walk(message[8:]) if kind in (1, 2, 4))
            host.addresses.append(Address(family, length, index, kept))
        for family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(NetlinkError):  # a kernel without IPv6
                for message in netlink.dump(_GET_ROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
                    host.routes.extend(_route(message))
        return host
    finally:
        netlink.close()


def _link(message: bytes) -> Link:
    _family, _pad, _type, index, _flags, _change = _LINK.unpack_from(message)
    attributes = dict(walk(message[_LINK.size :]))
    (group,) = struct.unpack("=I", attributes.get(_GROUP, bytes(4)))
    return Link(read_text(attributes[_NAME]), index, attributes.get(_MAC, b""), group)


def _way(netlink: Netlink, address: bytes, names: dict[int, str]) -> Way:
    family = _family(address)
    question = _ROUTE.pack(family, len(address) * 8, 0, 0, 0, 0, 0, 0, 0) + attribute(1, address)
    try:
        answer = netlink.get(_GET_ROUTE, question)
    except NetlinkError:
        return Way()
    kind = _ROUTE.unpack_from(answer)[7]
    attributes = dict(walk(answer[_ROUTE.size :]))
    index = struct.unpack("=i", attributes.get(4, bytes(4)))[0]
    # An address of the host itself is reached by the loopback, but that is not the way of others to it.
    return Way("" if kind == _LOCAL else names.get(index, ""), _TYPES.get(kind, ""))


def _route(message: bytes) -> list[Route]:
    family, length, _source, tos, table, _protocol, _scope, kind, _flags = _ROUTE.unpack_from(message)
    attributes = dict(walk(message[_ROUTE.size :]))
    if table != _MAIN or kind != _UNICAST or tos or 4 not in attributes:
        return []
    (index,) = struct.unpack("=i", attributes[4])
    return [Route(family, length, index, attributes.get(1, b""), attributes.get(6, b""))]


class Links:
    """The interfaces of a host once more, as cables whose far ends are in another network namespace.

    To be made and used in the network namespace that is to have them.
    """

    def __init__(self, host: Host, needed: Iterable[str], far: int) -> None:
        self._netlink = Netlink(ROUTE)
        self._host = host
        self._far = far
        self._own: list[bytes] = []
        wanted = [name for name in dict.fromkeys([*needed, *host.links]) if name in host.links and name != _LOOPBACK]
        self.links: dict[str, Link] = {}
        self._request(_SET_LINK, _LINK.pack(0, 0, 0, 1, _UP, _UP))
        for name in wanted[: max(_MOST_LINKS, len(set(needed)))]:
            self.add(host.links[name])

    def add(self, link: Link) -> None:
        """Make an interface."""
        self.links[link.name] = link
        far = _LINK.pack(0, 0, 0, 0, 0, 0) + attribute(_NAME, text(link.name))
        far += attribute(_NAMESPACE, struct.pack("=i", self._far))
        info = attribute(_KIND, b"veth") + attribute(_DATA, attribute(_PEER, far))
        about = attribute(_NAME, text(link.name)) + attribute(_INFO, info)
        if len(link.mac) == 6 and any(link.mac) and not link.mac[0] & 1:
            about += attribute(_MAC, link.mac)
        self._request(_NEW_LINK, _LINK.pack(0, 0, 0, link.index, 0, 0) + about, CREATE)
        if link.group:
            group = attribute(_GROUP, struct.pack("=I", link.group))
            self._request(_SET_LINK, _LINK.pack(0, 0, 0, link.index, 0, 0) + group)
        self._up(self._netlink, link.name)

    def macs(self) -> dict[str, bytes]:
        """Return which hardware addresses they have."""
        links = [_link(message) for message in self._netlink.dump(_GET_LINK, _LINK.pack(0, 0, 0, 0, 0, 0))]
        return {link.name: link.mac for link in links}

    def far_up(self) -> None:
        """Put the far ends on, from the network namespace that they are in."""
        netlink = Netlink(ROUTE)
        try:
            for name in self.links:
                self._up(netlink, name)
        finally:
            netlink.close()

    @staticmethod
    def _up(netlink: Netlink, name: str) -> None:
        flags = _UP | _NO_ARP
        netlink.request(_SET_LINK, _LINK.pack(0, 0, 0, 0, flags, flags) + attribute(_NAME, text(name)))

    def address_as_host(self, without: Iterable[bytes]) -> None:
        """Give the interfaces the addresses and routes of the host, but for some addresses."""
        indices = {link.index for link in self.links.values()}
        left_out = set(without)
        for one in self._host.addresses:
            own = dict(walk(one.attributes))
            if one.index in indices and own.get(2, own.get(1)) not in left_out:
                self._add_address(one)
        wanted = [route for route in self._host.routes if route.index in indices]
        for route in wanted[:_MOST_ROUTES]:
            with contextlib.suppress(NetlinkError):  # those that came with the addresses are there
                self._add_route(route)

    def own(self, address: bytes, interface: str) -> None:
        """Give the copy an address of its own."""
        self._add_address(
            Address(
                _family(address),
                len(address) * 8,
                self.links[interface].index,
                attribute(1, address) + attribute(2, address),
            )
        )

    def settle(self) -> None:
        """Wait until the kernel takes the addresses as its own: those of IPv6 it has a worker do that for.

        Until then it forwards what is for one of them, or says that there is no way. Raises HangsError.
        """
        for address in self._own:
            for _attempt in range(_ATTEMPTS):
                if _way(self._netlink, address, {}).type == _TYPES[_LOCAL]:
                    break
                time.sleep(_SOON)
            else:
                raise HangsError(f"the kernel does not take {socket.inet_ntop(_family(address), address)} as its own")

    def lead(self, address: bytes, interface: str) -> None:
        """Have an address be reached by an interface."""
        index = self.links[interface].index
        self._add_route(Route(_family(address), len(address) * 8, index, address, b""))

    def close(self) -> None:
        """Let go of the socket. The interfaces are gone with their network namespaces."""
        self._netlink.close()

    def _add_address(self, one: Address) -> None:
        head = _ADDRESS.pack(one.family, one.length, _NO_DAD | _PERMANENT, 0, one.index)
        self._request(_NEW_ADDRESS, head + one.attributes, CREATE | _REPLACE)
        attributes = dict(walk(one.attributes))
        self._own.append(attributes.get(2, attributes.get(1, b"")))

    def _add_route(self, route: Route) -> None:
        head = _ROUTE.pack(route.family, route.length, 0, 0, _MAIN, _STATIC, _ON_LINK, _UNICAST, 0)
        if route.family == socket.AF_INET6:
            head = _ROUTE.pack(route.family, route.length, 0, 0, _MAIN, _STATIC, 0, _UNICAST, 0)
        destination = attribute(1, route.destination) if route.destination else b""
        metric = attribute(6, route.metric) if route.metric else b""
        about = destination + attribute(4, struct.pack("=i", route.index)) + metric
        self._request(_NEW_ROUTE, head + about, CREATE | _REPLACE)

    def _request(self, kind: int, payload: bytes, flags: int = 0) -> None:
        self._netlink.request(kind, payload, flags)


def _family(address: bytes) -> int:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6
