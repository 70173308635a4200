# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``windows_changes``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, shown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import as_list
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import read_state
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.comparison import compare

DOCUMENTATION = r"""
name: windows_changes
short_description: What has to be done on a Windows host to give it its rules
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Holds the wanted rules against those that a host has, and returns the calls of
    P(community.windows.win_firewall_rule#module) that make the difference go away. There are none where there is no
    difference.
  - Addresses and ports are compared by what they mean, as Windows writes them in another form than they were given.
  - Also tells what the firewall's profiles and policies make of the rules.
positional: _input, state
options:
  _input:
    description:
      - The wanted rules, as the filter P(uc_firewall.pexip_sfb.windows_rules#filter) returns them.
      - An empty list removes all rules of our group.
    type: list
    elements: dict
    required: true
  state:
    description: What P(uc_firewall.pexip_sfb.win_firewall_state#module) returned.
    type: dict
    required: true
  management_ports:
    description: TCP ports that Ansible comes in by.
    type: list
    elements: int
    default: [22, 5985, 5986]
"""

EXAMPLES = r"""
- name: Read the rules that the host has
  uc_firewall.pexip_sfb.win_firewall_state:
  register: firewall

- name: See what would have to be done
  ansible.builtin.debug:
    msg: "{{ rules | uc_firewall.pexip_sfb.windows_changes(firewall) }}"
  vars:
    rules: "{{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: What has to be done, and what is in the way.
  type: dict
  contains:
    calls:
      description:
        - Arguments of P(community.windows.win_firewall_rule#module), in the order in which the calls are to be made.
          A rule that one call cannot mend is removed and made anew.
        - That order closes nothing in between that is permitted before and after. Where it takes that, a second rule is
          made and removed again.
      type: list
      elements: dict
    conflicts:
      description: Why it cannot be done. The module knows a rule by its name only, so a name can be taken.
      type: list
      elements: str
    notes:
      description: Rules in our group that are left alone nevertheless.
      type: list
      elements: str
    findings:
      description:
        - What the profiles and policies of the firewall make of our rules. Each has C(check), C(fatal) and C(message).
        - The checks are V(profile_off), V(local_rules_void), V(inbound_blocked), V(outbound_default_allow) and
          V(management_port).
      type: list
      elements: dict
"""


@as_filter("windows_changes")
def windows_changes(rules: object, state: object, management_ports: object = (22, 5985, 5986)) -> dict[str, t.Any]:
    """Return the calls, and what is in their way.

    :raises AnsibleFilterError: if an input is not what the other filter and the module return.
    """
    wanted = to_plain(rules)
    as_list(wanted, "rules")
    ports = [_as_port(port) for port in to_plain(management_ports)]
    # Names come from the managed host: no template in them may ever be run here.
    result: dict[str, t.Any] = wrap_var(compare(wanted, read_state(to_plain(state)), ports).as_mapping())
    return result


def _as_port(port: object) -> int:
    if isinstance(port, bool) or not str(port).isdigit():
        raise PortMatrixError.at("management_ports", f"{shown(port)} is not a port", "a port 1-65535")
    return int(str(port))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"windows_changes": windows_changes}
