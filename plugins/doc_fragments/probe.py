# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that the modules share which probe."""

from __future__ import annotations


class ModuleDocFragment:
    """How long a probe waits, and that probing changes nothing."""

    DOCUMENTATION = r"""
options:
  timeout:
    description: Seconds without an answer after which a probe is V(filtered).
    type: float
    default: 3.0
attributes:
  check_mode:
    description: Probing changes nothing, so it is done in check mode, too.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
"""
