# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess

from flow_loss.doors import Firewall
from flow_loss.traffic import KINDS, VERSIONS

# One packet of each kind and family goes in and out over the loopback; packets that are none of these go, too.
_SEND = """
import socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["nft", "-f", "-"], input=sys.stdin.read(), text=True, check=True)
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    for source, destination in ((40000, 20000), (49800, 51000), (51000, 49800), (39999, 20000), (40000, 20200)):
        with socket.socket(family, socket.SOCK_DGRAM) as flow:
            flow.bind((address, source))
            flow.sendto(b"", (address, destination))
print(subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True, check=True).stdout)
"""


class FakeFirewall(Firewall):
    """Keeps what nft is to load, and lists what a network namespace counted with it."""

    ruleset = ""
    listing = ""

    def run(self, *command: str, data: str = "") -> str:
        self.ruleset = self.ruleset or data
        return self.listing


def test_each_kind_is_counted_at_both_doors_and_nothing_else() -> None:
    firewall = FakeFirewall("fw")
    firewall.open_doors()
    firewall.listing = subprocess.run(
        ["unshare", "-rn", "python3", "-c", _SEND], input=firewall.ruleset, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(firewall.listing)
    doors = firewall.counted()
    sent = dict(zip(KINDS, (1, 2, 0), strict=True))
    for door in ("in", "out"):
        assert doors[door] == {(kind, version): sent[kind] for kind in KINDS for version in VERSIONS}
