# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends UDP packets, each with other addresses and ports, and prints what that took of a processor as JSON.

``python -m benchmark.packet_sender MAC ADDRESSES PACKETS [networks]``, inside the namespace of the sender. A veth pair
hands a packet over while it is sent, so the time of the sender's thread has the gateway's work in it. The kernel's
threads ``ksoftirqd`` take some of it over where the machine is busy; their seconds are in the JSON too.
"""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .scaled_site import GROUPS, address, network

_CLIENTS, _NODES = GROUPS.index("sfb_clients"), GROUPS.index("pexip_conferencing_nodes")
_MEDIA = (40000, 49999)
_PAYLOAD = bytes(18)  # fills the smallest frame


def frames(mac: str, addresses: int, packets: int, clients_are_networks: bool = False) -> list[bytes]:
    """Return *packets* frames from clients to nodes as the row media_to_nodes permits them, no two of one flow.

    The client number i talks to the node number i, so that a rule for each such pair permits the same. Of a network,
    any of its addresses is the client.
    """
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000001") + b"\x08\x00"
    chosen = random.Random(1)  # noqa: S311  # the same packets in every run
    client = _client_of_network(chosen) if clients_are_networks else _client
    ends = [(client(index), _packed(_NODES, index)) for index in range(addresses)]
    found = []
    for number in range(packets):
        source, destination = ends[chosen.randrange(addresses)]
        ports = struct.pack("!HHHH", 1024 + number % 60000, _media_port(number), 8 + len(_PAYLOAD), 0)
        found.append(ethernet + _ip_header(source, destination) + ports + _PAYLOAD)
    return found


def _client(index: int) -> bytes:
    return _packed(_CLIENTS, index)


def _client_of_network(chosen: random.Random) -> Callable[[int], bytes]:
    def client(index: int) -> bytes:
        whole = network(_CLIENTS, index)
        return whole[chosen.randrange(whole.num_addresses)].packed

    return client


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


def _of_ksoftirqd() -> float:
    """Return the seconds of all threads ``ksoftirqd``; there are none to see inside a container."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if "(ksoftirqd/" in stat:
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main(mac: str, addresses: str, packets: str, clients: str = "hosts") -> None:
    """Send, and print the seconds."""
    ready = frames(mac, int(addresses), int(packets), clients == "networks")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind(("wire", 0))
        send = door.send
        before, begun = _of_ksoftirqd(), time.thread_time()
        for frame in ready:
            send(frame)
        took = time.thread_time() - begun
        print(json.dumps({"sender": took, "ksoftirqd": _of_ksoftirqd() - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
