# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``firewalld_objects``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._firewalld.objects import render_objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import permissions_of
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, shown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import as_flag

DOCUMENTATION = r"""
name: firewalld_objects
short_description: Render the firewalld objects of one host
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Returns the ipsets and policies of one host, for the module M(uc_firewall.pexip_sfb.firewalld_objects). All names
    begin with C(pexip_sfb_).
  - An endpoint host gets a policy for what comes to it, and with O(egress) one for what it sends and one that drops the
    rest of that. A gateway gets a policy for transit. A host can be both.
  - But for egress, the policies only permit. What they do not permit is up to the zones of the host.
positional: _input, host
options:
  enforce:
    description: Must be true. The zones of firewalld decide what happens to traffic that is not permitted.
    type: bool
    default: true
  remember:
    description: Must be false, for the same reason.
    type: bool
    default: false
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.host
  - uc_firewall.pexip_sfb.linux_host
  - uc_firewall.pexip_sfb.linux_host.rules
"""

EXAMPLES = r"""
- name: Look at the objects before they go anywhere
  ansible.builtin.debug:
    msg: "{{ port_matrix_site | uc_firewall.pexip_sfb.firewalld_objects(inventory_hostname, gateway=true) }}"
"""

RETURN = r"""
_value:
  description: C(ipsets) and C(policies), each a mapping of name to settings.
  type: dict
"""


@as_filter("firewalld_objects")
def firewalld_objects(
    site: object,
    host: str,
    gateway: object = False,
    egress: object = False,
    management: object = (),
    extra_rules: object = (),
    enforce: object = True,
    remember: object = False,
) -> dict[str, t.Any]:
    """Return the firewalld objects of *host*.

    :raises AnsibleFilterError: if the host is neither endpoint nor gateway, or an input is not what it should be.
    """
    name = to_plain(host)
    permissions = permissions_of(
        read_site(to_plain(site)), name, gateway, egress, to_plain(management), to_plain(extra_rules)
    )
    if as_flag(remember, "linux_firewall_remember"):
        raise PortMatrixError.at(
            f"host {shown(name)} linux_firewall_remember",
            "is true, and with firewalld the zones decide what is dropped, so nothing of ours can remember it",
            "false, or the back end nftables",
        )
    if not as_flag(enforce, "linux_firewall_enforce"):
        raise PortMatrixError.at(
            f"host {shown(name)} linux_firewall_enforce",
            "is false, and with firewalld the zones decide what is dropped, so there is nothing to observe",
            "true; or linux_firewall_observe_only: true, for a table that only watches next to it; or the log of what "
            "firewalld refuses, LogDenied (firewall-cmd --set-log-denied=all)",
        )
    return render_objects(permissions)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"firewalld_objects": firewalld_objects}
