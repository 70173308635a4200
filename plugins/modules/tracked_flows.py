#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``tracked_flows``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tracked_flows
short_description: End the flows that a Linux host tracks and that nothing permits any more
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - A firewall with connection tracking lets a flow go on that it has let begin, also where the rule is gone that did.
    This module has the kernel forget such flows. Their next packet is judged as that of a new flow.
  - It judges each tracked flow of TCP and UDP by the table that is in force. A flow ends where a new packet of it would
    be dropped there for sure, in either direction. The kernel judges that in a copy of the host, as with
    M(uc_firewall.pexip_sfb.packet_trial). Whatever is let through, or may be because a rule asks for what cannot be
    known from outside of a flow, goes on. So does a flow that a helper of the kernel expected.
  - A flow of which only the packets of one direction would be dropped goes on, as the other ones would begin it anew.
    On a host whose own traffic nobody judges these are all flows from and to itself. RV(one_way) counts them.
options:
  table:
    description: Family and name of the table that judges. That of firewalld is C(inet firewalld).
    type: str
    default: inet pexip_sfb
attributes:
  check_mode:
    support: full
    details: Says which flows would end by the ruleset that is in force, which is the one before a change in check mode.
  diff_mode:
    support: full
    details: Returns the flows that end, 100 at most.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - conntrack (Debian package conntrack, elsewhere conntrack-tools)
  - root, with CAP_SYS_ADMIN for network namespaces
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
  - module: uc_firewall.pexip_sfb.firewalld_objects
"""

EXAMPLES = r"""
- name: End what nothing permits any more
  uc_firewall.pexip_sfb.tracked_flows:

- name: The same with firewalld
  uc_firewall.pexip_sfb.tracked_flows:
    table: inet firewalld
"""

RETURN = r"""
ended:
  description: How many flows ended, or would in check mode.
  returned: success
  type: int
  sample: 2
one_way:
  description: How many flows go on because a packet of one of their directions would be let through.
  returned: success
  type: int
  sample: 0
examples:
  description: The first of the flows that ended, 20 at most.
  returned: success
  type: list
  elements: str
  sample: ["tcp 192.0.2.11:50000 to 198.51.100.21:5061"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.tracked_flows import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
