# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems of the core within an error of Ansible, which wraps them in the names of templates and filters."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from .._values.errors import PortMatrixError
from .._values.words import count


def problems_of(error: BaseException) -> list[str]:
    """Return what the core said, a line each, wherever it is among the causes of *error*; empty where it is not."""
    found = next((one for one in _chain(error) if isinstance(one, PortMatrixError)), None)
    return str(found).splitlines() if found else []


def failure(problems: Sequence[str]) -> dict[str, t.Any]:
    """Return the result of a task that fails with *problems*, each on a line of its own and nowhere else."""
    return {
        "failed": True,
        "changed": False,
        "msg": f"The input has {count(len(problems), 'problem')}, listed under problems.",
        "problems": list(problems),
        "_ansible_verbose_always": True,  # or the default callback puts all of them on one line
    }


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # Up to ansible-core 2.18 an error may have its cause only in an attribute of its own.
        left += [getattr(one, "orig_exc", None), one.__context__, one.__cause__]
