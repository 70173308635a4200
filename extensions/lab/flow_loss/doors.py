# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters at the two doors of the firewall: what of the traffic came in, and what went out again.

They tell what the firewall lost from what others lost: sender, receiver and the networks of the lab. They are in a
table of their own, which lets everything pass and tracks nothing, so that it changes nothing of what is measured.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from flow_loss.traffic import COUNTED, VERSIONS

_TABLE = "inet lab_flow_loss"
_HOOKS = {"in": "prerouting priority -310", "out": "postrouting priority 310"}
# What the firewall itself receives and sends: a connection of Ansible may well have one of the ports of a call.
_ITS_OWN = {"in": "fib daddr type local", "out": "fib saddr type local"}

_HANG = 300  # seconds for a command

Doors = Mapping[str, Mapping[tuple[str, int], int]]  # "in" and "out", then kind and IP version


class Firewall:
    """The container with the firewall."""

    def __init__(self, container: str) -> None:
        self._container = container

    def nft(self, *arguments: str, data: str = "") -> str:
        """Run nft in the container.

        :raises subprocess.CalledProcessError: it fails.
        """
        return self.run("nft", *arguments, data=data)

    def run(self, *command: str, data: str = "") -> str:
        """Run a command in the container and return its output.

        :raises subprocess.CalledProcessError: it fails.
        """
        done = subprocess.run(
            ["podman", "exec", "--interactive", self._container, *command],
            input=data, capture_output=True, text=True, check=True, timeout=_HANG,
        )  # fmt: skip
        return done.stdout

    def open_doors(self) -> None:
        """Begin to count, from zero."""
        self.nft("-f", "-", data=_ruleset())

    def counted(self) -> Doors:
        """Return what was counted so far."""
        listing = json.loads(self.nft("-j", "list", "counters", "table", *_TABLE.split()))["nftables"]
        packets = {item["counter"]["name"]: item["counter"]["packets"] for item in listing if "counter" in item}
        return {
            door: {(kind, version): packets[_counter(door, kind, version)] for kind in COUNTED for version in VERSIONS}
            for door in _HOOKS
        }

    def close_doors(self) -> None:
        """Remove the counters."""
        self.nft("delete", "table", *_TABLE.split())


def _counter(door: str, kind: str, version: int) -> str:
    return f"{kind.replace(' ', '_')}_v{version}_{door}"


def _ruleset() -> str:
    lines = [f"table {_TABLE}", f"delete table {_TABLE}", f"table {_TABLE} {{"]
    for door in _HOOKS:
        names = [_counter(door, kind, version) for kind in COUNTED for version in VERSIONS]
        lines += [line for name in names for line in (f"counter {name} {{", "}")]
    for door, hook in _HOOKS.items():
        lines += [f"chain {door} {{", f"type filter hook {hook}; policy accept;", f"{_ITS_OWN[door]} accept"]
        lines += [
            f"meta nfproto ipv{version} {match} counter name {_counter(door, kind, version)}"
            for kind, matches in COUNTED.items()
            for match in matches
            for version in VERSIONS
        ]
        lines.append("}")
    return "\n".join([*lines, "}", ""])
