# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback ``cost``: for tests only."""

from __future__ import annotations

import functools
import os
import sys
import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

_FILTERS = "ansible_collections.uc_firewall.pexip_sfb.plugins.filter."

DOCUMENTATION = """
name: cost
type: aggregate
short_description: Writes a line for each task of a host, for each call to it, and for each call of a filter of ours
description: The file is the one that the environment variable COST_LOG names.
"""


def _note(line: str) -> None:
    with Path(os.environ["COST_LOG"]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _counting(original: Callable[[str], t.Any]) -> Callable[[str], t.Any]:
    def as_filter(name: str) -> t.Any:
        decorate = original(name)

        def decorated(function: t.Any) -> t.Any:
            wrapped = decorate(function)

            @functools.wraps(function)
            def noted(*args: t.Any, **kwargs: t.Any) -> t.Any:
                given = "text" if args and isinstance(args[0], str) else "data"
                _note(f"filter {name} {given}")
                return wrapped(*args, **kwargs)

            return noted

        return decorated

    return as_filter


def _noted_call(original: Callable[..., t.Any]) -> Callable[..., t.Any]:
    @functools.wraps(original)
    def noted(self: ActionBase, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(f"call {(kwargs.get('task_vars') or {}).get('inventory_hostname')} {kwargs.get('module_name')}")
        return original(self, *args, **kwargs)

    return noted


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Counts in the main process, and by it in all that it forks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cost"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import filters

        filters.as_filter = _counting(filters.as_filter)
        for name in [name for name in sys.modules if name.startswith(_FILTERS)]:
            del sys.modules[name]  # so that it is loaded again, with that
        ActionBase._execute_module = _noted_call(ActionBase._execute_module)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """Note that *task* begins on *host*."""
        _note(f"task {host.get_name()} {task.get_name()}")
