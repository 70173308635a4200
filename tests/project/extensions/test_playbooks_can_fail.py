# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that test something can fail: each play has hosts, and what is not to fail by itself is judged next."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

TOP = Path(__file__).parents[3]
MOLECULE = TOP / "extensions/molecule"
RECIPE = TOP / "docs/examples/molecule-recipe"
Task = dict[str, t.Any]


def playbooks() -> dict[Path, list[Path]]:
    """Inventory to the playbooks that are run with it."""
    scenarios = [path.parent for path in sorted(MOLECULE.glob("*/molecule.yml"))]
    found: dict[Path, list[Path]] = {}
    for scenario in scenarios:
        own = f"molecule/{scenario.name}/inventory" in (scenario / "molecule.yml").read_text(encoding="utf-8")
        inventory = (scenario if own else MOLECULE) / "inventory"
        found.setdefault(inventory, []).extend(sorted(scenario.glob("*.yml")))
    found[RECIPE / "molecule/default/inventory"] = sorted(RECIPE.glob("molecule/default/*.yml"))
    return {inventory: [path for path in paths if is_playbook(load(path))] for inventory, paths in found.items()}


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def is_playbook(content: t.Any) -> bool:
    return isinstance(content, list) and any("hosts" in play for play in content)


def lists_of_tasks(content: t.Any) -> Iterator[list[Task]]:
    """Yield each list of tasks of a playbook or a file of tasks, also those of blocks."""
    if isinstance(content, list) and all(isinstance(one, dict) for one in content):
        yield content
        for one in content:
            for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
                yield from lists_of_tasks(one.get(key))


def unjudged(tasks: list[Task]) -> Iterator[str]:
    """Yield the name of each task that cannot fail, unless the next one is an assertion about what it registers."""
    for task, following in zip(tasks, [*tasks[1:], {}], strict=True):
        if task.get("failed_when") is False or task.get("ignore_errors"):
            assertion = following.get("ansible.builtin.assert", {})
            if "when" in following or f"{task.get('register')}.rc ==" not in str(assertion.get("that")):
                yield str(task.get("name"))


@pytest.mark.parametrize("inventory", playbooks(), ids=lambda path: str(path.relative_to(TOP)))
def test_each_play_has_hosts(inventory: Path) -> None:
    """Ansible only warns of a pattern that nothing matches, and leaves the play out."""
    hosts = InventoryManager(DataLoader(), sources=[str(inventory)])
    plays = [(path, play["hosts"]) for path in playbooks()[inventory] for play in load(path) if "hosts" in play]
    assert plays
    without = [f"{path.relative_to(TOP)}: {pattern}" for path, pattern in plays if not hosts.list_hosts(pattern)]
    assert without == []


def files() -> list[Path]:
    places = (TOP / "extensions", TOP / "docs/examples", TOP / "tests/faults", TOP / "tests/integration")
    return sorted(path for place in places for path in place.rglob("*.yml"))


def test_what_cannot_fail_is_judged_next() -> None:
    assert len(files()) > 50
    found = [
        f"{path.relative_to(TOP)}: {name}" for path in files() for tasks in lists_of_tasks(load(path))
        for name in unjudged(tasks)
    ]  # fmt: skip
    assert found == []


def test_an_assertion_about_something_else_does_not_count() -> None:
    task = {"name": "Try", "register": "tried", "failed_when": False}
    about = {"ansible.builtin.assert": {"that": "tried.rc == 0"}}
    other = {"ansible.builtin.assert": {"that": "found.rc == 0"}}
    assert list(unjudged([task, about])) == []
    assert (
        list(unjudged([task, other]))
        == list(unjudged([task]))
        == list(unjudged([task, about | {"when": "x"}]))
        == ["Try"]
    )
    assert list(unjudged([{"name": "Try", "ignore_errors": True}, about])) == ["Try"]
    assert [*lists_of_tasks([{"hosts": "all", "tasks": [{"block": [task]}]}])][-1] == [task]
