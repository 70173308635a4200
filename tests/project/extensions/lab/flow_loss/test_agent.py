# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two agents as processes on this machine, that talk over its loopback."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import flow_loss.agent
import pytest
from flow_loss.agent import Orders


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    def __init__(self, orders: Orders) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", Path(flow_loss.agent.__file__).read_text("utf-8")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.do(json.dumps(orders))

    def do(self, step: str) -> dict[str, t.Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        return t.cast("dict[str, t.Any]", json.loads(self._process.stdout.readline()))

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait(timeout=300)


def ends(name: str, kind: socket.SocketKind, rates: tuple[int, int] = (100, 100)) -> tuple[Orders, Orders]:
    here, there = ["127.0.0.1", free_port(kind)], ["127.0.0.1", free_port(kind)]
    first = {"sends": f"{name} forth", "receives": f"{name} back", "local": here, "remote": there, "waits": False}
    second = {"sends": f"{name} back", "receives": f"{name} forth", "local": there, "remote": here, "waits": True}
    return first | {"rate": rates[0]}, second | {"rate": rates[1]}


def orders(**given: t.Any) -> Orders:
    return {
        "lifetime": 60, "flow_ports": [], "sink": False, "calls": [], "flows": [], "dialled": [], "answered": [],
    } | given  # fmt: skip


@pytest.fixture
def talk() -> Iterator[t.Callable[..., list[dict[str, t.Any]]]]:
    agents: list[Process] = []

    def run(first: Orders, second: Orders, each: int = 50) -> list[dict[str, t.Any]]:
        """Let the first agent send *each* and more messages of all its streams, and the second one what it answers."""
        agents.extend(Process(order) for order in (second, first))
        for step in ("connect", "start"):
            for agent in agents:
                agent.do(step)
        while not all(sent >= each for agent in agents for sent in agent.do("report")["sent"].values()):
            time.sleep(0.01)
        for agent in agents:
            agent.do("stop")
        for _look in range(20):
            for agent in agents:
                agent.do("drain")
            time.sleep(0.01)
        return [agent.do("report") for agent in reversed(agents)]

    yield run
    assert [agent.end() for agent in agents] == [0] * len(agents)


def test_all_of_a_call_and_a_connection_arrives(talk: t.Callable[..., list[dict[str, t.Any]]]) -> None:
    call, connection = ends("calls", socket.SOCK_DGRAM), ends("connections", socket.SOCK_STREAM)
    first, second = talk(
        orders(calls=[call[0]], dialled=[connection[0]]), orders(calls=[call[1]], answered=[connection[1]])
    )
    assert set(first["sent"]) == {"calls forth", "connections forth"}
    assert second["arrived"] == first["sent"]
    assert first["arrived"] == second["sent"]
    assert first["broken"] == second["broken"] == {}
    assert first["slowest"]["calls back"] > 0


def test_what_waits_is_read_before_it_is_counted() -> None:
    """A receiver that did not run for a while has more in its sockets than it reads in one turn."""
    call = ends("calls", socket.SOCK_DGRAM)
    receiver = Process(orders(calls=[call[1] | {"rate": 0}]))
    sender = Process(orders(calls=[call[0] | {"rate": 2000}]))
    for agent in (receiver, sender):
        agent.do("start")
    receiver.send(signal.SIGSTOP)
    while (sent := sender.do("report")["sent"]["calls forth"]) < 2000:
        time.sleep(0.01)
    sender.do("stop")
    sent = sender.do("report")["sent"]["calls forth"]
    receiver.send(signal.SIGCONT)
    assert receiver.do("drain") == {"arrived": sent, "under_way": 0}
    assert (sender.end(), receiver.end()) == (0, 0)


def test_a_silent_client_sends_nothing(talk: t.Callable[..., list[dict[str, t.Any]]]) -> None:
    connection = ends("connections", socket.SOCK_STREAM, (0, 100))
    first, second = talk(orders(dialled=[connection[0]]), orders(answered=[connection[1]]))
    assert first["sent"] == {}
    assert first["arrived"]["connections back"] == second["sent"]["connections back"] >= 50


def test_what_nobody_receives_is_missing(talk: t.Callable[..., list[dict[str, t.Any]]]) -> None:
    call = ends("calls", socket.SOCK_DGRAM)
    first, second = talk(orders(calls=[call[0]]), orders())
    assert first["sent"]["calls forth"] > 0
    assert "calls forth" not in second["arrived"]


def test_a_connection_that_nobody_takes_is_broken(talk: t.Callable[..., list[dict[str, t.Any]]]) -> None:
    connection = ends("connections", socket.SOCK_STREAM)
    first, _second = talk(orders(dialled=[connection[0]]), orders())
    assert first["sent"] == {}
    assert "refused" in first["broken"]["connections forth"]


def test_new_flows_are_counted_by_family(talk: t.Callable[..., list[dict[str, t.Any]]]) -> None:
    ports = [free_port(socket.SOCK_DGRAM)]
    flow = {"sends": "new flows ipv4", "local": "127.0.0.1", "remote": "127.0.0.1", "rate": 200}
    first, second = talk(orders(flow_ports=ports, flows=[flow]), orders(flow_ports=ports, sink=True))
    assert second["arrived"] == {"new flows ipv4": first["sent"]["new flows ipv4"], "new flows ipv6": 0}
    assert second["buffer_drops"] == 0
