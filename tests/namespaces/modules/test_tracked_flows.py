# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real connections through a gateway and to it, all of them network namespaces that cables join."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import subprocess
import threading
import typing as t
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from module_host import ModuleHost

SIP, HTTPS, SSH, TRANSLATED = 5061, 443, 22, 8080
HANG = 60  # seconds that only what hangs takes
CLIENT = {4: "192.0.2.2", 6: "2001:db8:1::2"}
SERVER = {4: "198.51.100.2", 6: "2001:db8:2::2"}
GATEWAY = {4: "192.0.2.1", 6: "2001:db8:1::1"}
TABLE = """table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {{
    set server {{ type ipv4_addr; flags interval; elements = {{ 198.51.100.0/24 }}; }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state {{ established, related }} accept
        tcp dport {{ {ports} }} ip daddr @server accept
        tcp dport {{ {ports} }} ip6 daddr 2001:db8:2::/64 accept
        udp dport {{ {ports} }} ip daddr @server accept
        counter drop comment "refused"
    }}
    {more}
}}
"""
INPUT = """chain input {
        type filter hook input priority filter; policy accept;
        ct state { established, related } accept
        tcp dport 22 counter drop comment "refused at the door"
    }
"""
OUTPUT = """chain output {
        type filter hook output priority filter; policy drop;
        ct state { established, related } accept
    }
"""
NAT = """
table ip nat {
    chain prerouting {
        type nat hook prerouting priority dstnat;
        ip daddr 192.0.2.1 tcp dport 8080 dnat to 198.51.100.2:5061
    }
}
"""

Made = t.TypeVar("Made")


