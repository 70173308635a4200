# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of a role are the same in its defaults, its argument specification, its tasks and the pages."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import _TIMEOUT

TOP = Path(__file__).parents[3]
ROLES = sorted(path.name for path in (TOP / "roles").iterdir())
# What the role tells the play, and nobody sets.
RESULTS = {
    "linux_firewall": {"linux_firewall_result"},
    "windows_firewall": {"windows_firewall_result"},
    "port_matrix": {"port_matrix_site"},
    "port_matrix_report": {"port_matrix_report_result"},
}
# A variable, or one that stays commented out because it has no default.
VARIABLE = re.compile(r"^(?P<off># )?(?P<name>[a-z][a-z0-9_]*):(?: |$)")


def text_of(role: str, path: str) -> str:
    return (TOP / "roles" / role / path).read_text(encoding="utf-8")


def options(role: str) -> dict[str, dict[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = yaml.safe_load(text_of(role, "meta/argument_specs.yml"))["argument_specs"][
        "main"
    ]["options"]
    return found


def defaults(role: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", yaml.safe_load(text_of(role, "defaults/main.yml")) or {})


def uncommented(text: str) -> list[str]:
    """Names of the variables that no comment stands right above of."""
    found, previous = [], ""
    for line in text.splitlines():
        match = VARIABLE.match(line)
        if match and not (previous.startswith("# ") and not VARIABLE.match(previous)):
            found.append(match["name"])
        previous = line
    return found


def undescribed(specification: dict[str, dict[str, t.Any]], at: str = "") -> list[str]:
    """Options and suboptions that lack a description or a type."""
    found = []
    for name, option in specification.items():
        where = f"{at}{name}"
        found += [where] if not option.get("description") or not option.get("type") else []
        found += undescribed(option.get("options", {}), f"{where}.")
    return found


def test_there_are_roles_to_look_at() -> None:
    assert "linux_firewall" in ROLES
    assert len(ROLES) >= 5


def test_a_variable_without_a_comment_is_seen() -> None:
    assert uncommented("---\n# Why.\na: 1\n\nb: 2\n\n# What.\n# c: 3\n# d: 4\n") == ["b", "d"]


@pytest.mark.parametrize("role", ROLES)
def test_each_variable_has_a_comment_in_defaults(role: str) -> None:
    assert uncommented(text_of(role, "defaults/main.yml")) == []


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_argument_specification_name_the_same_variables(role: str) -> None:
    matches = map(VARIABLE.match, text_of(role, "defaults/main.yml").splitlines())
    in_defaults = [match["name"] for match in matches if match]
    assert len(in_defaults) == len(set(in_defaults))
    assert set(in_defaults) == set(options(role))
    assert all(name.startswith(f"{role}_") for name in in_defaults)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_argument_specification_have_the_same_values(role: str) -> None:
    specified = options(role)
    for name, value in defaults(role).items():
        option = specified[name]
        if isinstance(value, str) and "{{" in value:
            assert "default" not in option, f"{name} is computed, so the specification has no default for it"
        else:
            assert option.get("default") == value, name
        assert not option.get("required"), f"{name} has a default, so it is never missing"
    assert not [name for name in specified if name not in defaults(role) and "default" in specified[name]]


@pytest.mark.parametrize("role", ROLES)
def test_each_option_is_described(role: str) -> None:
    assert undescribed(options(role)) == []


@pytest.mark.parametrize("role", ROLES)
def test_no_task_reads_a_variable_that_nobody_knows(role: str) -> None:
    """Of the roles whose names a variable may begin with, the longest counts: port_matrix_report, not port_matrix."""
    known = {name for each in ROLES for name in options(each)} | {name for names in RESULTS.values() for name in names}
    paths = [
        path
        for folder in ("tasks", "templates", "vars", "handlers")
        for path in (TOP / "roles" / role / folder).rglob("*.*")
    ]
    words = {
        word for path in paths for word in re.findall(r"(?<![\w.])[a-z][a-z0-9_]+(?!\w|\.yml)", path.read_text("utf-8"))
    }
    read = {word for word in words if word.startswith(tuple(f"{name}_" for name in ROLES))}
    groups = {"port_matrix_gateways", "port_matrix_linux", "port_matrix_windows"}
    assert read - known - groups - set(ROLES) == set()
    assert read & set(options(role)), "a role reads its own variables"


@pytest.mark.parametrize("role", ROLES)
def test_a_page_has_the_table_of_the_role_with_all_its_variables(role: str) -> None:
    pages = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md")), *sorted((TOP / "roles").glob("*/README.md"))]
    marker = f"generated: {role} variables -->(.*?)<!-- end: {role} variables"
    tables = [table for page in pages for table in re.findall(marker, page.read_text(encoding="utf-8"), re.DOTALL)]
    assert tables
    for table in tables:
        assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(options(role))


@pytest.mark.parametrize(
    "path",
    [
        "plugins/doc_fragments/confirm.py",
        "roles/linux_firewall/defaults/main.yml",
        "roles/linux_firewall/meta/argument_specs.yml",
        "roles/linux_firewall/vars/main.yml",
        "docs/safe-apply.md",
    ],
)
def test_both_ends_of_the_time_for_a_confirmation_are_documented(path: str) -> None:
    text = " ".join((TOP / path).read_text(encoding="utf-8").split())
    assert f"{_TIMEOUT[0]} to {_TIMEOUT[-1]}" in text
