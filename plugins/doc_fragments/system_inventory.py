# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that the inventory plugins share which read a system."""

from __future__ import annotations


class ModuleDocFragment:
    """How names get addresses, and what an inventory says of where it is from."""

    DOCUMENTATION = r"""
options:
  addresses:
    description: Names that the system has in place of addresses → list of addresses. A name that is not looked up is
      an error.
    type: dict
    default: {}
  resolve:
    description: Whether DNS is asked for such names. What it answers is in the output with C(-v), and in
      C(pexip_sfb_sources).
    type: bool
    default: false
notes:
  - The variable C(pexip_sfb_sources) of a host says by which system and record it is known, under which name, with
    which addresses, and when that was read. Where DNS or O(addresses) had the addresses, it says that, too.
  - Ansible goes on without a source that it cannot read. The role P(uc_firewall.pexip_sfb.port_matrix#role) does not.
    It knows by C(pexip_sfb_read_files), a variable of the group C(all), which files were read.
"""
