#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``windows_firewall_changes``; there is no module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: windows_firewall_changes
short_description: What differs on a Windows host from the rules that it is to have, and whether they may be written
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads the host once, with M(uc_firewall.pexip_sfb.win_firewall_state), and returns the calls of
    M(community.windows.win_firewall_rule) that are to be made, as the filter
    P(uc_firewall.pexip_sfb.windows_changes#filter) does.
  - Fails where a name that is wanted is taken by a rule of others, and where rules would have no effect or Ansible's
    own way in would be closed.
  - Warns of rules of others that block what the wanted rules allow.
  - Changes nothing. The role P(uc_firewall.pexip_sfb.windows_firewall#role) makes the calls.
options:
  rules:
    description:
      - The rules that the host is to have, as the filter P(uc_firewall.pexip_sfb.windows_rules#filter) returns them.
      - Required where O(state) is V(present).
    type: list
    elements: dict
  state:
    description: V(absent) is for no rules at all, whatever O(rules) are.
    type: str
    choices: [present, absent]
    default: present
  management_ports:
    description: TCP ports that Ansible comes in by.
    type: list
    elements: int
    default: [22, 5985, 5986]
  fail_on_preflight:
    description:
      - Whether to fail where rules would have no effect or Ansible's own way in would be closed.
      - Otherwise RV(findings) say so. Where O(state) is V(absent), no rule can be void, and only Ansible's own way
        in is looked at.
    type: bool
    default: true
  written:
    description:
      - Whether the calls were made, and the host is to have the rules by now. Where anything differs, it fails.
      - The host is read for that alone, without warnings and preflight.
    type: bool
    default: false
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    details: Nothing is changed, so there is no difference.
    support: none
  platform:
    support: full
    platforms: windows
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
seealso:
  - module: uc_firewall.pexip_sfb.win_firewall_state
  - module: community.windows.win_firewall_rule
"""

EXAMPLES = r"""
- name: Find out what differs on the host
  uc_firewall.pexip_sfb.windows_firewall_changes:
    rules: "{{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname) }}"
  register: found

- name: Make sure that the host has them, once they are written
  uc_firewall.pexip_sfb.windows_firewall_changes:
    rules: "{{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname) }}"
    written: true
"""

RETURN = r"""
text:
  description: What the host has, in one line.
  returned: success
  type: str
  sample: "edge1: 6 rules of 4 rows, revision b18813ab0e1b, unchanged"
rules:
  description: Number of the rules that are wanted.
  returned: success
  type: int
rows:
  description: Number of their rows.
  returned: success
  type: int
revision:
  description: Digest of the rules that are wanted.
  returned: success
  type: str
  sample: b18813ab0e1b
once_written:
  description:
    - What C(changed) and RV(text) are once the RV(calls) were made, or in check mode would be. Empty where there are
      none.
    - The role combines them with the rest, and has the result as C(windows_firewall_result).
  returned: success
  type: dict
  sample: {"changed": true, "text": "edge1: 6 rules of 4 rows, revision b18813ab0e1b, changed"}
calls:
  description: Arguments of M(community.windows.win_firewall_rule), in the order in which the calls are to be made.
  returned: success
  type: list
  elements: dict
notes:
  description: Rules in our group that are left alone nevertheless, each with the host.
  returned: success
  type: list
  elements: str
findings:
  description:
    - What the profiles and policies of the firewall make of the rules. Each has C(check), C(fatal) and C(message), as
      the filter P(uc_firewall.pexip_sfb.windows_changes#filter) returns them. Where O(state) is V(absent), only
      that of Ansible's own way in.
  returned: success
  type: list
  elements: dict
blocks:
  description:
    - Which enabled rules of others block what O(rules) allow. Rules in the group that are named like those of Skype for
      Business (C(CS)) are looked at, too.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: Name of the rule that blocks.
      type: str
    group:
      description: Its group.
      type: str
    blocked:
      description: Names of the wanted rules, of which it blocks all or some.
      type: list
      elements: str
    certain:
      description: Whether it does so for certain. Otherwise RV(blocks[].conditions) say when.
      type: bool
    conditions:
      description: What else the rule is for, such as a program or one profile.
      type: list
      elements: str
      sample: [profile public]
    example:
      description: A packet that is wanted and blocked.
      type: str
      sample: udp from 192.0.2.11 port 40000 to 192.0.2.131 port 50000
"""
