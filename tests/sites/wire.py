# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host and its link, as two network namespaces: what a ruleset of ours lets through, with packets over a wire."""

from __future__ import annotations

import re
import subprocess
import typing as t
import uuid

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from commands import run

HOST, LINK = "192.0.2.10", "192.0.2.1"
HOST_V6, LINK_V6 = "fe80::10", "fe80::1"

# Both ends: an open socket of a family, bound to an address and port; "reach" sends a datagram, "get" waits for one.
SOCKETS = """
import socket, struct, sys
def udp(family, address, port):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
    one.bind((address, port, 0, socket.if_nametoindex("wire")) if family == socket.AF_INET6 else (address, port))
    return one
def sent(one, text, address, port):
    scope = (0, socket.if_nametoindex("wire")) if one.family == socket.AF_INET6 else ()
    one.sendto(text.encode("latin-1"), (address, port, *scope))
def ready(): print("ready", flush=True)
IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
"""


class Wire:
    """A host and its link, as two network namespaces."""

    def __init__(self) -> None:
        self.name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
        self.host, self.link = f"{self.name}-h", f"{self.name}-l"

    def make(self) -> None:
        for namespace in (self.host, self.link):
            run("ip", "netns", "add", namespace)
        run("ip", "link", "add", "wire", "netns", self.host, "type", "veth", "peer", "name", "wire", "netns", self.link)
        ends = ((self.host, HOST, HOST_V6), (self.link, LINK, LINK_V6))
        for namespace, address, address_v6 in ends:
            for name in ("lo", "wire"):
                run("ip", "-n", namespace, "link", "set", name, "addrgenmode", "none", "up")
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "wire")
            run("ip", "-n", namespace, "address", "add", f"{address_v6}/64", "dev", "wire", "nodad")

    def remove(self) -> None:
        for namespace in (self.host, self.link):
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)

    def judge(self, *extra_rules: dict[str, t.Any]) -> None:
        """Give the host a ruleset that permits nothing of the matrix, in and out."""
        policy = Policy(("input", "output"), (), extra_rules=parse_extra_rules(list(extra_rules), "W"))
        run("ip", "netns", "exec", self.host, "nft", "-f", "-", text=render_ruleset(policy))

    def seen(self, chain: str, words: str) -> int:
        """Return how many packets the rules with *words* have let through."""
        listed = run("ip", "netns", "exec", self.host, "nft", "list", "chain", "inet", "pexip_sfb", chain)
        lines = (line for line in listed.splitlines() if words in line)
        return sum(int(number) for line in lines for number in re.findall(r"counter packets (\d+)", line))

    def exchange(self, link: str, host: str) -> str:
        """Run one program on the link until it is ready, then the other on the host; return what that one printed."""
        command = ["ip", "netns", "exec", self.link, "python3", "-c", SOCKETS + link]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            try:
                assert other.stdout
                assert other.stdout.readline() == "ready\n"
                return run("ip", "netns", "exec", self.host, "python3", "-c", SOCKETS + host)
            finally:
                other.kill()
