# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each further Windows server costs on the controller in a run that finds nothing to change."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from .ansible_site import ansible_inventory, changes, log_of, play, tasks, write_inventory
from .earlier import earlier
from .further_host import EARLIER, MORE, NOW, Version, compare
from .measure import FailedError, Run
from .part_apply import SITE, check
from .results import Part
from .scaled_site import GROUPS, address

_FEWEST = 2
_LAB = Path(__file__).resolve().parents[3] / "extensions/lab"
_SIMULATED = {"ANSIBLE_CONNECTION_PLUGINS": str(_LAB / "connection_plugins")}
_CALLS = "*.calls.jsonl"


def windows(directory: Path) -> Part:
    """Measure ``site`` on simulated servers that have their rules, and how often each is called."""
    part = Part("windows", f"Windows: `site`, unchanged, on {_FEWEST} simulated servers, and on {MORE} more")
    states = {NOW: directory / "now", EARLIER: directory / "before"}
    environments = {NOW: {}, EARLIER: earlier(directory)}
    versions = {name: _version(states[name], given) for name, given in environments.items()}
    compare(part, _FEWEST, versions, 1 / 2)
    for name, state in states.items():
        part.add(f"{name}: calls in a run", f"{_FEWEST + MORE} hosts", "calls", [_calls(state)])
    return part


def _version(state: Path, environment: Mapping[str, str]) -> Version:
    state.mkdir()
    hosts, servers = state / "hosts", _FEWEST + MORE
    inventory = write_inventory(windows_inventory(servers), state / "inventory.yml")

    def site(*arguments: str) -> Run:
        arguments = ("-e", f"simulated_windows_directory={hosts}", *arguments)
        return play(inventory, SITE, *arguments, environment={**_SIMULATED, **environment})

    def unchanged(all_of_them: bool) -> tuple[Run, int]:
        for log in hosts.glob(_CALLS):
            log.unlink()
        few = ("--limit", ",".join(f"fe{number}" for number in range(_FEWEST)))
        run = site(*(() if all_of_them else few))
        check(changes(log_of(inventory)) == 0, "what should be unchanged was changed")
        called = len(list(hosts.glob(_CALLS)))
        check(called == (servers if all_of_them else _FEWEST), f"{called} servers were called")
        return run, tasks(log_of(inventory))

    return Version(site, unchanged)


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


def _calls(state: Path) -> int:
    """Return how many calls each host had in the last run.

    :raises FailedError: if some hosts had others than most.
    """
    found = Counter(len(log.read_text(encoding="utf-8").splitlines()) for log in state.glob(f"hosts/{_CALLS}"))
    if len(found) != 1:
        raise FailedError(f"calls → number of hosts: {dict(found)}")
    ((calls, _servers),) = found.items()
    return calls
