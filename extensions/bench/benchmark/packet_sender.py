# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends UDP packets, each with other addresses and ports, and prints the seconds of a processor that took.

``python -m benchmark.packet_sender MAC ADDRESSES PACKETS``, inside the namespace of the sender. A veth pair hands a
packet over while it is sent, so the time of the sender's thread has all of the gateway's work in it, and nothing of
what else the machine does meanwhile.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import time

from .scaled_site import GROUPS, address

_CLIENTS, _NODES = GROUPS.index("sfb_clients"), GROUPS.index("pexip_conferencing_nodes")
_MEDIA = (40000, 49999)
_PAYLOAD = bytes(18)  # fills the smallest frame


def frames(mac: str, addresses: int, packets: int) -> list[bytes]:
    """Return *packets* frames from clients to nodes as the row media_to_nodes permits them, no two of one flow.

    The client number i talks to the node number i, so that a rule for each such pair permits the same.
    """
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000001") + b"\x08\x00"
    ends = [(_packed(_CLIENTS, index), _packed(_NODES, index)) for index in range(addresses)]
    chosen = random.Random(1)  # noqa: S311  # the same packets in every run
    found = []
    for number in range(packets):
        source, destination = ends[chosen.randrange(addresses)]
        ports = struct.pack("!HHHH", 1024 + number % 60000, _media_port(number), 8 + len(_PAYLOAD), 0)
        found.append(ethernet + _ip_header(source, destination) + ports + _PAYLOAD)
    return found


def _media_port(number: int) -> int:
    first, last = _MEDIA
    return first + number // 60000 * 97 % (last - first + 1)


def _packed(block: int, index: int) -> bytes:
    return socket.inet_aton(address(block, index))


def _ip_header(source: bytes, destination: bytes) -> bytes:
    length = 20 + 8 + len(_PAYLOAD)
    blank = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, socket.IPPROTO_UDP, 0) + source + destination
    total = sum(struct.unpack("!10H", blank))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return blank[:10] + struct.pack("!H", checksum) + blank[12:]


def main(mac: str, addresses: str, packets: str) -> None:
    """Send, and print the seconds."""
    ready = frames(mac, int(addresses), int(packets))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind(("wire", 0))
        send = door.send
        begun = time.thread_time()
        for frame in ready:
            send(frame)
        print(time.thread_time() - begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
