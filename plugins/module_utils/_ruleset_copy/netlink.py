# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of netlink, as the kernel's headers netlink.h, nfnetlink.h and rtnetlink.h have them."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

ROUTE, NETFILTER = 0, 12  # protocols of netlink
_REQUEST, ACK, _DUMP = 1, 4, 0x300
CREATE = 0x400
ERROR, _DONE = 2, 3
_INTERRUPTED = 0x10  # what a dump says that somebody has changed meanwhile
_TYPE = 0x3FFF  # an attribute's type, without the flags that say that it is nested or in which order its bytes are
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_LONGEST_ATTRIBUTE = 0xFFFF
# Linux has the FORCE variants for those who may go beyond the limits of the system.
_FORCED = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}
_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_ANSWERS_IN = 60  # seconds, which only a kernel that hangs takes

Attributes = Mapping[int, bytes]


class NetlinkError(OSError):
    """What the kernel did not do, with its reason."""


class ChangedError(NetlinkError):
    """Somebody has changed what was being read."""


def attribute(kind: int, content: bytes) -> bytes:
    """Return an attribute with its padding. Raises NetlinkError where it is longer than one can be."""
    length = _ATTRIBUTE.size + len(content)
    if length > _LONGEST_ATTRIBUTE:
        raise NetlinkError(errno.EMSGSIZE, f"an attribute of {length} bytes")
    return _ATTRIBUTE.pack(length, kind) + content + bytes(-length % 4)


def text(content: str) -> bytes:
    """Return a text as the kernel has it. What is not UTF-8 in it is kept as it was read."""
    return content.encode("utf-8", "surrogateescape") + b"\0"


def read_text(content: bytes) -> str:
    """Return the text that the kernel has as *content*."""
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def walk(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each attribute in a message or a nested attribute."""
    at, last = 0, len(content) - _ATTRIBUTE.size
    while at <= last:  # a trial does this a million times
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        yield kind & _TYPE, content[at + _ATTRIBUTE.size : at + length]
        at += length + 3 & ~3 or _ATTRIBUTE.size


def pack(attributes: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a sequence of attributes."""
    return b"".join(attribute(kind, content) for kind, content in attributes)


class Netlink:
    """A socket of netlink in the network namespace that the thread is in when it is made.

    :param groups: the multicast groups that it listens to
    :param room: how many bytes the kernel may keep ready in it, and take from it at once
    """

    def __init__(self, protocol: int, groups: Sequence[int] = (), room: int = 1 << 20) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.setblocking(False)
        self._sequence = 1
        for option in _FORCED:
            self.make_room(option, room)
        self._socket.bind((0, 0))
        for group in groups:
            self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def make_room(self, option: int, room: int) -> None:
        """Raise a buffer to *room* bytes, or as far as it goes where the limit of the system cannot be passed."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _FORCED[option], room)
        except PermissionError:  # root of a container with users of its own
            self._socket.setsockopt(socket.SOL_SOCKET, option, room)

    def request(self, kind: int, payload: bytes, flags: int = 0) -> None:
        """Have the kernel do something. Raises NetlinkError where it does not."""
        self._answer(kind, payload, flags | ACK)

    def get(self, kind: int, payload: bytes) -> bytes:
        """Return the kernel's answer to a question that has one. Raises NetlinkError where it has none."""
        return self._answer(kind, payload, 0)

    def _answer(self, kind: int, payload: bytes, flags: int) -> bytes:
        sequence = self.send([(kind, flags, payload)])
        while True:
            for answered, of_kind, content, _flags in self.messages():
                if answered == sequence:
                    if of_kind == ERROR:
                        raise_error(content)
                    return content

    def dump(self, kind: int, payload: bytes) -> Iterator[bytes]:
        """Yield all that there is of a kind.

        :raises ChangedError: if somebody changes it meanwhile
        :raises NetlinkError: if the kernel does not have it
        """
        sequence = self.send([(kind, _DUMP, payload)])
        while True:
            for answered, of_kind, content, flags in self.messages():
                if answered != sequence:
                    continue
                if of_kind in (ERROR, _DONE):
                    raise_error(content)
                    return
                if flags & _INTERRUPTED:
                    raise ChangedError(errno.EINTR, "changed while it was read")
                yield content

    def send(self, requests: Sequence[tuple[int, int, bytes]]) -> int:
        """Send messages, each as type, flags and payload, at once; return the sequence number of the first one."""
        first = self._sequence
        self._sequence += len(requests)
        parts = []
        for number, (kind, flags, payload) in enumerate(requests, first):
            parts.append(_HEADER.pack(_HEADER.size + len(payload), kind, _REQUEST | flags, number, 0) + payload)
            parts.append(bytes(-len(payload) % 4))
        self._socket.sendall(b"".join(parts))
        return first

    def messages(self, wait: bool = True) -> Iterator[tuple[int, int, bytes, int]]:
        """Yield sequence number, type, payload and flags of what has come; nothing where that is nothing.

        :raises NetlinkError: if the kernel has said more than there was room for, or says nothing for a minute
        """
        if wait and not select.select([self._socket], [], [], _ANSWERS_IN)[0]:
            raise NetlinkError(errno.ETIMEDOUT, "the kernel does not answer")
        received = self._received(1 << 18)
        at = 0
        while at + _HEADER.size <= len(received):
            length, kind, flags, sequence, _port = _HEADER.unpack_from(received, at)
            yield sequence, kind, received[at + _HEADER.size : at + length], flags
            at += max(_HEADER.size, length + 3 & ~3)

    def discard(self) -> None:
        """Do nothing with what has come. Raises NetlinkError where there was no room for all of it."""
        while self._received(1):  # the rest goes with it
            pass

    def _received(self, size: int) -> bytes:
        """Return the first bytes of what has come at once; nothing where nothing has."""
        try:
            return self._socket.recv(size)
        except BlockingIOError:
            return b""
        except OSError as e:
            raise NetlinkError(e.errno, os.strerror(e.errno or 0)) from e


def number(content: bytes | None) -> int:
    """Return the number that nftables has as *content*, whose first byte is the highest; 0 where there is none."""
    return int.from_bytes(content or b"", "big")


def error_of(content: bytes) -> int:
    """Return the error number that a message of type ERROR has; 0 where it says that all is well."""
    return -struct.unpack_from("=i", content)[0] if content else 0


def raise_error(content: bytes) -> None:
    """Raise NetlinkError for what a message of type ERROR says, unless it says that all is well."""
    code = error_of(content)
    if code:
        raise NetlinkError(code, os.strerror(code))
