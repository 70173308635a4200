# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that people write without this collection: a task for each rule of nft."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import yaml

INVENTORY = Path(__file__).resolve().parents[1] / "inventory"
_CHAIN = "inet bench input"
_TABLE = f"add table inet bench; add chain {_CHAIN} {{ type filter hook input priority 0; policy accept; }}"


def write_rule_tasks(path: Path) -> Path:
    """Write the playbook, with the permissions of the inventory; return its path."""
    playbook = {
        "name": "The permissions by a task for each rule",
        "hosts": "fe_nftables",
        "gather_facts": False,
        "tasks": list(_tasks()),
    }
    path.write_text(yaml.dump([playbook], sort_keys=False, width=10_000), encoding="utf-8")
    return path


def _tasks() -> Iterator[dict[str, t.Any]]:
    table = {"ansible.builtin.command": {"argv": ["nft", _TABLE]}, "changed_when": False}
    yield {"name": "Have a table with a chain", **table}
    variables = yaml.safe_load((INVENTORY / "site.yml").read_text(encoding="utf-8"))["all"]["vars"]
    for node in variables["bench_nodes"]:
        for permission in variables["bench_permissions"]:
            yield _task(node, **permission)


def _task(node: str, protocol: str, port: int | None = None, source_port: str | None = None) -> dict[str, t.Any]:
    """A command that looks first whether the rule is there: nft would add it again."""
    ports = f"dport {port}" if port else f"sport {source_port}"
    rule = f"ip saddr {node} {protocol} {ports} accept"
    there = f"nft list chain {_CHAIN} | grep --fixed-strings '{rule}' > /dev/null && echo there"
    command = f"set -o pipefail; {there} || nft add rule {_CHAIN} {rule}"
    return {
        "name": f"Permit {protocol} {ports} from {node}",
        "ansible.builtin.shell": {"cmd": command, "executable": "/bin/bash"},
        "register": "nft_added",
        "changed_when": "nft_added.stdout != 'there'",
    }