def inside(namespace: str, make: Callable[[], Made]) -> Made:
    """Return what *make* makes in a network namespace, such as a socket, which stays there."""
    made: list[Made] = []

    def run() -> None:
        with Path("/run/netns", namespace).open("rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)
        made.append(make())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


class Flow:
    """A connection from the client, from both its ends."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        for end in (near, far):
            end.settimeout(HANG)

    def passes(self) -> bool:
        """Tell whether data gets through either way; what is lost would hang."""
        for sender, receiver in ((self.near, self.far), (self.far, self.near)):
            sender.send(b"data")
            if receiver.recv(100) != b"data":
                return False
        return True

    def has_nothing(self) -> bool:
        """Tell whether nothing has come to either end."""
        return not select.select([self.near, self.far], [], [], 0)[0]


class Network:
    """A client, a gateway and a server."""

    def __init__(self, name: str, stack: contextlib.ExitStack) -> None:
        self.client, self.gateway, self.server = (
            f"pexip-sfb-{name}-{role}" for role in ("client", "gateway", "server")
        )
        self._stack = stack
        for namespace in (self.client, self.gateway, self.server):
            made = subprocess.run(["ip", "netns", "add", namespace], capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.fail(f"no network namespace ({made.stderr.strip()}); run as root, with iproute2 and nftables")
            stack.callback(subprocess.run, ["ip", "netns", "delete", namespace], check=True)
            self._ip(namespace, "link", "set", "lo", "up")
        for number, end in ((1, self.client), (2, self.server)):
            cable = f"cable{number}"
            self._ip(end, "link", "add", "cable", "type", "veth", "peer", "name", cable, "netns", self.gateway)
            for namespace, link, host in ((self.gateway, cable, 1), (end, "cable", 2)):
                self._ip(namespace, "link", "set", link, "up")
                network = {1: "192.0.2", 2: "198.51.100"}[number]
                self._ip(namespace, "address", "add", f"{network}.{host}/24", "dev", link)
                self._ip(namespace, "address", "add", f"2001:db8:{number}::{host}/64", "dev", link, "nodad")
            self._ip(end, "route", "add", "default", "via", f"{network}.1")
            self._ip(end, "-6", "route", "add", "default", "via", f"2001:db8:{number}::1")
        self.host = ModuleHost(self.gateway, "tracked_flows")
        self.host.run("sh", "-c", "echo 1 | tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding")

    def _ip(self, namespace: str, *arguments: str) -> None:
        subprocess.run(["ip", "-n", namespace, *arguments], check=True)

    def permit(self, *ports: int, more: str = "") -> None:
        self.host.nft("-f", "-", text=TABLE.format(ports=", ".join(map(str, ports)), more=more))

    def open(self, port: int, version: int = 4, *, at: str = "", to: str = "", listening: int = 0) -> Flow:
        """Open a connection to *port* of the server, or of *to*, whom it really reaches: the namespace *at*."""
        family = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
        address = ("", listening or port)
        server = inside(at or self.server, lambda: socket.create_server(address, family=family))
        listener = self._stack.enter_context(server)
        peer = (to or SERVER[version], port)
        near = self._stack.enter_context(inside(self.client, lambda: socket.create_connection(peer, timeout=HANG)))
        far = self._stack.enter_context(listener.accept()[0])
        flow = Flow(near, far)
        assert flow.passes()
        return flow

    def refused(self) -> int:
        """How many packets the gateway has refused."""
        listing = self.host.nft("list", "table", "inet", "pexip_sfb")
        return int(listing.split(" bytes")[0].split()[-1])

    def assert_over(self, flow: Flow) -> None:
        """Send from both ends, and wait until the gateway has refused that."""
        for end in (flow.near, flow.far):
            before = self.refused()
            end.send(b"data")
            for _attempt in range(HANG * 10):
                if self.refused() > before:
                    break
                select.select([], [], [], 0.1)
            else:
                pytest.fail("nothing was refused")
        assert flow.has_nothing()


@pytest.fixture
def network() -> Iterator[Network]:
    with contextlib.ExitStack() as stack:
        yield Network(uuid.uuid4().hex[:6], stack)


def test_what_nothing_permits_any_more_ends_and_what_is_permitted_goes_on(network: Network) -> None:
    network.permit(SIP, HTTPS)
    revoked = [network.open(SIP, version) for version in (4, 6)]
    kept = [network.open(HTTPS, version) for version in (4, 6)]
    network.permit(HTTPS)
    assert all(flow.passes() for flow in revoked)  # although nothing permits them
    looked = network.host.module(check_mode=True)
    assert (looked["changed"], looked["ended"]) == (True, 2)
    assert all(flow.passes() for flow in revoked)
    ended = network.host.module()
    assert (ended["failed"], ended["changed"], ended["ended"], ended["one_way"]) == (False, True, 2, 0)
    assert sorted(example.rpartition(" to ")[2] for example in ended["examples"]) == [
        f"198.51.100.2:{SIP}",
        f"[2001:db8:2::2]:{SIP}",
    ]
    for flow in revoked:
        network.assert_over(flow)
    assert all(flow.passes() for flow in kept)
    assert network.host.module()["changed"] is False


def test_a_flow_of_udp_ends_too(network: Network) -> None:
    network.permit(SIP)
    far = inside(network.server, lambda: socket.socket(type=socket.SOCK_DGRAM))
    near = inside(network.client, lambda: socket.socket(type=socket.SOCK_DGRAM))
    with far, near:
        far.bind((SERVER[4], SIP))
        near.connect((SERVER[4], SIP))
        near.send(b"first")
        far.connect(far.recvfrom(100)[1])
        flow = Flow(near, far)
        assert flow.passes()
        network.permit(HTTPS)
        assert flow.passes()
        assert network.host.module()["ended"] == 1
        network.assert_over(flow)


def test_a_translated_destination_is_judged_by_where_it_leads(network: Network) -> None:
    network.host.nft("-f", "-", text=NAT)
    network.permit(SIP)
    flow = network.open(TRANSLATED, to=GATEWAY[4], listening=SIP)
    assert network.host.module()["ended"] == 0
    assert flow.passes()
    network.permit(HTTPS)
    assert network.host.module()["ended"] == 1
    network.assert_over(flow)


def test_a_rule_for_translated_flows_permits_no_other(network: Network) -> None:
    """firewalld has it in its chains for all that is forwarded."""
    network.host.nft("-f", "-", text=NAT)
    network.permit(SIP)
    translated = network.open(TRANSLATED, to=GATEWAY[4], listening=SIP)
    flow = network.open(SIP, 6)
    network.permit(HTTPS)
    network.host.nft("insert", "rule", "inet", "pexip_sfb", "forward", "ct", "status", "dnat", "accept")
    assert network.host.module()["ended"] == 1
    network.assert_over(flow)
    assert translated.passes()


def test_what_the_host_itself_may_begin_anew_goes_on(network: Network) -> None:
    network.permit(SIP)
    flow = network.open(SSH, at=network.gateway, to=GATEWAY[4])
    network.permit(SIP, more=INPUT)
    result = network.host.module()
    assert (result["changed"], result["ended"], result["one_way"]) == (False, 0, 1)
    assert flow.passes()
    network.permit(SIP, more=INPUT + OUTPUT)
    assert network.host.module()["ended"] == 1


@pytest.mark.parametrize("uncertain", ["meta mark 1 accept", "limit rate 10/second accept", "ct mark 0 accept"])
def test_what_may_be_permitted_goes_on(network: Network, uncertain: str) -> None:
    network.permit(SIP)
    flow = network.open(SIP)
    network.permit(HTTPS)
    network.host.nft("insert", "rule", "inet", "pexip_sfb", "forward", *uncertain.split())
    assert network.host.module()["changed"] is False
    assert flow.passes()


def test_the_table_of_somebody_else_ends_nothing(network: Network) -> None:
    network.permit(SIP)
    flow = network.open(SIP)
    theirs = "table inet theirs { chain forward { type filter hook forward priority 5; ct state new drop; }; }"
    network.host.nft("-f", "-", text=theirs)
    assert network.host.module()["changed"] is False
    assert flow.passes()
    assert network.host.module(table="inet of_nobody")["changed"] is False
    assert network.host.module(table="inet theirs")["ended"] == 1
