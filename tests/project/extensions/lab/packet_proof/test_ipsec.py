# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib.machinery
import importlib.util
import typing as t
from pathlib import Path

import pytest
from packet_proof import ipsec
from packet_proof.ipsec import ANSWER, QUESTION, esp_content, esp_packet, ike_connection, ike_peer

IMAGE = Path(__file__).parents[5] / "extensions/lab/image"
SAS = """proof-1: #4, ESTABLISHED, IKEv2, b531fc332ba21131_i* 4d1504f033d88c8b_r
  local  '10.1.0.11' @ 10.1.0.11[500]
  remote '2001:db8::1' @ 2001:db8::1[500]
  AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256
"""


@pytest.mark.parametrize("data", [b"", b"x", b"12345678", bytes(1000)])
def test_what_is_in_esp_comes_out_again(data: bytes) -> None:
    packet = esp_packet(QUESTION, 7, data)
    assert len(packet) % 4 == 0
    assert esp_content(QUESTION, packet) == (7, data)
    for wrong in (packet[:-1], b"\0" + packet[1:], packet[:9] + bytes([packet[9] ^ 1]) + packet[10:], b""):
        assert esp_content(QUESTION, wrong) is None
    assert esp_content(ANSWER, packet) is None


def test_the_image_speaks_the_same() -> None:
    loader = importlib.machinery.SourceFileLoader("lab_esp", str(IMAGE / "lab-esp"))
    spec = importlib.util.spec_from_loader("lab_esp", loader)
    assert spec is not None
    program: t.Any = importlib.util.module_from_spec(spec)
    loader.exec_module(program)
    assert (program.KEY, program.QUESTION, program.ANSWER) == (ipsec.KEY, QUESTION, ANSWER)
    body = esp_packet(ANSWER, 8, b"data")[:-16]
    assert esp_content(ANSWER, body + program.check_value(body)) == (8, b"data")
    assert ipsec.KEY.decode() in (IMAGE / "lab-swanctl.conf").read_text("utf-8")


def test_ike() -> None:
    assert "remote_addrs = 2001:db8::1\n" in ike_connection("proof-1", "10.1.0.11", "2001:db8::1")
    assert ike_peer("proof-1", SAS) == "2001:db8::1"
    assert ike_peer("proof-2", SAS) is None
    assert ike_peer("proof-1", SAS.replace("ESTABLISHED", "CONNECTING")) is None
