# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agents in the lab's containers, and the conversation with them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import select
import subprocess
import tempfile
import threading
import time
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packet_proof.protocols import protocol_number

Shot = tuple[int, str, str, str, int, int]  # number, source, destination, protocol, source port, destination port
LIFETIME = 3600  # seconds: an agent whose run is gone without a word ends by itself
PATIENCE = 600  # seconds: for an agent that hangs, and not for one that has to wait for a processor
# Loads the modules that come as the first line of the input, and leaves the rest of the input to the agent.
_START = """
import json, os, sys, types
line = b""
while not line.endswith(b"\\n"):
    line += os.read(0, 1) or sys.exit("agent: no program")
sources = b""
while len(sources) < int(line):
    sources += os.read(0, int(line) - len(sources)) or sys.exit("agent: half a program")
sys.modules["packet_proof"] = types.ModuleType("packet_proof")
for name, source in json.loads(sources):
    sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), sys.modules[name].__dict__)
sys.modules["packet_proof.agent"].serve()
"""


@dataclass(frozen=True)
class Sighting:
    """The numbers of the probes that a host saw at its door, and of those that its firewall let in."""

    seen: frozenset[int] = frozenset()
    delivered: frozenset[int] = frozenset()


class Crew(t.Protocol):
    """Who sends and watches in the lab's containers. A dead member answers nothing, and :attr:`dead` says why."""

    dead: dict[str, str]

    def send(self, orders: Mapping[str, list[Shot]]) -> dict[str, dict[str, t.Any]]:
        """Sends from each container; returns when all is sent, with what went wrong."""

    def collect(self) -> dict[str, Sighting]:
        """What each container saw since the last time."""

    def flush(self, containers: Iterable[str]) -> None:
        """Makes containers forget their tracked connections."""

    def visit(self, container: str, request: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Lets a container talk to a real server."""


class PodmanCrew:
    """One agent in each container, over ``podman exec``. Use as a context manager: it ends its agents.

    :raises FileNotFoundError: there is no podman.
    """

    def __init__(
        self, prefix: str, containers: Iterable[str], protocols: Iterable[str], patience: float = PATIENCE
    ) -> None:
        self.dead: dict[str, str] = {}
        self._containers = {name: f"{prefix}{name}" for name in containers}
        self._protocols = " ".join(sorted({str(protocol_number(protocol)) for protocol in protocols}))
        self._patience = patience
        self._members: dict[str, _Member] = {}

    def __enter__(self) -> PodmanCrew:
        program, nonce = _program(), secrets.token_hex(8)
        for name, container in self._containers.items():
            self._members[name] = _Member(container, nonce, self._protocols)
        for member in self._members.values():
            member.write(b"%d\n" % len(program) + program, self._patience)
        self._answers(self._members)
        return self

    def __exit__(self, *exception: object) -> None:
        for member in self._members.values():
            member.close()
        for member in self._members.values():
            member.end()

    def send(self, orders: Mapping[str, list[Shot]]) -> dict[str, dict[str, t.Any]]:
        """Sends from each container; returns when all is sent, with what went wrong."""
        return self._ask({name: {"do": "send", "probes": shots} for name, shots in orders.items()})

    def collect(self) -> dict[str, Sighting]:
        """What each container saw since the last time."""
        answers = self._ask({name: {"do": "collect"} for name in self._members})
        return {
            name: Sighting(frozenset(answer.get("seen", ())), frozenset(answer.get("delivered", ())))
            for name, answer in answers.items()
        }

    def flush(self, containers: Iterable[str]) -> None:
        """Makes containers forget their tracked connections."""
        for name, answer in self._ask({name: {"do": "flush"} for name in containers}).items():
            if "error" in answer:
                self.dead.setdefault(name, f"its tracked connections cannot be cleared: {answer['error']}")

    def visit(self, container: str, request: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Lets a container talk to a real server."""
        return self._ask({container: dict(request)}).get(container, {"error": self.dead.get(container, "no answer")})

    def _ask(self, requests: Mapping[str, Mapping[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
        members = {name: self._members[name] for name in requests if name not in self.dead}
        for name, member in members.items():
            member.write(json.dumps(requests[name]).encode() + b"\n", self._patience)
        return self._answers(members)

    def _answers(self, names: Iterable[str]) -> dict[str, dict[str, t.Any]]:
        deadline = time.monotonic() + self._patience
        found = {}
        for name in names:
            answer = self._members[name].answer(deadline)
            if answer is None:
                self.dead.setdefault(name, self._members[name].reason())
            else:
                found[name] = answer
        return found


class _Member:
    """One agent's process."""

    def __init__(self, container: str, nonce: str, protocols: str) -> None:
        command = ["podman", "exec", "--interactive", "--env", f"PACKET_PROOF_NONCE={nonce}"]
        command += ["--env", f"PACKET_PROOF_PROTOCOLS={protocols}"]
        command += ["--env", f"PACKET_PROOF_LIFETIME={LIFETIME}", container, "python3", "-u", "-c", _START]
        self._answers: queue.Queue[dict[str, t.Any] | None] = queue.Queue()
        with tempfile.NamedTemporaryFile(delete=False) as errors:
            self._errors = Path(errors.name)
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
                )
            except OSError:
                self._errors.unlink()
                raise
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def write(self, data: bytes, patience: float) -> None:
        """Hands data to the agent. One that is gone, or takes too long to read it, will not answer either."""
        stdin = t.cast(t.IO[bytes], self._process.stdin)
        os.set_blocking(stdin.fileno(), False)
        deadline = time.monotonic() + patience
        view = memoryview(data)
        with contextlib.suppress(OSError):
            while view and time.monotonic() < deadline:
                select.select([], [stdin], [], 0.5)
                view = view[stdin.write(view) or 0 :]

    def answer(self, deadline: float) -> dict[str, t.Any] | None:
        """The next answer; None: the agent is gone, or does not answer in time."""
        try:
            return self._answers.get(timeout=max(0.1, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def reason(self) -> str:
        """What is known of why it does not answer."""
        return self._errors.read_text("utf-8", "replace").strip()[-500:] or "its agent does not answer"

    def close(self) -> None:
        """Ends the agent's input, and so the agent."""
        t.cast(t.IO[bytes], self._process.stdin).close()

    def end(self) -> None:
        """Waits for the end of the agent, and sees to it."""
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=60)
        self._listener.join(timeout=60)
        t.cast(t.IO[bytes], self._process.stdout).close()
        self._errors.unlink(missing_ok=True)

    def _listen(self) -> None:
        stdout = t.cast(t.IO[bytes], self._process.stdout)
        pending = b""
        try:
            while chunk := stdout.read(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._answers.put(json.loads(line))
        except ValueError:  # no answer of an agent
            pass
        self._answers.put(None)


def _program() -> bytes:
    here = Path(__file__).parent
    names = ("protocols", "wire", "ipsec", "services", "agent")
    sources = [(f"packet_proof.{name}", (here / f"{name}.py").read_text("utf-8")) for name in names]
    return json.dumps(sources).encode()
