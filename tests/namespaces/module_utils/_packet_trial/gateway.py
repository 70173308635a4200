# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real gateway in a network namespace, and packets that really go to it, through it and out of it.

It shares nothing with the copy that is to be proven: ``ip`` makes it, with networks on its interfaces, and with
neighbours that it asks for by ARP and neighbour discovery. The packets are made here, and each is the first one of its
connection.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import ipaddress
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time
import typing as t
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HANG = 60  # seconds that only what hangs takes
NETWORKS = {"nodes": 1, "servers": 2, "clients": 3}
ADDRESSES = {
    "nodes": ["192.0.2.11", "192.0.2.12", "192.0.2.77", "2001:db8:1::11", "2001:db8:1::77"],
    "servers": ["198.51.100.21", "198.51.100.31", "198.51.100.41", "198.51.100.51", "198.51.100.77", "2001:db8:2::21",
                "2001:db8:2::41"],
    "clients": ["203.0.113.5", "203.0.113.99", "203.0.113.131", "2001:db8:3::5", "2001:db8:3::6"],
}  # fmt: skip
OWN = {
    "nodes": ["192.0.2.1", "2001:db8:1::1"],
    "servers": ["198.51.100.1", "2001:db8:2::1"],
    "clients": ["203.0.113.1", "2001:db8:3::1"],
}
_TOPOLOGY = """
set -e
for name in {gateway} {outside}; do
  ip netns add $name
  ip -n $name link set lo up
  ip netns exec $name sh -c "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
done
for key in ipv4/ip_forward ipv6/conf/all/forwarding; do ip netns exec {gateway} sh -c "echo 1 >/proc/sys/net/$key"; done
for key in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do ip netns exec {gateway} sh -c "echo 0 >/proc/sys/net/$key"; done
for name in nodes servers clients; do
  ip -n {gateway} link add $name type veth peer name $name netns {outside}
  ip netns exec {gateway} sh -c "echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter"
done
# Nobody there answers but the tests.
ip netns exec {outside} nft -f - <<'RULES'
table inet silent {{ chain input {{ type filter hook input priority -300; meta l4proto {{ tcp, udp }} drop; }}; }}
RULES
"""
Made = t.TypeVar("Made")


def inside(namespace: str, make: Callable[[], Made]) -> Made:
    """Return what *make* makes in a network namespace, such as a socket, which stays there."""
    made: list[Made] = []

    def run() -> None:
        with Path("/run/netns", namespace).open("rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0):
                raise OSError(ctypes.get_errno(), namespace)
        made.append(make())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


class Packet(t.NamedTuple):
    """A packet that can be sent, as the filter sample_packets has it, and the network that it comes from."""

    hook: str
    family: str
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    network: str

    def back(self) -> Packet:
        """The packet that answers it."""
        return self._replace(
            source=self.destination,
            source_port=self.destination_port,
            destination=self.source,
            destination_port=self.source_port,
        )

    def content(self, sequence: int, acknowledged: int = 0) -> bytes:
        """The bytes of it."""
        source, destination = (ipaddress.ip_address(one).packed for one in (self.source, self.destination))
        ports = struct.pack("!HH", self.source_port, self.destination_port)
        if self.protocol == "tcp":
            flags = 0x12 if acknowledged else 0x02
            segment = ports + struct.pack("!IIBBHHH", sequence, acknowledged, 0x50, flags, 1000, 0, 0)
            place, number = 16, 6
        else:
            segment = ports + struct.pack("!HHI", 12, 0, sequence)
            place, number = 6, 17
        total = _sum(source + destination + struct.pack("!II", len(segment), number) + segment)
        segment = segment[:place] + struct.pack("!H", total or 0xFFFF) + segment[place + 2 :]
        if self.family == "ipv6":
            return struct.pack("!IHBB", 0x60000000, len(segment), number, 64) + source + destination + segment
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, number, 0) + source + destination
        return head[:10] + struct.pack("!H", _sum(head)) + head[12:] + segment


