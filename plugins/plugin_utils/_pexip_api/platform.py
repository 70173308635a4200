# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of a Management Node, read strictly: nodes, locations, and the machines that they name."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from .._sources.found import as_name, single_address
from .._values.errors import PortMatrixError, ProblemList, shown
from .._values.mapping import as_choice
from .resources import SERVERS, Record, Resources

NODE_TYPES = ("CONFERENCING", "PROXYING")
T = t.TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """A Conferencing Node or a Management Node. ``media`` is the address of signalling and media.

    A Management Node has no ``node_type`` and no ``location``.
    """

    name: str
    address: str
    media: str
    static_nat: str | None
    ipv6: str | None
    node_type: str = ""
    location: str = ""
    dns_names: tuple[str, ...] = ()
    maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """A system location. ``turn_server``, ``mssip_proxy`` and ``transcodes_in`` are URIs."""

    name: str
    mssip_proxy: str | None
    turn_server: str | None
    transcodes_in: frozenset[str]
    servers: Mapping[str, tuple[str, ...]]

    @property
    def group(self) -> str:
        """The inventory group of its nodes."""
        return "pexip_location_" + re.sub(r"[^a-z0-9]", "_", self.name.lower())


@dataclass(frozen=True, slots=True)
class Server:
    """A machine that a location names, by an address or a name."""

    name: str
    address: str
    port: int = 0
    transport: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything of one Management Node. Locations, TURN servers and mssip_proxies are by their URIs."""

    nodes: tuple[Node, ...]
    management: tuple[Node, ...]
    management_servers: Mapping[str, tuple[str, ...]]
    locations: Mapping[str, Location]
    turn_servers: Mapping[str, Server]
    mssip_proxies: Mapping[str, Server]
    ports: Mapping[str, str]


def read_platform(resources: Resources) -> Platform:
    """Read what :func:`read_resources` returned.

    :raises PortMatrixError: with every record that lacks what is needed of it.
    """
    problems = ProblemList()
    locations = _by_uri(resources, "system_location", _location, problems)
    nodes = _by_uri(resources, "worker_vm", _node, problems)
    for node in nodes.values():
        if node.location not in locations:
            problems.add(f"worker_vm {shown(node.name)} system_location: {shown(node.location)} is not listed")
    management = _by_uri(resources, "management_vm", _machine, problems)
    turn_servers = _by_uri(resources, "turn_server", _turn_server, problems)
    mssip_proxies = _by_uri(resources, "mssip_proxy", _server, problems)
    ports = problems.attempt(_ports, resources["global"]) or {}
    own_servers = [problems.attempt(_servers, record, "management_vm") or {} for record in resources["management_vm"]]
    problems.raise_if_any()
    return Platform(
        tuple(nodes.values()),
        tuple(management.values()),
        {key: tuple(sorted({name for found in own_servers for name in found[key]})) for key in SERVERS},
        locations,
        turn_servers,
        mssip_proxies,
        ports,
    )


def _by_uri(
    resources: Resources, resource: str, read: t.Callable[[Record, str], T], problems: ProblemList
) -> dict[str, T]:
    found = {}
    for record in resources[resource]:
        item = problems.attempt(read, record, resource)
        if item is not None:
            found[str(record["resource_uri"])] = item
    return found


def _where(record: Record, resource: str) -> str:
    return f"{resource} {shown(record.get('name') or record.get('resource_uri'))}"


def _node(record: Record, resource: str) -> Node:
    where = _where(record, resource)
    machine = _machine(record, resource)
    hostname, domain = (_text(record, key, where) for key in ("hostname", "domain"))
    names = {
        name.lower() for name in (_text(record, "alternative_fqdn", where), f"{hostname}.{domain}") if name.strip(".")
    }
    return Node(
        machine.name,
        machine.address,
        _optional_address(record, "secondary_address", where) or machine.address,
        machine.static_nat,
        machine.ipv6,
        as_choice(record.get("node_type"), f"{where} node_type", NODE_TYPES),
        _text(record, "system_location", where),
        tuple(sorted(names)),
        record.get("maintenance_mode") is True,
    )


def _machine(record: Record, resource: str) -> Node:
    where = _where(record, resource)
    address = single_address(record.get("address"), f"{where} address")
    return Node(
        as_name(record.get("name"), f"{where} name"),
        address,
        address,
        _optional_address(record, "static_nat_address", where),
        _optional_address(record, "ipv6_address", where),
    )


def _location(record: Record, resource: str) -> Location:
    where = _where(record, resource)
    elsewhere = ("transcoding_location", "overflow_location1", "overflow_location2")
    return Location(
        as_name(record.get("name"), f"{where} name"),
        _text(record, "mssip_proxy", where) or None,
        _text(record, "turn_server", where) or None,
        frozenset(uri for key in elsewhere if (uri := _text(record, key, where))),
        _servers(record, resource),
    )


def _server(record: Record, resource: str) -> Server:
    where = _where(record, resource)
    return Server(as_name(record.get("name"), f"{where} name"), as_name(record.get("address"), f"{where} address"))


def _turn_server(record: Record, resource: str) -> Server:
    where = _where(record, resource)
    server = _server(record, resource)
    port = 3478 if record.get("port") is None else _port(record["port"], f"{where} port")
    return Server(server.name, server.address, port, _text(record, "transport_type", where).lower() or "udp")


def _servers(record: Record, resource: str) -> dict[str, tuple[str, ...]]:
    where = _where(record, resource)
    return {key: tuple(as_name(address, f"{where} {key}") for address in record[key]) for key in SERVERS}


def _ports(records: list[Record]) -> dict[str, str]:
    if len(records) != 1:
        raise PortMatrixError.at("global", f"{len(records)} records", "one")
    return {
        name: "-".join(
            str(_port(records[0].get(f"{name}_ports_{end}"), f"global {name}_ports_{end}")) for end in ("start", "end")
        )
        for name in ("media", "signalling")
    }


def _port(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise PortMatrixError.at(where, f"{shown(value)} is not a port", "1-65535")
    return value


def _text(record: Record, key: str, where: str) -> str:
    value = record.get(key)
    if value is None or value == "":
        return ""
    return as_name(value, f"{where} {key}")


def _optional_address(record: Record, key: str, where: str) -> str | None:
    value = record.get(key)
    return None if value is None or value == "" else single_address(value, f"{where} {key}")
