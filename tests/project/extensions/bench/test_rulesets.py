# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulesets that the benchmark sends packets through are of the kinds that their names say."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from benchmark.packet_sender import Traffic
from benchmark.part_packets import kinds_of_large_sets
from benchmark.scaled_site import GATEWAY, scaled_inventory

SIZE = 300


def ruleset(clients_are_networks: bool) -> str:
    site = scaled_inventory(SIZE, clients_are_networks).site()
    return render_ruleset(Policy(("forward",), expand(site, GATEWAY, ["forward"])))


@pytest.mark.parametrize(("networks", "kinds"), [(False, {"hosts"}), (True, {"hosts", "networks"})])
def test_clients_that_are_networks_are_looked_up_as_networks(networks: bool, kinds: set[str]) -> None:
    text = ruleset(networks)
    assert kinds_of_large_sets(text) == kinds
    assert text.count("/2") >= (SIZE if networks else 0)


def test_networks_have_no_neighbours() -> None:
    networks = [ipaddress.ip_network(one) for one in clients(networks=True)]
    assert len(list(ipaddress.collapse_addresses(networks))) == SIZE
    assert {one.num_addresses for one in networks} == {8, 16, 32}


@pytest.mark.parametrize("networks", [False, True])
def test_packets_come_from_clients_in_their_networks(networks: bool) -> None:
    within = [ipaddress.ip_network(one) for one in clients(networks)]
    sources = {
        ipaddress.ip_address(frame[26:30])
        for frame in Traffic("02:00:00:00:00:02", SIZE, 2000, "networks" if networks else "hosts").first_packets()
    }
    assert len(sources) > SIZE * 0.9
    assert all(any(source in one for one in within) for source in sources)
    if networks:
        assert sum(source in (one[0], one[1]) for source in sources for one in within) < len(sources) / 2


def clients(networks: bool) -> list[str]:
    inventory = scaled_inventory(SIZE, networks)
    return [str(inventory.hosts[host]["port_matrix_addresses"][0]) for host in inventory.groups["sfb_clients"]]
