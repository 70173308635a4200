# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites of any size: as many hosts in each group of the default endpoints as is asked for, each with its own address."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._site import Site, build_site

GROUPS = (
    "pexip_conferencing_nodes",
    "sfb_front_ends",
    "sfb_edges",
    "turn_servers",
    "wac_servers",
    "sfb_clients",
)
GATEWAY = "fw"


@dataclass(frozen=True)
class Inventory:
    """What the core is given: host name → variables, group name → host names."""

    hosts: Mapping[str, Mapping[str, t.Any]]
    groups: Mapping[str, list[str]]

    def site(self) -> Site:
        """Validate it, with the rows that apply by default."""
        return build_site(self.hosts, self.groups, select_rows())


def scaled_inventory(hosts_in_group: int) -> Inventory:
    """Return a site of *hosts_in_group* hosts in each group of an endpoint; an Edge has two interfaces.

    No two addresses are neighbours: merged into networks, they would be few, and easy for everybody.
    """
    hosts: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(GROUPS):
        groups[group] = [f"{group}_{index}" for index in range(hosts_in_group)]
        for index, host in enumerate(groups[group]):
            if group == "sfb_edges":
                interfaces = {"internal": [address(number, index)], "av_edge": [address(len(GROUPS), index)]}
                hosts[host] = {"port_matrix_interfaces": interfaces}
            else:
                hosts[host] = {"port_matrix_addresses": [address(number, index)]}
    return Inventory(hosts, groups)


def address(block: int, index: int) -> str:
    """The address number *index* of a /12 of the private network 10.0.0.0/8."""
    return str(ipaddress.IPv4Address((10 << 24) + (block << 20) + 2 * index + 1))
