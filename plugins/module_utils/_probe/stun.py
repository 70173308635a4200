# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A STUN binding request and its response (RFC 5389), which every TURN server and Edge answers without credentials."""

from __future__ import annotations

import ipaddress
import secrets
import struct

_HEADER = struct.Struct("!HHI12s")
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_COOKIE = 0x2112A442
_XOR_MAPPED_ADDRESS = 0x0020


class StunRequest:
    """One request. ``message`` is what is sent."""

    def __init__(self) -> None:
        self._transaction = secrets.token_bytes(12)
        self.message = _HEADER.pack(_REQUEST, 0, _COOKIE, self._transaction)

    def read(self, data: bytes) -> str:
        """Say what a response to this request says; empty where *data* is none."""
        if len(data) < _HEADER.size:
            return ""
        kind, length, cookie, transaction = _HEADER.unpack_from(data)
        if cookie != _COOKIE or transaction != self._transaction or kind not in (_SUCCESS, _ERROR):
            return ""
        mapped = self._mapped_address(data[_HEADER.size : _HEADER.size + length])
        return "STUN binding response" + (f", which saw the probe come from {mapped}" if mapped else "")

    def _mapped_address(self, attributes: bytes) -> str:
        while len(attributes) >= 4:
            kind, length = struct.unpack_from("!HH", attributes)
            value = attributes[4 : 4 + length]
            if kind == _XOR_MAPPED_ADDRESS and len(value) in (8, 20):
                key = struct.pack("!I", _COOKIE) + self._transaction
                port = int.from_bytes(value[2:4], "big") ^ (_COOKIE >> 16)
                address = bytes(a ^ b for a, b in zip(value[4:], key))  # the key is longer for IPv4
                return f"{ipaddress.ip_address(address)} port {port}"
            attributes = attributes[4 + (length + 3) // 4 * 4 :]
        return ""
