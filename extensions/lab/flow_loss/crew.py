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

_WARM_UP = 1.0  # seconds of traffic before the doors count and something happens
_LINGER = 2.0  # what is on its way when the senders stop has this long


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
            agent.wait(timeout=30)
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
        before = _machine_drops()
        crew = Crew(self._prefix, self._orders)
        try:
            crew.do("connect")
            self._firewall.open_doors()
            crew.do("start")
            time.sleep(_WARM_UP)
            yield
            # An agent that stood still for a while stops late. So this is how long all of them sent at least.
            seconds = min(answer["seconds"] for answer in crew.do("stop"))
            time.sleep(_LINGER)
            reports = crew.do("report")
            doors = self._firewall.counted()
        finally:
            crew.end()
        self._firewall.close_doors()
        self.result = measurement(seconds, reports, doors, _machine_drops() - before)


def _machine_drops() -> int:
    """Return how many packets this machine, whose kernel all containers share, had no room for."""
    lines = Path("/proc/net/softnet_stat").read_text("ascii").splitlines()
    return sum(int(line.split()[1], 16) for line in lines)
