#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``boot_units``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_units
short_description: The units of systemd that load a ruleset at boot, together with the directory that it is in
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Writes units of systemd, has exactly what they name start them, and keeps the directory of what they load to root;
    or takes all of it off.
  - To systemd a unit is enabled as soon as anything starts it. This module looks at each link instead, so it sees one
    that somebody removed, and one of an earlier version of the unit that should be gone.
  - It does in one call what takes a task for each file, each unit and each state otherwise.
  - Two runs at once take turns.
options:
  directory:
    description: The directory of what the units load. It belongs to root, with mode 0750. With O(state=absent) it goes.
    type: path
    required: true
  units:
    description: The units, in the order in which they are started.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name, with C(.service) at the end.
        type: str
        required: true
      content:
        description: The whole unit. Required if O(state=present).
        type: str
      wanted_by:
        description: What starts it, as its section C([Install]) says.
        type: list
        elements: str
        default: []
      started:
        description: Whether it is started, where it is not active.
        type: bool
        default: false
      in_place:
        description:
          - A file that is there while this module starts the unit, and at no other time. It says to the unit that what
            it loads is in place already, so that the unit can leave that as it is.
        type: path
  unit_directory:
    description: Where the units are.
    type: path
    default: /etc/systemd/system
  remove:
    description: Files of O(directory) that nothing needs once the units are as they should be.
    type: list
    elements: path
    default: []
  state:
    description: Whether the units are to be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns files, what starts the units, and which are active, before and after.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - systemd, and root
"""

EXAMPLES = r"""
- name: Have the ruleset loaded at boot
  uc_firewall.pexip_sfb.boot_units:
    directory: /etc/pexip_sfb
    units:
      - name: pexip-sfb-firewall.service
        content: |
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          ExecStart=/usr/sbin/nft -f /etc/pexip_sfb/ruleset.nft
          [Install]
          WantedBy=sysinit.target
        wanted_by: [sysinit.target]
        started: true

- name: Take all of it off
  uc_firewall.pexip_sfb.boot_units:
    directory: /etc/pexip_sfb
    units: [{name: pexip-sfb-firewall.service}]
    state: absent
"""

RETURN = r"""
started_by:
  description: What started each unit before, as its links were found.
  returned: success
  type: dict
  sample: {"pexip-sfb-firewall.service": ["nftables.service", "sysinit.target"]}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.boot_units import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
