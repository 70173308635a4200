# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``windows_warnings``."""

from __future__ import annotations

from collections.abc import Callable

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.warnings import warn
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import as_mapping, as_strings
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.preflight import finding_warnings

DOCUMENTATION = r"""
name: windows_warnings
short_description: Warn of what the firewalls of Windows hosts make of their rules
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Says each finding as a warning of Ansible, once for all hosts that have it, and returns what it said.
positional: _input
options:
  _input:
    description:
      - Host to the messages of its findings, which the filter P(uc_firewall.pexip_sfb.windows_changes#filter) returns.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Warn of the findings
  ansible.builtin.set_fact:
    said: "{{ {inventory_hostname: changes.findings | map(attribute='message') | list}
      | uc_firewall.pexip_sfb.windows_warnings }}"
  vars:
    changes: >-
      {{ port_matrix_site | uc_firewall.pexip_sfb.windows_rules(inventory_hostname)
      | uc_firewall.pexip_sfb.windows_changes(firewall) }}
"""

RETURN = r"""
_value:
  description: The warnings.
  type: list
  elements: str
"""


@as_filter("windows_warnings")
def windows_warnings(messages: object) -> list[str]:
    """Say the findings, and return what was said.

    :raises AnsibleFilterError: if the input is no mapping of hosts to texts.
    """
    of_hosts = as_mapping(to_plain(messages), "findings")
    said = finding_warnings({host: as_strings(texts, "findings") for host, texts in of_hosts.items()})
    warn(said)
    # Names come from the managed host: no template in them may ever be run here.
    wrapped: list[str] = wrap_var(said)
    return wrapped


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"windows_warnings": windows_warnings}
