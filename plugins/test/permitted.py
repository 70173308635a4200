# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test ``permitted``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.query import answer
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter

DOCUMENTATION = r"""
name: permitted
short_description: Test whether the port matrix permits a flow
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Is true where a row permits the flow, and of a group, a network or a range of ports all of it.
  - The filter P(uc_firewall.pexip_sfb.query#filter) says by which row, or what does not match.
positional: _input, source, destination, protocol, source_port, destination_port
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.question
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
    """Tell whether a row permits all of the flow.

    :raises AnsibleFilterError: if an input is not what it should be.
    """
    found = answer(*args, **kwargs)
    return bool(found.matches) and not found.is_partial


class TestModule:
    """The tests of this file."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return test name → function."""
        return {"permitted": permitted}
