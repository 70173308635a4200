# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What aerleon writes for nftables and what this collection writes, in the kernel: the same packets pass both."""

from __future__ import annotations

import subprocess
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.nftables_ruleset import nftables_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.platforms import read_platforms
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.rendering import render
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import site_as_document
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sample_packets import sample_packets
from example_site import NTP, NTP_SERVER, example_site
from module_host import ModuleHost
from other_firewalls import policy_of

LINKS = """
set -e
ip -n {0} link add east type veth peer name east_end
ip -n {0} link add west type veth peer name west_end
for name in east east_end west west_end; do ip -n {0} link set $name up; done
ip -n {0} address add 192.0.2.1/24 dev east
ip -n {0} address add 2001:db8:1::1/64 dev east nodad
ip -n {0} address add 198.51.100.1/24 dev west
ip -n {0} address add 2001:db8:2::1/64 dev west nodad
ip -n {0} route add 203.0.113.0/24 via 198.51.100.2
ip -n {0} route add 198.18.0.0/15 via 198.51.100.2
"""
Packet = dict[str, t.Any]


def _nearby(packet: Packet) -> t.Iterator[Packet]:
    """*packet*, and such that differ from it in one thing."""
    yield packet
    for side in ("source_port", "destination_port"):
        for step in (-1, 1):
            if packet[side] is not None and 1 <= packet[side] + step <= 65535:
                yield {**packet, side: packet[side] + step}
    yield {**packet, "protocol": "udp" if packet["protocol"] == "tcp" else "tcp"}
    if packet["family"] == "ipv4":
        yield {**packet, "source": packet["source"].rpartition(".")[0] + ".99"}


def _dropped(host: ModuleHost, ruleset: str, packets: list[Packet]) -> set[str]:
    """The names of the packets that do not pass *ruleset*."""
    host.nft("flush", "ruleset")
    host.nft("-f", "-", text=ruleset)
    result = host.module(check_mode=True, packets=packets)
    assert not result["failed"], result
    # What may go in and out by one link is only possible, as another router may have it.
    return {row for drop in (*result["drops"], *result["possible"]) for row in drop["rows"]}


@pytest.mark.controller
def test_the_same_packets_pass_the_rules_of_aerleon_and_ours(namespace: str) -> None:
    site = replace(example_site([NTP], endpoints=NTP_SERVER), views={})
    policy = policy_of(site)
    samples = [
        {**packet.as_mapping(), "hook": "forward"}
        for packet in sample_packets([replace(rule, hook="forward") for rule, _term in policy.terms])
    ]
    packets = [near for sample in samples[::3] for near in _nearby(sample)]
    named = [{**packet, "row": f"p{number}"} for number, packet in enumerate(packets)]
    (chosen,) = read_platforms(["nftables"], None)
    subprocess.run(["sh", "-c", LINKS.format(namespace)], check=True)
    host = ModuleHost(namespace, "packet_trial")
    ours = nftables_ruleset(site_as_document(site), "fw", gateway=True, judged_endpoints="all")
    dropped = _dropped(host, ours, named)
    assert 50 < len(dropped) < len(named) - 50
    assert _dropped(host, render(policy, chosen).text, named) == dropped
