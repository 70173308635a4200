# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for tests of modules: a network namespace."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils.testing import patch_module_args

COLLECTION = "uc_firewall.pexip_sfb"
_HANG = 900  # seconds
# CLONE_NEWNET, CLONE_NEWNS, MS_SLAVE with MS_REC, and MNT_DETACH (clone(2), mount(2), umount(2)).
_NET, _MOUNTS, _SLAVE, _DETACH = 0x40000000, 0x00020000, 0x00080000 | 0x4000, 2


class ModuleHost:
    """The network namespace of that name, and the one module of this collection that runs in it."""

    def __init__(self, namespace: str, module: str) -> None:
        self.inside = ("ip", "netns", "exec", namespace)
        self._namespace = namespace
        self._name = f"{COLLECTION}.{module}"
        self._main = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}").main

    def run(self, *command: str, text: str | bytes | None = None) -> str:
        """Run a program, which has to succeed, with *text* as its input; return its output."""
        data = text.encode() if isinstance(text, str) else text
        return subprocess.run(
            [*self.inside, *command], input=data, capture_output=True, check=True, timeout=_HANG
        ).stdout.decode()

    def nft(self, *arguments: str, text: str | bytes | None = None) -> str:
        """Run nft."""
        return self.run("nft", *arguments, text=text)

    def module(self, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module alone; return what it returned, and whether it ``failed``.

        A copy of this process runs it. Another Python would take ten times as long to import what the module needs.
        """
        arguments["_ansible_check_mode"] = check_mode
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output, tempfile.TemporaryFile("w+") as errors:
            work = (self._namespace, self._main, arguments, output, errors)
            copy = multiprocessing.get_context("fork").Process(target=_run_module, args=work)
            copy.start()
            copy.join(_HANG)
            hangs = copy.is_alive()
            copy.kill()
            assert not hangs, f"{self._name} did not end within {_HANG} s"
            output.seek(0)
            errors.seek(0)
            returned = output.read()
            assert returned, errors.read()
        return {"failed": False, **json.loads(returned)}

    def through_ansible(self, *options: str, wrapper: t.Sequence[str] = (), **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module as a task does; return also what the user was ``shown``.

        :param wrapper: the program that is to start Ansible, with its options.
        """
        command = [
            *self.inside, *wrapper, sys.executable, "-m", "ansible", "adhoc", "-i", "host,", "all", "-c", "local",
            "-e", f"ansible_python_interpreter={sys.executable}",
            "-m", self._name, "-a", json.dumps(arguments), *options,
        ]  # fmt: skip
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_HANG, check=False)
        start = done.stdout.index("=> ") + 3
        result = t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(done.stdout[start:])[0])
        return {**result, "failed": "FAILED!" in done.stdout[:start], "shown": done.stdout + done.stderr}


def _run_module(
    namespace: str, main: Callable[[], None], arguments: dict[str, t.Any], output: t.IO[str], errors: t.IO[str]
) -> None:
    """Do in this process what Ansible has one of its own do on a host."""
    atexit._clear()  # what the tests registered is not this process's
    _enter(namespace)
    os.dup2(output.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    sys.stdout, sys.stderr = output, errors
    try:
        with patch_module_args(arguments):
            main()
    finally:
        atexit._run_exitfuncs()  # a module removes its files there; multiprocessing calls it since Python 3.13 only


def _enter(namespace: str) -> None:
    """Have this process in a network namespace as ``ip netns exec`` does, with the devices of that below /sys."""
    with Path("/run/netns", namespace).open("rb") as file:
        _call("setns", file.fileno(), _NET)
    _call("unshare", _MOUNTS)
    _call("mount", b"", b"/", b"none", _SLAVE, None)
    _call("umount2", b"/sys", _DETACH)
    _call("mount", namespace.encode(), b"/sys", b"sysfs", 0, None)


def _call(name: str, *arguments: int | bytes | None) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
