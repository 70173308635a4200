# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook ``site`` costs on the controller, counted: tasks of each host, and calls of our filters."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from warm_ansible import ansible_playbook

TOP = Path(__file__).parents[2]
# What was counted when this was written: the rules rendered twice, the arguments of the role validated, the host read
# and compared, and what includes that. One more is one more for each host of a site: think before you raise it.
TASKS_OF_A_HOST = 17
# What one of the hosts has for all: in the first play the site validated, kept as a text and as a mapping, and its
# notes said; in another play these again, skipped; then the warnings of all hosts, and in the end all warnings again
# and how many hosts were changed.
TASKS_FOR_ALL_HOSTS = 9


def inventory(servers: int) -> dict[str, Any]:
    """A site with *servers* Windows servers."""

    def group(hosts: dict[str, Any], **variables: Any) -> dict[str, Any]:
        return {"hosts": hosts, "vars": variables}

    front_ends = {f"fe{n}": {"port_matrix_addresses": [f"198.51.100.{2 * n + 1}"]} for n in range(servers)}
    return {
        "all": {
            "vars": {"port_matrix_allow_empty": ["client", "edge", "edge_av", "turn_server", "wac_server"]},
            "children": {
                "pexip_conferencing_nodes": group({"node1": {"port_matrix_addresses": ["192.0.2.11"]}}),
                "sfb_front_ends": group(front_ends),
                "port_matrix_windows": group({name: {} for name in front_ends}, ansible_connection="simulated_windows"),
            },
        }
    }


# What docs/scaling.md recommends, with Windows servers.
IN_BATCHES = [
    {
        "name": "Validate",
        "hosts": "port_matrix_windows",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.import_role": {
                    "name": "uc_firewall.pexip_sfb.port_matrix",
                    "rolespec_validate": False,
                }
            }
        ],
    },
    {
        "name": "Apply",
        "hosts": "port_matrix_windows",
        "gather_facts": False,
        "serial": [1, 2],
        "roles": [
            {"role": "uc_firewall.pexip_sfb.windows_firewall", "vars": {"port_matrix_reuse_site": True}},
        ],
    },
]


class Cost(NamedTuple):
    """What a run of a playbook cost."""

    filters: Counter[str]  # how often each filter was called
    tasks: dict[str, int]  # how many tasks each host had
    output: str
    given_data: set[str]  # filters that were given something else than a text


def cost(directory: Path, servers: int, *arguments: str, playbook: str = "uc_firewall.pexip_sfb.site") -> Cost:
    """Run the playbook, and count."""
    directory.mkdir(exist_ok=True)
    path, log = directory / "inventory.json", directory / "cost.log"
    path.write_text(json.dumps(inventory(servers)), encoding="utf-8")
    log.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(TOP / "extensions/lab/connection_plugins"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "cost",
        "ANSIBLE_NOCOLOR": "1",
    }
    command = ["-i", str(path), playbook]
    command += ["-e", f"simulated_windows_directory={directory}", *arguments]
    done = ansible_playbook(command, env=environment, of_this_run={"COST_LOG": str(log)})
    assert done.returncode == 0, done.stdout + done.stderr
    filters: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    given_data = set()
    for line in log.read_text(encoding="utf-8").splitlines():
        kind, name, rest = line.split(maxsplit=2)
        (filters if kind == "filter" else tasks)[name] += 1
        if (kind, rest) == ("filter", "data"):
            given_data.add(name)
    return Cost(filters, dict(tasks), done.stdout, given_data)


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Cost]:
    """The costs of the first run, by number of servers."""
    directory = tmp_path_factory.mktemp("cost")
    return {servers: cost(directory / str(servers), servers, "--check") for servers in (2, 7)}


def test_the_site_is_validated_once_for_all_hosts_and_plays(costs: dict[int, Cost]) -> None:
    for each in costs.values():
        assert each.filters["site"] == 1
        assert each.filters["rows"] == 1


def test_the_rules_of_a_host_are_rendered_twice_and_compared_once(costs: dict[int, Cost]) -> None:
    """Once before any host is touched, and once by the role, which cannot know that the site is still the same."""
    for servers, each in costs.items():
        assert each.filters == {
            "site": 1, "rows": 1, "windows_rules": 2 * servers, "windows_changes": servers,
            "windows_warnings": 1,
        }  # fmt: skip


def test_a_host_costs_as_many_tasks_whatever_else_the_site_has(costs: dict[int, Cost]) -> None:
    for servers, each in costs.items():
        counts = sorted(each.tasks[f"fe{n}"] for n in range(servers))
        # One host has the tasks that run once for all of them.
        assert counts[:-1] == [counts[0]] * (servers - 1)
        assert counts[0] <= TASKS_OF_A_HOST
        assert counts[-1] <= TASKS_OF_A_HOST + TASKS_FOR_ALL_HOSTS


def test_the_arguments_that_are_the_same_for_all_hosts_are_not_validated_for_each(costs: dict[int, Cost]) -> None:
    for each in costs.values():
        assert "port_matrix : Validating arguments" not in each.output


def test_a_host_does_not_walk_a_mapping_with_the_whole_site(costs: dict[int, Cost]) -> None:
    for each in costs.values():
        assert "windows_rules" in each.filters
        assert each.given_data == {"site", "rows", "windows_changes", "windows_warnings"}


@pytest.mark.parametrize("role", ["linux_firewall", "windows_firewall", "port_matrix_verify"])
def test_no_task_of_a_managed_host_has_a_mapping_with_the_whole_site(role: str) -> None:
    folders = (TOP / "roles" / role / folder for folder in ("tasks", "vars"))
    tasks = [path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.yml")]
    assert any("__port_matrix_site_text | uc_firewall.pexip_sfb." in text for text in tasks)
    assert not [text for text in tasks if re.search(r"(?<!\w)port_matrix_site(?!\w)", text)]


@pytest.mark.parametrize(("reuse", "validated"), [(True, 1), (False, 4)])
def test_a_play_in_batches_validates_once_where_it_is_told_so(tmp_path: Path, reuse: bool, validated: int) -> None:
    plays = json.loads(json.dumps(IN_BATCHES))
    plays[1]["roles"][0]["vars"]["port_matrix_reuse_site"] = reuse
    playbook = tmp_path / "batches.yml"
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    done = cost(tmp_path, 5, playbook=str(playbook))
    assert done.filters["site"] == validated  # the batches are of 1, 2 and 2 servers
    assert done.output.count("changed=1") == 5
