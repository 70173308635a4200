#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``firewalld_objects``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewalld_objects
short_description: All ipsets and policies of one name prefix in firewalld, applied as one state
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes the ipsets and policies of firewalld whose names begin with a prefix what O(objects) says, in the permanent
    and in the runtime configuration. Objects with the prefix that are not wanted go. Nothing else is touched.
  - The state is read once and compared in memory, and only differences are written.
  - Before anything is written, the permanent configuration as it is going to be is put together in a temporary
    directory and checked by C(firewall-offline-cmd --check-config).
  - Entries of ipsets and rules of policies change in the running firewalld, without a reload. firewalld reloads once
    where an ipset or a policy is new, goes, or changes its type, priority, target or zones, or where more than 1,000
    entries change, which would take it minutes. A running firewalld offers no other way. RV(reload) says why.
  - With O(confirm_timeout) only the runtime changes at first. The permanent configuration is written when the change is
    confirmed over a new connection, but for the seconds of a reload, which takes it from there. Without a confirmation
    the host reloads the permanent configuration that it had.
  - A reload makes firewalld forget what others have changed in its runtime configuration only. The module gives back
    such settings of zones, policies and ipsets, and leaves alone what others do meanwhile. Settings with a timeout go
    when that is over; of one that ended during the reload, the log C(/var/log/firewalld) tells. A warning names what
    opens something and came back. Direct rules do not come back.
options:
  objects:
    description:
      - C(ipsets) and C(policies), as the filter P(uc_firewall.pexip_sfb.firewalld_objects#filter) returns them.
      - Required if O(state=present).
    type: dict
  prefix:
    description: How the names begin of the objects that this module owns.
    type: str
    default: pexip_sfb_
  state:
    description: Whether the objects are to be there. With V(absent) firewalld need not be running, nor installed.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns what is added and what is removed, for the permanent and for the runtime configuration.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - uc_firewall.pexip_sfb.confirm
requirements:
  - systemd, with O(confirm_timeout)
  - firewalld 1.0 or later with the back end nftables, and its Python library (Debian package python3-firewall)
  - root
"""

EXAMPLES = r"""
- name: Put the objects into firewalld
  uc_firewall.pexip_sfb.firewalld_objects:
    objects: "{{ port_matrix_site | uc_firewall.pexip_sfb.firewalld_objects(inventory_hostname) }}"

- name: Take them out again
  uc_firewall.pexip_sfb.firewalld_objects:
    state: absent
"""

RETURN = r"""
reload:
  description: Why firewalld had to reload, or in check mode would have to; empty where it had not.
  returned: success
  type: list
  elements: str
  sample: [pexip_sfb_input is new]
reads:
  description: How many times the state was read. It is read again after a change, to see that the change is there.
  returned: success
  type: int
  sample: 1
narrowed:
  description:
    - Whether a rule or an entry of an ipset goes from the runtime, so that something may be refused that was permitted.
      What is tracked already goes on; M(uc_firewall.pexip_sfb.tracked_flows) ends it.
  returned: success, where firewalld runs
  type: bool
  sample: false
confirmed_in:
  description: Seconds from the change to the new connection that confirmed it.
  returned: when the change was confirmed
  type: float
  sample: 0.8
outcome:
  description: What became of a change that was not confirmed. With V(taken_back) the host is what it was before.
  returned: when the change was not confirmed
  type: str
  sample: taken_back
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.firewalld_objects import (
    REQUIRED_IF,
    SPEC,
    run,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
