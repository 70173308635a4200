# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose traffic is judged keeps its addresses, neighbours, groups and path MTU. With packets, over a wire.

The host is one network namespace, its link with everything that serves it is another. Each exchange is what the
protocol does: a request to a broadcast or multicast address, and an answer from another one.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest
from commands import run
from wire import HOST, HOST_V6, LINK, LINK_V6, Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    try:
        made.make()
        yield made
    finally:
        made.remove()


def test_a_lease_of_dhcpv6_is_renewed_and_nothing_else_comes_in(wire: Wire) -> None:
    wire.judge()
    # First what is refused: were it let through, it would arrive before the answer.
    link = f"""
server, stranger = udp(IPV6, "::", 547), udp(IPV6, "{LINK_V6}", 4000)
group = socket.inet_pton(IPV6, "ff02::1:2") + struct.pack("@I", socket.if_nametoindex("wire"))
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
ready()
text, asked_from = server.recvfrom(100)
sent(stranger, "to another port", asked_from[0], 545)
sent(server, "the address is yours, " + text.decode(), asked_from[0], asked_from[1])
server.recvfrom(100)
"""
    host = f"""
other, client = udp(IPV6, "{HOST_V6}", 545), udp(IPV6, "{HOST_V6}", 546)
sent(client, "host", "ff02::1:2", 547)
print(client.recvfrom(100)[0].decode())
other.setblocking(False)
try:
    print(other.recv(100))
except BlockingIOError:
    print("nothing else")
"""
    assert wire.exchange(link, host).splitlines() == ["the address is yours, host", "nothing else"]
    assert (wire.seen("output", '"dhcp"'), wire.seen("input", '"dhcp"')) == (1, 1)


def test_a_lease_of_dhcp_is_bound_anew_and_nothing_else_comes_in(wire: Wire) -> None:
    wire.judge()
    link = f"""
server, stranger = udp(IPV4, "0.0.0.0", 67), udp(IPV4, "{LINK}", 4000)
ready()
text, asked_from = server.recvfrom(100)
sent(stranger, "from another port", asked_from[0], asked_from[1])
sent(server, "the address is yours, " + text.decode(), asked_from[0], asked_from[1])
server.recvfrom(100)
"""
    host = """
client = udp(IPV4, "0.0.0.0", 68)
sent(client, "host", "255.255.255.255", 67)
print(client.recvfrom(100)[0].decode())
"""
    assert wire.exchange(link, host).splitlines() == ["the address is yours, host"]
    assert (wire.seen("output", '"dhcp"'), wire.seen("input", '"dhcp"')) == (1, 1)


class Groups(t.NamedTuple):
    """How routers ask for groups, and how a host joins one: programs, and the words of the rules that let them."""

    family: str
    address: str
    router: str
    group: str
    query: str
    join: str
    asked: str
    reported: str


# General queries: RFC 2236, section 2; RFC 2710, section 3.
IGMP = Groups(
    "IPV4", HOST, LINK, "224.0.1.9",
    'socket.IPPROTO_IGMP, struct.pack("!BBH4s", 0x11, 1, 0xEEFE, bytes(4)), ("224.0.0.1", 0)',
    'socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + socket.inet_aton("192.0.2.10")',
    '"igmp"', '"igmp"',
)  # fmt: skip
MLD = Groups(
    "IPV6", HOST_V6, LINK_V6, "ff05::9",
    'socket.IPPROTO_ICMPV6, struct.pack("!BBHHH16s", 130, 0, 0, 1, 0, bytes(16)), ("ff02::1", 0, 0, wire)',
    'socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", wire)',
    "mld-listener-query", "mld2-listener-report",
)  # fmt: skip


@pytest.mark.parametrize("way", [IGMP, MLD], ids=["IGMP", "MLD"])
def test_routers_ask_for_groups_and_hear_of_them(wire: Wire, way: Groups) -> None:
    wire.judge({"name": "heard", "protocol": "udp", "destination_ports": 9})
    group = f"""
wire = socket.if_nametoindex("wire")
group = socket.inet_pton({way.family}, "{way.group}")
"""
    link = f"""{group}
hearer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
hearer.bind(("wire", 3))
ready()
while group not in hearer.recv(2000): pass
protocol, query, everybody = {way.query}
router = socket.socket({way.family}, socket.SOCK_RAW, protocol)
router.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
router.sendto(query, everybody)
sent(udp({way.family}, "{way.router}", 4000), "heard of it, and asked", "{way.address}", 9)
while True: hearer.recv(2000)
"""
    host = f"""{group}
member = udp({way.family}, "{way.address}", 9)
member.setsockopt({way.join})
print(member.recv(100).decode())
"""
    assert wire.exchange(link, host) == "heard of it, and asked\n"
    assert wire.seen("output", way.reported) > 0
    assert wire.seen("input", way.asked) > 0


