# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to real servers and their answers as bytes: STUN, DNS, NTP, and the name in a certificate."""

from __future__ import annotations

import socket
import struct

STUN_COOKIE = 0x2112A442
_A, _IN = 1, 1
_NTP_CLIENT, _NTP_SERVER = 3, 4


def stun_request(transaction: bytes) -> bytes:
    """A STUN binding request (RFC 8489)."""
    return struct.pack("!HHI", 0x0001, 0, STUN_COOKIE) + transaction


def stun_answer(data: bytes, transaction: bytes) -> tuple[str, int] | None:
    """The address and port that a STUN server saw us come from; None: this is not an answer to that request."""
    if len(data) < 20 or data[:2] != b"\x01\x01" or data[4:20] != struct.pack("!I", STUN_COOKIE) + transaction:
        return None
    at = 20
    while at + 4 <= len(data):
        kind, length = struct.unpack("!HH", data[at : at + 4])
        value = data[at + 4 : at + 4 + length]
        if kind == 0x0020 and len(value) in (8, 20):
            port = struct.unpack("!H", value[2:4])[0] ^ (STUN_COOKIE >> 16)
            mask = struct.pack("!I", STUN_COOKIE) + transaction
            address = bytes(one ^ other for one, other in zip(value[4:], mask, strict=False))
            return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address), port
        at += 4 + (length + 3) // 4 * 4
    return None


def subject_name(certificate: bytes) -> str:
    """The common name of a DER certificate's subject: its last one, as the issuer's comes first. "" without any."""
    at = certificate.rfind(b"\x06\x03\x55\x04\x03")
    if at < 0 or at + 7 > len(certificate):
        return ""
    return certificate[at + 7 : at + 7 + certificate[at + 6]].decode("utf-8", "replace")


def dns_question(number: int, name: str) -> bytes:
    """A question for the IPv4 address of a name (RFC 1035)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, _A, _IN)


def dns_address(data: bytes, question: bytes) -> str | None:
    """The address in the answer to a question; None: this is not an answer to it, or it has none."""
    flags = int.from_bytes(data[2:4], "big")
    if data[:2] != question[:2] or flags & 0x800F != 0x8000 or data[12 : len(question)] != question[12:]:
        return None
    answer = data[len(question) : len(question) + 16]  # a pointer to the name, type, class, time to live, length
    if len(answer) < 16 or answer[2:6] != struct.pack("!HH", _A, _IN):
        return None
    return socket.inet_ntop(socket.AF_INET, answer[12:16])


def ntp_request(stamp: bytes) -> bytes:
    """A client's packet (RFC 5905, version 4) with a time stamp of eight bytes, which its answer repeats."""
    return bytes([4 << 3 | _NTP_CLIENT]) + bytes(39) + stamp


def ntp_stratum(data: bytes, stamp: bytes) -> int | None:
    """The stratum of a server that answers a request; None: this is not an answer to it."""
    if len(data) < 48 or data[0] & 7 != _NTP_SERVER or data[24:32] != stamp:
        return None
    return data[1]
