# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites of any size: as many hosts in each group of an endpoint as is asked for, each with its own address."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site

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


def scaled_inventory(size: int, clients_are_networks: bool = False) -> Inventory:
    """Return a site of *size* hosts in each group of an endpoint, each with an address; an Edge has two interfaces.

    No two addresses are neighbours: merged into networks, they would be few, and easy for everybody. With
    *clients_are_networks* each client is a network of 8 to 32 addresses, and these are no neighbours either.
    """
    hosts: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(GROUPS):
        groups[group] = [f"{group}_{index}" for index in range(size)]
        for index, host in enumerate(groups[group]):
            of_network = clients_are_networks and group == "sfb_clients"
            one = str(network(number, index)) if of_network else address(number, index)
            hosts[host] = _variables(group, [one], [address(len(GROUPS), index)])
    return Inventory(hosts, groups)


def listed_inventory(size: int) -> Inventory:
    """Return the same addresses as lists of one host in each group: a definition of networks, as aerleon has them."""
    whole = {group: [address(number, index) for index in range(size)] for number, group in enumerate(GROUPS)}
    av_edge = [address(len(GROUPS), index) for index in range(size)]
    hosts = {f"{group}_all": _variables(group, addresses, av_edge) for group, addresses in whole.items()}
    return Inventory(hosts, {group: [f"{group}_all"] for group in GROUPS})


def _variables(group: str, addresses: list[str], av_edge: list[str]) -> dict[str, t.Any]:
    if group == "sfb_edges":
        return {"port_matrix_interfaces": {"internal": addresses, "av_edge": av_edge}}
    return {"port_matrix_addresses": addresses}


def address(block: int, index: int) -> str:
    """The address number *index* of a /12 of the private network 10.0.0.0/8."""
    return str(ipaddress.IPv4Address(_first(block) + 4 * index + 1))


def network(block: int, index: int) -> ipaddress.IPv4Network:
    """The network number *index* of that /12: three sizes in turn, from 8 addresses on."""
    return ipaddress.IPv4Network((_first(block) + 64 * index, 27 + index % 3))


def _first(block: int) -> int:
    return (10 << 24) + (block << 20)
