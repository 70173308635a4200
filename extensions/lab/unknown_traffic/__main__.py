# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what no row of the site permits to a Conferencing Node, and says what arrives there.

``python -m unknown_traffic --containers-prefix PREFIX --to node2=198.18.0.12 scan=outsider=198.18.2.200 …``: each kind
with the host that sends it and the addresses that it sends from, which the host gets as long as this lasts. What
``--lost`` names must not arrive, and all else must: the exit code says whether it is so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import typing as t
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from unknown_traffic.agent import Packet

_AGENT = Path(__file__).with_name("agent.py").read_text("utf-8")
_ESP = 50


class Kind(t.NamedTuple):
    """A kind of traffic: its name for people, and the packets of one address."""

    title: str
    packets: Callable[[str], list[Packet]]


KINDS: Mapping[str, Kind] = {
    # What must not arrive is sent first: when the others are there, it would be.
    "scan": Kind("a scan of 39 ports", lambda source: [(source, socket.IPPROTO_TCP, port) for port in range(1, 40)]),
    "esp": Kind("ESP of another Pexip machine", lambda source: [(source, _ESP, 0)]),
    "monitoring": Kind("monitoring, at TCP port 9100", lambda source: [(source, socket.IPPROTO_TCP, 9100)]),
    "media": Kind("media to 20 ports", lambda source: [
        (source, socket.IPPROTO_UDP, port) for port in range(40000, 40040, 2)
    ]),
}  # fmt: skip


class Sender(t.NamedTuple):
    """A host that sends one kind of traffic from some addresses."""

    kind: str
    host: str
    addresses: tuple[str, ...]

    def packets(self) -> list[Packet]:
        """All that it sends."""
        return [packet for address in self.addresses for packet in KINDS[self.kind].packets(address)]

    def line(self, arrived: set[Packet]) -> str:
        """Say what of it arrived."""
        sent = set(self.packets())
        first, *others = self.addresses
        source = f"{first} to {others[-1]}" if others else first
        return f"  {KINDS[self.kind].title:<30} from {source:<26} {len(sent & arrived):>3} of {len(sent):>3} arrived"


def main(arguments: Sequence[str]) -> int:
    """Send, print a line for each kind, and return the exit code."""
    parser = argparse.ArgumentParser(prog="unknown_traffic", description=__doc__)
    parser.add_argument("--containers-prefix", required=True, help="what comes before a host's name in its container's")
    parser.add_argument("--to", required=True, help="HOST=ADDRESS of a Conferencing Node")
    parser.add_argument("--lost", choices=KINDS, action="append", default=[], help="what must not arrive")
    parser.add_argument("senders", nargs="+", type=_sender, help="KIND=HOST=ADDRESS,ADDRESS…")
    given = parser.parse_args(arguments)
    receiver, destination = given.to.split("=")
    senders = sorted(given.senders, key=lambda sender: list(KINDS).index(sender.kind))
    hosts = [receiver, *(sender.host for sender in senders)]
    names = [f"{given.containers_prefix}{host}" for host in hosts]
    process = dict(zip(hosts, _run("podman", "inspect", "--format", "{{.State.Pid}}", *names).split(), strict=True))
    with contextlib.ExitStack() as stack:
        for sender in senders:
            stack.enter_context(_having(process[sender.host], sender.addresses))
        arrived = _sent(process, receiver, destination, senders, given.lost)
    print(*(sender.line(arrived) for sender in senders), sep="\n")
    expected = {packet for sender in senders if sender.kind not in given.lost for packet in sender.packets()}
    return 0 if arrived & {packet for sender in senders for packet in sender.packets()} == expected else 1


def _sender(text: str) -> Sender:
    kind, host, addresses = text.split("=")
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"{kind!r} is not a kind of traffic; accepted: {', '.join(KINDS)}")
    return Sender(kind, host, tuple(addresses.split(",")))


def _sent(
    process: Mapping[str, str], receiver: str, destination: str, senders: Sequence[Sender], lost: Sequence[str]
) -> set[Packet]:
    """Send, and return what arrived."""
    wanted = [packet for sender in senders if sender.kind not in lost for packet in sender.packets()]
    command = _agent(process[receiver], "watch", destination, wanted)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        out = t.cast("t.TextIO", watching.stdout)
        if out.readline() != "ready\n":
            raise SystemExit("Nobody watches what arrives.")
        for sender in senders:
            _run(*_agent(process[sender.host], "send", destination, sender.packets()))
        return {tuple(packet) for packet in json.loads(out.read())}


@contextlib.contextmanager
def _having(process: str, addresses: Sequence[str]) -> Iterator[None]:
    """Let a host have *addresses* for a while, but for those that it has anyway."""
    inside = ("nsenter", "--net", "--target", process, "ip")
    has = {one["local"] for link in json.loads(_run(*inside, "-j", "address")) for one in link["addr_info"]}
    lacking = [address for address in addresses if address not in has]
    try:
        for address in lacking:
            _run(*inside, "address", "add", f"{address}/32", "dev", "lo")
        yield
    finally:
        for address in lacking:
            subprocess.run([*inside, "address", "del", f"{address}/32", "dev", "lo"], check=False)


def _agent(process: str, what: str, destination: str, packets: Sequence[Packet]) -> list[str]:
    order = json.dumps({"destination": destination, "packets": packets})
    return ["nsenter", "--net", "--target", process, sys.executable, "-c", _AGENT, what, order]


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
