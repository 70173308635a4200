# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess

from flow_loss.doors import Firewall
from flow_loss.traffic import KINDS, VERSIONS

_SEND = """
import socket, sys
sender, *receivers = sys.argv[1:]
for receiver in receivers:
    for source, destination in ((40000, 20000), (49800, 51000), (51000, 49800), (39999, 20000), (40000, 20200)):
        with socket.socket(socket.AF_INET6 if ":" in sender else socket.AF_INET, socket.SOCK_DGRAM) as flow:
            flow.bind((sender, source))
            flow.sendto(b"", (receiver, destination))
"""
# Two neighbours in network namespaces of their own, with this one between them. Through it goes one packet of each kind
# of traffic and family, and packets that are none of these. What this one itself gets and sends is none of them, too.
_BETWEEN = """
import atexit, json, subprocess, sys, time

def run(*command, pid=None):
    inside = ["nsenter", "--net", f"--target={pid}"] if pid else []
    subprocess.run([*inside, *command], check=True)

def ip(*arguments, pid=None):
    run("ip", *arguments, pid=pid)

def send(*addresses, pid=None):
    run("python3", "-c", sys.argv[1], *addresses, pid=pid)

def neighbour(name, network):
    waiting = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE)
    atexit.register(waiting.kill)  # whatever goes wrong: it would keep the output of this program open
    waiting.stdout.readline()
    ip("link", "add", name, "type", "veth", "peer", "name", "out", "netns", str(waiting.pid))
    for here, device, number in ((None, name, 1), (waiting.pid, "out", 2)):
        ip("address", "add", f"10.0.{network}.{number}/24", "dev", device, pid=here)
        ip("address", "add", f"fd00:{network}::{number}/64", "dev", device, "nodad", pid=here)
        ip("link", "set", device, "up", pid=here)
    ip("route", "add", "default", "via", f"10.0.{network}.1", pid=waiting.pid)
    ip("route", "add", "default", "via", f"fd00:{network}::1", pid=waiting.pid)
    return waiting

neighbours = [neighbour("first", 1), neighbour("second", 2)]
for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
    with open(f"/proc/sys/net/{switch}", "w") as file:
        file.write("1")
subprocess.run(["nft", "-f", "-"], input=sys.stdin.read(), text=True, check=True)
send("10.0.2.1", "10.0.2.2")
send("fd00:2::1", "fd00:2::2")
# To the one between them, and through it to the other neighbour.
send("10.0.1.2", "10.0.1.1", "10.0.2.2", pid=neighbours[0].pid)
send("fd00:1::2", "fd00:1::1", "fd00:2::2", pid=neighbours[0].pid)
for _look in range(5000):  # only what never comes takes as many
    listing = subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True, check=True).stdout
    counted = [item["counter"]["packets"] for item in json.loads(listing)["nftables"] if "counter" in item]
    if sum(counted) >= int(sys.argv[2]):
        break
    time.sleep(0.02)
print(listing)
"""


SENT = dict(zip(KINDS, (1, 2, 0), strict=True))  # in each family, and at each of the two doors


class FakeFirewall(Firewall):
    """Keeps what nft is to load, and lists what a network namespace counted with it."""

    ruleset = ""
    listing = ""

    def run(self, *command: str, data: str = "") -> str:
        self.ruleset = self.ruleset or data
        return self.listing


def test_what_passes_is_counted_by_kind_at_both_doors_and_nothing_else() -> None:
    firewall = FakeFirewall("fw")
    firewall.open_doors()
    firewall.listing = subprocess.run(
        ["unshare", "-rn", "python3", "-c", _BETWEEN, _SEND, str(len(VERSIONS) * 2 * sum(SENT.values()))],
        input=firewall.ruleset, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(firewall.listing)
    doors = firewall.counted()
    for door in ("in", "out"):
        assert doors[door] == {(kind, version): SENT[kind] for kind in KINDS for version in VERSIONS}
