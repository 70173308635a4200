# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``nftables_ruleset``."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import (
    judged_addresses,
    permissions_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.connection import (
    check_lets_in,
    parse_management_connection,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.joined import (
    Join,
    parse_join,
    render_joined,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import parse_memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import as_flag, as_strings

DOCUMENTATION = r"""
name: nftables_ruleset
short_description: Render the nftables table of one host
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Returns the text of the table C(inet pexip_sfb) of one host, for C(nft -f). Loading it replaces that table in one
    transaction and touches no other. With O(join) it returns chains for a table of others, for a kernel that has none
    of them yet.
  - An endpoint host gets a chain for hook input, and one for hook output with O(egress). A gateway gets a chain for
    hook forward. A host can be both.
positional: _input, host
options:
  judged_endpoints:
    description: On a gateway, only traffic from or to these endpoints is judged. V(all) judges all of it.
    type: raw
    default: [conferencing_node]
  connection:
    description:
      - The connection that Ansible uses, in the words of C(SSH_CONNECTION) on the host. A ruleset that would drop a new
        connection like it is an error.
      - Without it nothing is checked.
    type: list
    elements: str
    default: []
  join:
    description:
      - A table of others that the rules go into instead, as chains that its own chains jump to. C(table) is its name,
        in the family C(inet); C(chains) maps a hook to the chain that is to jump, by default one named like the hook;
        C(service) is the unit that loads the table.
      - The rules then only permit, and what none of them permits is up to that table. So O(judged_endpoints) has no
        meaning, and O(enforce) must be true.
    type: dict
    default: {}
  enforce:
    description:
      - Whether to drop what is not permitted. Without it such traffic is counted, logged, remembered and let through.
        The module M(uc_firewall.pexip_sfb.observed_flows) reads what is remembered.
    type: bool
    default: true
  remember:
    description: Whether to remember what is dropped, too. A table of others that is joined decides that itself.
    type: bool
    default: false
  remember_entries:
    description:
      - How many flows are remembered, from 1 to 1,000,000, for each hook, family, and protocols with or without ports.
    type: int
    default: 65535
  remember_days:
    description: How many days (1 to 365) after its last packet a flow is forgotten.
    type: int
    default: 30
  observe_only:
    description:
      - Whether the table only watches what other firewalls have let through, behind all of them. O(enforce) must be
        false then, and nothing can be joined.
    type: bool
    default: false
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.host
  - uc_firewall.pexip_sfb.linux_host
  - uc_firewall.pexip_sfb.linux_host.rules
"""

EXAMPLES = r"""
- name: Look at the ruleset before it goes anywhere
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname, gateway=true) }}"
"""

RETURN = r"""
_value:
  description: The ruleset.
  type: str
"""


@as_filter("nftables_ruleset")
def nftables_ruleset(
    site: object,
    host: str,
    gateway: object = False,
    egress: object = False,
    judged_endpoints: object = ("conferencing_node",),
    management: object = (),
    extra_rules: object = (),
    connection: object = (),
    join: object = None,
    enforce: object = True,
    remember: object = False,
    remember_entries: object = 65535,
    remember_days: object = 30,
    observe_only: object = False,
) -> str:
    """Return the ruleset of *host*.

    :raises AnsibleFilterError: if the host is neither endpoint nor gateway, an input is not what it should be, or the
        ruleset would cut off *connection*.
    """
    built = read_site(to_plain(site))
    name = to_plain(host)
    enforced = as_flag(enforce, "linux_firewall_enforce")
    memory = parse_memory(remember_entries, remember_days)
    permissions = permissions_of(built, name, gateway, egress, to_plain(management), to_plain(extra_rules))
    policy = Policy(
        permissions.hooks,
        permissions.rules,
        permissions.management,
        permissions.extra_rules,
        judged=judged_addresses(built, to_plain(judged_endpoints)) if "forward" in permissions.hooks else None,
        enforce=enforced,
        memory=memory if as_flag(remember, "linux_firewall_remember") or not enforced else None,
        after_others=as_flag(observe_only, "linux_firewall_observe_only"),
    )
    joined = parse_join({} if join is None else to_plain(join), "linux_firewall_join")
    if policy.after_others:
        _check_only_observes(policy, joined)
    if joined:
        return render_joined(policy, joined)
    words = to_plain(connection)
    used = parse_management_connection(as_strings(words, "connection"), "connection") if words else None
    if used:
        check_lets_in(policy, used, "linux_firewall_management")
    return render_ruleset(policy)


def _check_only_observes(policy: Policy, join: Join | None) -> None:
    where = "linux_firewall_observe_only"
    if policy.enforce:
        raise PortMatrixError.at(where, "true, and linux_firewall_enforce is true as well", "one of them")
    if join:
        accepted = "no linux_firewall_join: a table of our own watches next to the one of others"
        raise PortMatrixError.at(where, "true, and linux_firewall_join puts rules into a table that enforces", accepted)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"nftables_ruleset": nftables_ruleset}
