# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings of the core as warnings of Ansible, and what else people should know."""

from __future__ import annotations

from collections.abc import Iterable

from ansible.utils.display import Display


def warn(messages: Iterable[str]) -> None:
    """Say each of *messages* as Ansible says its own warnings: ``[WARNING]``, and the same text once in a run."""
    display = Display()
    for message in messages:
        display.warning(message)


def say(messages: Iterable[str]) -> None:
    """Say each of *messages* on a line of its own."""
    display = Display()
    for message in messages:
        display.display(message)
