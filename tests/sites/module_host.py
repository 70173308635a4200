# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for tests of a module: a network namespace, in which Ansible runs it as on any host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t


class ModuleHost:
    """The network namespace of that name, and the one module of this collection that runs in it."""

    def __init__(self, namespace: str, module: str) -> None:
        self._inside = ["ip", "netns", "exec", namespace]
        self._module = module

    def run(self, *command: str, text: str | bytes | None = None) -> str:
        """Run a program, which has to succeed, with *text* as its input; return its output."""
        data = text.encode() if isinstance(text, str) else text
        return subprocess.run([*self._inside, *command], input=data, capture_output=True, check=True).stdout.decode()

    def nft(self, *arguments: str, text: str | bytes | None = None) -> str:
        """Run nft."""
        return self.run("nft", *arguments, text=text)

    def module(self, *options: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module; return what it returned, whether it ``failed``, and what the user was ``shown``."""
        command = [
            *self._inside, sys.executable, "-m", "ansible", "adhoc", "-i", "host,", "all", "-c", "local",
            "-e", f"ansible_python_interpreter={sys.executable}",
            "-m", f"uc_firewall.pexip_sfb.{self._module}", "-a", json.dumps(arguments), *options,
        ]  # fmt: skip
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        start = done.stdout.index("=> ") + 3
        result = t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(done.stdout[start:])[0])
        return {**result, "failed": "FAILED!" in done.stdout[:start], "shown": done.stdout + done.stderr}
