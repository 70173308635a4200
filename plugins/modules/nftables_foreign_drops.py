#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``nftables_foreign_drops``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_foreign_drops
short_description: Chains of others that would drop packets that are to come through
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - A packet has to be accepted by every base chain on its way, whichever table that is in. So a table of our own can
    take away, and never give what another table drops.
  - This module judges sample packets by all the base chains of a running host that are not ours, from the listing of
    the ruleset and the routes of the host. It sends nothing and changes nothing.
  - What depends on something that the listing does not tell, such as a rate, a mark, or most extensions of iptables, is
    reported as possible.
  - Bridges, the hook ingress, address translation and the packets that answer are not judged.
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
  owned_table:
    description: The table that is ours, by family and name. It is not judged.
    type: str
    default: inet pexip_sfb
  owned_prefix:
    description: Chains whose names begin so are ours, in any table. They and the jumps to them are passed over.
    type: str
    default: pexip_sfb_
  joined:
    description:
      - Base chains of others that begin with our rules, which let the packets through. They are not judged.
      - A mapping of tables, by family and name as in O(owned_table), to the names of the chains.
    type: dict
    default: {}
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
  - nft (package nftables), 1.0.6 or later tested. Without it no nftables ruleset is judged.
  - ip (package iproute2). Without it what depends on interfaces is possible only.
  - root
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
"""

EXAMPLES = r"""
- name: See whether somebody else drops what the matrix permits
  uc_firewall.pexip_sfb.nftables_foreign_drops:
    packets: "{{ port_matrix_site | uc_firewall.pexip_sfb.sample_packets(inventory_hostname, gateway=true) }}"
  register: foreign

- name: The same where our rules are at the head of a chain of another table
  uc_firewall.pexip_sfb.nftables_foreign_drops:
    packets: "{{ port_matrix_site | uc_firewall.pexip_sfb.sample_packets(inventory_hostname) }}"
    joined: {inet filter: [input]}
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
    packets: {description: "How many of the packets it drops.", type: int}
    example: {description: "The first of them.", type: str}
  sample:
    - where: table ip filter, chain FORWARD, policy drop
      family: ip
      table: filter
      chain: FORWARD
      hook: forward
      rows: [media_nodes_to_turn]
      packets: 2
      example: udp 192.0.2.11:40000 to 198.51.100.41:3478 (in by eth0, out by eth1)
possible:
  description: What may drop some of the packets, in the same form.
  returned: success
  type: list
  elements: dict
left_out:
  description: How many entries of RV(drops) and RV(possible) are left out, because there are too many.
  returned: success
  type: int
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import read_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.report import (
    Group,
    Report,
    judge_packets,
    legacy_tables,
    read_routes,
    routes_batch,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.walk import Exempt
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import UnreadableError, items
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft

_LEGACY = (Path("/proc/net/ip_tables_names"), Path("/proc/net/ip6_tables_names"))
_MOST_WARNINGS = 5
_MOST_ROWS = 12

_PACKET = {
    "row": {"type": "str", "required": True},
    "hook": {"type": "str", "required": True, "choices": ["input", "output", "forward"]},
    "family": {"type": "str", "required": True, "choices": ["ipv4", "ipv6"]},
    "protocol": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "source_port": {"type": "int"},
    "destination": {"type": "str", "required": True},
    "destination_port": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "packets": {"type": "list", "elements": "dict", "required": True, "options": _PACKET},
            "owned_table": {"type": "str", "default": "inet pexip_sfb"},
            "owned_prefix": {"type": "str", "default": "pexip_sfb_"},
            "joined": {"type": "dict", "default": {}},
            "warn_drops": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    report = _report(module)
    _warn_of_legacy_tables(module)
    if module.params["warn_drops"]:
        _warn(module, "drops traffic that the port matrix permits", report.drops)
    _warn(module, "may drop traffic that the port matrix permits", report.possible)
    module.exit_json(
        changed=False,
        drops=[group.as_mapping() for group in report.drops],
        possible=[group.as_mapping() for group in report.possible],
        left_out=report.left_out,
    )


def _report(module: AnsibleModule) -> Report:
    program = module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"])
    packets = module.params["packets"]
    if not program or not packets:
        return Report()
    nft = Nft(module, program)
    try:
        ruleset = read_ruleset({kind: about} for kind, about in items(nft.run("-j", "list", "ruleset")))
    except UnreadableError as e:  # nft up to 1.0.6 prints half of it where a table is dormant
        module.fail_json(msg=f"Whether others drop traffic that the port matrix permits cannot be told: {e}")
        raise
    exempt = Exempt(module.params["owned_table"], module.params["owned_prefix"], module.params["joined"])
    if not ruleset.has_others(exempt.table):
        return Report()
    # The words of the rules say what drops, and of rules of iptables what JSON does not. It can do without.
    # A comment can be of any encoding, and a result of a module cannot.
    rc, words, _err = module.run_command([program, "-a", "list", "ruleset"], errors="replace")
    ruleset.add_texts(words if rc == 0 else "")
    try:
        return judge_packets(packets, ruleset, exempt, read_routes(_ip(module, routes_batch(packets))))
    except ValueError as e:
        module.fail_json(msg=f"packets: {e}; accepted: packets as the filter sample_packets returns them")
        raise


def _ip(module: AnsibleModule, batch: str) -> str:
    program = module.get_bin_path("ip", opt_dirs=["/usr/sbin", "/sbin"])
    if not program:
        return ""
    # It fails as a whole where one address cannot be reached, and answers for the others nevertheless.
    return str(module.run_command([program, "-j", "-force", "-batch", "-"], data=batch)[1])


def _warn_of_legacy_tables(module: AnsibleModule) -> None:
    names = legacy_tables([path.read_text(encoding="utf-8") for path in _LEGACY if path.exists()])
    if names:
        module.warn(
            f"This host has tables of the old iptables ({', '.join(names)}), which nft does not list. "
            "Whether they drop traffic that the port matrix permits was not judged."
        )


def _warn(module: AnsibleModule, verb: str, groups: list[Group]) -> None:
    for group in groups[:_MOST_WARNINGS]:
        rows = ", ".join(group.rows[:_MOST_ROWS])
        more = f" and {len(group.rows) - _MOST_ROWS} more" if len(group.rows) > _MOST_ROWS else ""
        module.warn(f"{group.where}: {verb} (rows {rows}{more}), for example {group.example}.")
    if len(groups) > _MOST_WARNINGS:
        module.warn(f"{len(groups) - _MOST_WARNINGS} more rules or policies: each {verb}.")


if __name__ == "__main__":
    main()
