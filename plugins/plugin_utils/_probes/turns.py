# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes in turn: a host makes some of many, and they are to be of all rows, ports and destinations."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .._values.ports import format_ports
from .flows import Flow, Kind
from .parties import Pool, Target


@dataclass(frozen=True)
class Group:
    """Probes that differ in their addresses only. ``detail`` says why they cannot be made, where that is so."""

    flow: Flow
    kind: Kind
    sources: Sequence[str]
    pool: Pool
    port: int | None = None
    detail: str = ""

    def size(self, host: str) -> int:
        """How many probes of *host* it holds."""
        return len(self.sources) * self.pool.without(host)

    def probes(self, host: str, offset: int) -> Iterator[dict[str, t.Any]]:
        """Yield them, beginning with the destination number *offset*."""
        targets = self.pool.targets
        for number in range(len(self.sources) * len(targets)):
            target = targets[(number + offset) % len(targets)]
            if target.host != host:
                yield self._probe(host, self.sources[number // len(targets)], target)

    def _probe(self, host: str, source: str, target: Target) -> dict[str, t.Any]:
        probe = {
            "row": self.flow.row.id,
            "source_host": host,
            "source": source,
            "source_ports": format_ports(self.flow.row.source_ports),
            "destination_host": target.host,
            "destination": target.address,
            "destination_port": target.port or self.port,
            "protocol": self.flow.protocol,
            "family": self.flow.family,
            "probe": self.kind,
        }
        return {**probe, "token": target.token} if target.token else probe


def pick(groups: Sequence[Group], host: str, offset: int, limit: int) -> tuple[list[dict[str, t.Any]], Counter[str]]:
    """Take up to *limit* probes of *host* from *groups* in turn; return them by group, and what is left by row."""
    taken: list[list[dict[str, t.Any]]] = [[] for _group in groups]
    for index, probe in islice(_in_turn(groups, host, offset), limit):
        detail = groups[index].detail
        taken[index].append({**probe, "detail": detail} if detail else probe)
    left: Counter[str] = Counter()
    for group, probes in zip(groups, taken, strict=True):
        left[group.flow.row.id] += group.size(host) - len(probes)
    return [probe for probes in taken for probe in probes], +left


def _in_turn(groups: Sequence[Group], host: str, offset: int) -> Iterator[tuple[int, dict[str, t.Any]]]:
    """Yield one probe of each group, a second one of each, and so on, each with the number of its group."""
    sources = [group.probes(host, offset) for group in groups]
    waiting = _row_by_row(groups)
    while waiting:
        for index in list(waiting):
            probe = next(sources[index], None)
            if probe is None:
                waiting.remove(index)
            else:
                yield index, probe


def _row_by_row(groups: Sequence[Group]) -> list[int]:
    """Order *groups* by rows in turn, so that a small limit reaches all rows; return their numbers."""
    seen: Counter[str] = Counter()
    order = []
    for index, group in enumerate(groups):
        order.append((seen[group.flow.row.id], index))
        seen[group.flow.row.id] += 1
    return [index for _round, index in sorted(order)]
