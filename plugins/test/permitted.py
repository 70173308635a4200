# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test ``permitted``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.query import answer
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import as_filter

DOCUMENTATION = r"""
name: permitted
short_description: Test whether the port matrix permits a flow
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Is true where a row permits the flow. The filter P(uc_firewall.pexip_sfb.query#filter) says by which row, or what
    does not match.
positional: _input, source, destination, protocol, source_port, destination_port
options:
  _input:
    description: The site, as the filter P(uc_firewall.pexip_sfb.site#filter) returns it.
    type: dict
    required: true
  source:
    description: Who sends the first packet, the name of a host or one address. Of a host, all its addresses count.
    type: str
    required: true
  destination:
    description: Who receives it, the name of a host or one address. Of a host, all its addresses count.
    type: str
    required: true
  protocol:
    description: The protocol. Without it, either is enough.
    type: str
    choices: [tcp, udp]
  source_port:
    description: The source port. Without it, some port is enough.
    type: int
  destination_port:
    description: The destination port. Without it, some port is enough.
    type: int
  at:
    description:
      - The host or gateway that judges. It knows itself by its own addresses, and of a NATed pair it sees the side
        that its C(port_matrix_view) names.
      - Without it, everybody has the address that is advertised.
    type: str
  gateways:
    description: The hosts that O(at) may name besides those that are endpoints.
    type: list
    elements: str
    default: []
  hostvars:
    description: C(hostvars), where O(source) or O(destination) may be a host that no row names.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Check what the site relies on
  ansible.builtin.assert:
    that:
      - port_matrix_site is uc_firewall.pexip_sfb.permitted('node1', 'turn1', 'udp', destination_port=3478)
      - port_matrix_site is not uc_firewall.pexip_sfb.permitted('client_lan', 'turn1')
"""

RETURN = r"""
_value:
  description: Whether a row permits the flow.
  type: bool
"""


@as_filter("permitted")
def permitted(*args: t.Any, **kwargs: t.Any) -> bool:
    """Tell whether a row permits the flow.

    :raises AnsibleFilterError: if an input is not what it should be.
    """
    return bool(answer(*args, **kwargs).matches)


class TestModule:
    """The tests of this file."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return test name → function."""
        return {"permitted": permitted}
