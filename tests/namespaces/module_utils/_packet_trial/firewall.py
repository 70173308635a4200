# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A firewall in a network namespace, and packets that really go to it, through it and out of it.

The last chain of either way notes which packets came so far, and drops them all: connection tracking then never takes
note of one, so each is the first of its connection, and none leaves the machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import shutil
import subprocess
import sys
import time
import typing as t
import uuid
from collections.abc import Iterator, Sequence

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import read_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.trial import (
    Finding,
    addresses,
    flow_of,
    sample_of,
    try_packets,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.doubts import variants
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import read_ruleset

from .gateway import inside

OBSERVER = "inet observer"
_SEEN = "type {0}_addr . inet_proto . inet_service . inet_service; flags dynamic; size 65535;"
_NOTE = "{1} saddr . meta l4proto . th sport . th dport"
_OBSERVER = f"""
table inet observer {{
  set seen_ipv4 {{ {_SEEN.format("ipv4")} }}
  set seen_ipv6 {{ {_SEEN.format("ipv6")} }}
  chain note {{
    update @seen_ipv4 {{ {_NOTE.format("", "ip")} }} drop
    update @seen_ipv6 {{ {_NOTE.format("", "ip6")} }} drop
  }}
  chain first {{ type filter hook prerouting priority -2147483648; meta l4proto {{ tcp, udp }} counter; }}
  chain input {{ type filter hook input priority 2147483646; meta l4proto {{ tcp, udp }} jump note; }}
  chain last {{ type filter hook postrouting priority 2147483646; meta l4proto {{ tcp, udp }} jump note; }}
}}
"""
_TOPOLOGY = """
set -e
for name in {client} {fw}; do
  ip netns add $name
  ip -n $name link set lo up
done
for key in ipv4/ip_forward ipv6/conf/all/forwarding; do ip netns exec {fw} sh -c "echo 1 >/proc/sys/net/$key"; done
for number in 1 2; do
  ip -n {client} link add c$number address 02:00:00:00:01:0$number type veth \
    peer name in$number address 02:00:00:00:02:0$number netns {fw}
  ip netns exec {fw} sh -c "echo 0 >/proc/sys/net/ipv4/conf/in$number/rp_filter"
  ip -n {fw} link add out$number type veth peer name end$number netns {client} # whose other end nothing reaches
  ip -n {client} link set end$number up
  for place in "{client} c$number 2" "{client} c$number 3" "{client} c$number 9" "{fw} in$number 1"; do
    set -- $place
    ip -n $1 address add 10.$number.0.$3/24 dev $2
    ip -n $1 address add 2001:db8:$number::$3/64 dev $2 nodad
    ip -n $1 link set $2 up
  done
  ip -n {fw} address add 10.$((number + 2)).0.1/24 dev out$number
  ip -n {fw} address add 2001:db8:$((number + 2))::1/64 dev out$number nodad
  ip -n {fw} link set out$number up
  for gateway in 10.$number.0.1 2001:db8:$number::1; do
    ip -n {client} neigh replace $gateway lladdr 02:00:00:00:02:0$number dev c$number nud permanent
    ip -n {client} route add default via $gateway dev c$number metric $number
  done
done
"""
_SENDER = """
import json, socket, sys
for line in sys.stdin:
    for family, protocol, source, sport, destination, dport, device in json.loads(line):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6, kind) as one:
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if device:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            one.bind((source, sport))
            try:
                one.connect((destination, dport))
                if protocol == "udp":
                    one.send(b"x")
            except OSError as error:
                if not isinstance(error, (BlockingIOError, PermissionError, ConnectionRefusedError)):
                    print(repr(error), file=sys.stderr)
    print("sent", flush=True)
"""
PORTS = [22, 53, 80, 443, 5061, 8057, 40000, 45000, 49999, 50000, 59999]


class Sample(t.NamedTuple):
    """A packet that can be sent: which way it goes, and what it is."""

    hook: str
    family: str
    protocol: str
    source: str
    source_port: int | None
    destination: str
    destination_port: int | None

    def key(self) -> tuple[str, str, str, int | None, int | None]:
        return self.family, self.protocol, self.source, self.source_port, self.destination_port


def _samples() -> list[Sample]:
    """Packets for each way, family and protocol, over all interfaces, addresses and ports."""
    found: list[Sample] = []
    for hook_number, hook in enumerate(("input", "forward", "output")):
        for family, address in (("ipv4", "10.{}.0.{}"), ("ipv6", "2001:db8:{}::{}")):
            for protocol in ("tcp", "udp"):
                for number, port in enumerate(PORTS):
                    inside, outside = number % 2 + 1, number // 2 % 2 + 3
                    here = (
                        address.format(outside, 1)
                        if hook == "output"
                        else address.format(inside, (2, 3, 9)[number % 3])
                    )
                    there = address.format(inside, 1) if hook == "input" else address.format(outside, 7)
                    # The source port tells the way, so that no two packets are the same.
                    source_port = 40000 + 1000 * number + hook_number
                    found.append(Sample(hook, family, protocol, here, source_port, there, port))
    return found


SAMPLES = _samples()


class Firewall:
    """The namespace of the firewall, with the one of its clients."""

    def __init__(self, client: str, name: str) -> None:
        self._inside = ["ip", "netns", "exec", name]
        self._senders = {place: self._sender(place) for place in (client, name)}
        self._client, self._name = client, name
        self.in_doubt = False  # whether the ruleset that was judged last has variants

    @staticmethod
    def _sender(namespace: str) -> subprocess.Popen[str]:
        command = ["ip", "netns", "exec", namespace, sys.executable, "-c", _SENDER]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> None:
        for sender in self._senders.values():
            sender.communicate(timeout=900)

    def run(self, *command: str, data: str | None = None) -> str:
        done = subprocess.run([*self._inside, *command], input=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr[:2000]}\n{data}"
        return done.stdout

    def load(self, ruleset: str) -> None:
        """Put *ruleset* in place of everything that is there."""
        self.run("nft", "-f", "-", data=f"flush ruleset\n{ruleset}\n{_OBSERVER}")

    def judged(self, packets: Sequence[Sample] | None = None) -> dict[Sample, Finding | None]:
        """What the ruleset does with each packet, as a copy of it tells. The observer stays where it is."""
        asked = SAMPLES if packets is None else packets

        def work() -> dict[Sample, Finding | None]:
            flows = [flow_of(sample._asdict()) for sample in asked]
            host = read_host(addresses(flows))
            ruleset = read_ruleset().of_tables(lambda table: table != OBSERVER)
            self.in_doubt = len(variants(ruleset)) > 1
            samples = [sample_of(sample.hook, flow, host) for sample, flow in zip(asked, flows, strict=True)]
            return dict(zip(asked, try_packets(host, ruleset, samples), strict=True))

        return inside(self._name, work)

    def let_through(self) -> set[Sample]:
        """The samples that came through when they were really sent."""
        for place, ours in ((self._client, ("input", "forward")), (self._name, ("output",))):
            self._send(place, [sample for sample in SAMPLES if sample.hook in ours])
        count = sum(sample.hook != "output" for sample in SAMPLES)
        for _look in range(5000):  # only what never comes takes as many
            listing = json.loads(self.run("nft", "-j", "list", "table", *OBSERVER.split()))["nftables"]
            if _counted(listing) >= count:
                break
            time.sleep(0.02)
        assert _counted(listing) >= count, "the packets did not even arrive"
        seen = {key for item in listing if "set" in item for key in _keys(item["set"])}
        return {sample for sample in SAMPLES if sample.key() in seen}

    def _send(self, place: str, samples: list[Sample]) -> None:
        sender = self._senders[place]
        assert sender.stdin
        assert sender.stdout
        packets = [(*sample[1:], self._device(sample)) for sample in samples]
        sender.stdin.write(json.dumps(packets) + "\n")
        sender.stdin.flush()
        assert sender.stdout.readline() == "sent\n"

    @staticmethod
    def _device(sample: Sample) -> str:
        if sample.hook == "output":
            return ""
        source = ipaddress.ip_address(sample.source)
        return f"c{source.packed[1] if source.version == 4 else source.packed[5]}"


def _counted(listing: list[dict[str, t.Any]]) -> int:
    rules = [item["rule"] for item in listing if "rule" in item]
    return next(int(rule["expr"][1]["counter"]["packets"]) for rule in rules if rule["chain"] == "first")


def _keys(of_set: dict[str, t.Any]) -> Iterator[tuple[str, str, str, int, int]]:
    for element in of_set.get("elem", []):
        source, protocol, sport, dport = element["concat"]
        yield of_set["name"].removeprefix("seen_"), protocol, source, sport, dport


@contextlib.contextmanager
def a_firewall() -> Iterator[Firewall]:
    if missing := [tool for tool in ("nft", "ip") if not shutil.which(tool)]:
        pytest.fail(f"{' and '.join(missing)} not found; install the packages nftables and iproute2")
    unique = uuid.uuid4().hex[:8]
    names = {"client": f"pexip-sfb-client-{unique}", "fw": f"pexip-sfb-fw-{unique}"}
    try:
        made = subprocess.run(["sh", "-c", _TOPOLOGY.format(**names)], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.fail(f"no network namespaces ({made.stderr.strip()}); run as root")
        firewall = Firewall(names["client"], names["fw"])
        yield firewall
        firewall.stop()
    finally:
        for name in names.values():
            with contextlib.suppress(subprocess.CalledProcessError):
                subprocess.run(["ip", "netns", "delete", name], check=True, capture_output=True)
