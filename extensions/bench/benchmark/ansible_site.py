# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories for Ansible of any number of hosts, in files as people write them, and playbook runs on them."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from .measure import Run, timed
from .scaled_site import GROUPS, address

# A site has more clients' networks and Front Ends than Edges; of each dozen hosts, these many are in a group.
_SHARES = dict(zip(GROUPS, (3, 4, 1, 1, 1, 2), strict=True))


def ansible_inventory(hosts: int) -> dict[str, t.Any]:
    """Return an inventory of *hosts* hosts in all groups of the default endpoints."""
    dozen = [group for group, share in _SHARES.items() for _number in range(share)]
    # The first hosts are one of each group, so that the smallest site has all of them.
    order = [*GROUPS, *dozen]
    groups: dict[str, dict[str, t.Any]] = {group: {} for group in GROUPS}
    for index in range(hosts):
        group = order[index] if index < len(order) else dozen[index % len(dozen)]
        groups[group][f"host{index}"] = _variables(GROUPS.index(group), index)
    children = {group: {"hosts": members} for group, members in groups.items()}
    return {"all": {"children": children}}


def _variables(block: int, index: int) -> dict[str, t.Any]:
    if GROUPS[block] == "sfb_edges":
        interfaces = {"internal": [address(block, index)], "av_edge": [address(len(GROUPS), index)]}
        return {"port_matrix_interfaces": interfaces}
    return {"port_matrix_addresses": [address(block, index)]}


def write_inventory(content: Mapping[str, t.Any], path: Path) -> Path:
    """Write an inventory as YAML; return its path."""
    path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    return path


def play(inventory: Path, playbook: str | Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run *playbook* as a user does."""
    command: Sequence[str | Path] = ["ansible-playbook", "-i", inventory, playbook, *arguments]
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
    return timed(command, log_of(inventory), {**quiet, **(environment or {})})


def log_of(inventory: Path) -> Path:
    """Return where the output of the last play on *inventory* is."""
    return inventory.parent / "ansible.log"


def changes(log: Path) -> int:
    """How many tasks the play of that output says that it changed."""
    recap = log.read_text(encoding="utf-8").rpartition("PLAY RECAP")[2]
    return sum(int(number) for number in re.findall(r"changed=(\d+)", recap))


def tasks(log: Path) -> int:
    """How many tasks the play of that output had."""
    return len(re.findall(r"^TASK \[", log.read_text(encoding="utf-8"), re.MULTILINE))
