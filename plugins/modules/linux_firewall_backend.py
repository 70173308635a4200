#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``linux_firewall_backend``; there is no module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: linux_firewall_backend
short_description: Which back end a Linux host gets, or all that speaks against it
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Asks a host by M(uc_firewall.pexip_sfb.linux_firewall_info), chooses its back end, and fails with all that speaks
    against that.
  - The role P(uc_firewall.pexip_sfb.linux_firewall#role) does this first, and not as root, as C(sudo) would hide the
    connection.
options:
  backend:
    description: What the user chose. V(auto) is firewalld where that is enabled or running, else nftables.
    type: str
    choices: [auto, nftables, firewalld]
    default: auto
  observe_only:
    description: Whether the user only wants to watch. A table of nftables does that next to firewalld, too.
    type: bool
    default: false
  end_flows:
    description: Whether tracked flows are to end, which takes a program on the host.
    type: bool
    default: false
  join:
    description: The table of others that the rules go into. The one of firewalld is none of these.
    type: dict
    default: {}
  management:
    description: The rules that keep the host manageable. Where it hides its SSH connection, there has to be one.
    type: list
    elements: raw
    default: []
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
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
"""

EXAMPLES = r"""
- name: Ask the host, and choose its back end
  uc_firewall.pexip_sfb.linux_firewall_backend:
  become: false
  register: host
"""

RETURN = r"""
backend:
  description:
    - The back end, V(nftables) or V(firewalld). The result has all that M(uc_firewall.pexip_sfb.linux_firewall_info)
      returns, too.
  returned: success
  type: str
  sample: nftables
"""
