# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories that the benchmark gives to Ansible."""

from __future__ import annotations

import pytest
from benchmark.ansible_site import ansible_inventory
from benchmark.part_windows import windows_inventory
from benchmark.scaled_site import GROUPS


@pytest.mark.parametrize("servers", [1, 200, 700])
def test_there_are_as_many_windows_servers_as_asked_for_each_with_an_address(servers: int) -> None:
    children = windows_inventory(servers)["all"]["children"]
    front_ends = children["sfb_front_ends"]["hosts"]
    assert list(children["port_matrix_windows"]["hosts"]) == list(front_ends)
    assert len({host["port_matrix_addresses"][0] for host in front_ends.values()}) == servers


@pytest.mark.parametrize("hosts", [6, 100, 1000])
def test_an_inventory_has_as_many_hosts_as_asked_for_in_all_groups(hosts: int) -> None:
    children = ansible_inventory(hosts)["all"]["children"]
    assert sum(len(group["hosts"]) for group in children.values()) == hosts
    assert list(children) == list(GROUPS)
    assert all(group["hosts"] for group in children.values())
