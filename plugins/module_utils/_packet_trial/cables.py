# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets that are put into a copy of a host, and those that come out of it, on its cables or to itself.

What comes of a packet is known when the kernel has done everything that it does about it, and not after some time. One
processor does it all, and takes what it has to do from one queue. So a frame that goes to the copy and comes back is
behind all that was there before it.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import struct
import typing as t
from collections.abc import Iterable

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.hang import HangsError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import (
    ETHERTYPES,
    Flow,
    read_packet,
    read_segment,
)

_ALL = 0x0003
_EXPERIMENTAL = 0x88B5
_IPV6_HEADER_INCLUDED, _IPV6_PACKET_INFO = 36, 49
_IPV6_PACKET_INFO_ANSWER = 50
_OUTGOING = 4
_SOME_MAC = b"\x02\x00\x00\x00\x00\x01"
_SOON, _ATTEMPTS = 0.05, 1200  # seconds until a frame is sent once more, and how often
_HANGS_AFTER = 120  # seconds, which only a kernel that does nothing takes
# The cable that no rule of the host knows, for the frames that go and come back.
FENCE = "pexip_sfb_fence"


class Exit(t.NamedTuple):
    """How a packet came out: as which flow, and by which interface; that is empty where it came to the host itself."""

    flow: Flow
    interface: str


class Near:
    """The end of the cables that the copy of the host is, for what it sends and gets itself.

    :param protocols: what it gets, by family (4 or 6) and number
    """

    def __init__(self, protocols: Iterable[tuple[int, int]]) -> None:
        self.fence = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EXPERIMENTAL))
        self.fence.bind((FENCE, _EXPERIMENTAL))
        self._senders = {
            4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
            6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
        }
        self._senders[6].setsockopt(socket.IPPROTO_IPV6, _IPV6_HEADER_INCLUDED, 1)
        self._receivers: dict[tuple[int, int], socket.socket] = {}
        for version, protocol in protocols:
            one = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
            one.setblocking(False)
            if version == 6:
                one.setsockopt(socket.IPPROTO_IPV6, _IPV6_PACKET_INFO, 1)
            self._receivers[version, protocol] = one

    def send(self, version: int, destination: bytes, content: bytes) -> bool:
        """Send a packet as the host; False where the host itself does not, as it has no way for it or drops it."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        try:
            self._senders[version].sendto(content, (socket.inet_ntop(family, destination), 0))
        except OSError:
            return False
        return True

    def find(self, version: int, protocol: int, number: int) -> Exit | None:
        """Return the packet with this number, where it has come to the host itself."""
        receiver = self._receivers[version, protocol]
        found = None
        while True:
            try:
                content, ancillary, _flags, sender = receiver.recvmsg(2048, 128)
            except BlockingIOError:
                return found
            if version == 4:
                read = read_packet(content)
            else:
                own = next(data[:16] for _level, kind, data in ancillary if kind == _IPV6_PACKET_INFO_ANSWER)
                source = socket.inet_pton(socket.AF_INET6, sender[0].partition("%")[0])
                read = read_segment(protocol, source, own, content)
            if read and read[1] == number:
                found = Exit(read[0], "")

    def close(self) -> None:
        """Close its sockets."""
        for one in (self.fence, *self._senders.values(), *self._receivers.values()):
            one.close()


class Far:
    """The far ends of the cables: where packets come from, and where they go."""

    def __init__(self, macs: t.Mapping[str, bytes]) -> None:
        self._macs = macs
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.setblocking(False)
        self._nonces = itertools.count(1)
        self._waiting: list[tuple[str, bytes]] = []

    def send(self, interface: str, version: int, content: bytes) -> None:
        """Have a packet come in by an interface of the copy."""
        self._frame(interface, ETHERTYPES[version], content)

    def find(self, number: int) -> Exit | None:
        """Return the packet with this number, where it has come out; all others are forgotten."""
        while self._read():
            pass
        frames, self._waiting = self._waiting, []
        for interface, content in frames:
            read = read_packet(content)
            if read and read[1] == number:
                return Exit(read[0], interface)
        return None

    def wait(self, near: Near) -> None:
        """Wait until the kernel has done everything that was to be done before. Raises HangsError."""
        nonce = struct.pack("!Q", next(self._nonces))
        self._frame(FENCE, _EXPERIMENTAL, nonce)
        while True:
            _readable(near.fence)
            content, sender = near.fence.recvfrom(2048)
            if sender[2] != _OUTGOING and content[14:22] == nonce:
                break
        near.fence.send(_SOME_MAC + _SOME_MAC + struct.pack("!H", _EXPERIMENTAL) + nonce)
        while True:
            _readable(self._socket)
            if any(content == nonce for _interface, content in self._read()):
                return

    def meet(self, interfaces: Iterable[str]) -> None:
        """Wait until each cable takes frames in both directions; to be called from where the near ends are.

        That they are up does not say so: until the kernel has made a queue for an end, it loses what is sent there.
        Raises HangsError.
        """
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EXPERIMENTAL)) as near:
            for interface in interfaces:
                nonce = struct.pack("!Q", next(self._nonces))
                frame = _SOME_MAC + _SOME_MAC + struct.pack("!H", _EXPERIMENTAL) + nonce
                for _attempt in range(_ATTEMPTS):
                    near.sendto(frame, (interface, 0))
                    self._frame(interface, _EXPERIMENTAL, nonce)
                    if self._has_met(near, nonce):
                        break
                else:
                    raise HangsError(f"the copy of the interface {interface} takes no packets")

    def _has_met(self, near: socket.socket, nonce: bytes) -> bool:
        """Tell whether a frame that was sent in either direction has come, soon."""
        missing = {near, self._socket}
        while missing:
            ready = select.select(list(missing), [], [], _SOON)[0]
            if not ready:
                return False
            if near in ready and near.recv(2048)[14:22] == nonce:
                missing.discard(near)
            if self._socket in ready and any(content == nonce for _interface, content in self._read()):
                missing.discard(self._socket)
        return True

    def close(self) -> None:
        """Close its socket."""
        self._socket.close()

    def _frame(self, interface: str, ethertype: int, content: bytes) -> None:
        mac = self._macs[interface]
        self._socket.sendto(mac + _SOME_MAC + struct.pack("!H", ethertype) + content, (interface, 0))

    def _read(self) -> list[tuple[str, bytes]]:
        try:
            content, sender = self._socket.recvfrom(2048)
        except BlockingIOError:
            return []
        if sender[2] == _OUTGOING:
            return [("", b"")]
        if sender[1] == _EXPERIMENTAL:
            return [(sender[0], content[14:22])]
        self._waiting.append((sender[0], content[14:]))
        return [("", b"")]


def one_processor() -> None:
    """Have the thread on one processor from now on, which does all that its packets cause."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _readable(one: socket.socket) -> None:
    if not select.select([one], [], [], _HANGS_AFTER)[0]:
        raise HangsError(f"the kernel has not taken a packet along within {_HANGS_AFTER} seconds")
