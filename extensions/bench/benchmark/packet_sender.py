# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends UDP packets between clients and nodes, and prints what that took of a processor as JSON.

``python -m benchmark.packet_sender TRAFFIC``, inside the namespace of the sender; TRAFFIC is the class of that name as
JSON. A veth pair hands a packet over while it is sent, so the time of the sender's thread has the gateway's work in it.
The kernel's threads ``ksoftirqd`` take some of it over where the machine is busy; their seconds are counted too.
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
from dataclasses import dataclass
from pathlib import Path

from .scaled_site import GROUPS, address, network

CLIENTS_AND_NODES = (GROUPS.index("sfb_clients"), GROUPS.index("pexip_conferencing_nodes"))
STRANGERS = (len(GROUPS) + 2, len(GROUPS) + 3)  # blocks of addresses that no group has
_MEDIA = (40000, 49999)
_PAYLOAD = bytes(18)  # fills the smallest frame


@dataclass(frozen=True)
class Traffic:
    """What is sent: *packets* from *addresses* clients (hosts, or networks) to as many nodes.

    Without *flows* each packet is the first of a flow. Otherwise so many flows are opened and answered first, and the
    packets that count are theirs, in turn. *between* are the numbers of the blocks that both ends' addresses are from.
    """

    mac: str
    addresses: int
    packets: int
    clients: str = "hosts"
    flows: int = 0
    between: tuple[int, int] = CLIENTS_AND_NODES

    def first_packets(self) -> list[bytes]:
        """Return a frame of each flow, as the row media_to_nodes permits it; no two are of one flow.

        The client number i talks to the node number i, so that a rule for each such pair permits the same. Of a
        network, any of its addresses is the client.
        """
        chosen = random.Random(1)  # noqa: S311  # the same packets in every run
        source, destination = self.between
        client = _client_of_network(chosen) if self.clients == "networks" else _host_of(source)
        node = _host_of(destination)
        ends = [(client(index), node(index)) for index in range(self.addresses)]
        found = []
        for number in range(self.flows or self.packets):
            ports = 1024 + number % 60000, _media_port(number)
            found.append(_frame(self.mac, ends[chosen.randrange(self.addresses)], ports))
        return found

    def answers(self) -> list[bytes]:
        """Return an answer in each flow that is to be under way."""
        return [_answer(frame) for frame in self.first_packets()] if self.flows else []


def _frame(mac: str, ends: tuple[bytes, bytes], ports: tuple[int, int]) -> bytes:
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000001") + b"\x08\x00"
    udp = struct.pack("!HHHH", *ports, 8 + len(_PAYLOAD), 0)
    return ethernet + _ip_header(*ends) + udp + _PAYLOAD


def _answer(frame: bytes) -> bytes:
    # The sum over the header is the same with both addresses turned round.
    return frame[:26] + frame[30:34] + frame[26:30] + frame[36:38] + frame[34:36] + frame[38:]


def _host_of(block: int) -> Callable[[int], bytes]:
    return lambda index: socket.inet_aton(address(block, index))


def _client_of_network(chosen: random.Random) -> Callable[[int], bytes]:
    def client(index: int) -> bytes:
        whole = network(CLIENTS_AND_NODES[0], index)
        return whole[chosen.randrange(whole.num_addresses)].packed

    return client


def _media_port(number: int) -> int:
    first, last = _MEDIA
    return first + number // 60000 * 97 % (last - first + 1)


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


def main(text: str) -> None:
    """Send, and print the seconds and what was sent."""
    traffic = Traffic(**json.loads(text))
    first, answers = traffic.first_packets(), traffic.answers()
    timed = [first[number % len(first)] for number in range(traffic.packets)]
    opening = [*first, *answers] if traffic.flows else []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind(("wire", 0))
        send = door.send
        for frame in opening:
            send(frame)
        before, begun = _of_ksoftirqd(), time.thread_time()
        for frame in timed:
            send(frame)
        took = time.thread_time() - begun
        seconds = took + _of_ksoftirqd() - before
    print(json.dumps({"seconds": seconds, "packets": len(opening) + len(timed)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
