# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for tests of modules: a network namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

COLLECTION = "uc_firewall.pexip_sfb"
# What Ansible runs on a host, without the second that Ansible itself takes.
_RUN = f"""
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
module = importlib.import_module("ansible_collections.{COLLECTION}.plugins.modules." + sys.argv[1])
with patch_module_args(json.load(sys.stdin)):
    module.main()
"""


class ModuleHost:
    """The network namespace of that name, and the one module of this collection that runs in it."""

    def __init__(self, namespace: str, module: str) -> None:
        self.inside = ["ip", "netns", "exec", namespace]
        self._module = module

    def run(self, *command: str, text: str | bytes | None = None) -> str:
        """Run a program, which has to succeed, with *text* as its input; return its output."""
        data = text.encode() if isinstance(text, str) else text
        return subprocess.run(
            [*self.inside, *command], input=data, capture_output=True, check=True, timeout=900
        ).stdout.decode()

    def nft(self, *arguments: str, text: str | bytes | None = None) -> str:
        """Run nft."""
        return self.run("nft", *arguments, text=text)

    def module(self, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module alone; return what it returned, and whether it ``failed``."""
        done = subprocess.run(
            [*self.inside, sys.executable, "-c", _RUN, self._module],
            input=json.dumps({**arguments, "_ansible_check_mode": check_mode}),
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return {"failed": False, **json.loads(done.stdout)}

    def through_ansible(self, *options: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module as a task does; return also what the user was ``shown``."""
        command = [
            *self.inside, sys.executable, "-m", "ansible", "adhoc", "-i", "host,", "all", "-c", "local",
            "-e", f"ansible_python_interpreter={sys.executable}",
            "-m", f"{COLLECTION}.{self._module}", "-a", json.dumps(arguments), *options,
        ]  # fmt: skip
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        start = done.stdout.index("=> ") + 3
        result = t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(done.stdout[start:])[0])
        return {**result, "failed": "FAILED!" in done.stdout[:start], "shown": done.stdout + done.stderr}
