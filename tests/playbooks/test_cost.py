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
from fake_linux import fake_linux
from warm_ansible import ansible_playbook

TOP = Path(__file__).parents[2]
# What was counted when this was written. One more is one more for each host of a site: think before you raise it.
# Of a Windows host: the rules rendered, the host read and compared, and the writing skipped.
TASKS_OF_A_HOST = 3
# What one of the hosts has for all: the warnings and the answers of all hosts, and in the end what to look at and how
# many hosts were changed.
TASKS_FOR_ALL_HOSTS = 3
# And those of the role port_matrix, which validates the site and keeps it.
TASKS_OF_THE_SITE = 2
# What a Windows host has more that is changed: the calls, the host read again, and what was done kept.
TASKS_OF_A_CHANGE = 3
# Of a Linux host: its variables checked, the host asked, its rules rendered, and all of it compared.
TASKS_OF_A_LINUX_HOST = 4
# One of them has for all: the site validated and kept, these again, skipped, and in the end what to look at.
TASKS_FOR_ALL_LINUX_HOSTS = 5
# Calls to a Linux host, changed or not. The confirmation would be another.
CALLS_TO_A_LINUX_HOST = 2


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
        if kind != "call":
            (filters if kind == "filter" else tasks)[name] += 1
        if (kind, rest) == ("filter", "data"):
            given_data.add(name)
    return Cost(filters, dict(tasks), done.stdout, given_data)


class Run(NamedTuple):
    """A run of ``site`` on so many servers, and how many tasks the change adds to each."""

    servers: int
    of_a_change: int
    cost: Cost


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A first run in check mode on many servers, and on few a first and a second one."""
    few, many = (tmp_path_factory.mktemp(name) for name in ("few", "many"))
    return [
        Run(7, TASKS_OF_A_CHANGE, cost(many, 7, "--check")),
        Run(2, TASKS_OF_A_CHANGE, cost(few, 2)),
        Run(2, 0, cost(few, 2)),
    ]


def test_the_site_is_validated_and_its_rules_rendered_once_for_all_plays(runs: list[Run]) -> None:
    for run in runs:
        assert run.cost.filters == {"site": 1, "rows": 1, "windows_rules": run.servers, "windows_warnings": 1}


def test_a_host_costs_as_many_tasks_whatever_else_the_site_has(runs: list[Run]) -> None:
    for run in runs:
        counts = sorted(run.cost.tasks[f"fe{n}"] for n in range(run.servers))
        # One host has the tasks that run once for all of them.
        assert counts[:-1] == [counts[0]] * (run.servers - 1)
        assert counts[0] <= TASKS_OF_A_HOST + run.of_a_change
        for_one = TASKS_FOR_ALL_HOSTS + TASKS_OF_THE_SITE
        assert counts[-1] <= TASKS_OF_A_HOST + for_one + run.of_a_change <= 8 + run.of_a_change


def test_the_arguments_that_are_the_same_for_all_hosts_are_not_validated_for_each(runs: list[Run]) -> None:
    for run in runs:
        assert "port_matrix : Validating arguments" not in run.cost.output


def test_a_host_does_not_walk_a_mapping_with_the_whole_site(runs: list[Run]) -> None:
    for run in runs:
        assert "windows_rules" in run.cost.filters
        assert run.cost.given_data == {"site", "rows", "windows_warnings"}


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


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> list[Counter[str]]:
    """What two Linux hosts cost in a first run and in an unchanged one: lines of the log, without the tasks' names."""
    directory = tmp_path_factory.mktemp("linux")
    found = []
    with fake_linux(directory) as host:
        content = inventory(1)
        children = content["all"]["children"]
        del children["port_matrix_windows"]
        # To Ansible each name is a host of its own, and the second one finds what the first one did.
        children["port_matrix_gateways"] = {"hosts": {name: {"ansible_host": "198.51.100.2"} for name in LINUX}}
        children["port_matrix_linux"] = {"hosts": {name: {} for name in LINUX}}
        content["all"]["vars"].update(host.variables())
        (directory / "inventory.json").write_text(json.dumps(content), encoding="utf-8")
        for _run in range(2):
            log = directory / "cost.log"
            log.unlink(missing_ok=True)
            environment = {"ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins")}
            environment |= {"ANSIBLE_CALLBACKS_ENABLED": "cost", "COST_LOG": str(log)}
            done = host.play("-i", "inventory.json", "uc_firewall.pexip_sfb.site", "--forks", "1", **environment)
            assert done.returncode == 0
            lines = (line.split() for line in log.read_text(encoding="utf-8").splitlines())
            found.append(Counter(f"{kind} {name}" for kind, name, *_rest in lines))
    return found


LINUX = ("fw1", "fw2")


def test_an_unchanged_linux_host_costs_few_tasks_and_two_calls(linux: list[Counter[str]]) -> None:
    _first, unchanged = linux
    assert unchanged["task fw2"] <= TASKS_OF_A_LINUX_HOST
    assert unchanged["task fw1"] <= TASKS_OF_A_LINUX_HOST + TASKS_FOR_ALL_LINUX_HOSTS <= 10
    assert [unchanged[f"call {name}"] for name in LINUX] == [CALLS_TO_A_LINUX_HOST] * 2


def test_a_changed_linux_host_costs_no_task_and_no_call_more(linux: list[Counter[str]]) -> None:
    """These hosts need no confirmation, which would be one call more."""
    first, unchanged = linux
    assert first["task fw1"] == unchanged["task fw1"]
    assert first["call fw1"] == CALLS_TO_A_LINUX_HOST


def test_the_rules_of_a_linux_host_are_rendered_twice(linux: list[Counter[str]]) -> None:
    """Once before any host is touched, and once by the role, which knows more by then and tries them with packets."""
    assert {kind: count for kind, count in linux[1].items() if kind.startswith("filter ")} == {
        "filter site": 1, "filter rows": 1, "filter nftables_ruleset": 4, "filter sample_packets": 2,
    }  # fmt: skip
