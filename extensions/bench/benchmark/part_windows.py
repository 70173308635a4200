# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of ``site`` on Windows servers, which are simulated: seconds, and calls of each host."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from pathlib import Path

from .ansible_site import ansible_inventory, play, write_inventory
from .measure import FailedError, progress
from .results import Part
from .scaled_site import GROUPS, address

HOSTS = 200
_CONNECTION_PLUGINS = Path(__file__).resolve().parents[3] / "extensions/lab/connection_plugins"


def windows(directory: Path) -> Part:
    """Measure ``site`` in check mode once, which takes two minutes: seconds, and calls of each host."""
    part = Part("windows", f"Windows: `site --check` on {HOSTS} simulated servers")
    state = directory / "hosts"
    inventory = write_inventory(windows_inventory(HOSTS), directory / "inventory.yml")

    progress(f"{HOSTS} servers")
    run = play(
        *(inventory, "uc_firewall.pexip_sfb.site", "--check", "-e", f"simulated_windows_directory={state}"),
        environment={"ANSIBLE_CONNECTION_PLUGINS": str(_CONNECTION_PLUGINS)},
    )
    size = f"{HOSTS} hosts"
    part.add_whole("the playbook", size, [run])
    part.add("for each host", size, "s (processor)", [run.processor / HOSTS])
    reads, writes = _calls(state)
    part.add("reads of a host", size, "calls", [reads])
    part.add("rules that would be written", size, "calls", [writes])
    return part


def windows_inventory(servers: int) -> dict[str, t.Any]:
    """Return a site whose Front Ends are that many Windows servers."""
    inventory = ansible_inventory(20)
    children = inventory["all"]["children"]
    block = GROUPS.index("sfb_front_ends")
    front_ends = {f"fe{number}": {"port_matrix_addresses": [address(block, number)]} for number in range(servers)}
    children["sfb_front_ends"] = {"hosts": front_ends}
    children["port_matrix_windows"] = {
        "hosts": {name: {} for name in front_ends},
        "vars": {"ansible_connection": "simulated_windows", "ansible_port": 5985},
    }
    return inventory


def _calls(state: Path) -> tuple[float, float]:
    """Return how many calls of the read module and of the write module each host had.

    :raises FailedError: if some hosts had others than most.
    """
    found: Counter[tuple[int, int]] = Counter()
    for log in sorted(state.glob("*.calls.jsonl")):
        calls = Counter(json.loads(line)["module"].rpartition(".")[2] for line in log.read_text().splitlines())
        found[calls["win_firewall_state"], calls["win_firewall_rule"]] += 1
    if len(found) != 1 or found.total() != HOSTS:
        raise FailedError(f"calls (reads, writes) → number of hosts: {dict(found)}")
    ((reads, writes),) = found
    return float(reads), float(writes)
