# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook without the time that it takes to load: a third of a second, in hundreds of tests.

A process loads ansible-playbook, with the environment of the test, and each run is a fork of it. So the code that runs
is that of the command, from its ``main`` on. Each environment has a process of its own, as Ansible reads its settings
while it loads.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

_OF_ANSIBLE = (
    "executor.playbook_executor", "executor.task_executor", "plugins.action", "plugins.callback.default",
    "plugins.filter.core", "plugins.filter.mathstuff", "plugins.strategy.linear", "plugins.test.core",
)  # fmt: skip

_loaded: dict[tuple[tuple[str, str], ...], subprocess.Popen[str]] = {}


def ansible_playbook(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    of_this_run: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: int = 900,
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook; return its exit code and what it printed, as subprocess.run does.

    :param of_this_run: more of its environment, which Ansible does not read while it loads.
    :param timeout: seconds after which it is killed.
    """
    environment = {name: value for name, value in env.items() if name != "PYTEST_CURRENT_TEST"}
    key = tuple(sorted(environment.items()))
    if key not in _loaded:
        _loaded[key] = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd="/",
        )  # fmt: skip
    process = _loaded[key]
    command = ["ansible-playbook", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as directory:
        printed = [Path(directory, name) for name in ("stdout", "stderr")]
        order = {
            "command": command,
            "environment": {"PWD": str(cwd or Path.cwd()), **(of_this_run or {})},
            "printed": [str(path) for path in printed],
            "timeout": timeout,
        }
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(order), file=process.stdin, flush=True)
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(command, code, *(path.read_text(encoding="utf-8") for path in printed))


@atexit.register
def _end() -> None:
    for process in _loaded.values():
        process.communicate()


def _serve() -> None:
    """Load ansible-playbook, and run it for each line of the input. Prints an exit code for each."""
    orders, codes = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    from ansible.cli.playbook import main

    _load_what_a_run_loads()
    gc.freeze()  # what is loaded stays, so no fork has to look through it

    for line in orders:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _become(order)
            os._exit(_code_of(main))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=codes, flush=True)


def _load_what_a_run_loads() -> None:
    """Import what nearly each run does: parts of Ansible, and of the collection what it loads before it has hosts."""
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    for name in _OF_ANSIBLE:
        importlib.import_module(f"ansible.{name}")
    init_plugin_loader()
    with contextlib.suppress(ModuleNotFoundError):  # the test may be about a site without the collection
        importlib.import_module("ansible_collections.uc_firewall.pexip_sfb.plugins.action.evaluate")
    _AnsibleCollectionFinder._remove()  # a run has its own


def _become(order: Mapping[str, t.Any]) -> None:
    """Have the directory, the environment, the arguments, and the input and output of a process of its own."""
    from ansible import constants

    os.setsid()
    signal.alarm(order["timeout"])
    os.environ.update(order["environment"])
    os.chdir(os.environ["PWD"])
    sys.argv = order["command"]
    for number, (path, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), *((path, os.O_WRONLY | os.O_CREAT) for path in order["printed"])]
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    # Ansible makes it while it loads, and removes it when it ends.
    os.makedirs(constants.DEFAULT_LOCAL_TMP, mode=0o700, exist_ok=True)


def _code_of(main: t.Callable[[], None]) -> int:
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    _serve()