@pytest.mark.parametrize("permitted", [True, False])
def test_the_keepalives_of_a_pair_are_an_extra_rule(wire: Wire, permitted: bool) -> None:
    pair = [{"name": "pair", "protocol": "vrrp", "source": [LINK]}] if permitted else []
    wire.judge({"name": "end", "protocol": "udp", "destination_ports": 9}, *pair)
    link = f"""
peer = socket.socket(IPV4, socket.SOCK_RAW, 112)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
server = udp(IPV4, "{LINK}", 4000)
group = socket.inet_aton("224.0.0.18")
server.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{LINK}"))
hearer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
hearer.bind(("wire", 3))
ready()
while group not in hearer.recv(2000): pass
peer.sendto(b"alive", ("224.0.0.18", 0))
sent(server, "end", "{HOST}", 9)
while True: hearer.recv(2000)
"""
    host = f"""
member = socket.socket(IPV4, socket.SOCK_RAW, 112)
end = udp(IPV4, "{HOST}", 9)
group = socket.inet_aton("224.0.0.18") + socket.inet_aton("{HOST}")
member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
end.recv(100)
member.setblocking(False)
try:
    print(member.recv(100)[20:].decode())
except BlockingIOError:
    print("nothing")
"""
    assert wire.exchange(link, host) == ("alive\n" if permitted else "nothing\n")


def test_routers_are_asked_and_heard(wire: Wire) -> None:
    wire.judge()
    raw = """
def icmpv6():
    one = socket.socket(IPV6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("wire"))
    return one
def hear(one, kind):
    while True:
        packet, sender = one.recvfrom(2000)
        if packet[0] == kind:
            return sender[0].partition("%")[0]
"""
    link = f"""{raw}
router = icmpv6()
group = socket.inet_pton(IPV6, "ff02::2") + struct.pack("@I", socket.if_nametoindex("wire"))
router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
ready()
hear(router, 133)
sent(router, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0).decode("latin-1"), "ff02::1", 0)
hear(router, 0)
"""
    host = f"""{raw}
host = icmpv6()
sent(host, struct.pack("!BBHI", 133, 0, 0, 0).decode("latin-1"), "ff02::2", 0)
print(hear(host, 134))
"""
    assert wire.exchange(link, host) == f"{LINK_V6}\n"


# Sends more than a router in between can pass on, and prints the error and the path MTU that came of it.
LEARN = """
def learn(family, level, address, discover, mtu):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(level, discover, 2) # IP_PMTUDISC_DO
    one.connect((address, 9))
    one.send(bytes(1400))
    try:
        one.recv(1)
    except OSError as e:
        print(errno.errorcode[e.errno], one.getsockopt(level, mtu))
"""


def test_the_path_mtu_is_learnt_and_neighbours_are_found_again(wire: Wire) -> None:
    far, far_v6, router_v6 = "198.51.100.9", "2001:db8:9::9", "2001:db8:1::1"
    for namespace, address in ((wire.host, "2001:db8:1::10"), (wire.link, router_v6)):
        run("ip", "-n", namespace, "address", "add", f"{address}/64", "dev", "wire", "nodad")
    run("ip", "-n", wire.link, "link", "add", "narrow", "mtu", "1300", "type", "veth", "peer", "name", "beyond")
    for name in ("narrow", "beyond"):
        run("ip", "-n", wire.link, "link", "set", name, "up")
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):  # by hand, as not every machine has sysctl
        run("ip", "netns", "exec", wire.link, "sh", "-c", f"echo 1 >/proc/sys/net/{name}")
    for destination, router in ((f"{far}/32", LINK), (f"{far_v6}/128", router_v6)):
        run("ip", "-n", wire.link, "route", "add", destination, "dev", "narrow")
        run("ip", "-n", wire.host, "route", "add", destination, "via", router)
    wire.judge({"name": "far", "protocol": "udp", "hook": "output", "destination_ports": 9})
    run("ip", "-n", wire.host, "neighbour", "flush", "dev", "wire")
    host = f"""
import errno
{LEARN}
learn(IPV4, socket.IPPROTO_IP, "{far}", 10, 14) # IP_MTU_DISCOVER, IP_MTU
learn(IPV6, socket.IPPROTO_IPV6, "{far_v6}", 23, 24) # IPV6_MTU_DISCOVER, IPV6_MTU
"""
    assert wire.exchange("ready()\nsys.stdin.read()\n", host).splitlines() == ["EMSGSIZE 1300", "EMSGSIZE 1300"]
    assert wire.seen("input", "nd-neighbor-advert") > 0
