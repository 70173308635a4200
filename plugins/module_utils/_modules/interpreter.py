# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python that runs a module."""

from __future__ import annotations

import os
import sys

_PYTHON = "/usr/bin/python3"


def stable_python() -> str:
    """Return the Python of this module, by the name that it keeps when the host gets a newer one, where it has that."""
    kept = os.path.realpath(_PYTHON) == os.path.realpath(sys.executable)
    return _PYTHON if kept else sys.executable
