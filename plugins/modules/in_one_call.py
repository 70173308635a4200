#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``in_one_call``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: in_one_call
short_description: Several modules of this collection in one call to a Linux host
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Does what the modules would do that it is given, in that order, in one process on the host. A call to a host is most
    of what a task costs the controller.
  - It ends before the next part where the change of one is pending, or was not confirmed. Where a part fails, all of
    it fails, with the message of that part.
  - The actions M(uc_firewall.pexip_sfb.linux_firewall_backend) and M(uc_firewall.pexip_sfb.linux_firewall) call it. The
    latter confirms its change.
options:
  parts:
    description: The modules, each once at most.
    type: list
    elements: dict
    required: true
    suboptions: &part
      name:
        description: Name of the module, without the collection.
        type: str
        required: true
        choices:
          - boot_units
          - firewalld_objects
          - linux_firewall_info
          - nftables_table
          - observed_flows
          - packet_trial
          - tracked_flows
      options:
        description: What it is given, as its own documentation has it.
        type: dict
        default: {}
      check_mode:
        description: Whether it only says what it would change.
        type: bool
        default: false
  then:
    description: What else is done in the same call, depending on what O(parts) have found.
    type: dict
    version_added: 1.1.0
    suboptions:
      changed:
        description: Name of the part that has to have something to change. Otherwise nothing follows.
        type: str
        required: true
      unless:
        description:
          - What the parts return, each as C(PART.NAME). Where one of these is true, or not empty, nothing follows, as
            it is to be decided first what becomes of it. A name that no part returns is an error.
        type: list
        elements: str
        default: []
      parts:
        description: The modules, each once at most.
        type: list
        elements: dict
        required: true
        suboptions: *part
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Each part returns its own.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - what the modules require
seealso:
  - module: uc_firewall.pexip_sfb.boot_units
  - module: uc_firewall.pexip_sfb.firewalld_objects
  - module: uc_firewall.pexip_sfb.linux_firewall_info
  - module: uc_firewall.pexip_sfb.nftables_table
  - module: uc_firewall.pexip_sfb.observed_flows
  - module: uc_firewall.pexip_sfb.packet_trial
  - module: uc_firewall.pexip_sfb.tracked_flows
"""

EXAMPLES = r"""
- name: Read what was observed, and which flows nothing permits
  uc_firewall.pexip_sfb.in_one_call:
    parts:
      - name: observed_flows
      - name: tracked_flows
        options:
          table: inet pexip_sfb
        check_mode: true
  register: found
"""

RETURN = r"""
parts:
  description: What each part returned, by its name. Its C(warnings) are among that, and are not shown.
  returned: success
  type: dict
  sample: {"tracked_flows": {"changed": false, "ended": 0, "one_way": 0, "warnings": []}}
then:
  description: The same of the parts of O(then).
  returned: when they were done
  type: dict
  version_added: 1.1.0
  sample: {}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.parts import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
