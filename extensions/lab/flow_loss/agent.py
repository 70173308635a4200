# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a lab host: sends and receives numbered messages, with the standard library only.

Its source is the program of ``python3 -c`` in ``podman exec``. The first line of its input holds its orders as JSON,
each further line one step: ``connect``, ``start``, ``stop``, ``drain``, ``report``. It answers each with a line of
JSON. It ends at the end of the input and, whatever happens, after its lifetime.

A stream is one direction of a call or connection, or all new flows of one family; its name is the key of all figures.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import sys
import termios
import time
import typing as t
from collections.abc import Callable

Orders = dict[str, t.Any]

MESSAGE = struct.Struct("!QdB")  # number, when it was sent, IP version
TICK = 0.004
FLOW_SOURCE_PORTS = range(40000, 49800)
_BUFFER = 16 * 1024 * 1024
_SO_RCVBUFFORCE, _SO_MEMINFO, _MEMINFO = 33, 55, struct.Struct("9I")  # the last of the nine counts dropped packets
_PASSING = {errno.EAGAIN, errno.ENOBUFS, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
_TCP_TOTAL_RETRANSMITS = slice(100, 104)  # of struct tcp_info
_HANG = 60  # seconds for a connection to come about: the SYN goes out six times


class Arrivals:
    """What arrived of one stream: which numbers, and how long the slowest message took."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.slowest = 0.0

    def note(self, message: bytes) -> None:
        """Take one message."""
        number, sent, _version = MESSAGE.unpack(message)
        self.numbers.add(number)
        # The clock is that of the machine, so it is the same in all of its containers.
        self.slowest = max(self.slowest, time.monotonic() - sent)


class Stream:
    """A stream that this host sends, at an even rate. After a pause it sends what it owes."""

    def __init__(self, rate: float, send: Callable[[int], bool]) -> None:
        self.rate = rate
        self.sent = 0
        self._send = send

    def catch_up(self, seconds: float) -> None:
        """Send what is due *seconds* after the start."""
        while self.sent < int(seconds * self.rate) and self._send(self.sent):
            self.sent += 1


class Connection:
    """One end of a TCP connection with messages both ways. What breaks it is raised as OSError."""

    def __init__(self, end: socket.socket, arrivals: Arrivals) -> None:
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closed with a reset, so that the next run can have the same ports.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end, self._arrivals = end, arrivals
        self._pending = self._unsent = b""

    def read(self) -> bool:
        """Take what has come."""
        try:
            data = self._end.recv(65536)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionError("closed by the other side")
        self._pending += data
        while len(self._pending) >= MESSAGE.size:
            self._arrivals.note(self._pending[: MESSAGE.size])
            self._pending = self._pending[MESSAGE.size :]
        return True

    def send(self, number: int) -> bool:
        """Send a message, or the rest of it; False where there is still a rest."""
        data = self._unsent or MESSAGE.pack(number, time.monotonic(), 0)
        try:
            self._unsent = data[self._end.send(data) :]
        except BlockingIOError:
            self._unsent = data
        return not self._unsent

    def under_way(self) -> int:
        """Return how many bytes the other side has not acknowledged."""
        return int.from_bytes(fcntl.ioctl(self._end, termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def retransmitted(self) -> int:
        """Return how many segments the kernel sent more than once."""
        information = self._end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int.from_bytes(information[_TCP_TOTAL_RETRANSMITS], sys.byteorder)


class Agent:
    """All sockets of one host."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.streams: dict[str, Stream] = {}
        self.arrivals: dict[str, Arrivals] = {}
        self.broken: dict[str, str] = {}
        self.datagram_sockets: list[socket.socket] = []
        self.connections: dict[str, Connection] = {}
        self.started = 0.0
        self.pause = 0.0
        self._expected: dict[tuple[str, int], Orders] = {}

    def prepare(self, orders: Orders) -> None:
        """Open every socket but those that connect."""
        for call in orders["calls"]:
            self._call(call)
        for flows in orders["flows"]:
            self._flows(flows, orders["flow_ports"])
        if orders["sink"]:
            self._sink(orders["flow_ports"])
        self._dialled = orders["dialled"]
        for connection in orders["answered"]:
            self._expected[connection["remote"][0], connection["remote"][1]] = connection
        for address, port in sorted({tuple(connection["local"]) for connection in orders["answered"]}):
            listener = socket.create_server((address, port), family=_family(address), backlog=64)
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, lambda heard=listener: self._accept(heard))

    def connect(self) -> None:
        """Make the connections of which this host is the client."""
        for order in self._dialled:
            connection = socket.socket(_family(order["local"][0]), socket.SOCK_STREAM)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.settimeout(_HANG)
            try:
                connection.bind(tuple(order["local"]))
                connection.connect(tuple(order["remote"]))
            except OSError as error:
                self.broken[order["sends"]] = str(error)
            else:
                self._connected(connection, order)

    def send(self) -> None:
        """Send what is due."""
        seconds = time.monotonic() - self.started
        for stream in self.streams.values():
            stream.catch_up(seconds)

    def receive(self, timeout: float) -> bool:
        """Receive what comes within *timeout*. True: there is a line of input."""
        line = False
        for key, _events in self.selector.select(timeout):
            if key.fileobj is sys.stdin:
                line = True
            else:
                key.data()
        return line

    def drain(self) -> dict[str, t.Any]:
        """Read all that waits in the sockets; return how much has arrived so far, and what TCP has still under way."""
        while ready := [key for key, _events in self.selector.select(0) if key.fileobj is not sys.stdin]:
            for key in ready:
                key.data()
        return {
            "arrived": sum(len(arrivals.numbers) for arrivals in self.arrivals.values()),
            "under_way": sum(connection.under_way() for connection in self.connections.values()),
        }

    def report(self) -> dict[str, t.Any]:
        """Return all figures."""
        drops = [_MEMINFO.unpack(s.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8] for s in self.datagram_sockets]
        return {
            "sent": {name: stream.sent for name, stream in self.streams.items()},
            "arrived": {name: len(arrivals.numbers) for name, arrivals in self.arrivals.items()},
            "slowest": {name: arrivals.slowest for name, arrivals in self.arrivals.items()},
            "broken": self.broken,
            "buffer_drops": sum(drops),
            "retransmitted": sum(connection.retransmitted() for connection in self.connections.values()),
            "pause": self.pause,
            "starved": _waited_for_a_processor(),
        }

    def _call(self, order: Orders) -> None:
        """Have one end of a call: a socket that sends evenly and receives, both with the same peer."""
        local = socket.socket(_family(order["local"][0]), socket.SOCK_DGRAM)
        local.bind(tuple(order["local"]))
        local.connect(tuple(order["remote"]))
        arrivals = self.arrivals[order["receives"]] = Arrivals()
        self._take(local, arrivals.note)
        version = 6 if ":" in order["local"][0] else 4

        def send(number: int) -> bool:
            if order["waits"] and not arrivals.numbers:
                return False
            return self._attempt(order["sends"], lambda: local.send(MESSAGE.pack(number, time.monotonic(), version)))

        self.streams[order["sends"]] = Stream(order["rate"], send)

    def _flows(self, order: Orders, ports: list[int]) -> None:
        """Send packets of which each is a new flow: no pair of ports comes again before the firewall forgot it."""
        family = _family(order["local"])
        version = 6 if family == socket.AF_INET6 else 4

        def send(number: int) -> bool:
            rounds, source = divmod(number, len(FLOW_SOURCE_PORTS))
            target = (order["remote"], ports[rounds % len(ports)])
            with socket.socket(family, socket.SOCK_DGRAM) as flow:
                flow.bind((order["local"], FLOW_SOURCE_PORTS[source]))
                message = MESSAGE.pack(number, time.monotonic(), version)
                return self._attempt(order["sends"], lambda: flow.sendto(message, target))

        self.streams[order["sends"]] = Stream(order["rate"], send)

    def _sink(self, ports: list[int]) -> None:
        """Take new flows, of both families with each socket."""
        by_version = {4: Arrivals(), 6: Arrivals()}
        self.arrivals.update({f"new flows ipv{version}": arrivals for version, arrivals in by_version.items()})
        for port in ports:
            sink = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sink.bind(("::", port))
            self._take(sink, lambda message: by_version[message[-1]].note(message))

    def _take(self, local: socket.socket, note: Callable[[bytes], None]) -> None:
        try:
            local.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            local.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        local.setblocking(False)
        self.datagram_sockets.append(local)

        def read() -> None:
            for _dummy in range(256):
                try:
                    message = local.recv(2048)
                except BlockingIOError:
                    return
                except OSError:  # an ICMP error about what was sent: what did not arrive is counted
                    continue
                if len(message) == MESSAGE.size:
                    note(message)

        self.selector.register(local, selectors.EVENT_READ, read)

    def _accept(self, listener: socket.socket) -> None:
        connection, remote = listener.accept()
        order = self._expected.pop((remote[0], remote[1]), None)
        if order is None:
            connection.close()
            return
        self._connected(connection, order)

    def _connected(self, connection: socket.socket, order: Orders) -> None:
        arrivals = self.arrivals[order["receives"]] = Arrivals()
        talk = self.connections[order["sends"]] = Connection(connection, arrivals)

        def read() -> None:
            self._unless_broken(order["receives"], talk.read)
            if order["receives"] in self.broken:  # it would be there to read for ever
                self.selector.unregister(connection)

        def send(number: int) -> bool:
            return self._unless_broken(order["sends"], lambda: talk.send(number))

        self.selector.register(connection, selectors.EVENT_READ, read)
        if order["rate"]:
            self.streams[order["sends"]] = Stream(order["rate"], send)

    def _unless_broken(self, name: str, do: Callable[[], bool]) -> bool:
        if name in self.broken:
            return False
        try:
            return do()
        except OSError as error:
            self.broken[name] = str(error)
            return False

    def _attempt(self, name: str, send: Callable[[], object]) -> bool:
        """Send a datagram. One that this host itself could not send is not counted as sent, and tried again."""
        try:
            send()
        except OSError as error:
            if error.errno not in _PASSING:
                self.broken.setdefault(name, f"not sent: {error}")
            return False
        return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _waited_for_a_processor() -> float:
    """Return the seconds that this process could have run and did not, because others did."""
    try:
        with open("/proc/self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except FileNotFoundError:  # a kernel without CONFIG_SCHED_INFO
        return 0.0


def run(agent: Agent) -> None:
    """Do the steps that come in, and send and receive meanwhile."""
    sending = False
    answering = {"drain": agent.drain, "report": agent.report}
    os.set_blocking(0, False)
    agent.selector.register(sys.stdin, selectors.EVENT_READ)
    turned = time.monotonic()
    while True:
        now = time.monotonic()
        if sending:
            agent.pause = max(agent.pause, now - turned)
            agent.send()
        turned = now
        if not agent.receive(TICK):
            continue
        step = sys.stdin.readline().strip()
        if not step:
            return
        answer: dict[str, t.Any] = {}
        if step == "connect":
            agent.connect()
        elif step == "start":
            sending, agent.started, turned = True, time.monotonic(), time.monotonic()
        elif step == "stop":
            sending = False
            answer = {"seconds": time.monotonic() - agent.started}
        elif step in answering:
            answer = answering[step]()
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Read the orders and carry them out."""
    orders = json.loads(sys.stdin.readline())
    signal.alarm(orders["lifetime"])
    agent = Agent()
    agent.prepare(orders)
    print(json.dumps({}), flush=True)
    run(agent)


if __name__ == "__main__":
    main()
