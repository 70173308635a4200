# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the traffic flow while something else happens, and measures what became of it."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flow_loss.agent import Orders
from flow_loss.doors import Firewall
from flow_loss.judge import Measurement, measurement
from flow_loss.traffic import CONNECTIONS, VERSIONS

_BETWEEN = 0.1  # seconds between two looks
# In so many looks in a row every agent read its sockets and found nothing: what is not there then does not come. Looks
# are counted, not seconds: a busy machine may take long for each, for the agents as for the packets.
_QUIET = 20
_PATIENT = 600  # where TCP has something under way, and nothing was lost that it would wait for
_LOOKS_FOR_TRAFFIC = 1200
_HANG = 300  # seconds for an agent to end
# What this machine drops before anybody counts it: packets for which there was no room in the queue of a processor, and
# packets for a neighbour whose hardware address did not become known.
_QUEUE, _NEIGHBOURS = "/proc/net/softnet_stat", ("/proc/net/stat/arp_cache", "/proc/net/stat/ndisc_cache")


class TrafficError(Exception):
    """The traffic does not flow, so nothing can be measured."""


class Crew:
    """The agents in the containers."""

    def __init__(self, prefix: str, orders: Mapping[str, Orders]) -> None:
        program = Path(__file__).with_name("agent.py").read_text("utf-8")
        self._agents = {
            host: subprocess.Popen(
                ["podman", "exec", "--interactive", f"{prefix}{host}", "python3", "-c", program],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for host in orders
        }  # fmt: skip
        self._ask({host: json.dumps(order) for host, order in orders.items()})

    def do(self, step: str) -> list[dict[str, t.Any]]:
        """Have all agents do a step; return their answers.

        :raises TrafficError: one is not there any more.
        """
        return self._ask(dict.fromkeys(self._agents, step))

    def end(self) -> None:
        """End all agents: the end of their input tells them."""
        for agent in self._agents.values():
            t.cast(t.IO[str], agent.stdin).close()
        for agent in self._agents.values():
            agent.wait(timeout=_HANG)
            t.cast(t.IO[str], agent.stdout).close()

    def _ask(self, lines: Mapping[str, str]) -> list[dict[str, t.Any]]:
        for host, line in lines.items():
            stdin = t.cast(t.IO[str], self._agents[host].stdin)
            try:
                stdin.write(f"{line}\n")
                stdin.flush()
            except BrokenPipeError:
                raise TrafficError(f"the agent in {host} is gone") from None
        return [self._answer(host) for host in lines]

    def _answer(self, host: str) -> dict[str, t.Any]:
        line = t.cast(t.IO[str], self._agents[host].stdout).readline()
        if not line:
            raise TrafficError(f"the agent in {host} ended")
        return t.cast("dict[str, t.Any]", json.loads(line))


class Traffic:
    """One measurement: :attr:`result` is there after the end of :meth:`flowing`."""

    def __init__(self, prefix: str, orders: Mapping[str, Orders], firewall: Firewall) -> None:
        self._prefix, self._orders, self._firewall = prefix, orders, firewall
        self.result: Measurement | None = None

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Have traffic flow inside of the ``with``."""
        before = machine_drops()
        crew = Crew(self._prefix, self._orders)
        try:
            crew.do("connect")
            self._firewall.open_doors()
            crew.do("start")
            _wait_for_traffic(crew)
            yield
            # An agent that stood still for a while stops late. So this is how long all of them sent at least.
            seconds = min(answer["seconds"] for answer in crew.do("stop"))
            self._wait_for_the_last(crew)
            reports = crew.do("report")
            doors = self._firewall.counted()
        finally:
            crew.end()
        self._firewall.close_doors()
        self.result = measurement(seconds, reports, doors, machine_drops() - before)

    def _wait_for_the_last(self, crew: Crew) -> None:
        """Return when all that is under way has been read, or does not come any more."""
        arrived, quiet = -1, 0
        while True:
            answers = crew.do("drain")
            so_far = sum(answer["arrived"] for answer in answers)
            arrived, quiet = so_far, quiet + 1 if so_far == arrived else 0
            if quiet >= _QUIET and not any(answer["under_way"] for answer in answers):
                return
            if quiet >= _QUIET and (quiet >= _PATIENT or self._has_lost_segments()):
                return
            time.sleep(_BETWEEN)

    def _has_lost_segments(self) -> bool:
        """Tell whether the firewall dropped something of a connection: that is the verdict, whatever TCP repeats."""
        doors = self._firewall.counted()
        return any(doors["in"][CONNECTIONS, version] != doors["out"][CONNECTIONS, version] for version in VERSIONS)


def _wait_for_traffic(crew: Crew) -> None:
    """Return when something of each stream has arrived.

    :raises TrafficError: some do not flow.
    """
    for _look in range(_LOOKS_FOR_TRAFFIC):
        reports = crew.do("report")
        arrived = {name: number for report in reports for name, number in report["arrived"].items()}
        silent = sorted(name for report in reports for name in report["sent"] if not arrived.get(name))
        broken = {name for report in reports for name in report["broken"]}
        if not set(silent) - broken:
            return
        time.sleep(_BETWEEN)
    raise TrafficError(f"nothing arrives of {', '.join(silent)}")


def machine_drops() -> int:
    """Return how many packets this machine, whose kernel all containers share, dropped before anybody counted them."""
    lines = Path(_QUEUE).read_text("ascii").splitlines()
    return sum(int(line.split()[1], 16) for line in lines) + sum(_discards(Path(path)) for path in _NEIGHBOURS)


def _discards(path: Path) -> int:
    names, *lines = (line.split() for line in path.read_text("ascii").splitlines())
    return sum(int(line[names.index("unresolved_discards")], 16) for line in lines)
