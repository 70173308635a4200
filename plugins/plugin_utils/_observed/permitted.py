# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether one host permits by now what it remembers: the question before it drops what it only watched."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from .._rules.canonical import HOOKS, Hook
from .._rules.permissions import Permissions
from .._rules.protocols import parse_protocol, protocol_text
from .._values.addresses import FAMILIES, AddressSet, Family, format_address, is_literal_address, read_cidrs
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_count, as_list, as_mapping, as_number

# Where the port of a client that opens a flow can be (RFC 6056, section 3.2).
CLIENT_PORTS = IntervalSet(((1024, 65535),))
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_KEYS = ("hook", "family", "protocol", "source", "destination", "destination_port", "packets", "last_seen")


class Flow(t.NamedTuple):
    """One flow that was seen. Addresses are integers of its family; a protocol without ports has None for one."""

    hook: Hook
    family: Family
    protocol: str
    source: int
    destination: int
    destination_port: int | None
    packets: int
    last_seen: datetime

    def line(self) -> str:
        """Write it on one line, for a screen."""
        source, destination = (format_address(one, self.family) for one in (self.source, self.destination))
        port = "" if self.destination_port is None else f" port {self.destination_port}"
        return (
            f"{protocol_text(self.protocol)} from {source} to {destination}{port} ({self.hook}), "
            f"packets {self.packets}, last seen {self.last_seen.strftime(_TIME)}"
        )


class Unpermitted(t.NamedTuple):
    """Flows, the heaviest first: ``refused`` are those that nothing permits.

    Source ports are not remembered. So what is permitted from some of them only, and was seen in spite of the rules
    that are there, is among these, and ``doubtful`` where it was seen before they were.
    """

    refused: list[Flow]
    doubtful: list[Flow]


class _Permission(t.NamedTuple):
    source: IntervalSet | None
    destination: IntervalSet | None
    source_ports: IntervalSet
    destination_ports: IntervalSet

    def fits(self, flow: Flow) -> bool:
        """Whether it is for *flow*, from whatever source port."""
        return (
            (self.source is None or flow.source in self.source)
            and (self.destination is None or flow.destination in self.destination)
            and (flow.destination_port is None or flow.destination_port in self.destination_ports)
        )


def unpermitted(
    permissions: Permissions, judged: AddressSet | None, flows: list[Flow], rules_since: datetime | None
) -> Unpermitted:
    """Return which of *flows* are not permitted.

    :param judged: the addresses whose transit is judged; None for all of it.
    :param rules_since: when the rules of the host became what they are; None where that is not known.
    """
    by_kind = _by_kind(permissions)
    found = Unpermitted([], [])
    for flow in sorted(flows, key=lambda flow: -flow.packets):
        if _is_judged(flow, judged):
            fitting = [one for one in by_kind.get((flow.hook, flow.protocol, flow.family), ()) if one.fits(flow)]
            if not any(CLIENT_PORTS.issubset(one.source_ports) for one in fitting):
                before = rules_since is not None and flow.last_seen <= rules_since
                (found.doubtful if fitting and before else found.refused).append(flow)
    return found


def read_flows(value: object, where: str) -> list[Flow]:
    """Read the flows that the module ``observed_flows`` returned.

    :raises PortMatrixError: for what is none; the message begins with *where*.
    """
    return [_read_flow(item, where) for item in as_list(value, where)]


def _read_flow(item: object, where: str) -> Flow:
    data = as_mapping(item, where)
    try:
        hook, family, protocol, source, destination, port, packets, seen = (data[key] for key in _KEYS)
    except KeyError as e:
        raise PortMatrixError.at(where, f"{shown(dict(data))} is not a flow", "what observed_flows returns") from e
    known = t.cast(Family, as_choice(family, f"{where} family", FAMILIES))
    return Flow(
        t.cast(Hook, as_choice(hook, f"{where} hook", HOOKS)),
        known,
        parse_protocol(protocol, f"{where} protocol"),
        parse_seen_address(source, known, f"{where} source"),
        parse_seen_address(destination, known, f"{where} destination"),
        None if port is None else as_number(port, f"{where} destination_port", 0, 65535),
        as_count(packets, f"{where} packets"),
        parse_time(seen, f"{where} last_seen"),
    )


def parse_time(value: object, where: str) -> datetime:
    """Read a time as the module ``observed_flows`` writes it.

    :raises PortMatrixError: for anything else; the message begins with *where*.
    """
    try:
        return datetime.strptime(str(value), _TIME).replace(tzinfo=timezone.utc)
    except ValueError as e:
        raise PortMatrixError.at(where, f"{shown(value)} is not a time", "one such as 2026-03-02T08:15:27Z") from e


def _by_kind(permissions: Permissions) -> dict[tuple[Hook, str, Family], list[_Permission]]:
    found: dict[tuple[Hook, str, Family], list[_Permission]] = {}
    for rule in permissions.rules:
        if rule.hook is not None:
            one = _Permission(rule.source, rule.destination, rule.source_ports, rule.destination_ports)
            found.setdefault((rule.hook, rule.protocol, rule.family), []).append(one)
    for extra in (*permissions.management, *permissions.extra_rules):
        for family in extra.families():
            source, destination = (
                None if side is None else side.of_family(family) for side in (extra.source, extra.destination)
            )
            one = _Permission(source, destination, extra.source_ports, extra.destination_ports)
            found.setdefault((extra.hook, extra.protocol, family), []).append(one)
    return found


def parse_seen_address(value: object, family: Family, where: str) -> int:
    """Read an address of a packet. Whatever was on the wire is one, such as a multicast address.

    :raises PortMatrixError: for anything else; the message begins with *where*.
    """
    found = read_cidrs([str(value)]).of_family(family) if is_literal_address(value) else IntervalSet()
    if not found:
        raise PortMatrixError.at(where, f"{shown(value)} is not an address", f"one address, {family}")
    return found.intervals[0][0]


def _is_judged(flow: Flow, judged: AddressSet | None) -> bool:
    if flow.hook != "forward" or judged is None:
        return True
    addresses = judged.of_family(flow.family)
    return flow.source in addresses or flow.destination in addresses
