# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPsec as the lab's nodes speak it: ESP without encryption, and IKE by strongSwan. Runs inside lab hosts, too."""

from __future__ import annotations

import hashlib
import hmac
import re
import struct

# As image/lab-esp and image/lab-swanctl.conf have it.
KEY = b"the lab's IPsec, not a secret"
QUESTION, ANSWER = b"PexQ", b"PexA"  # security parameters indexes
_CHECK = 16
_NO_NEXT_HEADER = 59


def esp_packet(spi: bytes, number: int, data: bytes) -> bytes:
    """An ESP packet (RFC 4303) with NULL encryption (RFC 2410) and HMAC-SHA-256-128 (RFC 4868).

    :param number: its sequence number.
    :param spi: for whom it is.
    """
    padding = -(len(data) + 2) % 4
    body = spi + struct.pack("!I", number) + data + bytes(range(1, padding + 1)) + bytes([padding, _NO_NEXT_HEADER])
    return body + _check_value(body)


def esp_content(spi: bytes, packet: bytes) -> tuple[int, bytes] | None:
    """The sequence number and the data of an ESP packet; None: it is not one of ours, or was changed on the way."""
    if len(packet) < 8 + 2 + _CHECK or packet[:4] != spi:
        return None
    if not hmac.compare_digest(_check_value(packet[:-_CHECK]), packet[-_CHECK:]):
        return None
    end = len(packet) - _CHECK - 2
    return int.from_bytes(packet[4:8], "big"), packet[8 : end - packet[end]]


def ike_connection(name: str, source: str, destination: str) -> str:
    """What swanctl loads, for an association between two addresses."""
    return f"""connections {{
  {name} {{
    version = 2
    local_addrs = {source}
    remote_addrs = {destination}
    childless = force
    mobike = no
    local {{ auth = psk }}
    remote {{ auth = psk }}
  }}
}}
"""


def ike_peer(name: str, text: str) -> str | None:
    """The address of the peer of an established association, as `swanctl --list-sas` prints it; None: there is none."""
    if not re.search(rf"^{re.escape(name)}: #\d+, ESTABLISHED, IKEv2", text, re.MULTILINE):
        return None
    found = re.search(r"^\s+remote '[^']*' @ (\S+)\[500\]", text, re.MULTILINE)
    return found[1] if found else None


def _check_value(data: bytes) -> bytes:
    return hmac.new(KEY, data, hashlib.sha256).digest()[:_CHECK]
