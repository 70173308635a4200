# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import struct

import pytest
from packet_proof.services import (
    dns_address,
    dns_question,
    ntp_request,
    ntp_stratum,
    stun_answer,
    stun_request,
    subject_name,
)


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


def test_dns() -> None:
    question = dns_question(4711, "host.lab.invalid")
    assert question[12:] == b"\x04host\x03lab\x07invalid\x00" + struct.pack("!HH", 1, 1)
    head = struct.pack("!HHHHHH", 4711, 0x8400, 1, 1, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 3600, 4) + bytes([192, 0, 2, 53])
    assert dns_address(head + question[12:] + record, question) == "192.0.2.53"
    for wrong in (
        b"",
        head + question[12:],
        struct.pack("!H", 4712) + head[2:] + question[12:] + record,
        head[:2] + struct.pack("!H", 0x8403) + head[4:] + question[12:] + record,
        head + question[12:] + record[:2] + struct.pack("!H", 5) + record[4:],
    ):
        assert dns_address(wrong, question) is None


def test_ntp() -> None:
    stamp = bytes(range(8))
    request = ntp_request(stamp)
    assert (len(request), request[0], request[40:]) == (48, 0x23, stamp)
    answer = bytes([0x24, 8]) + bytes(22) + stamp + bytes(16)
    assert ntp_stratum(answer, stamp) == 8
    assert ntp_stratum(answer, bytes(8)) is None
    assert ntp_stratum(request, stamp) is None
    assert ntp_stratum(b"", stamp) is None
