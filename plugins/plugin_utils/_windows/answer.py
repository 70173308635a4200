# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: what a host has, in one line and as data, before and after what differs is written."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Sequence

from .._rules.answer import Answer, revision_of_text
from .rules import RuleArguments, row_of


def answer(
    host: str, wanted: Sequence[RuleArguments], *, differs: bool, absent: bool = False, check: bool = False
) -> dict[str, t.Any]:
    """Return what can be said of *host*, and under ``once_written`` what is different once it has the *wanted* rules.

    :param differs: whether something is to be written for that.
    :param absent: whether the host is to have no rules at all.
    :param check: whether this is check mode, where nothing is ever written.
    """
    told = Answer(
        host=host,
        rules=len(wanted),
        rows=len({row_of(arguments["name"]) for arguments in wanted}),
        revision=revision_of_text(json.dumps(list(wanted), sort_keys=True)),
        changed=differs,
        check=check,
    )
    done = _taken_off(told) if absent else told.text()
    return {
        "rules": told.rules,
        "rows": told.rows,
        "revision": told.revision,
        "changed": False,
        "text": f"{host}: {'not taken off' if absent else 'not written'} yet" if differs else done,
        "once_written": {"changed": True, "text": done} if differs else {},
    }


def _taken_off(told: Answer) -> str:
    if not told.changed:
        return f"{told.host}: unchanged, nothing of ours was there"
    return f"{told.host}: {'would be taken off' if told.check else 'taken off'}"
