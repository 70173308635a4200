# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import struct

import pytest
from packet_proof.wire import (
    checksum,
    packet,
    payload,
    probe_in_packet,
    probe_in_segment,
    segment,
    stun_answer,
    stun_request,
    subject_name,
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


def test_a_syn_carries_its_number_as_sequence_number() -> None:
    data = segment(*ENDS["ipv4"], "tcp", 1, 2, 1234, NONCE)
    assert struct.unpack("!I", data[4:8]) == (1234,)
    assert data[13] == 0x02


def test_what_is_no_probe() -> None:
    answer = bytearray(segment(*ENDS["ipv4"], "tcp", 1, 2, 3, NONCE))
    answer[13] = 0x12  # SYN and ACK
    assert probe_in_segment(bytes(answer), socket.IPPROTO_TCP, NONCE) is None
    assert probe_in_segment(payload(NONCE, 1), socket.IPPROTO_ICMP, NONCE) is None
    for data in (b"", b"\x45", b"\x60", b"\x00" * 60):
        assert probe_in_packet(data, NONCE) is None


@pytest.mark.parametrize(("family", "address"), [(1, "198.51.100.7"), (2, "2001:db8::7")])
def test_stun(family: int, address: str) -> None:
    transaction = bytes(range(12))
    assert stun_request(transaction)[:2] == b"\x00\x01"
    cookie = struct.pack("!I", 0x2112A442)
    raw = socket.inet_pton(socket.AF_INET if family == 1 else socket.AF_INET6, address)
    masked = bytes(one ^ other for one, other in zip(raw, cookie + transaction, strict=False))
    value = struct.pack("!BBH", 0, family, 40001 ^ 0x2112) + masked
    software = struct.pack("!HH", 0x8022, 3) + b"abc\0"
    body = software + struct.pack("!HH", 0x0020, len(value)) + value
    answer = struct.pack("!HH", 0x0101, len(body)) + cookie + transaction + body
    assert stun_answer(answer, transaction) == (address, 40001)
    assert stun_answer(answer, bytes(12)) is None
    assert stun_answer(answer[: 20 + len(software)], transaction) is None
    assert stun_answer(b"", transaction) is None


def test_subject_name() -> None:
    name = b"\x06\x03\x55\x04\x03\x0c"
    assert subject_name(b"x" + name + b"\x06issuer" + b"y" + name + b"\x04wac1" + b"z") == "wac1"
    assert subject_name(b"nothing") == ""
    assert subject_name(name) == ""
