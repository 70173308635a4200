# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that somebody keeps in a vault: read like any other, and shown by no message."""

from __future__ import annotations


class Vaulted(str):
    """Text out of a vault. Whatever shows a value by its ``repr`` does not show this one, also within a list."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say what it is, and not what it says."""
        return "a vaulted value"
