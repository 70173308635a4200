# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who refused a probe and how: ICMP errors, as the kernel of Linux hands them to a socket (ip(7), IP_RECVERR)."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
import sys
import typing as t

Verdict = t.Literal["open", "refused", "filtered", "not_probeable", "error"]

# Python's module socket does not name them.
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # errno, origin, type, code, padding, info, data
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_UNREACHABLE = {_ORIGIN_ICMP: 3, _ORIGIN_ICMP6: 1}  # the type of "destination unreachable"

# Codes of "destination unreachable" by which a machine or a firewall says no (RFC 792, 1122, 1812; RFC 4443).
_REFUSING = {
    (_ORIGIN_ICMP, 3): "port unreachable",
    (_ORIGIN_ICMP, 9): "network administratively prohibited",
    (_ORIGIN_ICMP, 10): "host administratively prohibited",
    (_ORIGIN_ICMP, 13): "communication administratively prohibited",
    (_ORIGIN_ICMP6, 1): "communication administratively prohibited",
    (_ORIGIN_ICMP6, 4): "port unreachable",
    (_ORIGIN_ICMP6, 5): "source address failed policy",
    (_ORIGIN_ICMP6, 6): "reject route",
}
# Codes that say that nobody is there.
_LOST = {
    (_ORIGIN_ICMP, 0): "no such network",
    (_ORIGIN_ICMP, 1): "no such host",
    (_ORIGIN_ICMP6, 0): "no route",
    (_ORIGIN_ICMP6, 3): "no such host",
}


def listen_for_errors(sock: socket.socket) -> None:
    """Have the kernel keep ICMP errors for *sock*; where it does not, there is an error number only."""
    with contextlib.suppress(OSError):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def judge(sock: socket.socket, number: int) -> tuple[Verdict, str]:
    """Say what the error *number* of a probe on *sock* means."""
    icmp = _icmp_error(sock)
    if icmp:
        return icmp
    if number == errno.ECONNREFUSED:
        return "refused", "reset by the destination, or by a firewall in its name"
    if number == errno.EACCES and sock.family == socket.AF_INET6:
        return "refused", "ICMP: administratively prohibited"
    if number in (errno.EPERM, errno.EACCES):
        return "filtered", "dropped by a firewall on the probing host itself"
    return "error", os_error(number)


def os_error(number: int) -> str:
    """Write an error number for people."""
    return f"{os.strerror(number)} ({errno.errorcode.get(number, number)})"


def _icmp_error(sock: socket.socket) -> tuple[Verdict, str] | None:
    try:
        _data, ancillary, _flags, _address = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except (OSError, AttributeError):
        return None
    for _level, _type, data in ancillary:
        if len(data) < _EXTENDED_ERROR.size:
            continue
        _number, origin, kind, code, _padding, _info, _more = _EXTENDED_ERROR.unpack_from(data)
        if _UNREACHABLE.get(origin) != kind:
            continue
        sender = _sender(data[_EXTENDED_ERROR.size :])
        refusing = _REFUSING.get((origin, code))
        if refusing:
            return "refused", f"ICMP from {sender}: {refusing}"
        return "error", f"ICMP from {sender}: {_LOST.get((origin, code), f'unreachable, code {code}')}"
    return None


def _sender(address: bytes) -> str:
    """Read a sockaddr_in or sockaddr_in6."""
    family = int.from_bytes(address[:2], sys.byteorder)
    raw = address[4:8] if family == socket.AF_INET else address[8:24]
    try:
        return str(ipaddress.ip_address(raw))
    except ValueError:
        return "somebody"
