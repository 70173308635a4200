# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``expand``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand, expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

DOCUMENTATION = r"""
name: expand
short_description: Expand the port matrix into concrete rules
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Turns the rows of a site into rules with addresses and ports, for the whole site or for one host.
  - The result is canonical. The same site gives the same rules, whatever order its inventory is written in.
  - A rule never mixes families, never lets a machine talk to itself, and is never wider than its row.
positional: _input
options:
  host:
    description: The host whose rules are wanted. Without it the rules are those of the whole site, without a hook.
    type: str
  hooks:
    description:
      - V(input) is what others may send to the host, V(output) what it may send to others.
      - V(forward) is the whole matrix as this host sees it, for a transit firewall.
      - Needs O(host).
    type: list
    elements: str
    choices: [input, output, forward]
    default: [input, output]
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
"""

EXAMPLES = r"""
- name: What may reach this host
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.expand(host=inventory_hostname, hooks=['input']) }}"

- name: Every permitted flow of the site
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.expand }}"
"""

RETURN = r"""
_value:
  description: The rules, one for each row, direction, protocol and family.
  type: list
  elements: dict
  sample:
    - row: media_nodes_to_turn
      purpose: RTP/RTCP media
      group: integration
      tls: false
      reference: https://docs.pexip.com/sfb/ports.htm
      owner: ""
      ticket: ""
      expires: ""
      protocol: udp
      family: ipv4
      source_endpoint: [conferencing_node]
      source: [192.0.2.11/32]
      source_ports: [40000-49999]
      destination_endpoint: [turn_server]
      destination: [198.51.100.41/32]
      destination_ports: ["3478"]
      hook: input
  contains:
    row: {description: "Id of the row.", type: str}
    purpose: {description: "What the row is for.", type: str}
    group:
      description: V(integration), V(strict_clients), V(platform), V(video_endpoints), V(federation) or V(custom).
      type: str
    tls: {description: "Whether the traffic is TLS.", type: bool}
    reference: {description: "Where the row comes from.", type: str}
    owner: {description: "Who answers for the row, if anybody is named.", type: str}
    ticket: {description: "Where it was asked for.", type: str}
    expires: {description: "The last day on which somebody wants it, or empty.", type: str}
    protocol: {description: "Name or number of the protocol, such as V(tcp) or V(esp).", type: str}
    family: {description: "V(ipv4) or V(ipv6).", type: str}
    source_endpoint: {description: "Endpoints that send.", type: list, elements: str}
    source: {description: "Their addresses, sorted and merged CIDRs.", type: list, elements: str}
    source_ports: {description: "Sorted, merged ports or ranges; empty is any.", type: list, elements: str}
    destination_endpoint: {description: "Endpoints that receive.", type: list, elements: str}
    destination: {description: "Their addresses, sorted and merged CIDRs.", type: list, elements: str}
    destination_ports: {description: "Sorted, merged ports or ranges; empty is any.", type: list, elements: str}
    hook: {description: "V(input), V(output) or V(forward); only for one host.", type: str}
"""


@as_filter("expand")
def expand_filter(site: object, host: object = None, hooks: object = ("input", "output")) -> list[dict[str, t.Any]]:
    """Return the rules as plain data.

    :raises AnsibleFilterError: if *site* is not what the filter site returned, or a hook does not exist.
    """
    built = read_site(to_plain(site))
    if host is None:
        return [rule.as_mapping() for rule in expand_site(built)]
    if not isinstance(host, str):
        raise PortMatrixError.at("host", f"{host!r} is not a string", "the name of an inventory host")
    return [rule.as_mapping() for rule in expand(built, to_plain(host), to_plain(hooks))]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"expand": expand_filter}
