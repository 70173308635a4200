# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``rows``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows

DOCUMENTATION = r"""
name: rows
short_description: The rows of the port matrix that apply to a site
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Takes the vendor's port table as this collection holds it, leaves out the disabled rows, and adds the user's own.
  - Rows keep the names of their port ranges. The filter P(uc_firewall.pexip_sfb.site#filter) resolves them.
positional: _input
options:
  _input:
    description:
      - Rows of your own, in the row schema. They are treated like the table's in every back end and report.
      - A row has the keys C(id), C(purpose), C(source), C(destination), C(bidirectional), C(protocols),
        C(source_ports), C(destination_ports), C(tls), C(group), C(reference), C(owner), C(ticket) and C(expires).
        C(id), C(source), C(destination) and C(protocols) are required, and with a protocol that has ports
        C(destination_ports).
      - C(expires) is the last day on which somebody wants the row, such as V(2027-03-31).
    type: list
    elements: dict
    required: true
  disabled:
    description: Ids of rows to leave out.
    type: list
    elements: str
    default: []
  strict_clients:
    description: Whether the rows for clients behind strict firewalls apply, as with V(strict_clients) in O(row_groups).
    type: bool
    default: false
  row_groups:
    description:
      - The groups of rows that apply, among V(integration), V(strict_clients), V(platform), V(video_endpoints) and
        V(federation). Rows of your own apply unless their C(group) is one of these.
      - The row C(sip_udp) applies only where it is named here.
    type: list
    elements: str
    default: [integration]
  psom_split:
    description: Whether PSOM goes to port 8057 of Front Ends only, and to its other ports of Edges only.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: The ten integration rows, and NTP from the nodes to the site's own time servers
  ansible.builtin.set_fact:
    rows: "{{ own_rows | uc_firewall.pexip_sfb.rows }}"
  vars:
    own_rows:
      - id: ntp
        purpose: Time
        source: conferencing_node
        destination: ntp_server
        protocols: udp
        destination_ports: 123
"""

RETURN = r"""
_value:
  description: The rows, in the row schema, in the order of the table and then of your own.
  type: list
  elements: dict
"""


@as_filter("rows")
def rows(
    extra_rows: object,
    disabled: object = (),
    strict_clients: object = False,
    row_groups: object = ("integration",),
    psom_split: object = False,
) -> list[dict[str, t.Any]]:
    """Return the rows that apply, in the row schema.

    :raises AnsibleFilterError: for a row id or group that does not exist, or inputs of a wrong type.
    """
    selected = select_rows(to_plain(extra_rows), to_plain(disabled), strict_clients, to_plain(row_groups), psom_split)
    # Once more, as Ansible does not know how values out of a vault are marked.
    return [to_plain(row) for row in selected]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"rows": rows}
