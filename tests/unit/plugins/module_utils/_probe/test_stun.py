# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import struct

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.stun import StunRequest
from hypothesis import given
from hypothesis import strategies as st

COOKIE = 0x2112A442


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def response(request: StunRequest, attributes: bytes = b"", kind: int = 0x0101) -> bytes:
    return struct.pack("!HHI", kind, len(attributes), COOKIE) + request.message[8:] + attributes


def mapped(request: StunRequest, address: str, port: int) -> bytes:
    """XOR-MAPPED-ADDRESS as RFC 5389 section 15.2 has it."""
    ip = ipaddress.ip_address(address)
    key = int.from_bytes(request.message[4:20], "big") >> (128 - ip.max_prefixlen)
    xored = (int(ip) ^ key).to_bytes(ip.max_prefixlen // 8, "big")
    return attribute(0x0020, struct.pack("!BBH", 0, 1 if ip.version == 4 else 2, port ^ (COOKIE >> 16)) + xored)


def test_the_request_is_a_binding_request() -> None:
    request = StunRequest()
    assert request.message[:8] == struct.pack("!HHI", 1, 0, COOKIE)
    assert len(request.message) == 20
    assert StunRequest().message != request.message


@pytest.mark.parametrize("address", ["192.0.2.11", "2001:db8::11"])
def test_the_address_that_the_server_saw_is_told(address: str) -> None:
    request = StunRequest()
    attributes = attribute(0x8022, b"odd") + mapped(request, address, 40001)
    assert request.read(response(request, attributes)) == (
        f"STUN binding response, which saw the probe come from {address} port 40001"
    )


def test_an_error_response_is_a_response() -> None:
    request = StunRequest()
    assert request.read(response(request, attribute(9, b"\0\0\4\1"), kind=0x0111)) == "STUN binding response"


def test_only_a_response_to_this_very_request_counts() -> None:
    request = StunRequest()
    assert not request.read(response(StunRequest()))
    assert not request.read(request.message)  # an echo
    assert not request.read(response(request)[:19])
    assert not request.read(response(request).replace(struct.pack("!I", COOKIE), bytes(4)))


@given(st.binary(max_size=80), st.integers(0, 65535))
def test_no_attributes_break_it(attributes: bytes, kind: int) -> None:
    request = StunRequest()
    data = struct.pack("!HHI", 0x0101, kind, COOKIE) + request.message[8:] + attributes
    assert request.read(data).startswith("STUN binding response")
