# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One probe: from a permitted source port to one port of one address, and what came of it."""

from __future__ import annotations

import errno
import random
import select
import socket
import ssl
import time
import typing as t
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.certificate import (
    CertificateError,
    read_certificate,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.icmp import (
    Verdict,
    judge,
    listen_for_errors,
    os_error,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_token import LENGTH, reply_to
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.stun import StunRequest

_SOURCE_PORTS_TRIED = 10
_SECONDS_BETWEEN_DATAGRAMS = 0.7  # a lost datagram is sent again
_TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


@dataclass
class Answer:
    """What came of a probe."""

    verdict: Verdict
    detail: str
    source: str = ""
    source_port: int | None = None
    certificate: dict[str, t.Any] | None = field(default=None)


class ProbeError(Exception):
    """A probe that could not be sent."""


def probe(order: Mapping[str, t.Any], timeout: float) -> Answer:
    """Make one probe; *order* has the keys that the module ``port_probe`` documents, *timeout* are seconds."""
    try:
        if order["protocol"] == "udp":
            return _probe_udp(order, timeout)
        return _probe_tcp(order, timeout)
    except ProbeError as e:
        return Answer("error", str(e), order["source"])
    except OSError as e:
        return Answer("error", os_error(e.errno or 0), order["source"])
    except (OverflowError, ValueError) as e:
        return Answer("error", str(e), order["source"])


def _probe_udp(order: Mapping[str, t.Any], timeout: float) -> Answer:
    stun = StunRequest()
    request = stun.message if order["probe"] == "stun" else order["token"].encode("ascii")
    with _Attempt(order, socket.SOCK_DGRAM) as attempt:
        number = attempt.connect()
        if number:
            return attempt.answer(*judge(attempt.socket, number))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            number, data = _exchange(
                attempt.socket, request, min(deadline, time.monotonic() + _SECONDS_BETWEEN_DATAGRAMS)
            )
            if number:
                return attempt.answer(*judge(attempt.socket, number))
            if data is None:
                continue
            heard = stun.read(data) if order["probe"] == "stun" else _heard_reply(data, order["token"])
            if heard:
                return attempt.answer("open", heard)
            return attempt.answer("error", "something else answered than was asked")
        return attempt.answer("filtered", f"no answer within {timeout:g} s")


def _exchange(sock: socket.socket, request: bytes, until: float) -> tuple[int, bytes | None]:
    """Send *request* and wait for a datagram; return an error number or 0, and the datagram or None."""
    try:
        sock.send(request)
        if not _wait(sock, select.POLLIN, until):
            return 0, None
        return 0, sock.recv(2048)
    except OSError as e:
        return e.errno or errno.EIO, None


def _probe_tcp(order: Mapping[str, t.Any], timeout: float) -> Answer:
    deadline = time.monotonic() + timeout
    with _Attempt(order, socket.SOCK_STREAM) as attempt:
        number = attempt.connect()
        if number == errno.EINPROGRESS:
            if not _wait(attempt.socket, select.POLLOUT, deadline):
                return attempt.answer("filtered", f"no answer within {timeout:g} s")
            number = attempt.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            verdict, detail = judge(attempt.socket, number)
            return attempt.answer("filtered" if number == errno.ETIMEDOUT else verdict, detail)
        attempt.socket.settimeout(timeout)
        if order["probe"] == "responder":
            return _ask_responder(attempt, order["token"])
        if order["probe"] == "tls":
            return _shake_hands(attempt)
        return attempt.answer("open", "connected")


def _ask_responder(attempt: _Attempt, token: str) -> Answer:
    data = b""
    try:
        attempt.socket.sendall(token.encode("ascii"))
        while len(data) < LENGTH:
            chunk = attempt.socket.recv(LENGTH - len(data))
            if not chunk:
                break
            data += chunk
    except ConnectionError:
        pass  # whoever resets a connection is not the responder, as what was not heard says
    except OSError as e:
        return attempt.answer("error", f"connected, and then no answer from the responder: {e}")
    if _heard_reply(data, token):
        return attempt.answer("open", "the responder answered")
    return attempt.answer("error", "connected, but to something other than the responder")


def _heard_reply(data: bytes, token: str) -> str:
    return "the responder answered" if data == reply_to(token) else ""


def _shake_hands(attempt: _Attempt) -> Answer:
    """Look at the certificate. Whether it is to be trusted is not asked: the row is open either way."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():  # servers of that age speak TLS 1.0, and nothing is entrusted to them here
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with context.wrap_socket(attempt.socket) as tls:
            certificate = read_certificate(tls.getpeercert(binary_form=True) or b"")
            answer = attempt.answer("open", f"{tls.version()} handshake")
            answer.certificate = certificate
            return answer
    except CertificateError as e:
        return attempt.answer("open", f"TLS handshake with {e}")
    except (OSError, ValueError) as e:
        return attempt.answer("open", f"connected, and the TLS handshake failed: {e}")


class _Attempt:
    """A socket that is bound to a permitted source port."""

    def __init__(self, order: Mapping[str, t.Any], kind: socket.SocketKind) -> None:
        self._order = order
        self._family = socket.AF_INET6 if ":" in order["destination"] else socket.AF_INET
        self._kind = kind
        self._source: tuple[str, int] | None = None
        self.socket = self._new()

    def __enter__(self) -> _Attempt:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def connect(self) -> int:
        """Bind and connect; return an error number, 0, or EINPROGRESS.

        :raises ProbeError: if no permitted source port is free.
        """
        number = tried = 0
        for port in source_ports(self._order["source_ports"]):
            tried += 1
            number = self._connect_from(port)
            if number not in _TAKEN:
                return number
            self.socket.close()
            self.socket = self._new()
        if number == errno.EADDRNOTAVAIL and not self._source:
            raise ProbeError(f"this host has no address {self._order['source']}")
        raise ProbeError(f"no permitted source port is free, of {tried} that were tried")

    def _connect_from(self, port: int) -> int:
        if port and self._kind == socket.SOCK_STREAM:
            # Connections to elsewhere, and what is left of closed ones, may have the same port.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind((self._order["source"], port))
        except PermissionError as e:
            raise ProbeError(f"the source port {port} needs root: run the play with --become") from e
        except OSError as e:
            return e.errno or errno.EIO
        self._source = self.socket.getsockname()[:2]
        return self.socket.connect_ex((self._order["destination"], self._order["destination_port"]))

    def answer(self, verdict: Verdict, detail: str) -> Answer:
        """Return an answer from this source."""
        source, port = self._source or (self._order["source"], None)
        return Answer(verdict, detail, source, port)

    def _new(self) -> socket.socket:
        sock = socket.socket(self._family, self._kind)
        sock.setblocking(False)
        listen_for_errors(sock)
        return sock


def source_ports(permitted: Iterable[str]) -> Iterator[int]:
    """Yield some of the permitted source ports, by chance; 0, which is any free port, where all are permitted.

    :raises ValueError: if one is not ``"a"`` or ``"a-b"``.
    """
    bounds = [[int(bound) for bound in item.split("-")] for item in permitted]
    ranges = [range(item[0], item[-1] + 1) for item in bounds]
    if not ranges:
        yield 0
        return
    total = sum(len(ports) for ports in ranges)
    for index in random.sample(range(total), min(total, _SOURCE_PORTS_TRIED)):
        for ports in ranges:
            if index < len(ports):
                yield ports[index]
                break
            index -= len(ports)


def _wait(sock: socket.socket, event: int, until: float) -> bool:
    poll = select.poll()
    poll.register(sock, event)
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return False
        if poll.poll(left * 1000):
            return True
