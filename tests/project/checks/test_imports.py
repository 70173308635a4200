# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract on imports, tried on a copy of the plugins: a wrong import breaks the rule that is about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]
PLUGINS = "ansible_collections.uc_firewall.pexip_sfb.plugins"


def _broken(directory: Path) -> tuple[list[str], str]:
    """Return the names of the rules that are broken, and all that was said."""
    command = ["lint-imports", "--no-cache", "--no-logo", str(TOP / "pyproject.toml")]
    path = os.pathsep.join([str(directory), str(TOP / "tests/checks")])
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    broken = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    assert done.returncode == bool(broken)
    return broken, " ".join(done.stdout.split())


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    copy = tmp_path / PLUGINS.replace(".", "/")
    shutil.copytree(TOP / "plugins", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_contract_is_kept(plugins: Path, tmp_path: Path) -> None:
    assert _broken(tmp_path)[0] == []


@pytest.mark.parametrize(
    ("importer", "imported", "rule"),
    [
        ("plugin_utils._matrix.site", "doc_fragments.site", "Plugins import the core, and the core no plugin"),
        ("plugin_utils._rules.extra", "plugin_utils._matrix.rows", "The packages of the core import one way"),
        ("plugin_utils._nftables.table", "plugin_utils._matrix.rows", "The packages of the core import one way"),
        ("plugin_utils._windows.rules", "plugin_utils._firewalld.ipsets", "The packages of the core import one way"),
        ("plugin_utils._query.question", "plugin_utils._report.words", "The packages of the core import one way"),
        ("plugin_utils._values.errors", "ansible.errors", "The core knows no Ansible and no host"),
        ("plugin_utils._report.csv", "module_utils._probe.stun", "The core knows no Ansible and no host"),
        ("plugin_utils._report.files", "plugin_utils._matrix.inventory", "Renderers know no inventory"),
        ("plugin_utils._probes.plan", "plugin_utils._nftables.table", "Reports, answers and probes know no back end"),
        ("module_utils._probe.probe", "module_utils._nft.program", "The packages for hosts import one way"),
        ("module_utils._confirm.steps", "module_utils._nft.program", "The packages for hosts import one way"),
        ("module_utils._probe.stun", "netaddr", "Hosts need the standard library only"),
        ("module_utils._probe.stun", "tomllib", "Hosts need the standard library only"),
        ("module_utils._confirm.steps", "ansible.errors", "Hosts need the standard library only"),
        ("modules.port_probe", "plugin_utils._values.ports", "Hosts need the standard library only"),
    ],
)
def test_a_wrong_import_breaks_its_rule(plugins: Path, tmp_path: Path, importer: str, imported: str, rule: str) -> None:
    name = f"{PLUGINS}.{imported}" if (plugins / imported.split(".")[0]).is_dir() else imported
    with plugins.joinpath(*importer.split(".")).with_suffix(".py").open("a", encoding="utf-8") as file:
        file.write(f"\nimport {name}\n")
    broken, said = _broken(tmp_path)
    assert broken == [rule]
    assert f"{PLUGINS}.{importer} is not allowed to import {name}" in said or f"{importer} -> {name}" in said


@pytest.mark.parametrize(
    ("folder", "rule"),
    [
        ("plugin_utils", "The packages of the core import one way"),
        ("module_utils", "The packages for hosts import one way"),
    ],
)
def test_a_new_package_needs_a_place_in_the_contract(plugins: Path, tmp_path: Path, folder: str, rule: str) -> None:
    package = plugins / folder / "_new"
    package.mkdir()
    package.joinpath("__init__.py").touch()
    assert _broken(tmp_path)[0] == [rule]
