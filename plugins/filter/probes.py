# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``probes``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import collect_hosts, to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.plan import plan_probes, read_wishes
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import ProblemList

DOCUMENTATION = r"""
name: probes
short_description: Plan which managed host probes which address of the port matrix
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - For each managed host that is a source of a row, the destinations of that row as this host sees them, from a source
    port that the row permits, with a probe that means something without a call in progress.
  - TCP ports that a row names one by one are connected to, with a TLS handshake if O(tls), and STUN ports get a binding
    request. Ranges are idle without a call. They are probed where a responder listens.
  - A managed host whose address is in a network of an endpoint, for instance among the clients, stands for that
    network.
  - The plan is bounded by O(limit), however large the site is.
positional: _input, hostvars
options:
  hostvars:
    description: C(hostvars), for the addresses of the O(hosts).
    type: dict
    required: true
  hosts:
    description: The hosts that Ansible connects to, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  limit:
    description:
      - How many probes a host has at most. They are taken from all rows, ports and destinations in turn, and each host
        begins at another destination. What is left out is counted.
    type: int
    default: 200
  tls:
    description: Whether TCP ports that speak TLS get a handshake, which reports the certificate.
    type: bool
    default: false
  responders:
    description: Hosts that may listen for some seconds on ports of ranges.
    type: list
    elements: str
    default: []
  listening:
    description:
      - Host to the result of M(uc_firewall.pexip_sfb.port_responder). Without it the plan says what the responders are
        to listen on, and has no probes to them.
    type: dict
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
"""

EXAMPLES = r"""
- name: Plan the probes
  ansible.builtin.set_fact:
    plan: "{{ port_matrix_site | uc_firewall.pexip_sfb.probes(hostvars, hosts=ansible_play_hosts_all) }}"
  run_once: true

- name: Probe
  uc_firewall.pexip_sfb.port_probe:
    probes: "{{ plan.probes[inventory_hostname] }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    probes:
      description: Host to its probes, for M(uc_firewall.pexip_sfb.port_probe).
      type: dict
    responder_probes:
      description: Host to its probes of responders, which are to be made while these listen.
      type: dict
    responders:
      description: Host to what it is to listen on, for M(uc_firewall.pexip_sfb.port_responder).
      type: dict
    not_probeable:
      description: What cannot be probed, in the form of results, each with the reason as its C(detail).
      type: list
      elements: dict
    left_out:
      description: How many probes the limit left out, by C(source_host) and C(row).
      type: list
      elements: dict
"""


@as_filter("probes")
def probes(
    site: object,
    hostvars: Mapping[str, Mapping[str, object]],
    hosts: Iterable[str],
    limit: object = 200,
    tls: object = False,
    responders: Iterable[str] = (),
    listening: object = None,
) -> dict[str, t.Any]:
    """Return the plan as plain data.

    :raises AnsibleFilterError: for a responder that is no host of the play, or a host whose addresses are none.
    """
    wishes = read_wishes(to_plain(limit), tls, to_plain(responders), to_plain(listening))
    names: list[str] = to_plain(hosts)
    variables = collect_hosts(hostvars, {}, {}, names)
    problems = ProblemList()
    managed = {host: problems.attempt(parse_host, host, variables.get(host, {})) for host in names}
    problems.raise_if_any()
    known = {host: parsed for host, parsed in managed.items() if parsed}
    return plan_probes(read_site(to_plain(site)), known, wishes)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"probes": probes}
