# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packets: what was watched is named and proposed, and flows where that is enforced. A scan is dropped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import permissions_of
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import Observation, observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.variables import Variables
from commands import run, until
from module_host import ModuleHost
from observed_site import applied

NODE, ROUTERS = "198.51.100.2", {"wire": "192.0.2.1", "nodes": "198.51.100.1"}
MANAGER, CLIENT, MONITOR, SCANNER = (f"192.0.2.{number}" for number in (10, 77, 98, 66))
SITE = Variables(
    {
        "node1": {"port_matrix_addresses": [NODE]},
        "manager": {"port_matrix_addresses": [MANAGER]},
        "fe1": {"port_matrix_addresses": ["203.0.113.21"]},
    },
    {"pexip_conferencing_nodes": ["node1"], "pexip_management_nodes": ["manager"], "sfb_front_ends": ["fe1"]},
    allow_empty=["client", "edge", "edge_av", "turn_server", "wac_server"],
)
PACKETS = [
    (MANAGER, "esp", 0),
    *((CLIENT, "udp", port) for port in range(40000, 40020, 2)),
    (MONITOR, "tcp", 9100),
    *((SCANNER, "tcp", port) for port in range(1, 40)),
]
SENDER = f"""
import json, socket, sys
KINDS = {{"esp": (socket.SOCK_RAW, 50), "udp": (socket.SOCK_DGRAM, 0), "tcp": (socket.SOCK_STREAM, 0)}}
for source, kind, port in json.load(sys.stdin):
    with socket.socket(socket.AF_INET, *KINDS[kind]) as sender:
        sender.bind((source, 0))
        sender.setblocking(False)
        sender.connect_ex(("{NODE}", port)) # what is closed at once sends no second SYN
        if kind != "tcp":
            sender.send(b"0" * 20)
"""
SEEN = "\n".join(
    f'add rule inet seen arrived ip saddr {source} counter comment "{source}"'
    for source in (MANAGER, CLIENT, MONITOR, SCANNER)
)


class Way:
    """Somebody who is all senders, the gateway, and the node, which answers nothing."""

    def __init__(self) -> None:
        name = f"pexip-sfb-test-{uuid.uuid4().hex[:6]}"
        self.spaces = [f"{name}-{end}" for end in ("senders", "gateway", "node")]
        self.senders, self.gateway, self.node = (ModuleHost(space, "nftables_table") for space in self.spaces)
        self.memory = ModuleHost(self.spaces[1], "observed_flows")

    def make(self) -> None:
        senders, gateway, node = self.spaces
        for space in self.spaces:
            run("ip", "netns", "add", space)
        addresses = {senders: [MANAGER, CLIENT, MONITOR, SCANNER], node: [NODE]}
        for (space, own), (link, router) in zip(addresses.items(), ROUTERS.items()):
            run("ip", "link", "add", "wire", "netns", space, "type", "veth", "peer", "name", link, "netns", gateway)
            for place, device, all_of_it in ((space, "wire", own), (gateway, link, [router])):
                for address in all_of_it:
                    run("ip", "-n", place, "address", "add", f"{address}/24", "dev", device)
                run("ip", "-n", place, "link", "set", device, "up")
            run("ip", "-n", space, "route", "add", "default", "via", router)
        self.gateway.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        chain = "add chain inet seen arrived { type filter hook input priority 0; policy drop; }"
        self.node.nft("-f", "-", text=f"add table inet seen\n{chain}\n{SEEN}\n")

    def remove(self) -> None:
        for space in self.spaces:
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)

    def apply(self, variables: Variables, enforce: bool) -> None:
        permissions = permissions_of(variables.site(), "fw", gateway=True)
        policy = Policy(permissions.hooks, permissions.rules, enforce=enforce, memory=Memory(entries=1000, days=30))
        result = self.gateway.module(ruleset=render_ruleset(policy))
        assert not result["failed"], result

    def send(self) -> None:
        before = self._judged()
        self.senders.run(sys.executable, "-c", SENDER, text=json.dumps(PACKETS))
        until(lambda: self._judged() >= before + len(PACKETS))

    def _judged(self) -> int:
        listed = self.gateway.nft("list", "chain", "inet", "pexip_sfb", "forward")
        return sum(int(packets) for packets in re.findall(r"counter packets (\d+)", listed))

    def arrived(self) -> dict[str, int]:
        listed = self.node.nft("list", "chain", "inet", "seen", "arrived")
        found = re.findall(r'counter packets (\d+) bytes \d+ comment "(\S+)"', listed)
        return {source: int(packets) for packets, source in found}

    def observed(self, variables: Variables) -> Observation:
        result = self.memory.module()
        assert not result["failed"], result
        return observe(variables, {"fw": result})


@pytest.fixture
def way() -> Iterator[Way]:
    made = Way()
    try:
        made.make()
        yield made
    finally:
        made.remove()


def test_with_what_is_proposed_everything_flows_that_was_watched_and_a_scan_is_dropped(way: Way) -> None:
    way.apply(SITE, enforce=False)
    way.send()
    watched = way.arrived()
    assert watched == {MANAGER: 1, CLIENT: 10, MONITOR: 1, SCANNER: 39}
    observation = way.observed(SITE)
    assert {one.as_mapping()["source"]: one.reason.kind for one in observation.findings} == {
        MANAGER: "row_group_off", CLIENT: "missing_host", MONITOR: "missing_row", SCANNER: "scan",
    }  # fmt: skip

    after = applied(observation)
    way.apply(after, enforce=True)
    way.send()
    assert way.arrived() == {MANAGER: 2, CLIENT: 20, MONITOR: 2, SCANNER: 39}
    assert {one.reason.kind for one in way.observed(after).findings} == {"scan"}
