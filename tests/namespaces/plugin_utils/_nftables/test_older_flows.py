# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first apply on a gateway that carries calls: what a row permits goes on, whoever speaks first. Nothing is opened.

A node, a gateway and a peer, each a network namespace. Nothing tracks connections in the gateway before the table.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import socket
import struct
import subprocess
import typing as t
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from commands import HANGS, run, until
from module_host import ModuleHost

NODE, PEER = "192.0.2.11", "198.51.100.21"
ROUTER = "198.51.100.1"  # of the peer
SIP, TURN, STRANGE = 5061, 3478, 7000
# The node may open these, and nobody may open anything to it.
WAY = {"hook": "forward", "source": [NODE], "destination": [PEER]}
ROWS = [
    {"name": name, "protocol": protocol, "destination_ports": port, **WAY}
    for name, protocol, port in (("sip", "tcp", SIP), ("turn", "udp", TURN))
]
RULESET = render_ruleset(Policy(("forward",), (), extra_rules=parse_extra_rules(ROWS, "W")))
# What arrives at an end, before its own stack sees it.
SEEN = """
table inet seen {
    counter openings { }
    counter datagrams { }
    counter everything { }
    chain arrived {
        type filter hook prerouting priority -300; policy accept;
        tcp flags & (syn | ack) == syn counter name openings
        meta l4proto udp counter name datagrams
        meta l4proto { tcp, udp } counter name everything
    }
}
"""
FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NETWORK = 0x40000000


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Have sockets made in a network namespace, where they stay."""
    with (
        open("/proc/self/ns/net", encoding="ascii") as ours,
        open(f"/run/netns/{namespace}", encoding="ascii") as theirs,
    ):
        assert _LIBC.setns(theirs.fileno(), _NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert _LIBC.setns(ours.fileno(), _NEW_NETWORK) == 0


class Way:
    """The node, the gateway and the peer."""

    def __init__(self) -> None:
        name = f"pexip-sfb-test-{uuid.uuid4().hex[:6]}"
        self.node, self.gateway, self.peer = f"{name}-n", f"{name}-g", f"{name}-p"
        self.firewall = ModuleHost(self.gateway, "nftables_table")
        self._sockets = ExitStack()

    def make(self) -> None:
        for namespace in (self.node, self.gateway, self.peer):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        for end, address, router in ((self.node, NODE, "192.0.2.1"), (self.peer, PEER, ROUTER)):
            there = "node" if end == self.node else "peer"
            run("ip", "link", "add", "wire", "netns", end, "type", "veth", "peer", "name", there, "netns", self.gateway)
            for namespace, link, own in ((end, "wire", address), (self.gateway, there, router)):
                run("ip", "-n", namespace, "address", "add", f"{own}/24", "dev", link)
                run("ip", "-n", namespace, "link", "set", link, "up")
            run("ip", "-n", end, "route", "add", "default", "via", router)
            run("ip", "netns", "exec", end, "nft", "-f", "-", text=SEEN)
        run("ip", "netns", "exec", self.gateway, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")

    def remove(self) -> None:
        self._sockets.close()
        for namespace in (self.node, self.gateway, self.peer):
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)

    def apply(self, ruleset: str = RULESET, **arguments: t.Any) -> dict[str, t.Any]:
        """Apply the table as the role does."""
        result = self.firewall.module(ruleset=ruleset, **{"older_flows": 300, **arguments})
        assert not result["failed"], result
        return result

    def forget_older(self, *protocols: str) -> None:
        """Have the time be over for these protocols."""
        elements = f"{{ {', '.join(protocols)} }}"
        self.firewall.nft("delete", "element", "inet", "pexip_sfb", "older_flows", elements)

    def older(self) -> str:
        """Return the set of the protocols whose time is not over."""
        return self.firewall.nft("list", "set", "inet", "pexip_sfb", "older_flows")

    def refused(self) -> int:
        """Return how many packets the table has dropped."""
        listed = self.firewall.nft("list", "table", "inet", "pexip_sfb")
        return sum(int(number) for number in re.findall(r"counter packets (\d+) bytes \d+ drop", listed))

    def arrived(self, end: str, what: str) -> int:
        """Return how many packets of a kind came to *end*."""
        listed = run("ip", "netns", "exec", end, "nft", "list", "counter", "inet", "seen", what)
        return int(re.findall(r"packets (\d+)", listed)[0])

    def is_refused(self, deed: Callable[[], object]) -> None:
        """Do something, and wait until the table has dropped a packet more."""
        before = self.refused()
        deed()
        until(lambda: self.refused() > before)

    def connection(self, port: int, opener: str = "") -> tuple[socket.socket, socket.socket]:
        """Return the two ends of a new connection: of the node, and of the peer."""
        by_node = opener != self.peer
        with inside(self.peer if by_node else self.node):
            listener = socket.create_server((PEER if by_node else NODE, port))
        with inside(self.node if by_node else self.peer):
            one = self.kept(socket.create_connection((PEER if by_node else NODE, port), timeout=HANGS))
        other = self.kept(listener.accept()[0])
        listener.close()
        other.settimeout(HANGS)
        return (one, other) if by_node else (other, one)

    def listener(self, port: int) -> socket.socket:
        """Return a server of the node, which does not wait for clients."""
        with inside(self.node):
            server = self.kept(socket.create_server((NODE, port)))
        server.setblocking(False)
        return server

    def flow(self, port: int) -> tuple[socket.socket, socket.socket]:
        """Return two sockets for UDP that talk already."""
        ends = []
        for namespace, address, own in ((self.node, NODE, 0), (self.peer, PEER, port)):
            with inside(namespace):
                end = self.kept(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            end.bind((address, own))
            end.settimeout(HANGS)
            ends.append(end)
        ends[0].connect((PEER, port))
        ends[1].connect(ends[0].getsockname())
        hears(ends[1], ends[0])
        hears(ends[0], ends[1])
        return ends[0], ends[1]

    def kept(self, one: socket.socket) -> socket.socket:
        """Have a socket closed after the test."""
        return self._sockets.enter_context(one)

    def sends(self, namespace: str, packet: bytes) -> None:
        """Send a packet that no stack has a part in."""
        with inside(namespace), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


def hears(receiver: socket.socket, sender: socket.socket) -> None:
    """Send a message, and wait for it."""
    sender.send(b"message")
    assert receiver.recv(100) == b"message"


def segment(source: str, destination: str, ports: tuple[int, int], flags: int, numbers: tuple[int, int]) -> bytes:
    """Return an IPv4 packet with a segment of TCP."""
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    header = struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 1000, 0, 0)
    words = struct.unpack("!16H", ends + struct.pack("!HH", 6, len(header)) + header)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:16] + struct.pack("!H", ~total & 0xFFFF) + header[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(header), 0, 0, 64, 6, 0) + ends + header


def datagram(source: str, destination: str, ports: tuple[int, int]) -> bytes:
    """Return an IPv4 packet with a datagram of UDP."""
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + ends + struct.pack("!HHHH", *ports, 8, 0)


@pytest.fixture
def way() -> Iterator[Way]:
    made = Way()
    try:
        made.make()
        yield made
    finally:
        made.remove()


def test_a_silent_connection_goes_on_whoever_speaks_first(way: Way) -> None:
    node, peer = way.connection(SIP)
    assert way.apply()["first"] is True
    hears(node, peer)
    hears(peer, node)
    way.forget_older("tcp", "udp")
    hears(node, peer)
    hears(peer, node)
    assert way.refused() == 0


def test_it_stalls_once_the_time_is_over(way: Way) -> None:
    _node, peer = way.connection(SIP)
    way.apply()
    way.forget_older("tcp")
    way.is_refused(lambda: peer.send(b"message"))


def test_a_connection_that_is_closed_from_either_side_ends(way: Way) -> None:
    closed_there, closed_here = way.connection(SIP), way.connection(SIP)
    reset = way.connection(SIP)
    way.apply()
    closed_there[1].close()
    assert closed_there[0].recv(1) == b""
    closed_here[0].close()
    assert closed_here[1].recv(1) == b""
    reset[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset[1].close()
    with pytest.raises(ConnectionResetError):
        reset[0].recv(1)
    assert way.refused() == 0


@pytest.mark.parametrize("protected", [True, False])
def test_a_connection_whose_opener_tracking_has_wrong_opens_nothing(way: Way, protected: bool) -> None:
    """Unprotected, with the rule for what is established as it is usual: then this is a way in."""
    usual = 'ct state { established, related } counter accept comment "established"'
    ruleset = (
        RULESET if protected else RULESET.replace("ct state related counter", f"{usual}\n\t\tct state related counter")
    )
    node, peer = way.connection(SIP)
    way.apply(ruleset)
    hears(node, peer)
    hears(peer, node)
    syn = segment(PEER, NODE, (SIP, node.getsockname()[1]), SYN, (7, 0))
    if protected:
        way.is_refused(lambda: way.sends(way.peer, syn))
    else:
        before = way.arrived(way.node, "openings")
        way.sends(way.peer, syn)
        until(lambda: way.arrived(way.node, "openings") > before)
    hears(node, peer)


def test_who_may_open_a_connection_may_open_it_anew(way: Way) -> None:
    node, peer = way.connection(SIP)
    way.apply()
    hears(node, peer)
    before = way.arrived(way.peer, "openings")
    way.sends(way.node, segment(NODE, PEER, (node.getsockname()[1], SIP), SYN, (7, 0)))
    until(lambda: way.arrived(way.peer, "openings") > before)
    assert way.refused() == 0


def test_media_goes_on_whoever_speaks_first(way: Way) -> None:
    node, relay = way.flow(TURN)
    way.apply()
    hears(node, relay)
    hears(relay, node)
    way.forget_older("udp")
    hears(node, relay)
    assert way.refused() == 0


def test_media_of_which_nothing_was_learnt_is_refused_once_the_time_is_over(way: Way) -> None:
    node, relay = way.flow(TURN)
    way.apply()
    hears(node, relay)
    way.forget_older("udp")
    way.is_refused(lambda: relay.send(b"message"))
    hears(relay, node)
    hears(node, relay)


@pytest.mark.parametrize("seconds", [0, 1])
def test_the_kernel_ends_the_time_and_nothing_has_changed_then(way: Way, seconds: int) -> None:
    _node, relay = way.flow(TURN)
    way.apply(older_flows=seconds)
    until(lambda: "udp" not in way.older())
    assert "tcp timeout 1d" in way.older()
    way.is_refused(lambda: relay.send(b"message"))
    assert way.firewall.module(check_mode=True, ruleset=RULESET)["changed"] is False
    again = way.apply()
    assert (again["changed"], again["first"]) == (False, False)
    assert "udp" not in way.older()


def test_what_somebody_put_among_the_older_flows_for_good_is_put_right(way: Way) -> None:
    way.apply(older_flows=0)
    way.firewall.nft("add", "element", "inet", "pexip_sfb", "older_flows", "{ udp }")
    assert way.firewall.module(check_mode=True, ruleset=RULESET)["changed"] is True
    assert way.apply()["changed"] is True
    assert "udp" not in way.older()
    assert way.apply()["changed"] is False


def test_after_a_boot_connections_go_on_and_answers_of_media_wait(way: Way) -> None:
    """The unit loads the file, and nothing else."""
    node, peer = way.connection(SIP)
    media, relay = way.flow(TURN)
    way.firewall.nft("-f", "-", text=RULESET)
    hears(node, peer)
    way.is_refused(lambda: relay.send(b"message"))
    hears(relay, media)
    hears(media, relay)


def test_an_endpoint_host_answers_in_older_connections_where_its_own_traffic_is_judged(way: Way) -> None:
    rules = [{"name": "sip", "protocol": "tcp", "source": [PEER], "destination_ports": SIP}]
    with inside(way.gateway):
        listener = way.kept(socket.create_server((ROUTER, SIP)))
    with inside(way.peer):
        client = way.kept(socket.create_connection((ROUTER, SIP), timeout=HANGS))
    server = way.kept(listener.accept()[0])
    server.settimeout(HANGS)
    way.apply(render_ruleset(Policy(("input", "output"), (), extra_rules=parse_extra_rules(rules, "W"))))
    hears(client, server)
    hears(server, client)
    assert way.refused() == 0


def test_what_is_exempt_from_tracking_is_no_older_flow(way: Way) -> None:
    way.firewall.nft(
        "-f", "-", text="table inet theirs { chain raw { type filter hook prerouting priority raw; notrack; }; }\n"
    )
    _node, relay = way.flow(TURN)
    way.apply()
    way.is_refused(lambda: relay.send(b"message"))


def test_a_later_apply_begins_no_time(way: Way) -> None:
    way.apply(older_flows=0)
    way.forget_older("tcp")
    more = render_ruleset(Policy(("forward",), (), extra_rules=parse_extra_rules(ROWS[:1], "W")))
    assert way.apply(more)["changed"] is True
    assert "elements" not in way.older()


def test_flows_of_strangers_end(way: Way) -> None:
    """Whoever opened them, and with whatever they go on."""
    opened_there, opened_here = way.connection(STRANGE, opener=way.peer), way.connection(STRANGE)
    node, stranger = way.flow(STRANGE)
    way.apply()
    before = way.arrived(way.node, "everything"), way.arrived(way.peer, "everything")
    for end in (*opened_there, *opened_here, node, stranger):
        way.is_refused(lambda end=end: end.send(b"message"))  # type: ignore[misc]
    assert (way.arrived(way.node, "everything"), way.arrived(way.peer, "everything")) == before


def test_nothing_is_opened_by_hostile_packets(way: Way) -> None:
    """As answers and as anything else, in an order that nobody chose: no SYN arrives, and of UDP only what answers."""
    rng = random.Random(10)
    connections = [way.connection(SIP) for _number in range(4)]
    listeners = [way.listener(port) for port in (22, 443)]
    way.apply()
    for node, peer in connections[:2]:
        hears(node, peer)
        hears(peer, node)
    ports = [22, 443, 40000, *(node.getsockname()[1] for node, _peer in connections)]
    all_flags = [SYN, SYN, SYN | PSH, SYN | FIN, SYN | RST, SYN | URG, SYN | ACK, ACK, ACK | PSH, RST, RST | ACK, FIN]
    all_flags += [FIN | ACK, FIN | PSH | URG, 0]
    syns, datagrams = way.arrived(way.node, "openings"), way.arrived(way.node, "datagrams")
    answers = 0
    for _number in range(3000):
        source_port, port = rng.choice([SIP, SIP, SIP, TURN, 22, 40000]), rng.choice(ports)
        if rng.random() < 0.2:
            answers += source_port == TURN
            way.sends(way.peer, datagram(PEER, NODE, (source_port, port)))
        else:
            numbers = (rng.choice([0, 1, rng.getrandbits(32)]), rng.choice([0, 1, rng.getrandbits(32)]))
            way.sends(way.peer, segment(PEER, NODE, (source_port, port), rng.choice(all_flags), numbers))
    until(lambda: way.arrived(way.node, "datagrams") - datagrams >= answers)
    assert way.arrived(way.node, "openings") == syns
    assert way.arrived(way.node, "datagrams") - datagrams == answers
    for listener in listeners:
        with pytest.raises(BlockingIOError):
            listener.accept()
    # Once the time is over, nothing of UDP is answered that the node does not send itself.
    way.forget_older("tcp", "udp")
    way.is_refused(lambda: way.sends(way.peer, datagram(PEER, NODE, (TURN, 22))))
    way.is_refused(lambda: way.sends(way.peer, segment(PEER, NODE, (SIP, 23), ACK, (1, 1))))
