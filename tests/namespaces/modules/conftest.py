# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts for probes: network namespaces that a cable joins, with real servers and a real firewall in one of them."""

from __future__ import annotations

import subprocess
import sys
import typing as t
import uuid
from collections.abc import Iterator

import pytest
from module_host import ModuleHost

# Servers of the far host: TCP that accepts, TLS, STUN on UDP, and UDP that answers nonsense.
SERVERS = r"""
import selectors, socket, ssl, struct, sys, threading
def bind(kind, port):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(50)
    return sock
def accept(sock, answer=b""):
    while True:
        connection, peer = sock.accept()
        try:
            connection.sendall(answer)
        except OSError:
            pass # a prober that has given up; the next one wants an answer
        connection.close()
def tls(sock):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    while True:
        connection, peer = sock.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            pass
def stun(sock):
    while True:
        data, peer = sock.recvfrom(2000)
        sock.sendto(struct.pack("!HH", 0x0101, 0) + data[4:20], peer)
def nonsense(sock):
    while True:
        data, peer = sock.recvfrom(2000)
        sock.sendto(b"nonsense", peer)
tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
for serve, kind, ports in (
    (accept, tcp, (5061, 6001, 6002, 6003)), (tls, tcp, (443,)), (stun, udp, (3478, 6001)), (nonsense, udp, (3479,))
):
    for port in ports:
        threading.Thread(target=serve, args=(bind(kind, port),)).start()
threading.Thread(target=accept, args=(bind(tcp, 8080), b"x" * 32)).start()
print("ready", flush=True)
"""

# 6001 is dropped, 6002 rejected with ICMP, 6003 with a reset; media from other source ports than these is dropped.
FIREWALL = """
table inet filter {
    chain input {
        type filter hook input priority 0; policy accept;
        meta l4proto { tcp, udp } th dport 6001 drop
        tcp dport 6002 reject with icmpx type admin-prohibited
        udp dport 6002 reject with icmpx type admin-prohibited
        tcp dport 6003 reject with tcp reset
        udp dport 50000-59999 udp sport != 40000-40009 drop
    }
}
"""


class Prober(ModuleHost):
    """A host that probes."""

    def answers(self, *probes: dict[str, t.Any], timeout: float = 60, **arguments: t.Any) -> list[dict[str, t.Any]]:
        """Probe, and return the answers: a busy machine takes its time for them.

        :param timeout: less, where no answer is to come.
        """
        result = self.module(probes=list(probes), timeout=timeout, **arguments)
        assert not result["failed"], result
        return t.cast("list[dict[str, t.Any]]", result["answers"])


class Pair(t.NamedTuple):
    """``near`` probes, ``far`` is probed and has responders."""

    near: Prober
    far: ModuleHost


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("far")
    name = uuid.uuid4().hex[:6]
    near, far = f"pexip-sfb-{name}-near", f"pexip-sfb-{name}-far"
    certificate = directory / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    request += [
        "-subj",
        "/CN=far.example.net",
        "-days",
        "30",
        "-keyout",
        str(certificate),
        "-out",
        str(directory / "c"),
    ]
    subprocess.run(request, check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (directory / "c").read_text())
    try:
        for namespace in (near, far):
            made = subprocess.run(["ip", "netns", "add", namespace], capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.fail(f"no network namespace ({made.stderr.strip()}); run as root, with iproute2 and nftables")
        cable = ["ip", "-n", near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", far]
        subprocess.run(cable, check=True)
        for namespace, number in ((near, 1), (far, 2)):
            for arguments in (
                ["link", "set", "lo", "up"],
                ["link", "set", "cable", "up"],
                ["address", "add", f"192.0.2.{number}/24", "dev", "cable"],
                ["address", "add", f"2001:db8::{number}/64", "dev", "cable", "nodad"],
            ):
                subprocess.run(["ip", "-n", namespace, *arguments], check=True)
        hosts = Pair(Prober(near, "port_probe"), ModuleHost(far, "port_responder"))
        hosts.far.run("nft", "-f", "-", text=FIREWALL)
        # ICMP errors are limited by rate, and a test wants each of them.
        for limit in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
            hosts.far.run("sh", "-c", f"echo 0 >/proc/sys/net/{limit}")
        script = directory / "servers.py"
        script.write_text(SERVERS, encoding="utf-8")
        with subprocess.Popen(
            [*hosts.far.inside, sys.executable, str(script), str(certificate)], stdout=subprocess.PIPE, text=True
        ) as servers:
            assert servers.stdout is not None
            assert servers.stdout.readline() == "ready\n"
            yield hosts
            servers.kill()
    finally:
        for namespace in (near, far):
            subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)
