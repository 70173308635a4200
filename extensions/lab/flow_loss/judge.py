# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of all hosts come to: what was lost, where, and whether that is what was expected."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flow_loss.doors import Doors
from flow_loss.traffic import CONNECTIONS, FLOWS_A_SECOND, KINDS, NEW_FLOWS, VERSIONS, kind_and_version

Report = Mapping[str, t.Any]  # as flow_loss.agent makes it

# A lost segment takes TCP 0.2 s to send again, and each further time twice as long.
SLOWEST_MESSAGE = 1.0
_SHOWN = 4  # stalled connections in the text


@dataclass(frozen=True)
class Line:
    """The figures of one kind of traffic in one family."""

    kind: str
    version: int
    streams: int
    sent: int
    arrived: int
    slowest: float
    entered: int
    left: int

    @property
    def missing(self) -> int:
        """What was sent and did not arrive, wherever it got lost; of connections, what is still on its way."""
        return self.sent - self.arrived

    @property
    def in_firewall(self) -> int:
        """How many packets the firewall lost, those that TCP sent again included."""
        return self.entered - self.left


@dataclass(frozen=True)
class Measurement:
    """All figures of one measurement."""

    seconds: float
    lines: tuple[Line, ...]
    broken: Mapping[str, str]
    late: Mapping[str, float]  # connection to how long its slowest message took, for those that took too long
    buffer_drops: int  # packets that a receiver of the test, or this machine, had no room for
    retransmitted: int
    pause: float  # the longest time for which a program of the test did not run


def measurement(seconds: float, reports: Sequence[Report], doors: Doors, machine_drops: int) -> Measurement:
    """Put together what the hosts and the firewall's doors tell."""
    sent = {name: number for report in reports for name, number in report["sent"].items()}
    arrived = {name: number for report in reports for name, number in report["arrived"].items()}
    slowest = {name: number for report in reports for name, number in report["slowest"].items()}
    pause = max(report["pause"] for report in reports)
    lines = []
    for kind in KINDS:
        for version in VERSIONS:
            names = [name for name in sent if kind_and_version(name) == (kind, version)]
            lines.append(
                Line(
                    kind, version, len(names),
                    sum(sent[name] for name in names),
                    sum(arrived.get(name, 0) for name in names),
                    max((slowest.get(name, 0.0) for name in names), default=0.0),
                    doors["in"][kind, version], doors["out"][kind, version],
                )
            )  # fmt: skip
    connections = [name for name in sent if kind_and_version(name)[0] == CONNECTIONS]
    return Measurement(
        seconds,
        tuple(lines),
        {name: reason for report in reports for name, reason in report["broken"].items()},
        {
            name: slowest.get(name, seconds) if arrived.get(name, 0) == sent[name] else seconds
            for name in connections
            if arrived.get(name, 0) < sent[name] or slowest.get(name, 0.0) > SLOWEST_MESSAGE + pause
        },
        sum(report["buffer_drops"] for report in reports) + machine_drops,
        sum(report["retransmitted"] for report in reports),
        pause,
    )


class Verdict:
    """What all measurements of a back end come to. ``lost`` of ``packets`` counts only where none may be lost."""

    def __init__(self) -> None:
        self.packets = self.lost = 0
        self.wrong: list[str] = []

    def none_may_be_lost(self, result: Measurement) -> None:
        """Take a measurement in which nothing may be lost."""
        self.packets += sum(line.entered for line in result.lines)
        self.lost += sum(line.in_firewall for line in result.lines)
        self.wrong += objections(result)

    def is_told(self, result: Measurement) -> None:
        """Take a measurement whose loss is what it is."""
        self.wrong += unfit(result)

    def some_must_be_lost(self, result: Measurement) -> None:
        """Take a measurement with a loss that has to be seen."""
        self.wrong += unseen(result)


def as_text(title: str, result: Measurement) -> str:
    """Return the figures as a table."""
    lines = [
        f"{title} ({result.seconds:.0f} s)",
        f"  {'':18} {'streams':>7} {'sent':>8} {'arrived':>8} {'slowest':>9} {'lost in the firewall':>21}",
    ]
    lines += [
        f"  {line.kind + f', IPv{line.version}':18} {line.streams:7} {line.sent:8} {line.arrived:8} "
        f"{line.slowest * 1000:6.0f} ms {line.in_firewall:21}"
        for line in result.lines
    ]
    lines += [f"  broken: {name}: {reason}" for name, reason in result.broken.items()]
    lines += [
        f"  stalled: {name}: a message took {took:.1f} s or more" for name, took in [*result.late.items()][:_SHOWN]
    ]
    if len(result.late) > _SHOWN:
        lines.append(f"  stalled: {len(result.late) - _SHOWN} more")
    lines.append(
        f"  TCP sent {result.retransmitted} segments again; the test had no room for {result.buffer_drops} packets, "
        f"and its longest pause was {result.pause * 1000:.0f} ms"
    )
    return "\n".join(lines)


def objections(result: Measurement) -> list[str]:
    """Return why this is not a measurement in which the firewall lost nothing; empty where it is one."""
    found = [
        f"{line.in_firewall} packets of {line.kind} (IPv{line.version}) were lost in the firewall."
        for line in result.lines
        if line.in_firewall
    ]
    elsewhere = sum(line.missing - line.in_firewall for line in result.lines if line.kind != CONNECTIONS)
    if elsewhere > result.buffer_drops:
        found.append(f"{elsewhere - result.buffer_drops} packets were lost outside of the firewall, nobody knows why.")
    found += [f"{name} broke: {reason}" for name, reason in result.broken.items()]
    found += [f"{name} stalled for {took:.1f} s or more." for name, took in result.late.items()]
    return found + unfit(result)


def unfit(result: Measurement) -> list[str]:
    """Return why this is no measurement at all: without traffic nothing can be lost."""
    found = [f"No {line.kind} (IPv{line.version}) were sent." for line in result.lines if not line.sent]
    found += [
        f"{line.kind} (IPv{line.version}) did not pass the firewall."
        for line in result.lines
        if line.kind != CONNECTIONS and line.entered < line.arrived
    ]
    flows = sum(line.sent for line in result.lines if line.kind == NEW_FLOWS)
    if flows < 0.9 * FLOWS_A_SECOND * result.seconds:
        found.append(
            f"Only {flows / result.seconds:.0f} new flows a second were sent, and {FLOWS_A_SECOND} were wanted."
        )
    return found


def unseen(result: Measurement) -> list[str]:
    """Return what a measurement of a loss that is there did not show of it; empty where it showed all."""
    return unfit(result) + [
        f"No loss of {line.kind} (IPv{line.version}) was seen."
        for line in result.lines
        if line.kind != CONNECTIONS and not (line.in_firewall > 0 and line.missing > 0)
    ]
