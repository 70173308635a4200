# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 5: what a site costs on the controller, by its number of hosts, and the whole of ``site`` on Windows servers."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path

from .ansible_site import ansible_inventory, play, write_inventory
from .measure import FailedError, Run, in_turn, median, progress
from .results import Part

SIZES = (100, 1_000, 5_000)
ROUNDS = 5
SMALLEST = 6  # one host of each group
WINDOWS_HOSTS, WINDOWS_ROUNDS = 200, 1
_TOP = Path(__file__).resolve().parents[3]
_PLAYBOOK = _TOP / "extensions/bench/playbooks/port_matrix.yml"


def controller(directory: Path, managed: bool) -> Part:
    """Measure the role ``port_matrix`` on the controller, in a play for all hosts (*managed*) or for some of them."""
    name, whose = ("controller", "all hosts") if managed else ("controller-few", f"{SMALLEST} hosts")
    part = Part(name, f"Controller: a play with the role `port_matrix` for {whose} of an inventory")
    some = () if managed else ("-e", f"bench_hosts={':'.join(f'host{number}' for number in range(SMALLEST))}")
    variants = {}
    for size in (SMALLEST, *SIZES):
        (directory / str(size)).mkdir()
        inventory = write_inventory(ansible_inventory(size), directory / str(size) / "inventory.yml")
        variants[f"{size:,}"] = partial(play, inventory, _PLAYBOOK, *some)
    found = in_turn(variants, ROUNDS)
    smallest = median([run.processor for run in found.pop(f"{SMALLEST:,}")])
    part.add("the play alone", f"{SMALLEST} hosts", "s (processor)", [smallest])
    per_host = []
    for size, runs in zip(SIZES, found.values(), strict=True):
        _whole(part, "the play", f"{size:,} hosts", runs)
        each = [(run.processor - smallest) / (size - SMALLEST) * 1000 for run in runs]
        per_host.append(part.add("for each host beyond that", f"{size:,} hosts", "ms (processor)", each).median)
    spread = max(per_host) / min(per_host)
    part.want_at_most("Time for each further host, 100 to 5,000 hosts: largest to smallest", 1.2, [spread])
    return part


def _whole(part: Part, what: str, size: str, runs: list[Run]) -> None:
    part.add(what, size, "s (processor)", [run.processor for run in runs])
    part.add(what, size, "s (clock)", [run.clock for run in runs])
    part.add(what, size, "MiB (largest process)", [run.memory for run in runs])


def windows(directory: Path) -> Part:
    """Measure ``site`` in check mode on simulated Windows servers: seconds, and calls of each host."""
    part = Part("windows", f"Windows: `site --check` on {WINDOWS_HOSTS} simulated servers")
    state = directory / "hosts"
    inventory = write_inventory(_windows_inventory(), directory / "inventory.yml")
    environment = {"ANSIBLE_CONNECTION_PLUGINS": str(_TOP / "extensions/lab/connection_plugins")}

    def run() -> Run:
        shutil.rmtree(state, ignore_errors=True)
        where = f"simulated_windows_directory={state}"
        return play(inventory, "uc_firewall.pexip_sfb.site", "--check", "-e", where, environment=environment)

    runs = []
    for number in range(WINDOWS_ROUNDS):
        progress(f"{WINDOWS_HOSTS} servers, run {number + 1} of {WINDOWS_ROUNDS}")
        runs.append(run())
    _whole(part, "the playbook", f"{WINDOWS_HOSTS} hosts", runs)
    reads, writes = _calls(state)
    part.add("reads of a host", f"{WINDOWS_HOSTS} hosts", "calls", [reads])
    part.add("rules that would be written", f"{WINDOWS_HOSTS} hosts", "calls", [writes])
    return part


def _windows_inventory() -> dict[str, object]:
    """A site whose Front Ends are the Windows servers."""
    inventory = ansible_inventory(20)
    children = inventory["all"]["children"]
    first = 1_000
    servers = {
        f"fe{n}": {"port_matrix_addresses": [f"10.16.{(first + n) // 100}.{n % 100 * 2 + 1}"]} for n in range(200)
    }
    children["sfb_front_ends"] = {"hosts": servers}
    children["port_matrix_windows"] = {
        "hosts": {server: {} for server in servers},
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
    if len(found) != 1 or found.total() != WINDOWS_HOSTS:
        raise FailedError(f"calls (reads, writes) → number of hosts: {dict(found)}")
    ((reads, writes),) = found
    return float(reads), float(writes)
