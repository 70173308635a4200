# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That a kernel does not do what is waited for."""

from __future__ import annotations


class HangsError(OSError):
    """The kernel does not do what is to be done."""
