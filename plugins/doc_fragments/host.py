# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that filters share which are about one host."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that names the host."""

    DOCUMENTATION = r"""
options:
  host:
    description: The host, as the inventory names it.
    type: str
    required: true
"""
