#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``linux_firewall_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: linux_firewall_info
short_description: What a Linux host has of ours, who connects to it, and whether firewalld is in charge
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - The role P(uc_firewall.pexip_sfb.linux_firewall#role) asks this once, before it chooses a back end.
  - Nothing is changed. The connection is told without root only, as C(sudo) would hide it. What is ours, only root can
    read.
options:
  rules:
    description:
      - Whether to read what is ours on the host, too - the revision, the rows, what they counted, and a change that
        waits for its confirmation. It needs root.
      - Of a host with firewalld, only that change is told. M(uc_firewall.pexip_sfb.firewalld_objects) in check mode
        tells what differs there.
    type: bool
    default: false
    version_added: 1.1.0
attributes:
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
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
  - module: uc_firewall.pexip_sfb.firewalld_objects
"""

EXAMPLES = r"""
- name: Ask the host who connects to it, and whether firewalld is in charge
  uc_firewall.pexip_sfb.linux_firewall_info:
  become: false
  register: host

- name: Ask which revision it has, and what its rules have counted
  uc_firewall.pexip_sfb.linux_firewall_info:
    rules: true
  become: true
  register: firewall
"""

RETURN = r"""
ssh_connection:
  description:
    - The connection that Ansible uses, in the words of C(SSH_CONNECTION), client, its port, server, its port.
    - Empty without an SSH server that tells.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.9, "50000", 192.0.2.11, "22"]
service_manager:
  description: What starts the services of the host, V(systemd) or the name of its first process.
  returned: success
  type: str
  sample: systemd
firewalld:
  description:
    - What systemd says of C(firewalld.service), and the version of one that runs.
    - Of a host without systemd, that it is not there.
  returned: success
  type: dict
  contains:
    load_state:
      description: V(loaded), V(masked), V(not-found) and others.
      type: str
    active_state:
      description: V(active), V(inactive), V(activating) and others.
      type: str
    unit_file_state:
      description: V(enabled), V(disabled) and others. Empty where there is no such file.
      type: str
    version:
      description: The version of a firewalld that runs. Empty where it does not, or does not say.
      type: str
  sample: {load_state: loaded, active_state: active, unit_file_state: enabled, version: 1.3.3}
nft:
  description: Path of the nft program. Empty where it is not there.
  returned: success
  type: str
  sample: /usr/sbin/nft
  version_added: 1.1.0
python:
  description:
    - Path of the Python that the module runs with, so that it can be written into a unit. It is C(/usr/bin/python3)
      where that is the same one.
  returned: success
  type: str
  sample: /usr/bin/python3
  version_added: 1.1.0
conntrack:
  description: Path of the program that lists and ends tracked flows. Empty where it is not there.
  returned: success
  type: str
  sample: /usr/sbin/conntrack
revision:
  description:
    - Digest of the ruleset that was confirmed last and is loaded at boot, as C(linux_firewall_result.revision) of the
      run that applied it. Empty where there is none.
  returned: O(rules) is true
  type: str
  sample: b18813ab0e1b
rows:
  description: Names of the rows and extra rules that the kernel has rules for.
  returned: O(rules) is true
  type: list
  elements: str
  sample: [media_nodes_to_turn, sip_signaling]
counters:
  description: What our rules have counted, those of a chain with the same comment together.
  returned: O(rules) is true
  type: list
  elements: dict
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
pending:
  description: The change that goes back unless it is confirmed. Empty where none is pending.
  returned: O(rules) is true
  type: dict
  contains:
    seconds_left:
      description: Seconds until it goes back.
      type: int
    timeout:
      description: Seconds that it had.
      type: int
  sample: {seconds_left: 71, timeout: 90}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.linux_firewall_info import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
