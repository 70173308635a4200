# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``unpermitted_flows``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.linux_host import unpermitted_of_host

DOCUMENTATION = r"""
name: unpermitted_flows
short_description: Which flows that a host remembers its rules do not permit
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Takes what the module M(uc_firewall.pexip_sfb.observed_flows) read on a host, and returns what of it the rules that
    the host gets now would drop.
  - The role P(uc_firewall.pexip_sfb.linux_firewall#role) stops with it before it enforces what was only watched.
positional: _input, host, flows
options:
  flows:
    description: RV(uc_firewall.pexip_sfb.observed_flows#module:flows) of the host.
    type: list
    elements: dict
    required: true
  judged_endpoints:
    description: On a gateway, only traffic from or to these endpoints is judged. V(all) judges all of it.
    type: raw
    default: [conferencing_node]
  rules_since:
    description:
      - RV(uc_firewall.pexip_sfb.observed_flows#module:rules_since) of the host. What was seen later is refused where
        its source port may be what is not permitted. Without it, all of that is.
    type: str
    default: ""
  days:
    description: In how many of the last days it was seen, 1 to 365.
    type: int
    default: 7
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.host
  - uc_firewall.pexip_sfb.linux_host
  - uc_firewall.pexip_sfb.linux_host.rules
"""

EXAMPLES = r"""
- name: Read what the host remembers
  uc_firewall.pexip_sfb.observed_flows:
  register: observed

- name: Stop where something that was seen would be dropped
  ansible.builtin.assert:
    that: unpermitted.refused | length == 0
    fail_msg: "{{ unpermitted.refused }}"
  vars:
    unpermitted: >-
      {{ port_matrix_site | uc_firewall.pexip_sfb.unpermitted_flows(inventory_hostname, observed.flows, gateway=true) }}
"""

RETURN = r"""
_value:
  description: Flows, a line each, those with the most packets first.
  type: dict
  contains:
    refused:
      description: What nothing permits.
      type: list
      elements: str
    doubtful:
      description:
        - What is permitted from some source ports only, and was last seen before the rules were there. A host does not
          remember from which port something came.
      type: list
      elements: str
  sample:
    refused:
      - UDP from 192.0.2.11 to 198.51.100.53 port 53 (forward), packets 12, last seen 2026-03-02T08:15:27Z
    doubtful: []
"""


@as_filter("unpermitted_flows")
def unpermitted_flows(
    site: object,
    host: str,
    flows: object,
    gateway: object = False,
    egress: object = False,
    judged_endpoints: object = ("conferencing_node",),
    management: object = (),
    extra_rules: object = (),
    rules_since: object = "",
    days: object = 7,
) -> dict[str, t.Any]:
    """Return which of *flows* the rules of *host* do not permit.

    :raises AnsibleFilterError: if the host is neither endpoint nor gateway, or an input is not what it should be.
    """
    return unpermitted_of_host(
        to_plain(site),
        to_plain(host),
        to_plain(flows),
        gateway,
        egress,
        to_plain(judged_endpoints),
        to_plain(management),
        to_plain(extra_rules),
        to_plain(rules_since),
        days,
    )


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"unpermitted_flows": unpermitted_flows}
