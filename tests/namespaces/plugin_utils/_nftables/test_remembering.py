# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packets through a gateway that remembers what it drops, or would drop: three namespaces, two cables."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import typing as t
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from commands import run, until
from module_host import ModuleHost

CLIENT, SERVER = {"4": "192.0.2.2", "6": "2001:db8:1::2"}, {"4": "198.51.100.2", "6": "2001:db8:2::2"}
ROUTER = {"client": ("192.0.2.1", "2001:db8:1::1"), "server": ("198.51.100.1", "2001:db8:2::1")}
PERMITTED, DNS, ESP, ECHO = 5061, 53, 50, 8
ROWS = [{"name": "sip", "hook": "forward", "protocol": "udp", "destination_ports": PERMITTED}]
OBSERVE = Policy(
    ("forward",), (), extra_rules=parse_extra_rules(ROWS, "W"), enforce=False, memory=Memory(entries=100, days=30)
)
ENFORCE = replace(OBSERVE, enforce=True)
# Other addresses in the rules.
MOVED = replace(
    OBSERVE, extra_rules=parse_extra_rules([{**ROWS[0], "source": ["192.0.2.0/24", "203.0.113.7"]}, *ROWS], "W")
)
# What arrives, before the server's own stack sees it.
SEEN = """
table inet seen {
    chain arrived {
        type filter hook prerouting priority -300; policy accept;
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } return
        ip6 saddr 2001:db8:1::2 counter comment "arrived"
        ip saddr 192.0.2.2 counter comment "arrived"
    }
}
"""
# Each packet is a kind (udp, tcp, or the number of another protocol), where it goes, a port, and how many of it.
SENDER = r"""
import json, socket, sys
def send(kind, destination, port, count):
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    for _number in range(count):
        if kind == "tcp":
            with socket.socket(family, socket.SOCK_STREAM) as end:
                end.setblocking(False)
                end.connect_ex((destination, port))
                # What is closed at once sends no second SYN.
        elif kind == "udp":
            with socket.socket(family, socket.SOCK_DGRAM) as end:
                end.sendto(b"x", (destination, port))
        else:
            echo = {1: b"\x08\0\xf7\xff\0\0\0\0", 58: b"\x80\0\0\0\0\0\0\0"}
            data = echo.get(kind, b"\0\x35\0\x35" * 5)
            with socket.socket(family, socket.SOCK_RAW, kind) as end:
                end.sendto(data, (destination, 0))
for one in json.load(sys.stdin):
    send(*one)
"""


class Way:
    """The client, the gateway and the server."""

    def __init__(self) -> None:
        name = f"pexip-sfb-test-{uuid.uuid4().hex[:6]}"
        self.spaces = {end: f"{name}-{end[0]}" for end in ("client", "gateway", "server")}
        self.firewall = ModuleHost(self.spaces["gateway"], "nftables_table")
        self._observed = ModuleHost(self.spaces["gateway"], "observed_flows")
        self._server = ModuleHost(self.spaces["server"], "nftables_table")
        self._client = ModuleHost(self.spaces["client"], "nftables_table")

    def make(self) -> None:
        for space in self.spaces.values():
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
        gateway = self.spaces["gateway"]
        for end, addresses in (("client", CLIENT), ("server", SERVER)):
            space = self.spaces[end]
            run("ip", "link", "add", "wire", "netns", space, "type", "veth", "peer", "name", end, "netns", gateway)
            for place, link, own in ((space, "wire", addresses.values()), (gateway, end, ROUTER[end])):
                for address in own:
                    options = ["nodad"] if ":" in address else []
                    length = 64 if options else 24
                    run("ip", "-n", place, "address", "add", f"{address}/{length}", "dev", link, *options)
                run("ip", "-n", place, "link", "set", link, "up")
            for router in ROUTER[end]:
                run("ip", "-n", space, "route", "add", "default", "via", router)
        self.firewall.run(
            "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
        )
        # Whoever answers nothing gives each flow just the packets that the test sends.
        self._server.nft(
            "-f",
            "-",
            text=SEEN + "table inet silent { chain input { type filter hook input priority 0; icmpv6 type "
            "{ nd-neighbor-solicit, nd-neighbor-advert } accept; drop; }; }",
        )

    def remove(self) -> None:
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)

    def apply(self, policy: Policy, **arguments: t.Any) -> dict[str, t.Any]:
        """Apply the table as the role does."""
        result = self.firewall.module(ruleset=render_ruleset(policy), **arguments)
        assert not result["failed"], result
        return result

    def send(self, *packets: tuple[str | int, str, int, int]) -> None:
        """Send packets, and wait until the gateway has judged all of them."""
        before = self.judged()
        self._client.run(sys.executable, "-c", SENDER, text=json.dumps(packets))
        until(lambda: self.judged() >= before + sum(packet[3] for packet in packets))

    def judged(self) -> int:
        return _counted(self.firewall.nft("list", "table", "inet", "pexip_sfb"))

    def arrived(self) -> int:
        """Return how many packets of the client came to the server."""
        return _counted(self._server.nft("list", "table", "inet", "seen"))

    def observed(self, **arguments: t.Any) -> dict[str, t.Any]:
        """Return what the module returns."""
        result = self._observed.module(**arguments)
        assert not result["failed"], result
        assert result["changed"] is False
        return result

    def flows(self) -> list[tuple[t.Any, ...]]:
        """Return what is remembered, without times."""
        keys = ("hook", "family", "protocol", "source", "destination", "destination_port", "packets")
        return [tuple(flow[key] for key in keys) for flow in self.observed()["flows"]]


