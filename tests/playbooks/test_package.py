# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed into an empty path, and run with the inventory of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
TOP = HERE.parent.parent
NEEDED = {"meta", "plugins", "roles", "playbooks"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path that holds nothing but this collection, reduced to the folders that have to suffice."""
    root = tmp_path_factory.mktemp("collections")
    source = root / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    for name in tracked.split("\0")[:-1]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, source / name)
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", str(root)], cwd=source, check=True)
    (package,) = root.glob("*.tar.gz")
    shutil.rmtree(source)
    command = [
        "ansible-galaxy",
        "collection",
        "install",
        str(package),
        "--offline",
        "--no-deps",
        "--force",
        "-p",
        str(root),
    ]
    subprocess.run(command, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(root)}, check=True)
    for entry in (root / "ansible_collections/uc_firewall/pexip_sfb").iterdir():
        if entry.is_dir() and entry.name not in NEEDED:
            shutil.rmtree(entry)
    return root


def run(installed: Path, *command: str) -> str:
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(installed),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, env=environment, cwd=installed, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def test_the_inventory_of_the_readme_is_valid(installed: Path) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", readme, re.DOTALL)
    assert match is not None
    assert match[1].count("\n") <= 11
    inventory = installed / "inventory.yml"
    inventory.write_text(match[1], encoding="utf-8")
    output = run(
        installed, "ansible-playbook", "-i", str(inventory), "-e", "ansible_connection=untouchable",
        "uc_firewall.pexip_sfb.site",
    )  # fmt: skip
    # It got past the validation of the site, to the first task that needs a host.
    assert "Ask the host who connects to it" in output
    assert "a host was touched" in output


def test_the_report_finds_all_that_it_is_made_of(installed: Path) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", readme, re.DOTALL)
    assert match is not None
    inventory = installed / "inventory.yml"
    inventory.write_text(match[1], encoding="utf-8")
    output = run(installed, "ansible-playbook", "-i", str(inventory), "uc_firewall.pexip_sfb.report")
    assert f"Written to {installed}/port-matrix-report:" in output
    page = (installed / "port-matrix-report/port-matrix.html").read_text(encoding="utf-8")
    for part in ("report.css", "report.js"):
        assert (TOP / "plugins/plugin_utils" / part).read_text(encoding="utf-8") in page


def test_an_execution_environment_gets_what_the_collection_needs_and_no_more(installed: Path) -> None:
    data = yaml.safe_load(run(installed, "ansible-builder", "introspect", str(installed)))
    (requirement,) = data["python"]
    wanted = [line for line in (TOP / "requirements.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert [requirement.partition("#")[0].strip()] == wanted == ["netaddr>=1.3.0"]
    assert data["system"] == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("filter", path.stem) for path in sorted((TOP / "plugins/filter").glob("*.py"))),
        *(("test", path.stem) for path in sorted((TOP / "plugins/test").glob("*.py"))),
        *(("module", path.stem) for path in sorted((TOP / "plugins/modules").glob("*.py"))),
        *(("role", path.name) for path in sorted((TOP / "roles").iterdir())),
    ],
)
def test_the_documentation_can_be_shown(installed: Path, kind: str, name: str) -> None:
    output = run(installed, "ansible-doc", "-t", kind, f"uc_firewall.pexip_sfb.{name}")
    assert f"{kind.upper()}: " in output or f"{kind.upper()} " in output
    assert "ERROR" not in output
