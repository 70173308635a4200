#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``nftables_table``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: The nftables table inet pexip_sfb, or chains in a table of others, replaced while traffic flows
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes what is ours in the running kernel's nftables what a ruleset says, or takes it out. Ours is the table
    C(inet pexip_sfb). In other tables of the family C(inet), ours are sets and chains whose names begin with
    C(pexip_sfb_), and rules that jump to these. Nothing else is touched.
  - Whether anything has to change is judged against the kernel and not against a file. The wanted ruleset is loaded
    into an empty network namespace first, so nft itself says what it comes to. A ruleset that nft does not take, that
    holds another table, or that joins a chain which the host does not have, fails there, before the host is touched.
  - The rules change in one transaction, and a flow that the rules before and after it permit is never refused. For that
    a set that stays is kept, and a new one is there before the rules that use it.
  - What this module loads is gone after a reboot. The role P(uc_firewall.pexip_sfb.linux_firewall#role) installs a unit
    that loads O(path) again.
  - With O(confirm_timeout) the change is taken back by the host itself unless a new connection works after it.
options:
  ruleset:
    description:
      - The ruleset for C(nft -f), as the filter P(uc_firewall.pexip_sfb.nftables_ruleset#filter) renders it.
      - Required if O(state=present).
    type: str
  path:
    description:
      - A file that is to hold the ruleset, for the next boot, with mode 0640. It is replaced as a whole, after the
        change is confirmed. The content is written next to it beforehand, so that a full disk stops the change.
      - Without it no file is written.
    type: path
  program:
    description:
      - A file that is to hold a program which takes all that is ours out of the kernel and loads the files that it is
        given, without Ansible. Whatever joins O(path) to a table of others at boot needs it. It is replaced together
        with O(path).
      - Without it no such file is written.
    type: path
  older_flows:
    description:
      - For how many seconds (0 to 300) flows of UDP count as possibly older than connection tracking, where nothing of
        ours was in the kernel before. Answers in them pass for that time, so that the kernel learns about them.
        Nothing was refused until then, so nothing is let through that was not before.
      - It has no meaning for a ruleset without the set C(older_flows), such as one that joins a table of others.
    type: int
    default: 0
  state:
    description: Whether the rules are to be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns what is ours as nft lists it, before and after, without counters, and the file.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - uc_firewall.pexip_sfb.confirm
requirements:
  - nft (package nftables); 0.9.8, 1.0.6 and 1.1.3 tested. With 0.9.8 rules cannot join a table of others.
  - unshare (package util-linux), and root
  - systemd, with O(confirm_timeout)
"""

EXAMPLES = r"""
- name: Put the table into the kernel
  uc_firewall.pexip_sfb.nftables_table:
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"

- name: Put it into the kernel, and have the host take it back unless SSH and the monitoring still work
  uc_firewall.pexip_sfb.nftables_table:
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"
    path: /etc/pexip_sfb/ruleset.nft
    confirm_timeout: 90
    confirm_checks: [{host: 192.0.2.9, port: 443, from: target}]

- name: Take it out again
  uc_firewall.pexip_sfb.nftables_table:
    state: absent
"""

RETURN = r"""
nft:
  description: Path of the nft program; empty where there is none and the rules are to be absent.
  returned: success
  type: str
  sample: /usr/sbin/nft
python:
  description:
    - Path of the Python that the module runs with. Where that is C(/usr/bin/python3) it is this path, whatever version
      is behind it, so that it can be written into a unit.
  returned: success
  type: str
  sample: /usr/bin/python3
counters:
  description:
    - What our rules have counted, as they were found, those with the same comment together.
    - Loading another ruleset begins again at 0.
  returned: success
  type: list
  elements: dict
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
first:
  description:
    - Whether nothing that is ours was in the kernel before, so that flows are older than its rules. For the answers in
      these, see O(older_flows).
  returned: success, where the rules are to be there
  type: bool
  sample: false
narrowed:
  description:
    - Whether an accepting rule or an element of a set that were there before are not there any more, so that something
      may be refused that was permitted. What is tracked already goes on; M(uc_firewall.pexip_sfb.tracked_flows)
      ends it.
  returned: success, where the rules are to be there
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
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.nftables_table import (
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
