# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.lists import read_addresses, read_port_list


def test_words_stand_apart_from_addresses() -> None:
    addresses, words = read_addresses("LocalSubnet, 192.0.2.1/255.255.255.255,*")
    assert (addresses.cidrs("ipv4"), words) == (["192.0.2.1/32"], {"localsubnet", "any"})
    assert read_port_list("RPC") == "rpc"
