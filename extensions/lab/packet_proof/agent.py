# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a lab host: sends probes, reports which it saw at its door and which got past its firewall.

The run hands its source (and that of the modules that it imports) to ``python3`` over ``podman exec``, so it imports
nothing but these and the standard library. It reads requests from standard input and answers on standard output, one
JSON object a line each, in order; it ends at the end of the input and, whatever happens, after its lifetime.

Requests: ``{"do": "send", "probes": [[number, source, destination, protocol, source port, destination port], …]}``,
``{"do": "collect"}``, ``{"do": "flush"}``, and one for a visit to each kind of server: ``{"do": "stun", …}``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import typing as t
from collections.abc import Callable

from packet_proof.ipsec import ANSWER, QUESTION, esp_content, esp_packet, ike_connection, ike_peer
from packet_proof.protocols import NUMBERS
from packet_proof.services import (
    dns_address,
    dns_question,
    ntp_request,
    ntp_stratum,
    stun_answer,
    stun_request,
    subject_name,
)
from packet_proof.wire import packet, probe_in_packet, probe_in_segment

RECEIVE_BUFFER = 16 * 1024 * 1024
_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_EVERY, _PAUSE = 40, 0.004  # a short breath after so many probes, so that no queue on the way overflows


class Agent:
    """Sockets of one host, and what they have seen."""

    def __init__(self, nonce: bytes, protocols: list[int]) -> None:
        self.nonce = nonce
        self.seen: set[int] = set()
        self.delivered: set[int] = set()
        self.readers: dict[socket.socket, Callable[[socket.socket], None]] = {}
        self._listen(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL), self._read_capture)
        for number in protocols:
            self._listen(socket.AF_INET, socket.SOCK_RAW, number, self._read_delivered4)
            reader = self._reader6(number)
            self._listen(socket.AF_INET6, socket.SOCK_RAW, number, reader)
        self.senders: dict[str, socket.socket] = {}

    def _listen(self, family: int, kind: int, number: int, reader: Callable[[socket.socket], None]) -> None:
        listener = socket.socket(family, kind, number)
        try:
            listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.setblocking(False)
        self.readers[listener] = reader

    def _read_capture(self, listener: socket.socket) -> None:
        data, address = listener.recvfrom(2048)
        if address[2] == socket.PACKET_HOST:  # what comes in for this host's link address, before netfilter
            self._note(self.seen, probe_in_packet(data, self.nonce))

    def _read_delivered4(self, listener: socket.socket) -> None:
        self._note(self.delivered, probe_in_packet(listener.recv(2048), self.nonce))

    def _reader6(self, number: int) -> Callable[[socket.socket], None]:
        def read(listener: socket.socket) -> None:
            self._note(self.delivered, probe_in_segment(listener.recv(2048), number, self.nonce))

        return read

    @staticmethod
    def _note(known: set[int], number: int | None) -> None:
        if number is not None:
            known.add(number)

    def _sender(self, source: str) -> socket.socket:
        """A socket for whole packets. One of an own address takes the way that this address has."""
        if source not in self.senders:
            family = socket.AF_INET6 if ":" in source else socket.AF_INET
            self.senders[source] = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            with contextlib.suppress(OSError):  # somebody else's address, in whose name it is sent
                self.senders[source].bind((source, 0))
        return self.senders[source]

    def drain(self) -> None:
        """Reads everything that waits in the sockets."""
        while True:
            ready = select.select(list(self.readers), [], [], 0)[0]
            if not ready:
                return
            for listener in ready:
                with contextlib.suppress(BlockingIOError):
                    for _dummy in range(256):
                        self.readers[listener](listener)

    def send(self, probes: list[list[t.Any]]) -> dict[str, t.Any]:
        """Sends probes. Answers with the numbers that this host's own firewall refused, and the errors of others."""
        refused: list[int] = []
        errors: dict[int, str] = {}
        for count, (number, source, destination, protocol, source_port, destination_port) in enumerate(probes, 1):
            data = packet(source, destination, protocol, source_port, destination_port, number, self.nonce)
            try:
                self._sender(source).sendto(data, (destination, 0))
            except OSError as error:
                if error.errno == errno.EPERM:
                    refused.append(number)
                else:
                    errors[number] = str(error)
            if count % _EVERY == 0:
                self.drain()
                time.sleep(_PAUSE)
        return {"refused": refused, "errors": errors}

    def collect(self) -> dict[str, t.Any]:
        """The numbers of all probes seen at the door and delivered, since the last time."""
        self.drain()
        answer = {"seen": sorted(self.seen), "delivered": sorted(self.delivered)}
        self.seen.clear()
        self.delivered.clear()
        return answer


