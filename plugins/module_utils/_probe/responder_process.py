# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that listens for probes for some seconds and then ends, whoever started it being there or not.

It leaves nothing behind: no file, no unit, no open connection. The kernel ends it when its time is over (alarm(2)),
even if it hangs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_token import (
    LENGTH,
    is_token,
    reply_to,
)

_SECONDS_FOR_A_CONNECTION = 3
_GRACE = 5.0  # seconds that a process has to end after each signal
_CONNECTIONS = 500  # the probes of a dozen hosts at once; and below the files that a process may have open


class Process(t.NamedTuple):
    """A process that cannot be taken for another one: a number is given anew, and then the start is another."""

    pid: int
    start: int

    def is_running(self) -> bool:
        """Tell whether it is there."""
        return _start_of(self.pid) == self.start

    def end(self) -> bool:
        """End it, and wait until it is gone; False where it had ended by itself."""
        if not self.is_running():
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            deadline = time.monotonic() + _GRACE
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(0.02)
            if not self.is_running():
                break
        return True


def start_responder(sockets: Sequence[socket.socket], token: str, seconds: int) -> Process:
    """Start a process of its own that answers *token* on *sockets* for *seconds*, and return it."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        # Nothing of this process may go on in the child: whatever happens there, it ends here.
        try:
            os.close(reading)
            os.setsid()
            if os.fork():
                os._exit(0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM, signal.SIGTERM))  # whatever was inherited
            signal.alarm(seconds)
            os.write(writing, str(os.getpid()).encode())
            os.close(writing)
            _let_go(sockets)
            Responder(sockets, token).serve(seconds)
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        pid = int(pipe.read())
    return Process(pid, _start_of(pid) or 0)


def _let_go(sockets: Sequence[socket.socket]) -> None:
    """Close everything but *sockets*: what is open keeps the connection of Ansible from ending."""
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    kept = {0, 1, 2, *(sock.fileno() for sock in sockets)}
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(entry))


def _start_of(pid: int) -> int | None:
    """When a process was started, in ticks since the boot; None where there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Responder:
    """Answers the token, and nothing else, on sockets of both protocols."""

    def __init__(self, sockets: Sequence[socket.socket], token: str) -> None:
        self._token = token
        self._reply = reply_to(token)
        self._selector = selectors.DefaultSelector()
        self._connections: dict[socket.socket, tuple[float, bytes]] = {}
        for sock in sockets:
            sock.setblocking(False)
            serve = self._datagram if sock.type == socket.SOCK_DGRAM else self._connection
            self._selector.register(sock, selectors.EVENT_READ, serve)

    def serve(self, seconds: float) -> None:
        """Answer until *seconds* are over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for key, _events in self._selector.select(timeout=min(1.0, max(0.0, deadline - time.monotonic()))):
                serve = t.cast(Callable[[socket.socket], None], key.data)
                with contextlib.suppress(OSError):
                    serve(t.cast(socket.socket, key.fileobj))
            now = time.monotonic()
            for sock in [sock for sock, (until, _data) in self._connections.items() if until < now]:
                self._close(sock)

    def _datagram(self, sock: socket.socket) -> None:
        data, sender = sock.recvfrom(LENGTH + 1)
        if is_token(data, self._token):
            sock.sendto(self._reply, sender)

    def _connection(self, sock: socket.socket) -> None:
        connection, _peer = sock.accept()
        if len(self._connections) >= _CONNECTIONS:
            connection.close()
            return
        connection.setblocking(False)
        self._connections[connection] = (time.monotonic() + _SECONDS_FOR_A_CONNECTION, b"")
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, sock: socket.socket) -> None:
        until, before = self._connections[sock]
        try:
            chunk = sock.recv(LENGTH + 1 - len(before))
        except OSError:
            chunk = b""
        data = before + chunk
        if chunk and len(data) < LENGTH:
            self._connections[sock] = (until, data)
            return
        if is_token(data, self._token):
            with contextlib.suppress(OSError):
                sock.send(self._reply)
        self._close(sock)

    def _close(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)
        del self._connections[sock]
        sock.close()
