# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets of TCP and UDP as they are on the wire, each with a number that tells it from all others."""

from __future__ import annotations

import socket
import struct
import typing as t

TCP, UDP = 6, 17
PROTOCOLS = {"tcp": TCP, "udp": UDP}
_SYN, _ACK = 0x02, 0x10
_MARK = 0x73666221
_OPTION = b"\x02\x04\x05\xb4"  # the maximum segment size, which every opening segment has
ETHERTYPES = {4: 0x0800, 6: 0x86DD}


class Flow(t.NamedTuple):
    """Who sends to whom, with the addresses as bytes, 4 or 16 of them."""

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


def packet(flow: Flow, number: int, answers: int = 0) -> bytes:
    """Return the first packet of *flow*, or the answer to the packet with the number *answers*."""
    ports = struct.pack("!HH", flow.source_port, flow.destination_port)
    if flow.protocol == TCP:
        flags = _SYN | (_ACK if answers else 0)
        acknowledged = (answers + 1) & 0xFFFFFFFF if answers else 0
        rest = struct.pack("!IIBBHHH", number, acknowledged, 6 << 4, flags, 64240, 0, 0) + _OPTION
        at = 16
    else:
        rest = struct.pack("!HHII", 16, 0, _MARK, number)
        at = 6
    segment = bytearray(ports + rest)
    pseudo = flow.source + flow.destination + struct.pack("!II", len(segment), flow.protocol)
    segment[at : at + 2] = struct.pack("!H", _checksum(pseudo + segment) or 0xFFFF)
    if flow.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), flow.protocol, 64) + pseudo[:32] + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), number & 0xFFFF, 0x4000, 64, flow.protocol, 0)
    head += flow.source + flow.destination
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + segment


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
    if len(segment) < 16 or protocol not in (TCP, UDP):
        return None
    source_port, destination_port = struct.unpack_from("!HH", segment)
    if protocol == TCP:
        (number,) = struct.unpack_from("!I", segment, 4)
    else:
        mark, number = struct.unpack_from("!II", segment, 8)
        if mark != _MARK:
            return None
    return Flow(protocol, source, source_port, destination, destination_port), number


def _checksum(content: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
