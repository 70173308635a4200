# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets as they are on the wire, each with a number that tells it from all others."""

from __future__ import annotations

import socket
import struct
import typing as t

ICMP, TCP, UDP, GRE, AH, ICMPV6, SCTP = 1, 6, 17, 47, 51, 58, 132
PROTOCOLS = {
    "icmp": ICMP, "tcp": TCP, "udp": UDP, "gre": GRE, "esp": 50, "ah": AH, "icmpv6": ICMPV6, "vrrp": 112, "sctp": SCTP,
}  # fmt: skip
_WITH_PORTS = (TCP, UDP, SCTP)
_SYN, _ACK = 0x02, 0x10
_MARK = 0x73666221
_OPTION = b"\x02\x04\x05\xb4"  # the maximum segment size, which every opening segment has
# What is before the number: what AH has in it (253 is for experiments, RFC 3692) and how long it is; Ethernet in GRE.
_PROLOGUES = {AH: b"\xfd\x04\0\0", GRE: b"\0\0\x65\x58"}
_TOLD_AT = {UDP: 8, ICMP: 8, ICMPV6: 8}
_CRC32C = 0x82F63B78
ETHERTYPES = {4: 0x0800, 6: 0x86DD}


class Flow(t.NamedTuple):
    """Who sends to whom, with the addresses as bytes, 4 or 16 of them. Ports are 0 where the protocol has none."""

    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int

    def back(self) -> Flow:
        """Return the other direction."""
        return Flow(self.protocol, self.destination, self.destination_port, self.source, self.source_port)

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if len(self.source) == 4 else 6


def packed_address(address: str) -> bytes:
    """Return the bytes of an address. Raises ValueError where it is none."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError as e:
        raise ValueError(f"{address!r} does not appear to be an IPv4 or IPv6 address") from e


def protocol_number(protocol: str) -> int:
    """Return the number of a protocol of a rule. Raises ValueError for what is none."""
    return PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol)


def packet(flow: Flow, number: int, answers: int = 0) -> bytes:
    """Return the first packet of *flow*, or the answer to the packet with the number *answers*."""
    segment = _segment(flow, number, answers)
    if flow.version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(segment), flow.protocol, 64)
        return head + flow.source + flow.destination + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), number & 0xFFFF, 0x4000, 64, flow.protocol, 0)
    head += flow.source + flow.destination
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + segment


def _segment(flow: Flow, number: int, answers: int) -> bytes:
    told = struct.pack("!II", _MARK, number)
    if flow.protocol == TCP:
        flags = _SYN | (_ACK if answers else 0)
        acknowledged = (answers + 1) & 0xFFFFFFFF if answers else 0
        rest = struct.pack("!IIBBHHH", number, acknowledged, 6 << 4, flags, 64240, 0, 0) + _OPTION
        return _with_checksum(flow, _ports(flow) + rest, at=16)
    if flow.protocol == UDP:
        return _with_checksum(flow, _ports(flow) + struct.pack("!HH", 16, 0) + told, at=6)
    if flow.protocol == SCTP:
        # INIT, or INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3).
        chunk = struct.pack("!BBHIIHHI", 2 if answers else 1, 0, 20, number, 65536, 1, 1, 1)
        head = _ports(flow) + struct.pack("!I", answers)
        return head + struct.pack("<I", _crc32c(head + bytes(4) + chunk)) + chunk
    if flow.protocol in (ICMP, ICMPV6):
        request, reply = (8, 0) if flow.protocol == ICMP else (128, 129)
        echo = struct.pack("!BBHHH", reply if answers else request, 0, 0, (answers or number) & 0xFFFF, 1)
        return _with_checksum(flow, echo + told, at=2, pseudo=flow.protocol == ICMPV6)
    return _PROLOGUES.get(flow.protocol, b"") + told + bytes(16)


def _ports(flow: Flow) -> bytes:
    return struct.pack("!HH", flow.source_port, flow.destination_port)


def _with_checksum(flow: Flow, segment: bytes, at: int, pseudo: bool = True) -> bytes:
    summed = flow.source + flow.destination + struct.pack("!II", len(segment), flow.protocol) if pseudo else b""
    return segment[:at] + struct.pack("!H", _checksum(summed + segment) or 0xFFFF) + segment[at + 2 :]


def read_packet(content: bytes) -> tuple[Flow, int] | None:
    """Return the flow and the number of a packet; None where it is none of ours."""
    version = content[0] >> 4 if content else 0
    if version == 4 and len(content) >= 20:
        protocol, source, destination = content[9], content[12:16], content[16:20]
        return read_segment(protocol, source, destination, content[(content[0] & 15) * 4 :])
    if version == 6 and len(content) >= 40:
        return read_segment(content[6], content[8:24], content[24:40], content[40:])
    return None


def read_segment(protocol: int, source: bytes, destination: bytes, segment: bytes) -> tuple[Flow, int] | None:
    """Do the same with what is behind the header of IP."""
    if len(segment) < 16:
        return None
    mark, number = _MARK, 0
    if protocol in (TCP, SCTP):
        (number,) = struct.unpack_from("!I", segment, 4 if protocol == TCP else 16)
    else:
        mark, number = struct.unpack_from("!II", segment, _TOLD_AT.get(protocol, len(_PROLOGUES.get(protocol, b""))))
    if mark != _MARK:
        return None
    ports = struct.unpack_from("!HH", segment) if protocol in _WITH_PORTS else (0, 0)
    return Flow(protocol, source, ports[0], destination, ports[1]), number


def _checksum(content: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _crc32c(content: bytes) -> int:
    """Return the checksum of SCTP (RFC 9260, appendix A)."""
    total = 0xFFFFFFFF
    for byte in content:
        total ^= byte
        for _bit in range(8):
            total = total >> 1 ^ (_CRC32C if total & 1 else 0)
    return total ^ 0xFFFFFFFF