def _counted(listed: str) -> int:
    rules = re.findall(r"counter packets (\d+) bytes \d+ (?:accept |drop |)comment \"(\w+)\"", listed)
    return sum(int(packets) for packets, comment in rules if comment != "not_remembered")


@pytest.fixture(scope="module")
def cables() -> Iterator[Way]:
    made = Way()
    try:
        made.make()
        yield made
    finally:
        made.remove()


@pytest.fixture
def way(cables: Way) -> Way:
    cables.firewall.nft("flush", "ruleset")
    return cables


def _flow(version: str, protocol: str, port: int | None, packets: int) -> tuple[t.Any, ...]:
    return ("forward", f"ipv{version}", protocol, CLIENT[version], SERVER[version], port, packets)


def test_what_is_not_permitted_is_remembered_and_passes(way: Way) -> None:
    way.apply(OBSERVE)
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    before = way.arrived()
    way.send(
        *(("udp", server[version], DNS, 3) for server in [SERVER] for version in "46"),
        *(("udp", SERVER[version], PERMITTED, 2) for version in "46"),
        ("tcp", SERVER["4"], 443, 1),
        *((ESP, SERVER[version], 0, 2) for version in "46"),
        (1, SERVER["4"], 0, 1),
        (58, SERVER["6"], 0, 1),
        (253, SERVER["4"], 0, 1),
    )
    assert way.flows() == [
        _flow("4", "253", None, 1),
        _flow("4", "esp", None, 2),
        _flow("4", "icmp", None, 1),
        _flow("4", "tcp", 443, 1),
        _flow("4", "udp", DNS, 3),
        _flow("6", "esp", None, 2),
        _flow("6", "icmpv6", None, 1),
        _flow("6", "udp", DNS, 3),
    ]
    until(lambda: way.arrived() == before + 18)
    found = way.observed(check_mode=True)
    assert (found["remembering"], found["enforcing"], found["full"], found["missed"]) == (True, False, False, 0)
    assert (found["entries"], found["limit"]) == (8, 100)
    assert {flow["bytes"] for flow in found["flows"] if flow["protocol"] == "udp"} == {3 * 29, 3 * 49}
    counted = {(one["chain"], one["comment"]): (one["packets"], one["bytes"]) for one in found["counters"]}
    assert counted["forward", "sip"] == (4, 2 * 29 + 2 * 49)
    assert counted["forward", "would_drop"][0] == sum(flow["packets"] for flow in found["flows"])
    for flow in found["flows"]:
        seen = datetime.datetime.strptime(flow["last_seen"], "%Y-%m-%dT%H:%M:%S%z")
        assert begin <= seen <= datetime.datetime.now(datetime.timezone.utc)


def test_it_outlives_an_unchanged_run_and_other_addresses(way: Way) -> None:
    way.apply(OBSERVE)
    way.send(("udp", SERVER["4"], DNS, 2))
    again = way.firewall.module(check_mode=True, ruleset=render_ruleset(OBSERVE))
    assert (again["changed"], again["diff"], way.apply(OBSERVE)["changed"]) == (False, [], False)
    moved = way.apply(MOVED)
    assert moved["changed"] is True
    assert "udp . 53" not in json.dumps(moved["diff"])
    way.send(("udp", SERVER["4"], DNS, 1))
    assert way.flows() == [_flow("4", "udp", DNS, 3)]


