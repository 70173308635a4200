#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``evaluate``; there is no module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: evaluate
short_description: The value of a variable, or plainly what is wrong with what it is made of
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - The filters of this collection say what is wrong with an input, a line for each problem. Where a task calls a filter
    in one of its arguments, Ansible says that the argument could not be worked out, and why, several times over.
  - This action works out a variable that calls the filter, and fails with the problems and nothing else.
  - No host is connected to.
options:
  variable:
    description: Name of the variable. An error of another kind is Ansible's, and looks as it always does.
    type: str
    required: true
  problems:
    description: What else is wrong. It may follow from problems of the variable, so it is said where there are none.
    type: list
    elements: str
    default: []
  validate_role:
    description:
      - Whether the arguments of the role that the task is in are validated first, by the specification of its entry
        point C(main), as Ansible does in a task of its own.
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
    details: The controller, whatever the host is.
    support: full
    platforms: all
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
"""

EXAMPLES = r"""
- name: Render the rules of this host
  uc_firewall.pexip_sfb.evaluate:
    variable: rules
  vars:
    rules: "{{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname) }}"
  register: rendered

- name: Show them
  ansible.builtin.debug:
    var: rendered.value
"""

RETURN = r"""
value:
  description: What the variable is.
  returned: success
  type: raw
problems:
  description: What is wrong, each with the variable, the host or row, the value, and what is accepted.
  returned: failure
  type: list
  elements: str
  sample: ["port_matrix_ports.sip: 0: port 0 is out of range; accepted: a port 1-65535, a range first-last, or any"]
"""
