# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one Linux host lets through: the form that its back ends get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .canonical import Hook, Rule
from .extra import ExtraRule


@dataclass(frozen=True)
class Permissions:
    """``hooks`` are those at which the host judges; ``rules``, ``management`` and ``extra_rules`` are what passes."""

    hooks: tuple[Hook, ...]
    rules: Sequence[Rule]
    management: Sequence[ExtraRule] = ()
    extra_rules: Sequence[ExtraRule] = ()
