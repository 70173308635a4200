#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``observed_flows``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: observed_flows
short_description: The flows that a Linux host would drop, or drops, as its kernel remembers them
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Where nothing is enforced yet, the table C(inet pexip_sfb) has sets in which the kernel remembers each flow that no
    rule permits. With C(linux_firewall_remember) of the role P(uc_firewall.pexip_sfb.linux_firewall#role) it does so as
    well while it drops them. This module reads these sets, and what the rules counted. It changes nothing.
  - A flow is a source, a destination, a protocol and a destination port, at one hook. The source port is not
    remembered, so all connections of a client to a service are one flow.
  - Its addresses are those that the rules see, behind a translation of the destination and before one of the source.
  - What connection tracking finds invalid belongs to no flow, and is not remembered.
  - It is in the memory of the kernel. A reboot ends it, and so does whoever flushes the ruleset, such as a restart of
    C(nftables.service). Other limits, and the switch from watching to enforcing, begin it anew.
options:
  path:
    description:
      - The file that the host loads at boot, as M(uc_firewall.pexip_sfb.nftables_table) writes it. It tells since when
        the rules are what they are.
    type: path
    default: /etc/pexip_sfb/ruleset.nft
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
requirements:
  - nft (package nftables); 0.9.8, 1.0.6 and 1.1.3 tested
  - root
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
"""

EXAMPLES = r"""
- name: Read what would have been dropped
  uc_firewall.pexip_sfb.observed_flows:
  register: observed

- name: Show it
  ansible.builtin.debug:
    var: observed.flows
"""

RETURN = r"""
flows:
  description:
    - What is remembered, sorted by hook, family, protocol, source, destination and destination port.
    - What of it is permitted meanwhile stays in it until its time is over.
  returned: success
  type: list
  elements: dict
  contains:
    hook:
      description: The hook at which it was judged, V(input), V(output) or V(forward).
      type: str
    family:
      description: V(ipv4) or V(ipv6).
      type: str
    protocol:
      description:
        - V(ah), V(esp), V(gre), V(icmp), V(icmpv6), V(sctp), V(tcp), V(udp) or V(vrrp), and of any other protocol the
          number as text.
      type: str
    source:
      description: The address that sent it.
      type: str
    destination:
      description: The address that it was sent to.
      type: str
    destination_port:
      description: The port that it was sent to; null where the protocol has no ports.
      type: int
    packets:
      description:
        - How many packets of it were counted, since it is remembered. Where it is answered these are only those before
          the answer, so about one for each connection.
      type: int
    bytes:
      description: How many bytes these packets had, with the headers of IP.
      type: int
    last_seen:
      description:
        - When the last of these packets came, in UTC, as the clock of the host has it. A connection that is open for
          long was last seen when it began.
      type: str
  sample:
    - hook: forward
      family: ipv4
      protocol: udp
      source: 192.0.2.11
      destination: 198.51.100.53
      destination_port: 53
      packets: 12
      bytes: 744
      last_seen: "2026-03-02T08:15:27Z"
full:
  description: Whether a set is full, so that new flows are judged as ever and not remembered.
  returned: success
  type: bool
  sample: false
missed:
  description:
    - How many packets found no place in a set that was full, since the rules were loaded.
  returned: success
  type: int
  sample: 0
rules_since:
  description:
    - When the rules became what they are, in UTC, as O(path) has it. A flow that was seen later was not permitted by
      them. Empty where there is no such file.
  returned: success
  type: str
  sample: "2026-02-24T09:00:00Z"
remembering:
  description: Whether the host remembers flows at all. Without this there are none in RV(flows).
  returned: success
  type: bool
  sample: true
enforcing:
  description:
    - Whether the flows were dropped. Where it is false and RV(remembering) is true, they would have been, and passed.
    - Where nothing is remembered, this is false too and says nothing.
  returned: success
  type: bool
  sample: false
entries:
  description: How many flows are remembered.
  returned: success
  type: int
  sample: 1
counters:
  description:
    - What the rules of ours on the host have counted since they were loaded, those of a chain with the same comment
      together. The comment is the name of a row or of an extra rule, or says what all hosts have, such as
      V(established) and V(default_deny).
    - They are there also where nothing is remembered.
  returned: success
  type: list
  elements: dict
  contains:
    chain:
      description: The chain, the name of which begins with the hook, or with C(pexip_sfb_) and the hook.
      type: str
    comment:
      description: The comment of the rules.
      type: str
    packets:
      description: How many packets they matched.
      type: int
    bytes:
      description: How many bytes these had.
      type: int
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
limit:
  description:
    - How many flows a set holds. There is one for each hook, family, and protocols with or without ports.
    - 0 where nothing is remembered.
  returned: success
  type: int
  sample: 65535
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.observed_flows import SPEC, run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
