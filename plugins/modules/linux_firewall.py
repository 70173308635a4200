#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``linux_firewall``; there is no module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: linux_firewall
short_description: The whole firewall of a Linux host, looked at and changed in one call, and confirmed in another
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Does on one host what the role P(uc_firewall.pexip_sfb.linux_firewall#role) has to do there, after
    M(uc_firewall.pexip_sfb.linux_firewall_backend) and the filters that render. The options have the names of the
    variables of that role.
  - One call of M(uc_firewall.pexip_sfb.in_one_call) says what differs, whether the matrix comes through the host, and
    which flows were seen that nothing permits. Where nothing differs, that is all.
  - A change is made in the same call. It takes another where the controller has something to find out or to decide
    first, which are O(confirm_checks) from there, flows that were seen, and a matrix that does not come through, and
    where the other back end has left something.
  - It is confirmed in one call more over a new connection, as M(uc_firewall.pexip_sfb.nftables_table) and
    M(uc_firewall.pexip_sfb.firewalld_objects) do it. What the other back end put on earlier goes in another.
options:
  state:
    description: Whether the firewall is to be there.
    type: str
    choices: [present, absent]
    default: present
  only_look:
    description:
      - Whether to change nothing, and only to see whether the host lets through what the matrix permits. With nftables
        that is judged with the ruleset that it would get, with firewalld as it is.
    type: bool
    default: false
  backend:
    description: The back end.
    type: str
    choices: [nftables, firewalld]
    default: nftables
  given:
    description:
      - What the host is given. C(packets) of P(uc_firewall.pexip_sfb.sample_packets#filter), and with nftables
        C(ruleset) of P(uc_firewall.pexip_sfb.nftables_ruleset#filter) and C(units) for
        M(uc_firewall.pexip_sfb.boot_units), with firewalld C(objects) of
        P(uc_firewall.pexip_sfb.firewalld_objects#filter).
      - Required if O(state=present).
    type: dict
    default: {}
  has_firewalld:
    description: Whether firewalld is installed, so that objects of ours may be in it that have to go.
    type: bool
    default: true
  site:
    description: The site, as one text. It is read where the host remembers flows.
    type: str
    default: ""
  row_ids:
    description: Ids of the rows of the site.
    type: list
    elements: str
    default: []
  row_groups:
    description: Names of the row groups that apply.
    type: raw
    default: []
  gateway:
    description: Whether the host is a transit firewall.
    type: bool
    default: false
  egress:
    description: Whether what starts at an endpoint host is judged, too.
    type: bool
    default: false
  judged_endpoints:
    description: On a gateway, only traffic from or to these endpoints is judged. V(all) judges all of it.
    type: raw
    default: [conferencing_node]
  management:
    description: The rules that keep the host manageable.
    type: list
    elements: raw
    default: []
  extra_rules:
    description: Rules in addition to the matrix.
    type: list
    elements: raw
    default: []
  enforce:
    description: Whether what is not permitted is dropped.
    type: bool
    default: true
  observe_only:
    description: Whether the table only watches what other firewalls have let through.
    type: bool
    default: false
  remember:
    description: Whether what is dropped is remembered, too.
    type: bool
    default: false
  observed_days:
    description: Of how many days flows count that were seen.
    type: int
    default: 7
  accept_observed:
    description: Whether to enforce although flows were seen that nothing permits.
    type: bool
    default: false
  fail_on_foreign_drop:
    description: Whether to fail where a chain of somebody else drops what the matrix permits.
    type: bool
    default: true
  end_flows:
    description: Whether tracked flows end that nothing permits any more.
    type: bool
    default: false
  older_flows:
    description: For how many seconds the very first apply lets answers pass in flows of UDP that are older than it.
    type: int
    default: 30
  join:
    description: The table of others that the rules go into.
    type: dict
    default: {}
  directory:
    description: The directory of what is loaded at boot.
    type: path
    default: /etc/pexip_sfb
  ruleset_file:
    description: The file that is loaded at boot.
    type: path
    default: /etc/pexip_sfb/ruleset.nft
  join_program:
    description: The program that joins it to a table of others.
    type: path
    default: /etc/pexip_sfb/join.py
  unit_directory:
    description: Where the units are.
    type: path
    default: /etc/systemd/system
  unit_names:
    description: Names of the units, for a host that is to have none of them.
    type: list
    elements: str
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
    support: full
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
  - uc_firewall.pexip_sfb.confirm
"""

EXAMPLES = r"""
- name: Leave the host as it was before the first run
  uc_firewall.pexip_sfb.linux_firewall:
    state: absent
    unit_names: [pexip-sfb-firewall-again.service, pexip-sfb-firewall.service]
"""

RETURN = r"""
text:
  description: What was done, in one line. It is shown, too.
  returned: success, without O(only_look)
  type: str
  sample: "fw: 24 rules of 12 rows, revision b18813ab0e1b, changed, confirmed over a new connection in 0.8 s"
rules:
  description: Number of rules of the port matrix.
  returned: success, where they are to be there
  type: int
rows:
  description: Number of their rows. None with firewalld, whose rules do not tell.
  returned: success, where they are to be there
  type: int
revision:
  description: Digest of what the host was given.
  returned: success, where it is to be there
  type: str
  sample: b18813ab0e1b
confirmed_in:
  description: Seconds until a new connection confirmed the change. None where nothing was to be confirmed.
  returned: success, where it is to be there
  type: float
flows:
  description: Number of flows that would have been dropped. None where the host does not watch.
  returned: success, where it is to be there
  type: int
reload:
  description: Why firewalld had to reload, or in check mode would have to; empty where it had not.
  returned: success, with firewalld, where it is to be there
  type: list
  elements: str
  sample: []
said:
  description: What else there is to know, and on a host that watches, what each rule counted. It is shown, too.
  returned: success, where it is to be there
  type: list
  elements: str
  sample: ["forward_judged sip_signaling: 12 packets, 720 bytes"]
outcome:
  description: What became of a change that was not confirmed. With V(taken_back) the host is what it was before.
  returned: when the change was not confirmed
  type: str
  sample: taken_back
"""
