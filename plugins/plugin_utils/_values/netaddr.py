# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library netaddr, and where it is missing, what to do about it.

Ansible loads every filter of the collection to list or document them, so a missing library must not keep a file from
being loaded. It is an error of the first filter that is used.
"""

from __future__ import annotations

import sys

__all__ = ["MISSING", "netaddr"]

MISSING = ""
"""What to tell a user without the library; empty where it is there."""

try:
    import netaddr
except ImportError:
    netaddr = None  # type: ignore[assignment] # nothing uses it, as every filter asks MISSING first
    MISSING = (
        "the Python library netaddr is missing on the controller"
        f"; install it for the Python that runs Ansible: {sys.executable} -m pip install netaddr"
    )