def test_a_full_set_takes_no_more_and_all_is_judged_the_same(way: Way) -> None:
    way.apply(replace(ENFORCE, memory=Memory(entries=2, days=1)))
    before = way.arrived()
    way.send(*(("udp", SERVER["4"], port, 1) for port in (1, 2, 3, 2, 4)), ("udp", SERVER["4"], PERMITTED, 1))
    until(lambda: way.arrived() == before + 1)
    found = way.observed()
    assert (found["full"], found["missed"], found["limit"], found["entries"]) == (True, 2, 2, 2)
    assert way.flows() == [_flow("4", "udp", 1, 1), _flow("4", "udp", 2, 2)]
    way.send((ESP, SERVER["4"], 0, 1), ("udp", SERVER["6"], 1, 1))  # these have sets of their own
    assert len(way.flows()) == 4
    assert way.arrived() == before + 1


def test_after_the_switch_there_is_what_was_dropped_since(way: Way) -> None:
    way.apply(OBSERVE)
    way.send(("udp", SERVER["4"], DNS, 1))
    way.apply(ENFORCE)
    assert (way.observed()["enforcing"], way.flows()) == (True, [])
    before = way.arrived()
    way.send(("udp", SERVER["4"], 123, 2))
    assert way.flows() == [_flow("4", "udp", 123, 2)]
    assert way.arrived() == before
    way.apply(replace(ENFORCE, memory=None))
    found = way.observed()
    assert (found["remembering"], found["enforcing"], found["flows"], found["limit"]) == (False, False, [], 0)


def test_what_belongs_to_no_flow_is_not_remembered(way: Way) -> None:
    """An answer of TCP to nothing is such a packet."""
    way.apply(OBSERVE)
    answer = b"\x13\xc5\xc3\x50\0\0\0\1\0\0\0\1\x50\x12\x10\0\0\0\0\0"
    sender = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 6); s.sendto"
    before = way.judged()
    way._client.run(sys.executable, "-c", f"{sender}({answer!r}, ('198.51.100.2', 0))")
    until(lambda: way.judged() == before + 1)
    assert way.flows() == []
    assert way.observed()["missed"] == 0


def test_it_watches_behind_the_firewall_of_others_and_changes_nothing_of_it(way: Way) -> None:
    theirs = (
        "table inet firewalld { chain filter_FORWARD { type filter hook forward priority filter + 10; policy drop; "
        "udp dport { 53, 5061 } accept; }; }"
    )
    way.firewall.nft("-f", "-", text=theirs)
    listed = way.firewall.nft("list", "table", "inet", "firewalld")
    way.apply(replace(OBSERVE, after_others=True))
    before = way.arrived()
    way._client.run(sys.executable, "-c", SENDER, text=json.dumps([("udp", SERVER["4"], 123, 1)]))
    way.send(("udp", SERVER["4"], DNS, 1), ("udp", SERVER["4"], PERMITTED, 1))
    assert way.flows() == [_flow("4", "udp", DNS, 1)]
    until(lambda: way.arrived() == before + 2)
    removed = way.firewall.module(state="absent")
    assert (removed["failed"], removed["changed"]) == (False, True)
    assert way.firewall.nft("list", "ruleset") == listed


@pytest.mark.parametrize("put_back", [True, False])
def test_the_way_back_keeps_it_where_nft_can(way: Way, tmp_path: Path, put_back: bool) -> None:
    """nft 0.9.8 dies of elements with counters. Then the rules alone come back."""
    way.apply(OBSERVE)
    way.send(("udp", SERVER["4"], DNS, 2))
    program = (
        "import json, pathlib, sys\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules\n"
        "with patch_module_args({}):\n"
        "    rules = OwnedRules(Nft(AnsibleModule(argument_spec={}), 'nft'))\n"
        "    print(rules.save(pathlib.Path(sys.argv[1])))\n"
    )
    saved = tmp_path / "taken_back"
    saved.mkdir()
    command = way.firewall.run(sys.executable, "-c", program, str(saved))
    if not put_back:
        flows = saved / "flows.nft"
        flows.write_text(flows.read_text().replace("counter packets 2", "counter pockets 2"))
    way.apply(MOVED)
    way.firewall.run("sh", "-c", f"cd {tmp_path} && {command}")
    assert way.firewall.module(check_mode=True, ruleset=render_ruleset(OBSERVE))["changed"] is False
    assert way.flows() == ([_flow("4", "udp", DNS, 2)] if put_back else [])
