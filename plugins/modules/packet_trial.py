#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``packet_trial``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packet_trial
short_description: Whether packets, and the answers to them, come through the whole ruleset of a Linux host
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - A packet has to be accepted by every base chain on its way, whichever table that is in. So what was applied can be
    without effect, because a chain of somebody else drops what it permits, or does not lead to it.
  - This module copies the ruleset of nftables that the kernel has into a network namespace that nobody else knows,
    with interfaces, addresses and routes like those of the host. Then it sends the packets through that copy, and an
    answer to each that comes out. So the kernel itself judges, with its tracking of connections, and on the host itself
    nothing is sent and nothing is changed.
  - Of what does not come out, the kernel says which rule or policy drops it.
  - What depends on something that a sample does not have (a rate, the process that sends, some extensions of iptables)
    is reported as possible.
  - Bridges are not judged, nor is what the tables of the old iptables do.
options:
  packets:
    description: The packets, as the filter P(uc_firewall.pexip_sfb.sample_packets#filter) returns them.
    type: list
    elements: dict
    required: true
    suboptions:
      row:
        description: Id of the row that permits the packet.
        type: str
        required: true
      hook:
        description: Whether the packet goes to the host, from it, or through it.
        type: str
        choices: [input, output, forward]
        required: true
      family:
        description: Family of the addresses.
        type: str
        choices: [ipv4, ipv6]
        required: true
      protocol:
        description: Protocol, by its name or its number.
        type: str
        required: true
      source:
        description: Source address.
        type: str
        required: true
      source_port:
        description: Source port, where the protocol has ports.
        type: int
      destination:
        description: Destination address.
        type: str
        required: true
      destination_port:
        description: Destination port, where the protocol has ports.
        type: int
  ruleset:
    description:
      - A ruleset as for M(uc_firewall.pexip_sfb.nftables_table). Then what will be is judged. In the copy, ours is
        replaced by it, as that module does on the host.
      - Without it, what is there is judged.
    type: str
    default: ""
  uncertain_tables:
    description:
      - Tables, by family and name, that will change in a way that cannot be told yet. What they drop is only possible.
    type: list
    elements: str
    default: []
  firewalld:
    description:
      - Whether firewalld judges what goes through this host. It lets everything pass whose destination was translated,
        before any zone or policy. With V(true) the chains of others that translate destinations are shown as a warning.
    type: bool
    default: false
  warn_drops:
    description: Whether RV(drops) are shown as warnings, as RV(possible) always are.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is changed, so there is no difference.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - root, with CAP_SYS_ADMIN for network namespaces. Without it nothing is judged, with a warning.
  - nft (package nftables) with O(ruleset). Without that it only says what rules are called.
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
  - module: uc_firewall.pexip_sfb.firewalld_objects
"""

EXAMPLES = r"""
- name: See whether what the matrix permits comes through
  uc_firewall.pexip_sfb.packet_trial:
    packets: "{{ port_matrix_site | uc_firewall.pexip_sfb.sample_packets(inventory_hostname, gateway=true) }}"
  register: trial

- name: See whether it would with this ruleset
  uc_firewall.pexip_sfb.packet_trial:
    packets: "{{ port_matrix_site | uc_firewall.pexip_sfb.sample_packets(inventory_hostname) }}"
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"
"""

RETURN = r"""
drops:
  description:
    - What drops some of the packets for sure, one entry for each rule or policy, 20 at most.
  returned: success
  type: list
  elements: dict
  contains:
    where: {description: "The rule or policy in words.", type: str}
    family: {description: "Family of the table.", type: str}
    table: {description: "Name of the table.", type: str}
    chain: {description: "Name of the base chain.", type: str}
    hook: {description: "Hook of the base chain.", type: str}
    rows: {description: "Ids of the rows whose packets it drops.", type: list, elements: str}
    packets: {description: "How many of the packets it drops, or the answers to them.", type: int}
    answers: {description: "How many of these are answers.", type: int}
    advice: {description: "What to do about it, where that can be told; else empty.", type: str}
    example: {description: "The first of them.", type: str}
  sample:
    - where: table ip filter, chain FORWARD, policy drop
      family: ip
      table: filter
      chain: FORWARD
      hook: forward
      rows: [media_nodes_to_turn]
      packets: 2
      answers: 0
      advice: ""
      example: udp 192.0.2.11:40000 to 198.51.100.41:3478 (in by eth0, out by eth1)
possible:
  description: What may drop some of the packets, in the same form.
  returned: success
  type: list
  elements: dict
translated_by:
  description: The chains of others that translate destinations, with their tables. Only with O(firewalld).
  returned: success
  type: list
  elements: str
  sample: [table ip nat chain DOCKER]
left_out:
  description: How many entries of RV(drops) and RV(possible) are left out, because there are too many.
  returned: success
  type: int
judged:
  description: How many different packets were sent.
  returned: success
  type: int
  sample: 96
unjudged:
  description: Why nothing was judged; empty where it was.
  returned: success
  type: str
  sample: "no network namespace can be made (Operation not permitted)"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.packet_trial import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
