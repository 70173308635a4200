# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the module ``win_firewall_state``, which is win_firewall_state.ps1."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: win_firewall_state
short_description: The rules of one group and the profiles of the Windows Firewall, as data
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads all rules of one group in one go, with everything that M(community.windows.win_firewall_rule) can set, under
    the names of its options.
  - Also reads rules outside of that group that share a name with a rule of the group or begin with O(name_prefix),
    because M(community.windows.win_firewall_rule) finds a rule by its name alone.
  - Also reads enabled rules outside of that group that block, because a rule that blocks beats all that allow.
  - Also reads the profiles as they are in effect, policies included.
  - What cannot be read fails the module. It is never taken for what is not there.
  - Changes nothing.
options:
  group:
    description:
      - The group.
      - Windows keeps the groups of its own rules as a reference to a text, so Remote Desktop is
        V(@FirewallAPI.dll,-28752).
    type: str
    default: Pexip SfB port matrix
  name_prefix:
    description: Rules outside of the group whose name begins so are read, too.
    type: str
    default: "Pexip SfB "
requirements:
  - Windows Server 2016 or later, or 2012 with PowerShell 5.1
notes:
  - Supports C(check_mode). It changes nothing, so it does the same there.
seealso:
  - module: uc_firewall.pexip_sfb.windows_firewall_changes
  - module: community.windows.win_firewall_rule
"""

EXAMPLES = r"""
- name: Read our rules and the profiles
  uc_firewall.pexip_sfb.win_firewall_state:
  register: state

- name: Read the rules of a group of Windows itself, which is Remote Desktop
  uc_firewall.pexip_sfb.win_firewall_state:
    group: "@FirewallAPI.dll,-28752"
    name_prefix: Remote Desktop
"""

RETURN = r"""
rules:
  description: The rules of the group, in no order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Display name. Several rules may share one.
      type: str
      sample: Pexip SfB media_nodes_to_edge in udp ipv4 1
    group:
      description: Group.
      type: str
    description:
      description: Description.
      type: str
    enabled:
      description: Whether the rule is enabled.
      type: bool
    direction:
      description: V(in) or V(out).
      type: str
    action:
      description: V(allow) or V(block).
      type: str
    protocol:
      description: V(tcp), V(udp), V(any) or the number of another protocol.
      type: str
    profiles:
      description: Names of the profiles in which the rule counts.
      type: list
      elements: str
      sample: [domain, private, public]
    localip:
      description: Local addresses as Windows writes them, separated by commas. C(*) is any.
      type: str
      sample: 192.0.2.131/255.255.255.255
    remoteip:
      description: Remote addresses as Windows writes them, separated by commas. C(*) is any.
      type: str
    localport:
      description: Local ports, separated by commas. C(*) or nothing is any.
      type: str
    remoteport:
      description: Remote ports, separated by commas. C(*) or nothing is any.
      type: str
    program:
      description: Path of the program that the rule is for, or V(any).
      type: str
    service:
      description: Service that the rule is for, or V(any).
      type: str
    other:
      description:
        - Properties that M(community.windows.win_firewall_rule) documents no option for, where they are not at their
          defaults. Property name to value.
      type: dict
      sample: {InterfaceTypes: Wireless}
foreign_rules:
  description: Rules outside of the group that share a name with one of it, or begin with O(name_prefix).
  returned: success
  type: list
  elements: dict
blocking_rules:
  description: Enabled rules outside of the group that block.
  returned: success
  type: list
  elements: dict
profiles:
  description: The profiles as they are in effect.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: V(domain), V(private) or V(public).
      type: str
    active:
      description: Whether a network of the host is in this profile now.
      type: bool
    enabled:
      description: Whether the firewall is on.
      type: bool
    local_rules_apply:
      description: Whether rules written on this host count along with those of a policy (AllowLocalFirewallRules).
      type: bool
    inbound_blocked:
      description: Whether all inbound traffic is blocked, allow rules included (AllowInboundRules).
      type: bool
    default_inbound:
      description: V(allow) or V(block), what happens to inbound traffic that no rule matches.
      type: str
    default_outbound:
      description: V(allow) or V(block), what happens to outbound traffic that no rule matches.
      type: str
"""