def stun(
    source: str, source_port: int, destination: str, port: int, protocol: str, patience: float
) -> dict[str, t.Any]:
    """Asks a STUN server where we come from."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    transaction = secrets.token_bytes(12)
    with _connected(source, source_port, destination, port, kind, patience) as client:
        client.send(stun_request(transaction))
        mapped = stun_answer(client.recv(2048), transaction)
    return {"mapped": list(mapped) if mapped else None}


def tls(source: str, source_port: int, destination: str, port: int, patience: float) -> dict[str, t.Any]:
    """Shakes hands with a TLS server and reads its certificate's name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        _connected(source, source_port, destination, port, socket.SOCK_STREAM, patience) as client,
        context.wrap_socket(client) as secured,
    ):
        return {"subject": subject_name(secured.getpeercert(binary_form=True) or b""), "version": secured.version()}


def dns(
    source: str, source_port: int, destination: str, port: int, protocol: str, name: str, patience: float
) -> dict[str, t.Any]:
    """Asks a DNS server for the address of a name."""
    question = dns_question(secrets.randbelow(65536), name)
    if protocol == "udp":
        return {
            "address": dns_address(_exchanged(source, source_port, destination, port, question, patience), question)
        }
    with _connected(source, source_port, destination, port, socket.SOCK_STREAM, patience) as client:
        client.sendall(len(question).to_bytes(2, "big") + question)
        with client.makefile("rb") as answer_stream:
            return {"address": dns_address(answer_stream.read(int.from_bytes(answer_stream.read(2), "big")), question)}


def ntp(source: str, source_port: int, destination: str, port: int, patience: float) -> dict[str, t.Any]:
    """Asks an NTP server for the time."""
    stamp = secrets.token_bytes(8)
    data = _exchanged(source, source_port, destination, port, ntp_request(stamp), patience)
    return {"stratum": ntp_stratum(data, stamp)}


def esp(source: str, destination: str, patience: float) -> dict[str, t.Any]:
    """Sends ESP to somebody who sends it back."""
    number, data = secrets.randbelow(2**31), secrets.token_bytes(20)
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_RAW, NUMBERS["esp"]) as client:
        client.settimeout(patience)
        client.bind((source, 0))
        client.connect((destination, 0))
        client.send(esp_packet(QUESTION, number, data))
        answer = client.recv(2048)
    content = esp_content(ANSWER, answer if ":" in source else answer[(answer[0] & 0x0F) * 4 :])
    return {"same": content == (number + 1, data)}


def ike(source: str, destination: str, patience: float) -> dict[str, t.Any]:
    """Agrees on a security association with a node, by way of this host's strongSwan, and gives it up."""
    name = f"proof-{secrets.token_hex(4)}"
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(ike_connection(name, source, destination))
        file.flush()
        _swanctl("--load-conns", "--file", file.name)
    try:
        _swanctl("--initiate", "--ike", name, "--timeout", str(int(patience)))
        return {"peer": ike_peer(name, _swanctl("--list-sas", "--ike", name))}
    finally:
        _swanctl("--terminate", "--ike", name)
        _swanctl("--load-conns")


def _swanctl(*arguments: str) -> str:
    done = subprocess.run(["swanctl", *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise OSError(f"swanctl {arguments[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def _exchanged(source: str, source_port: int, destination: str, port: int, data: bytes, patience: float) -> bytes:
    with _connected(source, source_port, destination, port, socket.SOCK_DGRAM, patience) as client:
        client.send(data)
        return client.recv(2048)


def _connected(
    source: str, source_port: int, destination: str, port: int, kind: socket.SocketKind, patience: float
) -> socket.socket:
    client = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, kind)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.settimeout(patience)
    client.bind((source, source_port))
    client.connect((destination, port))
    return client


def flush() -> dict[str, t.Any]:
    """Forgets every tracked connection of this host."""
    done = subprocess.run(["conntrack", "-F"], capture_output=True, text=True, timeout=300, check=False)
    return {} if done.returncode == 0 else {"error": done.stderr.strip()}


def answer(agent: Agent, request: dict[str, t.Any]) -> dict[str, t.Any]:
    """Does what a request says; what goes wrong is part of the answer."""
    name = request.pop("do")
    deeds: dict[str, Callable[..., dict[str, t.Any]]] = {
        "send": agent.send,
        "collect": agent.collect,
        "flush": flush,
        "stun": stun,
        "tls": tls,
        "dns": dns,
        "ntp": ntp,
        "esp": esp,
        "ike": ike,
    }
    try:
        return deeds[name](**request)
    except (OSError, subprocess.SubprocessError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def serve() -> None:
    """Serves requests until the input ends or the lifetime is over."""
    signal.alarm(int(os.environ.get("PACKET_PROOF_LIFETIME", "300")))
    protocols = [int(number) for number in os.environ["PACKET_PROOF_PROTOCOLS"].split()]
    agent = Agent(bytes.fromhex(os.environ["PACKET_PROOF_NONCE"]), protocols)
    print(json.dumps({"ready": True}), flush=True)
    pending = b""
    while True:
        sources: list[int] = [0, *(listener.fileno() for listener in agent.readers)]
        ready = select.select(sources, [], [], 5)[0]
        agent.drain()
        if 0 not in ready:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            print(json.dumps(answer(agent, json.loads(line))), flush=True)
