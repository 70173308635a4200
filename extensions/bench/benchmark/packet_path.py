# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two network namespaces and a veth pair: one sends packets, the other forwards them back on the same wire and counts.

All addresses exist in these two namespaces only, and a run is bounded in packets.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from dataclasses import asdict
from pathlib import Path

from .measure import FailedError
from .packet_sender import Traffic

SENDER, GATEWAY = "pexip-sfb-bench-sender", "pexip-sfb-bench-gateway"
_SENDERS_MAC, GATEWAYS_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_GATEWAYS_ADDRESS = "10.255.255.253"
_NEXT_HOP = "10.255.255.254"  # the sender; nobody asks who that is, as its MAC is known
_OFF = ("rp_filter", "send_redirects")
_FORWARDING = ("net.ipv4.ip_forward=1", *(f"net.ipv4.conf.{one}.{key}=0" for one in ("all", "wire") for key in _OFF))


class PacketPath:
    """The two namespaces. Use it as a context manager: they are gone afterwards, and so is what a dead run left.

    Where it is not *connected*, the gateway's end of the wire is down: what is sent is dropped before it gets there.
    """

    def __init__(self, connected: bool = True) -> None:
        self._connected = connected

    def __enter__(self) -> PacketPath:
        self._remove()
        for name in (SENDER, GATEWAY):
            _run("ip", "netns", "add", name)
            _inside(name, "sysctl", "--quiet", "--write", "net.ipv6.conf.default.disable_ipv6=1")  # it would be counted
        pair = ("link", "add", "wire", "address", _SENDERS_MAC, "type", "veth")
        _run("ip", "-n", SENDER, *pair, "peer", "name", "wire", "address", GATEWAYS_MAC, "netns", GATEWAY)
        _run("ip", "-n", SENDER, "link", "set", "wire", "up")
        if not self._connected:
            return self
        _run("ip", "-n", GATEWAY, "link", "set", "wire", "up")
        _inside(GATEWAY, "sysctl", "--quiet", "--write", *_FORWARDING)
        _run("ip", "-n", GATEWAY, "address", "add", f"{_GATEWAYS_ADDRESS}/30", "dev", "wire")
        neighbour = ("neighbour", "add", _NEXT_HOP, "lladdr", _SENDERS_MAC, "nud", "permanent", "dev", "wire")
        _run("ip", "-n", GATEWAY, *neighbour)
        _run("ip", "-n", GATEWAY, "route", "add", "10.0.0.0/8", "via", _NEXT_HOP, "dev", "wire")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._remove()

    def load(self, ruleset: Path) -> None:
        """Give the gateway a ruleset."""
        _inside(GATEWAY, "nft", "--file", str(ruleset))

    def seconds(self, traffic: Traffic) -> float:
        """Send it, and return the seconds of a processor that its packets took, the sender's own with the gateway's.

        :raises FailedError: if not all of them were let through: then it did not measure this.
        """
        before = self._passed()
        sent: dict[str, float] = json.loads(
            _inside(SENDER, sys.executable, "-m", "benchmark.packet_sender", json.dumps(asdict(traffic)))
        )
        passed = self._passed() - before
        if passed != (sent["packets"] if self._connected else 0):
            raise FailedError(f"{passed} of {sent['packets']} packets were let through")
        return sent["seconds"]

    @staticmethod
    def _passed() -> int:
        links: list[dict[str, t.Any]] = json.loads(_run("ip", "-n", GATEWAY, "-s", "-j", "link", "show", "wire"))
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
