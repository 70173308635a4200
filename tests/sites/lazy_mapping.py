# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mapping that is not a dict, as Ansible passes them to filters."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping


class Lazy(Mapping[str, t.Any]):
    """Each read of ``hostvars`` costs the templating of a host, so ``reads`` has the key of each."""

    def __init__(self, data: Mapping[str, t.Any]) -> None:
        self.data = data
        self.reads: list[str] = []

    def __getitem__(self, key: str) -> t.Any:
        self.reads.append(key)
        return self.data[key]

    def __contains__(self, key: object) -> bool:
        return key in self.data

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
