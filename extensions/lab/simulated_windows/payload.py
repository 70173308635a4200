# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a Windows host for a task: the name of a module and its arguments."""

from __future__ import annotations

import json
import typing as t


def read_call(in_data: bytes) -> tuple[str, dict[str, t.Any]]:
    """Take module and arguments out of what a connection gets on standard input.

    From ansible-core 2.19 on that is JSON for the bootstrap, four zero bytes, and the manifest of actions. Before, it
    is text, four zero bytes, and one payload.

    :raises ValueError: if it is something else.
    """
    _bootstrap, zeros, rest = in_data.partition(b"\0\0\0\0")
    if not zeros:
        raise ValueError("no module was sent, and the simulated Windows host runs nothing else")
    payload = json.loads(rest)
    arguments = payload["module_args"] if "module_args" in payload else _of_manifest(payload)
    return _full_name(arguments["_ansible_module_name"]), arguments


def _of_manifest(manifest: dict[str, t.Any]) -> dict[str, t.Any]:
    for action in manifest["actions"]:
        if action["name"] == "module_wrapper.ps1":
            for variable in action["params"]["Variables"]:
                if variable["Name"] == "complex_args":
                    return dict(variable["Value"])
    raise ValueError("the manifest holds no module")


def _full_name(name: str) -> str:
    return name if "." in name else f"ansible.legacy.{name}"
