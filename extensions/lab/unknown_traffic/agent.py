# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the network namespace of a lab host, which gets its source: sends packets, or watches which of them arrive.

The first argument is ``send`` or ``watch``, the second JSON: a destination, and packets, each a source, a protocol
number and a port. Who watches says "ready" first, and at the end which of them arrived: when all that have to come
are there. Imports the standard library only.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
import typing as t

_HANGS = 300  # seconds: only what hangs takes as long
_ETH_P_IP = 0x0800
_PAYLOAD = b"pexip-sfb-unknown-traffic"

Packet = tuple[str, int, int]


def send(destination: str, packets: list[Packet]) -> None:
    """Send one packet each: of TCP the first of a connection."""
    for source, protocol, port in packets:
        is_tcp = protocol == socket.IPPROTO_TCP
        is_udp = protocol == socket.IPPROTO_UDP
        kind = socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM if is_udp else socket.SOCK_RAW
        with socket.socket(socket.AF_INET, kind, 0 if is_tcp or is_udp else protocol) as sender:
            sender.bind((source, 0))
            sender.setblocking(False)
            if is_tcp:
                sender.connect_ex((destination, port))
            else:
                sender.sendto(_PAYLOAD, (destination, port))


def watch(destination: str, packets: list[Packet]) -> list[Packet]:
    """Return what came to *destination* until all *packets* had, and what had come with them."""
    left, seen = set(packets), set[Packet]()
    until = time.monotonic() + _HANGS
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as door:
        door.setblocking(False)
        print("ready", flush=True)
        while select.select([door], [], [], max(until - time.monotonic(), 0) if left - seen else 0)[0]:
            data, link = door.recvfrom(65535)
            if link[2] == socket.PACKET_HOST and data[16:20] == socket.inet_aton(destination):
                seen.add(_read(data))
    return sorted(seen)


def _read(data: bytes) -> Packet:
    protocol, header = data[9], 4 * (data[0] & 15)
    has_ports = protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
    port = int.from_bytes(data[header + 2 : header + 4], "big") if has_ports else 0
    return socket.inet_ntoa(data[12:16]), protocol, port


def main(what: str, order: t.Mapping[str, t.Any]) -> None:
    """Do *what*."""
    packets = [(str(source), int(protocol), int(port)) for source, protocol, port in order["packets"]]
    if what == "send":
        send(order["destination"], packets)
    else:
        print(json.dumps(watch(order["destination"], packets)))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
