# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: what was seen and is not permitted, by whom, and why."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .._rules.protocols import has_ports, protocol_text
from .._values.addresses import format_address
from .._values.intervals import IntervalSet
from .._values.ports import format_ports
from .._values.words import count, display
from .additions import MANY, network_of, network_text
from .flows import Pair, Weight
from .names import Party

Kind = t.Literal["row_group_off", "missing_host", "missing_row", "unknown", "scan"]
KINDS: tuple[Kind, ...] = ("row_group_off", "missing_host", "missing_row", "unknown", "scan")
# More ports than this, one by one, are those of media: they are shown and proposed as ranges, with the gaps closed.
MOST_RANGES = 16
_SMALL_GAP = 100


class Reason(t.NamedTuple):
    """Why it is not permitted: the row that comes nearest, in what it differs, and the row group that is off."""

    kind: Kind
    nearest_row: str = ""
    differs_in: tuple[str, ...] = ()
    row_group: str = ""


@dataclass(frozen=True)
class Finding:
    """What one pair was seen to do that is not permitted for one reason.

    ``gathered`` says how many addresses of a network have the place of the source or the destination, where they do.
    """

    pair: Pair
    source: Party
    destination: Party
    ports: IntervalSet
    weight: Weight
    reason: Reason
    gathered: tuple[str, str] = ("", "")

    @property
    def addresses(self) -> tuple[str, str]:
        """Source and destination for people."""
        source, destination = (
            format_address(one, self.pair.family) for one in (self.pair.source, self.pair.destination)
        )
        return self.gathered[0] or source, self.gathered[1] or destination

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        pair = self.pair
        return {
            "gateway": pair.gateway,
            "hook": pair.hook,
            "family": pair.family,
            "protocol": pair.protocol,
            "source": format_address(pair.source, pair.family),
            "source_host": self.source.name,
            "destination": format_address(pair.destination, pair.family),
            "destination_host": self.destination.name,
            "destination_ports": format_ports(self.ports) if has_ports(pair.protocol) else [],
            **self.weight._asdict(),
            "nearest_row": self.reason.nearest_row,
            "differs_in": list(self.reason.differs_in),
            "row_group": self.reason.row_group,
            "kind": self.reason.kind,
        }

    def what(self) -> str:
        """Say who sends what to whom."""
        ends = [_end(*one) for one in zip((self.source, self.destination), self.addresses, strict=True)]
        ports = f" port {some_ports(self.ports)}" if has_ports(self.pair.protocol) else ""
        return f"{protocol_text(self.pair.protocol)} from {ends[0]} to {ends[1]}{ports}"

    def seen(self) -> str:
        """Say how much of it was seen where."""
        return f"{count(self.weight.packets, 'packet')} at {display(self.pair.gateway)} ({self.pair.hook})"

    def how_much(self) -> str:
        """Say how much of it was seen where, and when last."""
        return f"{self.seen()}, last {self.weight.last_seen}"

    def why(self) -> str:
        """Say why it is not permitted. Of a scan, nobody asks."""
        reason = self.reason
        if reason.kind == "row_group_off":
            return f"row group {reason.row_group} permits this (row {reason.nearest_row})"
        if not reason.nearest_row:
            return f"no row comes near, what does not match: {', '.join(reason.differs_in)}"
        if not reason.differs_in:
            return f"row {reason.nearest_row} would permit it, but it is off (port_matrix_disabled_rows)"
        if reason.kind == "unknown" and reason.differs_in == SOURCE_PORT:
            return f"row {reason.nearest_row} permits this from some source ports, and which it had is not remembered"
        return f"nearest is row {reason.nearest_row}, what does not match: {', '.join(reason.differs_in)}"


Gathered = tuple[Finding, tuple[int, ...]]
"""A finding that stands for some, and the places that these had."""

UNKNOWN = Reason("unknown")
SOURCE_PORT = ("source port",)


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort *findings*, those with the most packets first."""
    return tuple(sorted(findings, key=lambda one: (-one.weight.packets, one.pair, one.ports.intervals, one.reason)))


def gather(findings: Sequence[Finding]) -> list[Gathered]:
    """Join what only differs in an address of one network, where that has many. Each has the places that it had."""
    found: list[Gathered] = [(one, (place,)) for place, one in enumerate(findings)]
    for side in (0, 1):
        groups: dict[tuple[t.Any, ...], list[Gathered]] = {}
        for one, places in found:
            groups.setdefault(_but_for_address(one, side), []).append((one, places))
        found = [joined for group in groups.values() for joined in _joined(group, side)]
    return sorted(found, key=lambda one: (-one[0].weight.packets, one[1]))


def _but_for_address(one: Finding, side: int) -> tuple[t.Any, ...]:
    """All that findings have to have in common to differ only in an address of one network."""
    pair = one.pair
    network, other = (pair.source, pair.destination) if side == 0 else (pair.destination, pair.source)
    name = (one.source, one.destination)[side].name
    return (*pair[:4], network_of(pair.family, network), other, name, one.reason, one.gathered)


def _joined(group: list[Gathered], side: int) -> list[Gathered]:
    if len(group) < MANY:
        return group
    first = group[0][0]
    address = first.pair.source if side == 0 else first.pair.destination
    said = f"{len(group):,} addresses of {network_text(first.pair.family, address)}"
    joined = replace(
        first,
        ports=IntervalSet.union([one.ports for one, _places in group]),
        weight=Weight.total([one.weight for one, _places in group]),
        gathered=(said, first.gathered[1]) if side == 0 else (first.gathered[0], said),
    )
    return [(joined, tuple(sorted(place for _one, places in group for place in places)))]


def few_ranges(ports: IntervalSet) -> IntervalSet:
    """Return *ports* as a few ranges: where they are many single ones, the small gaps between them are closed."""
    spans = ports.intervals
    if len(spans) <= MOST_RANGES:
        return ports
    gaps = sorted(pairwise(spans), key=lambda gap: gap[0][1] - gap[1][0])
    wide = [gap for gap in gaps if gap[1][0] - gap[0][1] > _SMALL_GAP][: MOST_RANGES - 1]
    return IntervalSet.of([*spans, *((gap[0][1], gap[1][0]) for gap in gaps if gap not in wide)])


def some_ports(ports: IntervalSet) -> str:
    """Write *ports* for people, as a few ranges, and how many in these were seen where that is not all."""
    ranges = few_ranges(ports)
    text = ", ".join(format_ports(ranges))
    return text if ranges == ports else f"{text} ({count(ports.size(), 'port')} of these)"


def _end(party: Party, address: str) -> str:
    return f"{display(party.name)} ({address})" if party.name and party.name != address else address
