# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random packets: what is told of them, and what really comes out of a gateway with the same ruleset."""

from __future__ import annotations

import collections
import random
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.cables import one_processor
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import read_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import in_thread
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.trial import (
    addresses,
    flow_of,
    sample_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import World
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.doubts import variants
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import read_ruleset

from .gateway import ADDRESSES, OWN, Gateway, Packet, inside
from .test_verdict import SETS

pytestmark = pytest.mark.newer_nft

RULESETS = Path(__file__).parent / "rulesets"
# Of each ruleset; together more than 100,000.
PACKETS = 12_600
PORTS = [22, 53, 80, 443, 444, 902, 3478, 5061, 5062, 8057, 40000, 45000, 49999, 50000, 59999]


def random_packets(count: int, seed: str) -> list[Packet]:
    """Packets of all ways, families and protocols, each with source ports of its own."""
    draw = random.Random(seed)
    found: dict[tuple[t.Any, ...], Packet] = {}
    while len(found) < count:
        hook = draw.choice(["input", "output", *["forward"] * 6])
        here, there = draw.sample(list(ADDRESSES), 2)
        source = draw.choice(OWN[there] if hook == "output" else ADDRESSES[here])
        version = ":" in source
        fitting = OWN[here] if hook == "input" else ADDRESSES[there]
        destination = draw.choice([one for one in fitting if (":" in one) == version])
        packet = Packet(
            hook,
            "ipv6" if version else "ipv4",
            draw.choice(["tcp", "udp"]),
            source,
            draw.choice([draw.randrange(1024, 65536), draw.choice(PORTS)]),
            destination,
            draw.choice([draw.choice(PORTS), draw.randrange(1, 65536)]),
            here,
        )
        ends = sorted([(packet.source, packet.source_port), (packet.destination, packet.destination_port)])
        found.setdefault((packet.protocol, *ends), packet)
    return list(found.values())


def told(gateway: Gateway, packets: list[Packet]) -> list[tuple[bool, bool]]:
    """What the copy says of the packets, and of the answers to them."""

    def work() -> list[tuple[bool, bool]]:
        flows = [flow_of(packet._asdict()) for packet in packets]
        host, ruleset = read_host(addresses(flows)), read_ruleset()
        (only,) = variants(ruleset)
        samples = [sample_of(packet.hook, flow, host) for packet, flow in zip(packets, flows, strict=True)]
        one_processor()
        world = World(host, only, samples)
        try:
            losses = world.losses(samples, explained=False)
        finally:
            world.close()
        return [(loss is None or loss.answer, loss is None) for loss in losses]

    return in_thread(lambda: inside(gateway.name, work))


def load_docker_28(gateway: Gateway) -> None:
    gateway.load(ours())
    script = (RULESETS / "docker-28.sh").read_text(encoding="utf-8")
    gateway.run("sh", "-ec", script)


def ours() -> str:
    return (RULESETS / "ours.nft").read_text(encoding="utf-8")


_NETWORKS = ", ".join(f"10.{number // 250}.{number % 250}.0/{24 + number % 3}" for number in range(20_000))
# More elements than fit into one message, some of them next to each other; objects, a flowless quota, a dormant table.
MANY = f"""
table ip many {{
  set networks {{ type ipv4_addr; flags interval; elements = {{ {_NETWORKS} }}; }}
  counter seen {{ packets 5 bytes 500 }}
  quota enough {{ over 100 mbytes }}
  limit slow {{ rate 10/second }}
  map counters {{ type inet_service : counter; elements = {{ 22 : "seen" }}; }}
  chain input {{
    type filter hook input priority 5; policy drop;
    ip saddr @networks tcp dport {{ 22, 80-90 }} counter name "seen" accept
    ip saddr . tcp dport vmap {{ 192.0.2.1 . 22 : accept, 192.0.2.2 . 23 : drop }}
    limit name "slow" quota name "enough" ct state vmap {{ new : accept, invalid : drop }}
  }}
}}
table ip6 off {{
  flags dormant
  chain input {{ type filter hook input priority 0; policy drop; }}
}}
"""
SHAPES = ["firewalld-1.3.3", "firewalld-2.3.1", "firewalld-2.3.1-unbound", "firewalld-2.3.1-theirs", "docker-28",
          "docker-29", "fail2ban", "libvirt"]  # fmt: skip
agreed: collections.Counter[str] = collections.Counter()


def load_shape(gateway: Gateway, shape: str) -> None:
    """Load the ruleset of a host; those that have no firewalld have our table."""
    if shape == "docker-28":
        load_docker_28(gateway)
    else:
        theirs = (RULESETS / f"{shape}.nft").read_text(encoding="utf-8")
        gateway.load(theirs if shape.startswith("firewalld") else ours() + theirs)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_told_of_random_packets_is_what_happens(gateway: Gateway, shape: str) -> None:
    load_shape(gateway, shape)
    packets = random_packets(PACKETS, shape)
    judged = told(gateway, packets)
    happened = gateway.let_through(packets)
    wrong = [
        f"told {said}, happened {did}: {packet}"
        for packet, said, did in zip(packets, judged, happened, strict=True)
        if said != did
    ]
    assert not wrong, f"{len(wrong)} of {len(packets)}:\n" + "\n".join(wrong[:10])
    # Each ruleset lets some through and drops others, or nothing is proven.
    passed = sum(both == (True, True) for both in happened)
    assert 0.05 < passed / len(packets) < 0.95, f"{passed} of {len(packets)} came through"
    agreed[shape] = len(packets)


def test_these_were_enough() -> None:
    assert set(agreed) == set(SHAPES)
    assert sum(agreed.values()) >= 100_000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_copy_lists_as_the_original(gateway: Gateway, shape: str) -> None:
    load_shape(gateway, shape)
    assert copied(gateway.name) == gateway.run("nft", "-s", "list", "ruleset")


GOLDEN = sorted((Path(__file__).parents[3] / "golden").glob("[!j]*/ruleset.nft"))  # what is joined needs a table


@pytest.mark.parametrize("ruleset", [*GOLDEN, None], ids=lambda path: path.parent.name if path else "every_kind_of_set")
def test_a_copy_of_ours_lists_as_the_original(gateway: Gateway, ruleset: Path | None) -> None:
    gateway.load(ruleset.read_text(encoding="utf-8") if ruleset else f"table inet theirs {{\n{SETS}\n}}\n{MANY}")
    assert copied(gateway.name) == gateway.run("nft", "-s", "list", "ruleset")


def copied(namespace: str) -> str:
    """What nft lists of a copy of the ruleset of *namespace*."""
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import Namespace
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.loading import load

    def work() -> str:
        ruleset = read_ruleset()
        links = [link for link in read_host(()).links.values() if link.name != "lo"]
        copy = Namespace()
        with copy.inside():
            for link in links:
                command = ["ip", "link", "add", link.name, "index", str(link.index), "type", "veth"]
                command += ["peer", "index", str(link.index + 1000)]
                subprocess.run(command, check=True)
            assert load(ruleset) == {}
            listed = subprocess.run(["nft", "-s", "list", "ruleset"], capture_output=True, text=True, check=True)
        copy.close()
        return listed.stdout

    return inside(namespace, work)
