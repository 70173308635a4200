# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``site``."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory_files import check_all_read
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.warnings import say, warn
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import (
    ReadOnce,
    check_uniform,
    collect_hosts,
    names_of_variables,
    rules_of_hosts,
    to_plain,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import check_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import site_as_document
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.variables import check_names
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import ProblemList

DOCUMENTATION = r"""
name: site
short_description: Validate a whole site and find out who its endpoints are
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads the addresses of the hosts from the inventory, resolves the endpoints of every row, and checks all of it.
  - Fails with every problem at once, and with nothing that only follows from another. Each line names the variable with
    host or row, the value, and what is accepted.
  - What is likely to be wrong, though it can be applied, is a warning of Ansible.
  - A variable that begins with C(port_matrix_), C(linux_firewall_) or C(windows_firewall_) and that nobody knows is an
    error, with the nearest name. So is a group that begins with C(port_matrix_), where the group with the nearest name
    is missing.
  - Do this once per play. The other filters of this collection take the result.
positional: _input, groups
options:
  _input:
    description:
      - C(hostvars). Only hosts that can be an endpoint, and the hosts in O(play_hosts), are looked at.
      - Read are the host variables C(port_matrix_addresses), C(port_matrix_interfaces), C(port_matrix_location),
        C(port_matrix_view), C(ansible_host) and C(pexip_sfb_sources), which inventory plugins set.
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
    description:
      - Endpoint name to C(groups), C(interface), C(networks) and C(exclude), where they differ from the defaults.
    type: dict
    default: {}
  allow_empty:
    description: Endpoints that may have no address.
    type: list
    elements: str
    default: []
  same_location_rows:
    description: Rows that join only hosts that share a location, as ids of rows, groups of rows, or V(all).
    type: list
    elements: str
    default: []
  expired:
    description:
      - What to do about a row whose last day, C(expires), is before today on the controller. V(warn) warns, and the row
        stays open. V(refuse) fails.
    type: str
    choices: [warn, refuse]
    default: warn
  variables:
    description: Names of variables that are set elsewhere than for hosts, in a play for instance, to be checked too.
    type: list
    elements: str
    default: []
  extra_rows:
    description: Those of the O(rows) that C(port_matrix_extra_rows) has, for messages to name that variable.
    type: list
    elements: dict
    default: []
  inventory_sources:
    description:
      - C(ansible_inventory_sources). A file for an inventory plugin of this collection that is among them, also in a
        folder, and not in O(read_files) is an error, as Ansible goes on without what it cannot read.
    type: list
    elements: path
    default: []
  read_files:
    description: C(pexip_sfb_read_files), which the inventory plugins of this collection set for all hosts.
    type: list
    elements: path
    default: []
  play_hosts:
    description:
      - Hosts that must agree on the variables of the site, usually C(ansible_play_hosts_all).
      - Their C(linux_firewall_extra_rules) and C(linux_firewall_management) are checked too, but for templates in them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Validate the site, once for all hosts of the play
  ansible.builtin.set_fact:
    site: >-
      {{ hostvars | uc_firewall.pexip_sfb.site(groups, rows=[] | uc_firewall.pexip_sfb.rows,
      play_hosts=ansible_play_hosts_all, inventory_sources=ansible_inventory_sources,
      read_files=pexip_sfb_read_files | default([])) }}
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
    views:
      description: Which side of NATed pairs a host sees, for each host whose view is not the default.
      type: dict
    further:
      description: Host to the addresses that it has besides those of its endpoints.
      type: dict
    locations:
      description: Host to its locations.
      type: dict
    same_location_rows:
      description: Ids of the rows that join only hosts that share a location.
      type: list
      elements: str
    warnings:
      description: What is likely to be wrong.
      type: list
      elements: str
    notes:
      description: Input that may not mean what it seems to, such as an interface address.
      type: list
      elements: str
    sources:
      description: Host to the systems that its addresses are from, and when these were read.
      type: dict
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
    same_location_rows: object = (),
    variables: Iterable[str] = (),
    extra_rows: object = (),
    inventory_sources: Iterable[str] = (),
    read_files: Iterable[str] = (),
    expired: object = "warn",
) -> dict[str, t.Any]:
    """Return the validated site as plain data.

    :raises AnsibleFilterError: with every problem of the inputs, a line each.
    """
    # By itself: most other problems would only be what follows from the hosts that are missing.
    check_all_read(to_plain(inventory_sources), to_plain(read_files))
    hosts_of_play = sorted(to_plain(play_hosts))  # a list that Ansible united has no order
    of_hosts = ReadOnce(hostvars)
    overrides = to_plain(endpoints or {})
    hosts = collect_hosts(of_hosts, groups, overrides, hosts_of_play)
    problems = ProblemList()
    problems.attempt(check_names, names_of_variables(of_hosts, hosts), to_plain(variables), groups)
    misnamed = bool(problems)
    problems.attempt(check_uniform, of_hosts, hosts_of_play)
    problems.attempt(check_extra_rules, rules_of_hosts(of_hosts, hosts_of_play))
    built = problems.attempt(
        build_site,
        hosts,
        to_plain(groups),
        to_plain(rows),
        to_plain(ports or {}),
        overrides,
        to_plain(allow_empty),
        to_plain(same_location_rows),
        to_plain(expired),
        datetime.date.today(),
        to_plain(extra_rows),
        misnamed,
    )
    problems.raise_if_any()
    site_of_all: Site = t.cast("Site", built)
    warn(site_of_all.warnings)
    say(site_of_all.notes)
    return site_as_document(site_of_all)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"site": site}
