# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows for what nothing else covers: who was seen, to whom, on which ports, and no more than that."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .._matrix.site import Site
from .._rules.protocols import has_ports
from .._values.addresses import Family, format_address
from .._values.intervals import IntervalSet
from .._values.ports import format_ports
from .._values.words import count
from .findings import few_ranges
from .flows import Pair
from .judgement import Part
from .names import OF_A_PROPOSAL, Names

_LONGEST = 44  # of an id that gets an end, and is 63 at most with it
_NO_IDENTIFIER = re.compile("[^a-z0-9]+", re.ASCII)


class End(t.NamedTuple):
    """One end of a row: an address of its own, or an endpoint that the site has, which takes a host of this name."""

    family: Family
    address: int = -1
    endpoint: str = ""


Ends = tuple[End, End]


class _Flow(t.NamedTuple):
    family: Family
    protocol: str
    ports: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ProposedRow:
    """A row, the networks of the endpoints that it alone has, the parts that it is for, and how it is wider."""

    row: Mapping[str, t.Any]
    endpoints: Mapping[str, Sequence[str]]
    parts: tuple[Part, ...]
    wider: tuple[str, ...] = ()


@dataclass
class _Wanted:
    ports: IntervalSet = IntervalSet()
    parts: list[Part] = field(default_factory=list)


def ends_of(site: Site, pair: Pair) -> Ends | None:
    """Return the ends of a row for *pair*; None where its host judges its own traffic and no endpoint has its address.

    What a host sends or gets itself, only a row of one of its own endpoints permits there.
    """
    ends = [End(pair.family, pair.source), End(pair.family, pair.destination)]
    if pair.hook != "forward":
        own = 0 if pair.hook == "output" else 1
        endpoint = _endpoint_of_host(site, pair.gateway, pair.family, ends[own].address)
        if not endpoint:
            return None
        ends[own] = End(pair.family, endpoint=endpoint)
    return ends[0], ends[1]


def _endpoint_of_host(site: Site, host: str, family: Family, address: int) -> str:
    """Return the endpoint with the fewest hosts that has *address* of *host*."""
    having = [
        (len(members), name)
        for name, members in site.endpoints.items()
        for member in members
        if member.host == host and address in member.addresses.local.of_family(family)
    ]
    return min(having, default=(0, ""))[1]


def propose_rows(
    site: Site, parts: Iterable[tuple[Part, Ends]], names: Mapping[str, Names], taken: Collection[str]
) -> list[ProposedRow]:
    """Return rows that permit *parts*, each between its ends, with ids and endpoints that are not yet *taken*."""
    wanted: dict[tuple[_Flow, End, End], _Wanted] = {}
    by_ends: dict[tuple[Family, str, End, End], _Wanted] = {}
    for part, ends in parts:
        one = by_ends.setdefault((part.pair.family, part.pair.protocol, *ends), _Wanted())
        one.ports = IntervalSet.union((one.ports, part.ports))
        one.parts.append(part)
    for (family, protocol, source, destination), one in by_ends.items():
        flow = _Flow(family, protocol, few_ranges(one.ports).intervals)
        wanted[flow, source, destination] = one
    used = set(taken)
    return [_row(site, *group, names, used) for group in _joined(wanted)]


_Group = tuple[_Flow, tuple[End, ...], tuple[End, ...], list[_Wanted]]


def _joined(wanted: Mapping[tuple[_Flow, End, End], _Wanted]) -> list[_Group]:
    """Join flows with the same ports where every source was seen to talk to every destination."""
    sources: dict[tuple[_Flow, End], list[End]] = {}
    for flow, source, destination in sorted(wanted):
        sources.setdefault((flow, destination), []).append(source)
    destinations: dict[tuple[_Flow, tuple[End, ...]], list[End]] = {}
    for (flow, destination), of_destination in sources.items():
        destinations.setdefault((flow, tuple(of_destination)), []).append(destination)
    return [
        (flow, senders, tuple(receivers), [wanted[flow, sender, to] for sender in senders for to in receivers])
        for (flow, senders), receivers in sorted(destinations.items())
    ]


def _row(
    site: Site,
    flow: _Flow,
    senders: tuple[End, ...],
    receivers: tuple[End, ...],
    wanted: Sequence[_Wanted],
    names: Mapping[str, Names],
    used: set[str],
) -> ProposedRow:
    ports = IntervalSet(flow.ports)
    parts = tuple(part for one in wanted for part in one.parts)
    row_id = _free_id(flow, _label(receivers[0], parts[0], names), used)
    endpoints: dict[str, list[str]] = {}
    sides: dict[str, list[str]] = {}
    for side, ends in (("source", senders), ("destination", receivers)):
        own = [format_address(end.address, end.family) for end in ends if not end.endpoint]
        sides[side] = sorted({end.endpoint for end in ends if end.endpoint})
        if own:
            name = f"{row_id}_{side}"
            endpoints[name] = own
            sides[side].append(name)
    row: dict[str, t.Any] = {"id": row_id, "purpose": "Seen by port_matrix_observed", **sides}
    row["protocols"] = [flow.protocol]
    if has_ports(flow.protocol):
        row["destination_ports"] = format_ports(ports)
    return ProposedRow(row, endpoints, parts, tuple(_wider(site, flow, ports, wanted, (*senders, *receivers))))


def _wider(
    site: Site, flow: _Flow, ports: IntervalSet, wanted: Sequence[_Wanted], ends: Iterable[End]
) -> Iterable[str]:
    seen = IntervalSet.union(one.ports for one in wanted)
    if ports != seen:
        yield f"of its {count(ports.size(), 'port')}, {seen.size():,} {'was' if seen.size() == 1 else 'were'} seen"
    if not has_ports(flow.protocol) and flow.protocol.isdigit():
        yield f"all of IP protocol {flow.protocol}, which has no ports here"
    for endpoint in sorted({end.endpoint for end in ends if end.endpoint}):
        members = site.endpoints[endpoint]
        if len(members) > 1:
            named = sum(member.host is not None for member in members)
            also = " and networks" if named < len(members) else ""
            yield f"it is for all of {endpoint}: {count(named, 'host')}{also}"


def _label(end: End, part: Part, names: Mapping[str, Names]) -> str:
    if end.endpoint:
        return end.endpoint
    name = names[part.pair.gateway].of(end.family, end.address)
    return name.name if name.is_machine else format_address(end.address, end.family)


def _free_id(flow: _Flow, label: str, used: set[str]) -> str:
    port = f"_{flow.ports[0][0]}" if has_ports(flow.protocol) else ""
    stem = _NO_IDENTIFIER.sub("_", f"{OF_A_PROPOSAL}{flow.protocol}{port}_to_{label.lower()}")[:_LONGEST].strip("_")
    number, row_id = 1, stem
    while any(name in used for name in (row_id, f"{row_id}_source", f"{row_id}_destination")):
        number += 1
        row_id = f"{stem}_{number}"
    used.update((row_id, f"{row_id}_source", f"{row_id}_destination"))
    return row_id
