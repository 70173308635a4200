# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import struct

import pytest
from packet_proof.wire import (
    checksum,
    crc32c,
    packet,
    probe_in_packet,
    probe_in_segment,
    segment,
)

NONCE = bytes(range(8))
ENDS = {"ipv4": ("10.1.0.11", "10.2.0.21"), "ipv6": ("2001:db8:1::11", "2001:db8:2::21")}


def test_checksum_of_rfc_1071() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert checksum(data) == 0xFFFF - 0xDDF2
    assert checksum(data + struct.pack("!H", checksum(data))) == 0
    assert checksum(b"\x01") == checksum(b"\x01\x00")


@pytest.mark.parametrize("family", ENDS)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_segment_has_its_right_checksum(family: str, protocol: str) -> None:
    source, destination = ENDS[family]
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    data = segment(source, destination, protocol, 40000, 5061, 77, NONCE)
    pseudo = socket.inet_pton(kind, source) + socket.inet_pton(kind, destination)
    pseudo += struct.pack("!II", len(data), {"tcp": 6, "udp": 17}[protocol])
    assert checksum(pseudo + data) == 0
    assert struct.unpack("!HH", data[:4]) == (40000, 5061)


@pytest.mark.parametrize("family", ENDS)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_probe_is_found_again(family: str, protocol: str) -> None:
    data = packet(*ENDS[family], protocol, 1, 65535, 4_000_000_000, NONCE)
    assert probe_in_packet(data, NONCE) == 4_000_000_000
    assert probe_in_packet(data, bytes(8)) is None
    assert probe_in_packet(data[:-1], NONCE) is None


@pytest.mark.parametrize(
    ("family", "protocol"),
    [
        *((family, protocol) for family in ENDS for protocol in ("sctp", "esp", "ah", "gre", "89")),
        ("ipv4", "icmp"),
        ("ipv6", "icmpv6"),
    ],
)
def test_a_probe_of_another_protocol_is_found_again(family: str, protocol: str) -> None:
    data = packet(*ENDS[family], protocol, 1, 2, 4_000_000_000, NONCE)
    assert probe_in_packet(data, NONCE) == 4_000_000_000
    assert probe_in_packet(data[:-1], NONCE) is None


def test_checksums_of_icmp() -> None:
    assert checksum(segment(*ENDS["ipv4"], "icmp", 0, 0, 5, NONCE)) == 0
    source, destination = (socket.inet_pton(socket.AF_INET6, address) for address in ENDS["ipv6"])
    data = segment(*ENDS["ipv6"], "icmpv6", 0, 0, 5, NONCE)
    assert checksum(source + destination + struct.pack("!II", len(data), 58) + data) == 0


def test_checksum_of_sctp() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    data = segment(*ENDS["ipv4"], "sctp", 40000, 5061, 7, NONCE)
    assert struct.unpack("!HHI", data[:8]) == (40000, 5061, 0)
    assert struct.unpack("<I", data[8:12]) == (crc32c(data[:8] + bytes(4) + data[12:]),)
    kind, _flags, length = struct.unpack("!BBH", data[12:16])
    assert (kind, length) == (1, len(data) - 12)


def test_a_syn_carries_its_number_as_sequence_number() -> None:
    data = segment(*ENDS["ipv4"], "tcp", 1, 2, 1234, NONCE)
    assert struct.unpack("!I", data[4:8]) == (1234,)
    assert data[13] == 0x02


def test_what_is_no_probe() -> None:
    answer = bytearray(segment(*ENDS["ipv4"], "tcp", 1, 2, 3, NONCE))
    answer[13] = 0x12  # SYN and ACK
    assert probe_in_segment(bytes(answer), socket.IPPROTO_TCP, NONCE) is None
    for protocol, kind in ((1, 13), (58, 139)):
        answer = bytes([kind + 1]) + segment(*ENDS["ipv4"], "icmp", 0, 0, 3, NONCE)[1:]
        assert probe_in_segment(answer, protocol, NONCE) is None
    for data in (b"", b"\x45", b"\x60", b"\x00" * 60):
        assert probe_in_packet(data, NONCE) is None
