# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that filters and tests share which take a site."""

from __future__ import annotations


class ModuleDocFragment:
    """The input of nearly every filter."""

    DOCUMENTATION = r"""
options:
  _input:
    description:
      - The site, as the filter P(uc_firewall.pexip_sfb.site#filter) returns it, or that as JSON text.
      - Of a large site a text is read faster, as Ansible looks for templates in everything that a mapping holds.
    type: raw
    required: true
"""
