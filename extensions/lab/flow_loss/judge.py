# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of all hosts come to: what was lost, where, and whether that is what was expected."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from real_calls.phone import Heard

from flow_loss.doors import Doors
from flow_loss.traffic import CONNECTIONS, KINDS, NEW_FLOWS, VERSIONS, kind_and_version

Report = Mapping[str, t.Any]  # as flow_loss.agent makes it

FEWEST_FLOWS = 1000  # a measurement with less of them says little
_SHOWN = 4  # connections in the text of which something did not arrive


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
    def before_firewall(self) -> int:
        """How many packets did not even come to the firewall."""
        return self.sent - self.entered

    @property
    def behind_firewall(self) -> int:
        """How many packets left the firewall and did not arrive."""
        return self.left - self.arrived

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
    undelivered: Mapping[str, int]  # connection to how many of its messages did not arrive, where any did not
    buffer_drops: int  # packets that a receiver of the test, or this machine, counted as dropped
    retransmitted: int
    pause: float  # the longest time for which a program of the test did not run
    starved: float  # the longest time in all that a program of the test waited for a processor
    heard: Mapping[str, Heard] = field(default_factory=dict)  # what each telephone of the real calls says

    @property
    def missed(self) -> int:
        """How many packets the telephones did not receive, by their own account."""
        return sum(one.lost for one in self.heard.values())


def measurement(seconds: float, reports: Sequence[Report], doors: Doors, machine_drops: int) -> Measurement:
    """Put together what the hosts and the firewall's doors tell."""
    sent = {name: number for report in reports for name, number in report["sent"].items()}
    arrived = {name: number for report in reports for name, number in report["arrived"].items()}
    slowest = {name: number for report in reports for name, number in report["slowest"].items()}
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
        {name: sent[name] - arrived.get(name, 0) for name in connections if arrived.get(name, 0) < sent[name]},
        sum(report["buffer_drops"] for report in reports) + machine_drops,
        sum(report["retransmitted"] for report in reports),
        max(report["pause"] for report in reports),
        max(report["starved"] for report in reports),
    )


class Verdict:
    """What all measurements of a back end come to. ``lost`` of ``packets`` counts only where none may be lost."""

    def __init__(self) -> None:
        self.packets = self.lost = 0
        self.wrong: list[str] = []

    def none_may_be_lost(self, result: Measurement) -> None:
        """Take a measurement in which nothing may be lost."""
        self.packets += sum(line.entered for line in result.lines) + sum(one.received for one in result.heard.values())
        self.lost += sum(line.in_firewall for line in result.lines) + result.missed
        self.wrong += objections(result)

    def is_told(self, result: Measurement) -> None:
        """Take a measurement whose loss is what it is."""
        self.wrong += unfit(result)

    def some_must_be_lost(self, result: Measurement) -> None:
        """Take a measurement with a loss that has to be seen."""
        self.wrong += unseen(result)


def as_text(title: str, result: Measurement) -> str:
    """Return the figures as a table."""
    flows = sum(line.sent for line in result.lines if line.kind == NEW_FLOWS)
    lines = [
        f"{title} ({result.seconds:.0f} s, {flows / result.seconds:.0f} new flows a second)",
        f"  {'':18} {'streams':>7} {'sent':>8} {'arrived':>8} {'slowest':>9} {'lost in the firewall':>21}",
    ]
    lines += [
        f"  {line.kind + f', IPv{line.version}':18} {line.streams:7} {line.sent:8} {line.arrived:8} "
        f"{line.slowest * 1000:6.0f} ms {line.in_firewall:21}"
        for line in result.lines
    ]
    if result.heard:
        received = sum(one.received for one in result.heard.values())
        lines.append(
            f"  real calls: {len(result.heard)} telephones received {received} packets, and missed {result.missed}"
        )
    lines += [f"  broken: {name}: {reason}" for name, reason in result.broken.items()]
    lines += [
        f"  did not arrive: {number} messages of {name}" for name, number in [*result.undelivered.items()][:_SHOWN]
    ]
    if len(result.undelivered) > _SHOWN:
        lines.append(f"  did not arrive: some of {len(result.undelivered) - _SHOWN} more connections")
    lines.append(
        f"  TCP sent {result.retransmitted} segments again; the test had no room for {result.buffer_drops} packets, "
        f"its longest pause was {result.pause * 1000:.0f} ms, and it waited {result.starved:.1f} s for a processor"
    )
    return "\n".join(lines)


def objections(result: Measurement) -> list[str]:
    """Return why this is not a measurement in which the firewall lost nothing; empty where it is one."""
    found = [
        f"{line.in_firewall} packets of {line.kind} (IPv{line.version}) were lost in the firewall."
        for line in result.lines
        if line.in_firewall
    ]
    datagrams = [line for line in result.lines if line.kind != CONNECTIONS]
    before, behind = sum(line.before_firewall for line in datagrams), sum(line.behind_firewall for line in datagrams)
    if before + behind > result.buffer_drops:
        found.append(
            f"{before} packets were lost before the firewall and {behind} behind it; the sockets of the test and this "
            f"machine know of {result.buffer_drops}, and nobody of the others."
        )
    found += [f"The telephone {name} missed {one.lost} packets." for name, one in result.heard.items() if one.lost]
    found += [f"{name} broke: {reason}" for name, reason in result.broken.items()]
    found += [f"{number} messages of {name} did not arrive." for name, number in result.undelivered.items()]
    return found + unfit(result)


def unfit(result: Measurement) -> list[str]:
    """Return why this measured nothing at all: without traffic nothing can be lost."""
    found = [f"No {line.kind} (IPv{line.version}) were sent." for line in result.lines if not line.sent]
    found += [
        f"{line.kind} (IPv{line.version}) did not pass the firewall."
        for line in result.lines
        if line.kind != CONNECTIONS and line.entered < line.arrived
    ]
    found += [f"The telephone {name} received nothing." for name, one in result.heard.items() if one.received <= 0]
    flows = sum(line.sent for line in result.lines if line.kind == NEW_FLOWS)
    if flows < FEWEST_FLOWS:
        found.append(f"Only {flows} new flows were sent, and less than {FEWEST_FLOWS} say little.")
    return found


def unseen(result: Measurement) -> list[str]:
    """Return what a measurement of a loss that is there did not show of it; empty where it showed all."""
    deaf = ["No loss of the real calls was seen."] if result.heard and not result.missed else []
    return (
        unfit(result)
        + deaf
        + [
            f"No loss of {line.kind} (IPv{line.version}) was seen."
            for line in result.lines
            if line.kind != CONNECTIONS and not (line.in_firewall > 0 and line.missing > 0)
        ]
    )
