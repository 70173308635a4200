# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two network namespaces and a veth pair: one sends, the other forwards into a dummy interface, which counts.

Every packet is the first of a flow. All addresses exist in these two namespaces only, and a run is bounded in packets.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

from .measure import FailedError

SENDER, GATEWAY = "pexip-sfb-bench-sender", "pexip-sfb-bench-gateway"
_SENDERS_MAC, _GATEWAYS_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")


class PacketPath:
    """The two namespaces. Use it as a context manager: they are gone afterwards, and so is what a dead run left."""

    def __enter__(self) -> PacketPath:
        self._remove()
        for name in (SENDER, GATEWAY):
            _run("ip", "netns", "add", name)
        _run("ip", "-n", GATEWAY, "link", "add", "out", "type", "dummy")
        _inside(GATEWAY, "sysctl", "--quiet", "--write", *_FORWARDING)
        pair = ("link", "add", "wire", "address", _SENDERS_MAC, "type", "veth")
        _run("ip", "-n", SENDER, *pair, "peer", "name", "wire", "address", _GATEWAYS_MAC, "netns", GATEWAY)
        for name, link in ((SENDER, "wire"), (GATEWAY, "wire"), (GATEWAY, "out")):
            _run("ip", "-n", name, "link", "set", link, "up")
        _run("ip", "-n", GATEWAY, "route", "add", "10.0.0.0/8", "dev", "out")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._remove()

    def load(self, ruleset: Path) -> None:
        """Give the gateway a ruleset."""
        _inside(GATEWAY, "nft", "--file", str(ruleset))

    def rate(self, addresses: int, packets: int) -> float:
        """Send *packets* new flows of a permitted row between *addresses* clients and nodes; return packets a second.

        :raises FailedError: if not all of them were let through: then it was no measurement of this.
        """
        before = self._passed()
        mac = _GATEWAYS_MAC
        sent = _inside(SENDER, sys.executable, "-m", "benchmark.packet_sender", mac, str(addresses), str(packets))
        passed = self._passed() - before
        if passed != packets:
            raise FailedError(f"{passed} of {packets} packets were let through")
        return packets / float(sent)

    @staticmethod
    def _passed() -> int:
        links: list[dict[str, t.Any]] = json.loads(_run("ip", "-n", GATEWAY, "-s", "-j", "link", "show", "out"))
        return int(links[0]["stats64"]["tx"]["packets"])

    @staticmethod
    def _remove() -> None:
        for name in (SENDER, GATEWAY):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _inside(namespace: str, *command: str) -> str:
    return _run("ip", "netns", "exec", namespace, *command)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"{' '.join(command)[:200]}: {done.stderr.strip()[-2000:]}")
    return done.stdout
