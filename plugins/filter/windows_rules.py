# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``windows_rules``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, shown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.rules import render_windows_rules

DOCUMENTATION = r"""
name: windows_rules
short_description: The Windows Firewall rules of one host
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Returns the arguments of P(community.windows.win_firewall_rule#module) for every rule of one host, both directions.
  - Local addresses are those that the host itself has, on the interface that the row names. Remote addresses are those
    that the host sees of the others.
  - It is an error if O(host) is not an endpoint of an enabled row.
positional: _input, host
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.host
"""

EXAMPLES = r"""
- name: Look at the rules before they go anywhere
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - The rules. There is one for each row, direction, protocol, family and chunk of at most 200 addresses.
    - Every option is given, because the module compares only what it is given.
  type: list
  elements: dict
  sample:
    - name: Pexip SfB media_nodes_to_edge in udp ipv4 1
      group: Pexip SfB port matrix
      description: "Row media_nodes_to_edge: RTP/RTCP/RDP media (conferencing_node to edge_av)"
      enabled: true
      direction: in
      action: allow
      protocol: udp
      profiles: [domain, private, public]
      localip: 192.0.2.131
      remoteip: 192.0.2.11,192.0.2.13
      localport: 50000-59999
      remoteport: 40000-49999
      program: any
      service: any
"""


@as_filter("windows_rules")
def windows_rules(site: object, host: str) -> list[dict[str, t.Any]]:
    """Return the rules of *host*.

    :raises AnsibleFilterError: if the host is not an endpoint of an enabled row.
    """
    built = read_site(to_plain(site))
    name = to_plain(host)
    if not built.endpoints_of(name):
        raise PortMatrixError.at(
            f"host {shown(name)}",
            "is not an endpoint of an enabled row, so there is nothing to apply",
            "a host in a group of an endpoint",
        )
    return render_windows_rules(expand(built, name, ["input", "output"]))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"windows_rules": windows_rules}