def _sum(content: bytes) -> int:
    total = sum(high << 8 | low for high, low in zip(content[::2], content[1::2]))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Gateway:
    """The gateway, and the outside of it: one namespace that has all the addresses of others."""

    def __init__(self, gateway: str, outside: str) -> None:
        self.name, self._outside = gateway, outside
        self._numbers = itertools.count(1000)
        self._cards: dict[str, tuple[bytes, bytes]] = {}
        for name, number in NETWORKS.items():
            for namespace, addresses in ((gateway, OWN[name]), (outside, ADDRESSES[name])):
                for address in addresses:
                    length, more = ("64", ["nodad"]) if ":" in address else ("24", [])
                    self._ip(namespace, "address", "add", f"{address}/{length}", "dev", name, *more)
                mac = f"02:00:00:00:0{number}:0{1 if namespace == gateway else 2}"
                self._ip(namespace, "link", "set", name, "address", mac, "up")
            self._cards[name] = (bytes((2, 0, 0, 0, number, 1)), bytes((2, 0, 0, 0, number, 2)))
        self._wire = inside(outside, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self._wire.setblocking(False)
        self._local = {
            (family, protocol): inside(gateway, functools.partial(socket.socket, kind, socket.SOCK_RAW, number))
            for family, kind in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6))
            for protocol, number in (("tcp", 6), ("udp", 17))
        }  # fmt: skip
        self._raw = {
            "ipv4": inside(
                gateway, functools.partial(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            ),
            "ipv6": inside(
                gateway, functools.partial(socket.socket, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            ),
        }
        self._raw["ipv6"].setsockopt(socket.IPPROTO_IPV6, 36, 1)
        for one in self._local.values():
            one.setblocking(False)
        try:
            self._meet()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for one in (self._wire, *self._local.values(), *self._raw.values()):
            one.close()

    def run(self, *command: str, data: str | None = None) -> str:
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *command], input=data, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stderr[:2000]}\n{data}"
        return done.stdout

    def load(self, ruleset: str) -> None:
        """Put *ruleset* in place of everything that is there. A table that somebody owns is nobody's here."""
        self.run("nft", "-f", "-", data=f"flush ruleset\n{ruleset.replace('flags owner,persist', '')}")

    def let_through(self, packets: list[Packet]) -> list[tuple[bool, bool]]:
        """Send packets, and answers to those that come out; return what came out of both."""
        found = []
        for place, packet in enumerate(packets):
            if place % 3000 == 0:
                self.run("conntrack", "-F")
            found.append(self._try(packet))
        return found

    def _try(self, packet: Packet) -> tuple[bool, bool]:
        number, answering = next(self._numbers), next(self._numbers)
        out = self._sent(packet, packet.content(number), packet.hook == "output")
        if packet.hook == "input" and packet.protocol == "tcp":
            # The kernel answers by itself, that it has no such port.
            return self._came_to_gateway(packet), self._refused(packet.back(), out)
        inside_it = packet.hook == "input" and self._came_to_gateway(packet)
        came = packet if inside_it else self._came_out(packet, out, number)
        if came is None:
            return False, False
        back = came.back()._replace(network=self._network_of(came.destination))
        seen = self._sent(back, back.content(answering, number + 1), packet.hook == "input")
        if packet.hook == "output":
            return True, self._came_to_gateway(packet.back())
        return True, self._came_out(back, seen, answering) is not None

    def _sent(self, packet: Packet, content: bytes, by_gateway: bool) -> list[bytes]:
        """Send a packet and return all that came out, when everything has that was to come."""
        if by_gateway:
            with contextlib.suppress(OSError):  # what its own rules refuse
                self._raw[packet.family].sendto(content, (packet.destination, 0))
        else:
            self._frame(packet.network, 0x0800 if packet.family == "ipv4" else 0x86DD, content)
        return self._until_answered("nodes")

    def _frame(self, network: str, kind: int, content: bytes) -> None:
        own, outer = self._cards[network]
        self._wire.sendto(own + outer + struct.pack("!H", kind) + content, (network, 0))

    def _until_answered(self, network: str) -> list[bytes]:
        """Ask the gateway for its hardware address. One processor does all this in turn, so the answer comes last."""
        asker = bytes((192, 0, 2, 11))  # one at a time, so its answer is the next one
        _own, outer = self._cards[network]
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + outer + asker + bytes(6) + bytes((192, 0, 2, 1))
        self._wire.sendto(b"\xff" * 6 + outer + b"\x08\x06" + request, (network, 0))
        frames: list[bytes] = []
        while True:
            assert select.select([self._wire], [], [], HANG)[0], "the gateway does not even answer ARP"
            with contextlib.suppress(BlockingIOError):
                content, sender = self._wire.recvfrom(2048)
                if sender[2] == 4:
                    continue
                if content[12:14] == b"\x08\x06" and content[20:22] == b"\0\2" and content[38:42] == asker:
                    return frames
                frames.append(content[14:])

    @staticmethod
    def _came_out(packet: Packet, frames: list[bytes], number: int) -> Packet | None:
        """Return the packet with this number as it came out, with the addresses that it had by then."""
        head, addresses, protocol = (20, 12, 9) if packet.family == "ipv4" else (40, 8, 6)
        wanted, at = (6, 4) if packet.protocol == "tcp" else (17, 8)
        for frame in frames:
            segment = frame[head:]
            if frame[protocol : protocol + 1] == bytes((wanted,)) and segment[at : at + 4] == struct.pack("!I", number):
                half = (head - addresses) // 2
                source, destination = (
                    str(ipaddress.ip_address(frame[place : place + half])) for place in (addresses, addresses + half)
                )
                ports = struct.unpack_from("!HH", segment)
                return packet._replace(
                    source=source, source_port=ports[0], destination=destination, destination_port=ports[1]
                )
        return None

    @staticmethod
    def _refused(packet: Packet, frames: list[bytes]) -> bool:
        """Tell whether a reset came out that has the ends of *packet*."""
        ends = b"".join(ipaddress.ip_address(one).packed for one in (packet.source, packet.destination))
        ends += struct.pack("!HH", packet.source_port, packet.destination_port)
        return any(ends in frame for frame in frames)

    def _came_to_gateway(self, packet: Packet) -> bool:
        ports = struct.pack("!HH", packet.source_port, packet.destination_port)
        came = False
        while True:
            try:
                content = self._local[packet.family, packet.protocol].recv(2048)
            except BlockingIOError:
                return came
            came = came or content[20 if packet.family == "ipv4" else 0 :][:4] == ports

    @staticmethod
    def _network_of(address: str) -> str:
        return next((name for name, addresses in ADDRESSES.items() if address in addresses), "")

    def _meet(self) -> None:
        """Have the gateway know its neighbours, before rules are there that keep it from that."""
        missing = {ipaddress.ip_address(one) for one in itertools.chain.from_iterable(ADDRESSES.values())}
        for _look in range(600):  # only a neighbour that never answers takes as many
            for address in missing:
                family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
                with inside(self.name, functools.partial(socket.socket, family, socket.SOCK_DGRAM)) as one:
                    one.sendto(b"who are you?", (str(address), 9))
            for line in self.run("ip", "neigh", "show").splitlines():
                address, _dev, name, *more = line.split()
                if "lladdr" in more and ipaddress.ip_address(address) in missing:
                    mac = more[more.index("lladdr") + 1]
                    self._ip(self.name, "neigh", "replace", address, "lladdr", mac, "dev", name, "nud", "permanent")
                    missing.remove(ipaddress.ip_address(address))
            if not missing:
                return
            time.sleep(0.05)
        pytest.fail(f"no answer from the neighbours {missing}")

    @staticmethod
    def _ip(namespace: str, *arguments: str) -> None:
        subprocess.run(["ip", "-n", namespace, *arguments], check=True)


@contextlib.contextmanager
def a_gateway() -> Iterator[Gateway]:
    unique = uuid.uuid4().hex[:8]
    names = {"gateway": f"pexip-sfb-gateway-{unique}", "outside": f"pexip-sfb-outside-{unique}"}
    processors = os.sched_getaffinity(0)
    try:
        made = subprocess.run(["sh", "-c", _TOPOLOGY.format(**names)], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.fail(f"no network namespaces ({made.stderr.strip()}); run as root, with iproute2 and nftables")
        os.sched_setaffinity(0, {min(processors)})
        with contextlib.closing(Gateway(**names)) as gateway:
            yield gateway
    finally:
        os.sched_setaffinity(0, processors)
        for name in names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
