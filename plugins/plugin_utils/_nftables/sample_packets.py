# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sample packets: a few concrete packets for each rule of a host, with which chains of others can be judged."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._rules.canonical import Hook, Rule
from .._values.addresses import Family
from .._values.intervals import IntervalSet
from .._values.netaddr import netaddr
from .._values.ports import ANY_PORT

# Each machine of a usual site is in one of them. A thousand for each rule would only make every run slower.
MOST_FOR_A_RULE = 8

# What "any" means in practice: other hosts have public addresses, and media or clients use no well-known ports. Samples
# beyond would make a firewall that drops bogus addresses look as if it dropped the traffic of the matrix.
_USUAL_PORTS = (1024, 65535)
_USUAL_ADDRESSES: dict[Family, tuple[int, int]] = {
    "ipv4": (1 << 24, (224 << 24) - 1),
    "ipv6": (0x2 << 124, (0x4 << 124) - 1),
}
# The first and the last address of a network are not those of a host, as a rule; in a row of neighbours they are.
_SMALLEST_NETWORK = 8


@dataclass(frozen=True)
class SamplePacket:
    """The first packet of a connection that a rule permits. The ports are None where the protocol has none."""

    row: str
    hook: Hook
    family: Family
    protocol: str
    source: str
    source_port: int | None
    destination: str
    destination_port: int | None

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the packet as plain data."""
        return {
            "row": self.row,
            "hook": self.hook,
            "family": self.family,
            "protocol": self.protocol,
            "source": self.source,
            "source_port": self.source_port,
            "destination": self.destination,
            "destination_port": self.destination_port,
        }


def sample_packets(rules: Iterable[Rule]) -> list[SamplePacket]:
    """Return packets that *rules* permit, in the order of the rules, at most ``MOST_FOR_A_RULE`` for each.

    The first packet of a rule has the first address and port of either side, the last one has the last. Those between
    have the others: the ends of every interval of the addresses, so single machines are met wherever they are, and the
    ends of every port range. Rules without a hook belong to no host and have no packets.
    """
    packets = (packet for rule in rules if rule.hook is not None for packet in _of_rule(rule, rule.hook))
    return list(dict.fromkeys(packets))


def _of_rule(rule: Rule, hook: Hook) -> Iterator[SamplePacket]:
    sides = [
        _addresses(rule.source, rule.family),
        _ports(rule.source_ports),
        _addresses(rule.destination, rule.family),
        _ports(rule.destination_ports),
    ]
    count = min(MOST_FOR_A_RULE, max(len(side) for side in sides))
    version: t.Literal[4, 6] = 4 if rule.family == "ipv4" else 6
    for source, source_port, destination, destination_port in zip(
        *(_spread(side, count) for side in sides), strict=True
    ):
        yield SamplePacket(
            row=rule.row,
            hook=hook,
            family=rule.family,
            protocol=rule.protocol,
            source=str(netaddr.IPAddress(source, version)),
            source_port=source_port if rule.has_ports else None,
            destination=str(netaddr.IPAddress(destination, version)),
            destination_port=destination_port if rule.has_ports else None,
        )


def _spread(values: Sequence[int], count: int) -> list[int]:
    """Return *count* of *values*, evenly spread, the first and the last among them; few values are repeated."""
    if count == 1:
        return [values[0]]
    return [values[round(number * (len(values) - 1) / (count - 1))] for number in range(count)]


def _addresses(addresses: IntervalSet, family: Family) -> list[int]:
    ends: list[int] = []
    for interval in addresses.intervals:
        first, last = _clipped(interval, _USUAL_ADDRESSES[family])
        inside = 1 if last - first + 1 >= _SMALLEST_NETWORK else 0
        ends += [first + inside, last - inside]
    return sorted(set(ends))


def _ports(ports: IntervalSet) -> list[int]:
    if ports == ANY_PORT:
        return list(_USUAL_PORTS)
    return sorted({end for interval in ports.intervals for end in interval})


def _clipped(interval: tuple[int, int], bounds: tuple[int, int]) -> tuple[int, int]:
    """Return the part of *interval* within *bounds*, or all of it where there is none."""
    first, last = max(interval[0], bounds[0]), min(interval[1], bounds[1])
    return (first, last) if first <= last else interval
