# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflow for a server that nobody has run it on yet: what can be known of it without one."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parents[3]
WORKFLOW = ".github/workflows/ci.yml"


def text(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


def steps(job: str) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = yaml.safe_load(text(WORKFLOW))["jobs"][job]["steps"]
    return found


def scripts(job: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


@pytest.mark.parametrize("name", [WORKFLOW, "docs/windows-testing.md"])
def test_ansible_test_finds_the_inventory_of_the_windows_servers(name: str) -> None:
    """It looks for its default file, and for any other that it is given, from tests/integration on."""
    commands = re.findall(r"^ *ansible-test windows-integration\b.*$", text(name), re.MULTILINE)
    assert len(commands) == 1
    assert re.findall(r"--inventory[ =](\S*/\S*)", commands[0]) == []
    assert "tests/integration/inventory.winrm\n" in text(name).replace(" #", "\n")


def test_a_checkout_on_windows_has_the_ends_of_lines_that_sed_looks_for() -> None:
    names = ["tests/integration/inventory.winrm.template", "plugins/modules/win_port_probe.ps1", "tests/run-checks"]
    done = subprocess.run(
        ["git", "check-attr", "text", "eol", "--", *names], cwd=TOP, capture_output=True, text=True, check=True
    )
    for name in names:
        assert f"{name}: text: auto" in done.stdout
        assert f"{name}: eol: lf" in done.stdout
    template = text(names[0])
    expressions = re.findall(r"s/(\^\w+=\$)/", scripts("windows"))
    assert expressions
    for expression in expressions:
        assert re.search(expression, template, re.MULTILINE), expression


def test_the_account_on_windows_is_made_without_a_question() -> None:
    """net user asks whether a password of more than 14 characters is meant, and what it returns stops no step."""
    assert "net user" not in scripts("windows")
    assert "New-LocalUser -Name ansible" in scripts("windows")


def test_debian_in_windows_has_the_programs_that_are_called() -> None:
    (packages,) = [
        step["with"]["additional-packages"] for step in steps("windows") if "additional-packages" in str(step)
    ]
    assert "ip route" in scripts("windows")
    assert {"git", "iproute2", "python3-venv"} <= set(packages.split())


def test_every_hook_is_at_a_stage_that_is_installed() -> None:
    config = yaml.safe_load(text(".pre-commit-config.yaml"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {stage for hook in hooks for stage in hook["stages"]} == set(config["default_install_hook_types"])


def test_the_workflow_has_every_check() -> None:
    """A check that only `make test` runs would let a release pass on the server without it."""
    script = text("tests/run-checks")
    groups = {name: names.split() for name, names in re.findall(r'^(lint|molecule)="(.*)"$', script, re.MULTILINE)}
    (queue,) = re.findall(r"^queue=\((.*?)^\)$", script, re.MULTILINE | re.DOTALL)
    checks = {*groups["lint"], *groups["molecule"], *re.findall(r"(?<![$\w])[a-z_]+", queue)}
    commands = "\n".join(scripts(job) for job in yaml.safe_load(text(WORKFLOW))["jobs"])
    named = " ".join(re.findall(r"(?:make|tests/run-checks) ([a-z_ ]+)", commands)).split()
    run = {check for name in named for check in groups.get(name, [name])}
    assert "ansible-test sanity" in commands
    assert len(checks) > 20
    assert checks - run == {"sanity"}
