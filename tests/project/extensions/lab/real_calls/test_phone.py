# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What baresip is told, and what it says: recorded from versions 1.0.0 and 1.1.0."""

from __future__ import annotations

import json

import pytest
from real_calls.phone import Heard, Phone, command, heard

IN_A_CALL = """
--- Audio stream ---
 tx:   encode: PCMU 8000Hz/1ch ptime=20ms S16LE
 local: 0.0.0.0:40070, remote: 10.9.2.2:41092/10.9.2.2:41093
RTP debug:
 Encode: seq=9300 ssrc=0x7826412b
----- RTCP Session: -----
  cname=sip:a@10.9.1.2 SSRC=0x7826412b/2015772971 rx=8000Hz
  member 0x0ccb75fd: lost={lost} Jitter=0.8ms RTT=0.0ms
                 IP=10.9.2.2:41092 psent=250 rcvd=301
  TX: packets=298, octets=47680
"""
RINGING = """
--- Audio stream ---
 local: 0.0.0.0:40018, remote: ?/?
----- RTCP Session: -----
  cname= SSRC=0x9b4beafe/2605443838 rx=0Hz
  member 0x4b282c8d: lost=0 Jitter=0.0ms RTT=0.0ms
  TX: packets=0, octets=0
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IN_A_CALL.format(lost=0), Heard(301, 0)),
        (IN_A_CALL.format(lost=52), Heard(301, 52)),
        (IN_A_CALL.format(lost=-1), Heard(301, -1)),
        (RINGING, None),
        ("(no active calls)\n", None),
    ],
)
def test_what_a_phone_has_heard(text: str, expected: Heard | None) -> None:
    assert heard(text) == expected


def test_a_phone_of_ipv6_that_calls_through_a_proxy() -> None:
    phone = Phone("client1", "2001:db8:3::20", 5061, "30000-30199", 4445, "2001:db8:2::21")
    assert phone.uri == "sip:client1@[2001:db8:3::20]:5061"
    files = phone.files("KEY AND CERTIFICATE")
    assert "sip_listen [2001:db8:3::20]:5060\n" in files["config"]
    assert "rtp_ports 30000-30199\n" in files["config"]
    assert "sip_certificate /run/lab-phone-6/certificate.pem\n" in files["config"]
    assert files["accounts"].startswith("<sip:client1@[2001:db8:3::20];transport=tls>;")
    assert ';outbound="sip:[2001:db8:2::21]:5061;transport=tls"' in files["accounts"]
    assert files["certificate.pem"] == "KEY AND CERTIFICATE"


def test_a_phone_of_ipv4_that_is_called() -> None:
    phone = Phone("node1", "198.18.0.11", 5061, "49000-49199", 4444)
    assert (phone.family, phone.unit, phone.directory) == ("-4", "lab-phone-4", "/run/lab-phone-4")
    assert "outbound" not in phone.files("")["accounts"]


def test_a_command() -> None:
    assert json.loads(command("dial", "sip:x")) == {"command": "dial", "params": "sip:x"}
