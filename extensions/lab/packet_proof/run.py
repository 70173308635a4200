# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out, and decides for every probe whether it went as the oracle says.

A permitted probe must be delivered. A refused one is proven by three things: it was seen at the door of a host that
judges it (before netfilter), it was not delivered, and a control packet sent after it to the same receiver was. So
neither a dead receiver nor a dead sender can pass for a firewall.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from packet_proof.crew import Crew, Shot
from packet_proof.lab import Lab
from packet_proof.oracle import Packet
from packet_proof.plan import Plan, Probe, batches
from packet_proof.site import Address
from packet_proof.visits import ServiceOutcome, judge_service, visit

TRIES = 3
# A batch is over when so many looks in a row showed nothing new. Looks are counted, not seconds: a busy machine may
# take long for each, which is an answer of every agent, as it may for the packets.
LOOKS = 20
POLL = 0.05  # seconds between two
_FIRST_CONTROL = 1_000_000
_SERVICE_PATIENCE = 60.0  # seconds: a server that does not answer, and not one that takes its time


@dataclass(frozen=True)
class Outcome:
    """What became of a probe; `surprise` is empty where it went as expected."""

    probe: Probe
    surprise: str = ""


@dataclass(frozen=True)
class Result:
    """What a proof found; `faults` are containers that could not take part, each with the reason."""

    outcomes: list[Outcome]
    services: list[ServiceOutcome]
    faults: dict[str, str]
    seconds: float

    @property
    def surprises(self) -> list[Outcome]:
        """The probes that did not go as expected."""
        return [outcome for outcome in self.outcomes if outcome.surprise]

    @property
    def proven(self) -> bool:
        """Whether everything went as expected, and there was something that could."""
        return bool(self.outcomes) and not self.surprises and not self.faults and all(s.ok for s in self.services)


@dataclass
class Observations:
    """Everything that was seen in the lab so far."""

    seen: dict[str, set[int]] = field(default_factory=dict)
    delivered: dict[str, set[int]] = field(default_factory=dict)
    refused_by_sender: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)
    controlled: set[int] = field(default_factory=set)  # refused probes after which a control arrived

    def arrived(self, container: str, number: int) -> bool:
        """Whether a probe got past the container's firewall."""
        return number in self.delivered.get(container, ())

    def reached_judge(self, probe: Probe) -> bool:
        """Whether a probe came before a host that judges it."""
        if probe.number in self.refused_by_sender and probe.sender in probe.judges:
            return True
        others = (judge for judge in probe.judges if judge != probe.sender)
        return any(probe.number in self.seen.get(judge, ()) for judge in others)


