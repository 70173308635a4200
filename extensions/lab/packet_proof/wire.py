# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes as bytes: IPv4 and IPv6, and what is above them.

Each probe begins a flow, so that no firewall takes it for an answer.

What bears no probe: a TCP segment that is not a SYN, an SCTP packet that is not an INIT, and ICMP but the one type for
each family that asks something and that no firewall has to let through.
"""

from __future__ import annotations

import socket
import struct

from packet_proof.protocols import NUMBERS, has_ports, protocol_number

MAGIC = b"PexipSfB"
_TCP, _UDP, _SCTP = NUMBERS["tcp"], NUMBERS["udp"], NUMBERS["sctp"]
_ICMP, _ICMPV6, _AH = NUMBERS["icmp"], NUMBERS["icmpv6"], NUMBERS["ah"]
_INSIDE_AH = 253  # a protocol for experiments: in IPv6, nothing on the way stops at AH, which is an extension header
_ICMP_TYPES = {_ICMP: 13, _ICMPV6: 139}  # timestamp (RFC 792), node information query (RFC 4620)
_SPI = 0x50655870
_SCTP_IGNORED_PARAMETER = 0x80FE  # one that a receiver without the extension skips (RFC 9260)

# Where the probe's mark is, by the number of the protocol; of others, at once.
_MARK_AT = {_UDP: 8, _SCTP: 36, NUMBERS["gre"]: 4, NUMBERS["esp"]: 8, _AH: 24, _ICMP: 20, _ICMPV6: 16}


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def crc32c(data: bytes) -> int:
    """The checksum of SCTP (RFC 9260, appendix A)."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _bit in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def payload(nonce: bytes, number: int) -> bytes:
    """What marks a packet as a probe of this run."""
    return MAGIC + nonce + struct.pack("!I", number)


def segment(
    source: str, destination: str, protocol: str, source_port: int, destination_port: int, number: int, nonce: bytes
) -> bytes:
    """What is above IP in a probe, with its right checksum. The sequence number of a SYN is the probe's number."""
    data = payload(nonce, number)
    number_of = protocol_number(protocol)
    if has_ports(protocol):
        ports = struct.pack("!HH", source_port, destination_port)
        if number_of == _SCTP:
            return _sctp(ports, data)
        return _with_pseudo_header(source, destination, number_of, ports, number, data)
    if number_of == _ICMP:
        return _patched(struct.pack("!BBHHH12x", _ICMP_TYPES[_ICMP], 0, 0, 1, 1) + data, 2, b"")
    if number_of == _ICMPV6:
        pseudo = _pseudo_header(source, destination, number_of, 16 + len(data))
        return _patched(struct.pack("!BBHHH8x", _ICMP_TYPES[_ICMPV6], 0, 0, 0, 0) + data, 2, pseudo)
    return _headers_without_checksum(number).get(protocol, b"") + data


def packet(
    source: str, destination: str, protocol: str, source_port: int, destination_port: int, number: int, nonce: bytes
) -> bytes:
    """A whole IP packet. The kernel fills in what is left zero in an IPv4 header."""
    body = segment(source, destination, protocol, source_port, destination_port, number, nonce)
    number_of = protocol_number(protocol)
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
        return struct.pack("!IHBB", 6 << 28, len(body), number_of, 64) + ends + body
    ends = socket.inet_pton(socket.AF_INET, source) + socket.inet_pton(socket.AF_INET, destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, number_of, 0) + ends + body


def probe_in_segment(data: bytes, protocol: int, nonce: bytes) -> int | None:
    """The number of the probe that is above IP here; None: it is none of this run's."""
    at = _MARK_AT.get(protocol, 0)
    if protocol == _TCP:
        if len(data) < 20 or data[13] & 0x17 != 0x02:
            return None
        at = (data[12] >> 4) * 4
    elif protocol in _ICMP_TYPES and data[:1] != bytes([_ICMP_TYPES[protocol]]):
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


def _with_pseudo_header(source: str, destination: str, protocol: int, ports: bytes, number: int, data: bytes) -> bytes:
    """A UDP datagram or a TCP SYN."""
    if protocol == _UDP:
        at, header = 6, ports + struct.pack("!HH", 8 + len(data), 0)
    else:
        at, header = 16, ports + struct.pack("!IIBBHHH", number, 0, 5 << 4, 0x02, 64240, 0, 0)
    pseudo = _pseudo_header(source, destination, protocol, len(header) + len(data))
    return _patched(header + data, at, pseudo, 0xFFFF if protocol == _UDP else 0)


def _pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    return ends + struct.pack("!II", length, protocol)


def _patched(data: bytes, at: int, pseudo: bytes, instead_of_zero: int = 0) -> bytes:
    """Data with its Internet checksum in place, where 0 is."""
    found = checksum(pseudo + data) or instead_of_zero
    return data[:at] + struct.pack("!H", found) + data[at + 2 :]


def _sctp(ports: bytes, data: bytes) -> bytes:
    """An INIT whose only parameter is the probe's mark."""
    parameter = struct.pack("!HH", _SCTP_IGNORED_PARAMETER, 4 + len(data)) + data
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20 + len(parameter), 1, 65536, 1, 1, 1) + parameter
    before, after = ports + bytes(4), chunk
    return before + struct.pack("<I", crc32c(before + bytes(4) + after)) + after


def _headers_without_checksum(number: int) -> dict[str, bytes]:
    """Protocol → what comes before the mark; nobody on the way can look into it."""
    return {
        "esp": struct.pack("!II", _SPI, number),
        "ah": struct.pack("!BBHII12x", _INSIDE_AH, 4, 0, _SPI, number),
        "gre": struct.pack("!HH", 0, 0x88B5),  # an EtherType for experiments
    }
