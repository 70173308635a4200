# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the project is developed with is pinned, and what its users need is a range that the pins are in."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parents[3]
LOCK = (TOP / "requirements-dev.lock").read_text(encoding="utf-8")
PINNED = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE)}


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (TOP / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_asked_for_is_in_the_lock(name: str) -> None:
    wanted = requirements(name)
    assert wanted
    for requirement in wanted:
        version = PINNED.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in requirements-dev.lock; run: make lock"
        assert requirement.specifier.contains(version), f"{requirement} is {version} in the lock; run: make lock"


def test_everything_in_the_lock_has_a_hash() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_users_are_not_held_to_one_version() -> None:
    for requirement in requirements("requirements.txt"):
        assert {specifier.operator for specifier in requirement.specifier} <= {">=", "<", "!="}


def test_one_lowest_ansible_is_named_everywhere() -> None:
    """The lowest that is tried, in what Ansible reads of the collection and of each role, and in the README."""
    tried = re.findall(r"ansible-core==([\d.]+)[.][*]", (TOP / "tests/checks/versions").read_text(encoding="utf-8"))
    lowest = min(tried, key=lambda release: [int(part) for part in release.split(".")])
    runtime = yaml.safe_load((TOP / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={lowest}.0"
    for path in (TOP / "roles").glob("*/meta/main.yml"):
        galaxy_info = yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]
        assert galaxy_info["min_ansible_version"] == lowest, path
    assert f"ansible-core {lowest} or later" in (TOP / "README.md").read_text(encoding="utf-8")
    environment = (TOP / "docs/scaling.md").read_text(encoding="utf-8")
    assert re.findall(r"ansible-core>=([\d.]+)", environment) == [lowest]


def test_what_runs_on_hosts_has_the_syntax_of_the_python_that_is_promised() -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    promised = re.findall(r"On Linux hosts: Python 3\.(\d+) or later", readme)
    assert len(promised) == 1
    for folder in ("modules", "module_utils"):
        for path in (TOP / "plugins" / folder).glob("*.py"):
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, int(promised[0])))