class Run:
    """One proof of a plan in a lab, carried out by a crew."""

    def __init__(self, plan: Plan, lab: Lab, crew: Crew, progress: Callable[[str], None] = lambda _: None) -> None:
        self._plan, self._crew, self._progress = plan, crew, progress
        self._judges = [container.name for container in lab.containers.values() if container.judges]
        self._observed = Observations()
        self._numbers = itertools.count(_FIRST_CONTROL)

    def prove(self) -> Result:
        """Sends every probe of the plan, talks to every real server, and tells what came of it."""
        started = time.monotonic()
        permitted = [probe for probe in self._plan.probes if probe.permitted]
        refused = [probe for probe in self._plan.probes if not probe.permitted]
        for count, batch in enumerate(parts := batches(permitted), 1):
            self._progress(f"permitted probes, part {count} of {len(parts)}: {len(batch)}")
            self._send_permitted(batch)
        for count, batch in enumerate(parts := batches(refused), 1):
            self._progress(f"refused probes, part {count} of {len(parts)}: {len(batch)}")
            self._send_refused(batch)
        services = self._visit_services()
        outcomes = [Outcome(probe, self._surprise(probe)) for probe in self._plan.probes]
        return Result(outcomes, services, dict(self._crew.dead), time.monotonic() - started)

    def _visit_services(self) -> list[ServiceOutcome]:
        self._crew.flush(self._judges)
        found = []
        for check in self._plan.services:
            self._progress(f"{check.service} on {check.destination.container}, {check.family}")
            answer = self._crew.visit(check.source.container, visit(check) | {"patience": _SERVICE_PATIENCE})
            found.append(judge_service(check, answer))
        return found

    def _send_permitted(self, batch: list[Probe]) -> None:
        for _dummy in range(TRIES):
            if batch:
                batch = self._try_permitted(batch)

    def _try_permitted(self, probes: list[Probe]) -> list[Probe]:
        """Sends permitted probes once; answers with those that did not arrive."""
        self._send_probes(probes)
        self._watch(lambda: all(self._arrived(probe) for probe in probes))
        return [probe for probe in probes if not self._arrived(probe)]

    def _send_refused(self, batch: list[Probe]) -> None:
        for _dummy in range(TRIES):
            if batch:
                batch = self._try_refused(batch)

    def _try_refused(self, probes: list[Probe]) -> list[Probe]:
        """Sends refused probes and then controls once; answers with those that prove nothing yet."""
        self._send_probes(probes)
        # Every probe is on its way now: a control that arrives shows that its receiver would have got them too.
        controls = self._send_controls(probes)

        def controlled(probe: Probe) -> bool:
            numbers = controls[probe.packet.destination, probe.packet.protocol]
            return any(self._observed.arrived(probe.destination.container, number) for number in numbers)

        reached = self._observed.reached_judge
        self._watch(lambda: all(reached(probe) and controlled(probe) for probe in probes))
        self._observed.controlled |= {probe.number for probe in probes if reached(probe) and controlled(probe)}
        return [probe for probe in probes if probe.number not in self._observed.controlled]

    def _send_probes(self, probes: Iterable[Probe]) -> None:
        self._crew.flush(self._judges)  # so that nothing passes as the answer to what was sent before
        self._send((probe.sender, shot(probe.number, probe.sent)) for probe in probes)

    def _send_controls(self, probes: Iterable[Probe]) -> dict[tuple[Address, str], list[int]]:
        receivers = {(probe.packet.destination, probe.packet.protocol): None for probe in probes}
        numbers: dict[tuple[Address, str], list[int]] = {receiver: [] for receiver in receivers}
        orders = []
        for receiver in receivers:
            for control in self._plan.controls[receiver]:
                numbers[receiver].append(next(self._numbers))
                orders.append((control.source.container, shot(numbers[receiver][-1], control.sent)))
        self._send(orders)
        return numbers

    def _send(self, shots: Iterable[tuple[str, Shot]]) -> None:
        orders: dict[str, list[Shot]] = {}
        for container, order in shots:
            orders.setdefault(container, []).append(order)
        for report in self._crew.send(orders).values():
            self._observed.refused_by_sender |= set(report.get("refused", ()))
            self._observed.errors |= {int(number): text for number, text in report.get("errors", {}).items()}

    def _watch(self, done: Callable[[], bool]) -> None:
        """Collects what the containers see until all is there, or nothing comes any more; at least twice."""
        self._collect()
        quiet = 0
        while not done() and quiet < LOOKS:
            time.sleep(POLL)
            quiet = 0 if self._collect() else quiet + 1
        time.sleep(POLL)
        self._collect()

    def _collect(self) -> bool:
        """Takes what the containers have seen since the last look; whether there was anything."""
        sightings = self._crew.collect()
        for container, sighting in sightings.items():
            self._observed.seen.setdefault(container, set()).update(sighting.seen)
            self._observed.delivered.setdefault(container, set()).update(sighting.delivered)
        return any(sighting.seen or sighting.delivered for sighting in sightings.values())

    def _arrived(self, probe: Probe) -> bool:
        return self._observed.arrived(probe.destination.container, probe.number)

    def _surprise(self, probe: Probe) -> str:
        """Why a probe is a surprise; empty: it went as expected."""
        judges = " and ".join(probe.judges)
        reached = self._observed.reached_judge(probe)
        if probe.permitted:
            if self._arrived(probe):
                return ""
            text = f"permitted by {' and '.join(probe.rows)}, but did not arrive in {TRIES} tries; "
            text += f"it {'reached' if reached else 'never reached'} {judges}"
        elif self._arrived(probe):
            return f"no row permits it, but it arrived past {judges}"
        elif not reached:
            text = f"refused, but it never reached {judges}, so that proves nothing"
        elif probe.number not in self._observed.controlled:
            text = (
                f"refused, but {probe.destination.container} receives no control packet either, so that proves nothing"
            )
        else:
            return ""
        return text + self._known_faults(probe)

    def _known_faults(self, probe: Probe) -> str:
        faults = [self._observed.errors[probe.number]] if probe.number in self._observed.errors else []
        involved = dict.fromkeys((probe.sender, *probe.judges, probe.destination.container))
        faults += [f"{name}: {self._crew.dead[name]}" for name in involved if name in self._crew.dead]
        return "".join(f" ({fault})" for fault in faults)


def shot(number: int, packet: Packet) -> Shot:
    """An order for an agent: send this packet under this number."""
    ends = str(packet.source), str(packet.destination)
    return (number, *ends, packet.protocol, packet.source_port, packet.destination_port)
