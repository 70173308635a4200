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

from packet_proof.endpoints import endpoint_networks, owners
from packet_proof.port_table import DEFAULT_PORTS, FRONT_END_PSOM, ONLY_BY_NAME, ROWS, SPLIT, SPLIT_ROW
from packet_proof.protocols import NO_PORTS, family_has, has_ports, protocol_name
from packet_proof.site import Address, Site, SiteError

__all__ = [
    "ANY", "Flow", "Packet", "Range", "contains", "endpoint_networks", "flow_permits", "flows", "joins", "near",
    "owners", "permitted", "port_ranges",
]  # fmt: skip

Range = tuple[int, int]
ANY: tuple[Range, ...] = ((0, 65535),)


@dataclass(frozen=True)
class Packet:
    """The first packet of a flow. Both ports are 0 where the protocol has none."""

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
    group: str = "custom"
    same_location: bool = False

    def fits(self, packet: Packet) -> bool:
        """Whether a packet has the protocol and the ports of this flow."""
        if packet.protocol not in self.protocols or not family_has(packet.source.version, packet.protocol):
            return False
        return not has_ports(packet.protocol) or (
            contains(self.source_ports, packet.source_port)
            and contains(self.destination_ports, packet.destination_port)
        )

    def ports(self, protocol: str) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
        """Source and destination ports of packets of a protocol."""
        return (self.source_ports, self.destination_ports) if has_ports(protocol) else (NO_PORTS, NO_PORTS)


def permitted(site: Site, packet: Packet, at: str | None = None) -> tuple[str, ...]:
    """The ids of the enabled rows that permit a packet, in table order; empty: nothing permits it.

    :param at: the host that judges: it sees itself by its local addresses, and of other NATed hosts the side that its
        ``port_matrix_view`` names. None: an onlooker who sees advertised addresses.
    """
    rows = (flow.row for flow in flows(site) if flow.enabled and flow_permits(site, flow, packet, at))
    return tuple(dict.fromkeys(rows))


def flow_permits(site: Site, flow: Flow, packet: Packet, at: str | None = None) -> bool:
    """Whether this direction of a row fits a packet, whether or not the row is enabled."""
    return flow.fits(packet) and joins(site, flow, packet.source, packet.destination, at)


def joins(site: Site, flow: Flow, source: Address, destination: Address, at: str | None = None) -> bool:
    """Whether a flow leads from one address to the other: two different inventory entries hold them."""
    if source == destination or source.version != destination.version:
        return False
    sources = owners(site, flow.sources, source, at)
    destinations = owners(site, flow.destinations, destination, at)
    return any(one != other and near(site, flow, one, other) for one in sources for other in destinations)


def near(site: Site, flow: Flow, one: str, other: str) -> bool:
    """Whether the row joins these two owners: it keeps to no locations, they share one, or one of them has none."""
    if not flow.same_location or one not in site.hosts or other not in site.hosts:
        return True
    return site.hosts[one].near(site.hosts[other])


@functools.lru_cache(maxsize=10)
def flows(site: Site) -> Sequence[Flow]:
    """Every direction of every row: the table (or ``port_matrix_rows``), then ``port_matrix_extra_rows``."""
    given = site.variables.get("port_matrix_rows")
    ports = dict(DEFAULT_PORTS) | dict(site.variables.get("port_matrix_ports") or {})
    rows = _own_table() if given is None else list(given)
    if given is None and site.variables.get("port_matrix_psom_split"):
        rows = [one for row in rows for one in (_split(row, ports) if row["id"] == SPLIT_ROW else (row,))]
    rows += site.variables.get("port_matrix_extra_rows") or []
    disabled = set(site.variables.get("port_matrix_disabled_rows") or ())
    chosen = {*_names(site, "port_matrix_row_groups", ["integration"]), "custom"}
    if site.variables.get("port_matrix_strict_clients"):
        chosen.add("strict_clients")
    local = set(_names(site, "port_matrix_same_location_rows", []))
    found = []
    for row in rows:
        group = row.get("group", "custom")
        forward = Flow(
            row=str(row["id"]),
            sources=_words(row["source"]),
            destinations=_words(row["destination"]),
            protocols=tuple(protocol_name(protocol) for protocol in _words(row["protocols"])),
            source_ports=port_ranges(row.get("source_ports", "any"), ports),
            destination_ports=port_ranges(row.get("destination_ports", "any"), ports),
            enabled=row["id"] not in disabled and (row["id"] if row["id"] in ONLY_BY_NAME else group) in chosen,
            group=group,
            same_location=not local.isdisjoint({"all", row["id"], group}),
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
        raise SiteError(
            f"{spec!r} is not a port, a range or the name of a range; names are {', '.join(names)}"
        ) from error


def contains(ranges: Iterable[Range], port: int) -> bool:
    """Whether a port lies in one of the ranges."""
    return any(low <= port <= high for low, high in ranges)


def _names(site: Site, variable: str, default: list[str]) -> list[str]:
    given = site.variables.get(variable)
    return default if given is None else [given] if isinstance(given, str) else list(given)


def _split(row: Mapping[str, t.Any], ports: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The rows of the services of PSOM, each with its own ports; none for one that has no ports."""
    numbers = [f"{low}-{high}" for low, high in port_ranges("psom", ports)]
    of_front_ends = f"{FRONT_END_PSOM}-{FRONT_END_PSOM}"
    halves = {side: [n for n in numbers if (n == of_front_ends) == (side == "front_end")] for side in SPLIT.values()}
    found = [
        dict(row) | {"id": name, "destination": side, "destination_ports": halves[side]} for name, side in SPLIT.items()
    ]
    return [one for one in found if one["destination_ports"]]


def _own_table() -> list[dict[str, t.Any]]:
    keys = ("id", "source", "destination", "protocols", "source_ports", "destination_ports", "bidirectional", "group")
    return [dict(zip(keys, row, strict=True)) for row in ROWS]


def _words(value: str | int | Iterable[str]) -> tuple[str, ...]:
    return tuple(str(value).split() if isinstance(value, (str, int)) else map(str, value))
