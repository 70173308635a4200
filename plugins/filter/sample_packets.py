# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``sample_packets``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import permissions_of
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sample_packets import sample_packets

DOCUMENTATION = r"""
name: sample_packets
short_description: A few concrete packets for each rule of one host
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Returns packets that the rules of one host permit, each the first one of a connection, for
    M(uc_firewall.pexip_sfb.packet_trial).
  - For each rule they are those with the first and with the last addresses and ports, and some between, eight at most.
  - Where a rule permits any address or port, the packets have public unicast addresses and ports from 1024 on.
positional: _input, host
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.host
  - uc_firewall.pexip_sfb.linux_host
"""

EXAMPLES = r"""
- name: Show a few packets that the firewall has to let through
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.sample_packets(inventory_hostname, gateway=true) }}"
"""

RETURN = r"""
_value:
  description: The packets.
  type: list
  elements: dict
  sample:
    - row: media_nodes_to_turn
      hook: forward
      family: ipv4
      protocol: udp
      source: 192.0.2.11
      source_port: 40000
      destination: 198.51.100.41
      destination_port: 3478
  contains:
    row: {description: "Id of the row that permits the packet.", type: str}
    hook: {description: "V(input), V(output) or V(forward).", type: str}
    family: {description: "V(ipv4) or V(ipv6).", type: str}
    protocol: {description: "Name or number of the protocol, such as V(tcp) or V(esp).", type: str}
    source: {description: "Source address.", type: str}
    source_port: {description: "Source port, none where the protocol has no ports.", type: int}
    destination: {description: "Destination address.", type: str}
    destination_port: {description: "Destination port, none where the protocol has no ports.", type: int}
"""


@as_filter("sample_packets")
def sample_packets_filter(
    site: object, host: str, gateway: object = False, egress: object = False
) -> list[dict[str, t.Any]]:
    """Return the packets as plain data.

    :raises AnsibleFilterError: if the host is neither endpoint nor gateway, or an input is not what it should be.
    """
    permissions = permissions_of(read_site(to_plain(site)), to_plain(host), gateway, egress)
    return [packet.as_mapping() for packet in sample_packets(permissions.rules)]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"sample_packets": sample_packets_filter}
