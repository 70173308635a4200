# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the project is developed with is pinned, and what its users need is a range that the pins are in."""

from __future__ import annotations

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


def test_all_places_name_the_same_oldest_ansible_core() -> None:
    runtime = yaml.safe_load((TOP / "meta/runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    oldest = re.fullmatch(r">=(\d+\.\d+)\.0", runtime)
    assert oldest is not None
    named = {
        path: re.findall(pattern, (TOP / path).read_text(encoding="utf-8"))
        for path, pattern in [
            ("README.md", r"ansible-core (\S+) or later"),
            ("docs/scaling.md", r"ansible-core>=([\d.]+)"),
            *(
                (f"roles/{path.name}/meta/main.yml", r'min_ansible_version: "(.+)"')
                for path in (TOP / "roles").iterdir()
            ),
        ]
    }
    assert named == {path: [oldest[1]] for path in named}
