# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``site``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import (
    ReadOnce,
    check_uniform,
    collect_hosts,
    to_plain,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import site_as_document

DOCUMENTATION = r"""
name: site
short_description: Validate a whole site and find out who its endpoints are
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads the addresses of the hosts from the inventory, resolves the endpoints of every row, and checks all of it.
  - Fails with every problem at once. Each line names the variable with host or row, the value, and what is accepted.
  - Do this once per play. The other filters of this collection take the result.
positional: _input, groups
options:
  _input:
    description:
      - C(hostvars). Only hosts that can be an endpoint, and the hosts in O(play_hosts), are looked at.
      - Read are the host variables C(port_matrix_addresses), C(port_matrix_interfaces), C(port_matrix_view)
        and C(ansible_host).
    type: dict
    required: true
  groups:
    description: C(groups), group name to host names.
    type: dict
    required: true
  rows:
    description: The rows that apply, as the filter P(uc_firewall.pexip_sfb.rows#filter) returns them.
    type: list
    elements: dict
    required: true
  ports:
    description: Port range name to ports, where they differ from the defaults.
    type: dict
    default: {}
  endpoints:
    description: Endpoint name to C(groups), C(interface) and C(networks), where they differ from the defaults.
    type: dict
    default: {}
  allow_empty:
    description: Endpoints that may have no address.
    type: list
    elements: str
    default: []
  play_hosts:
    description: Hosts that must agree on the variables of the site, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Validate the site, once for all hosts of the play
  ansible.builtin.set_fact:
    site: >-
      {{ hostvars | uc_firewall.pexip_sfb.site(groups, rows=[] | uc_firewall.pexip_sfb.rows,
      play_hosts=ansible_play_hosts_all) }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The site as plain data, for the other filters of this collection.
  type: dict
  contains:
    rows:
      description: The rows, in canonical order, with port numbers instead of range names.
      type: list
      elements: dict
    endpoints:
      description: Endpoint name to its members, each a host (none for literal networks) with its addresses.
      type: dict
    local_views:
      description: Hosts that see the local address of a NATed pair.
      type: list
      elements: str
    notes:
      description: What was read in a way that may surprise, for instance an interface address.
      type: list
      elements: str
"""


@as_filter("site")
def site(
    hostvars: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Iterable[str]],
    rows: object,
    ports: object = None,
    endpoints: object = None,
    allow_empty: object = (),
    play_hosts: Iterable[str] = (),
) -> dict[str, t.Any]:
    """Return the validated site as plain data.

    :raises AnsibleFilterError: with every problem of the inputs, a line each.
    """
    hosts_of_play = sorted(to_plain(play_hosts))  # a list that Ansible united has no order
    variables = ReadOnce(hostvars)
    check_uniform(variables, hosts_of_play)
    overrides = to_plain(endpoints or {})
    hosts = collect_hosts(variables, groups, overrides, hosts_of_play)
    built = build_site(hosts, to_plain(groups), to_plain(rows), to_plain(ports or {}), overrides, to_plain(allow_empty))
    return site_as_document(built)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"site": site}
