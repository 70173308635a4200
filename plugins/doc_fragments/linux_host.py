# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that filters share which are about one Linux host."""

from __future__ import annotations


class ModuleDocFragment:
    """What the host is, and with RULES, what it lets through in addition to the matrix."""

    DOCUMENTATION = r"""
options:
  gateway:
    description: Whether the host is a transit firewall.
    type: bool
    default: false
  egress:
    description: Whether traffic that starts at an endpoint host is judged too.
    type: bool
    default: false
"""

    RULES = r"""
options:
  management:
    description: Rules that keep the host manageable, in the same form as O(extra_rules).
    type: list
    elements: dict
    default: []
  extra_rules:
    description:
      - Rules in addition to the matrix. A rule has the keys C(name), C(hook), C(protocol), C(source), C(destination),
        C(source_ports) and C(destination_ports). C(name) and C(protocol) are required.
    type: list
    elements: dict
    default: []
"""
