# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes and answers as bytes: IPv4 and IPv6, UDP and TCP, STUN and certificates."""

from __future__ import annotations

import socket
import struct

MAGIC = b"PexipSfB"
PROTOCOL_NUMBERS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
STUN_COOKIE = 0x2112A442


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def payload(nonce: bytes, number: int) -> bytes:
    """What marks a packet as a probe of this run."""
    return MAGIC + nonce + struct.pack("!I", number)


def segment(
    source: str, destination: str, protocol: str, source_port: int, destination_port: int, number: int, nonce: bytes
) -> bytes:
    """A UDP datagram, or a TCP SYN whose sequence number is the probe's number, with its right checksum."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    data = payload(nonce, number)
    ports = struct.pack("!HH", source_port, destination_port)
    if protocol == "udp":
        length, at = 8 + len(data), 6
        header = ports + struct.pack("!HH", length, 0)
    else:
        length, at = 20 + len(data), 16
        header = ports + struct.pack("!IIBBHHH", number, 0, 5 << 4, 0x02, 64240, 0, 0)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    pseudo = ends + struct.pack("!II", length, PROTOCOL_NUMBERS[protocol])
    found = checksum(pseudo + header + data)
    if protocol == "udp" and found == 0:
        found = 0xFFFF
    return header[:at] + struct.pack("!H", found) + header[at + 2 :] + data


def packet(
    source: str, destination: str, protocol: str, source_port: int, destination_port: int, number: int, nonce: bytes
) -> bytes:
    """A whole IP packet. The kernel fills in what is left zero in an IPv4 header."""
    body = segment(source, destination, protocol, source_port, destination_port, number, nonce)
    number_of_protocol = PROTOCOL_NUMBERS[protocol]
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
        return struct.pack("!IHBB", 6 << 28, len(body), number_of_protocol, 64) + ends + body
    ends = socket.inet_pton(socket.AF_INET, source) + socket.inet_pton(socket.AF_INET, destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, number_of_protocol, 0) + ends + body


def probe_in_segment(data: bytes, protocol: int, nonce: bytes) -> int | None:
    """The number of the probe that a UDP datagram or TCP segment carries; None: it is none of this run's."""
    if protocol == socket.IPPROTO_UDP:
        at = 8
    elif protocol == socket.IPPROTO_TCP and len(data) >= 20 and data[13] & 0x17 == 0x02:
        at = (data[12] >> 4) * 4
    else:
        return None
    mark = MAGIC + nonce
    if data[at : at + len(mark)] != mark or len(data) < at + len(mark) + 4:
        return None
    return int.from_bytes(data[at + len(mark) : at + len(mark) + 4], "big")


def probe_in_packet(data: bytes, nonce: bytes) -> int | None:
    """The number of the probe that an IP packet carries; None: it is none of this run's."""
    if not data:
        return None
    if data[0] >> 4 == 4 and len(data) >= 20:
        return probe_in_segment(data[(data[0] & 0x0F) * 4 :], data[9], nonce)
    if data[0] >> 4 == 6 and len(data) >= 40:
        return probe_in_segment(data[40:], data[6], nonce)
    return None


def stun_request(transaction: bytes) -> bytes:
    """A STUN binding request (RFC 8489)."""
    return struct.pack("!HHI", 0x0001, 0, STUN_COOKIE) + transaction


def stun_answer(data: bytes, transaction: bytes) -> tuple[str, int] | None:
    """The address and port that a STUN server saw us come from; None: this is no answer to that request."""
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
