# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed into an empty path, and run with the inventory of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from pages import REPOSITORY, dead_links, links

HERE = Path(__file__).parent
TOP = HERE.parent.parent
NEEDED = {"meta", "plugins", "roles", "playbooks"}
# All that a user gets. What makes or tests the collection is not among it.
PACKED = NEEDED | {
    "CHANGELOG.md", "CHANGELOG.rst", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json",
    "README.md", "SECURITY.md", "changelogs", "docs", "requirements.txt", "requirements.yml",
}  # fmt: skip
SUFFIXES = {"", ".css", ".j2", ".js", ".json", ".md", ".png", ".ps1", ".py", ".rst", ".svg", ".txt", ".yaml", ".yml"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it would be published, built from the files that git knows."""
    root = tmp_path_factory.mktemp("package")
    subprocess.run([TOP / "tests/checks/copy-checkout", root / "source"], check=True)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(root)]
    subprocess.run(command, cwd=root / "source", check=True)
    (found,) = root.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a user whose ansible.cfg names an empty collections path, with the package installed there.

    What it holds next to the folders that have to suffice is removed.
    """
    root = tmp_path_factory.mktemp("user")
    (root / "ansible.cfg").write_text("[defaults]\ncollections_path = collections\n", encoding="utf-8")
    command = ["ansible-galaxy", "collection", "install", str(package), "--offline", "--no-deps"]
    run(root, *command)
    collection = root / "collections/ansible_collections/uc_firewall/pexip_sfb"
    for entry in collection.iterdir():
        if entry.is_dir() and entry.name not in NEEDED:
            shutil.rmtree(entry)
    assert {entry.name for entry in collection.iterdir() if entry.is_dir()} == NEEDED
    return root


def run(installed: Path, *command: str) -> str:
    """Run a command as the user does, whose only settings are in ansible.cfg; return what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    environment |= {"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        command, env=environment, cwd=installed, capture_output=True, text=True, timeout=900, check=False
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def inventory(installed: Path) -> Path:
    """The example of the README, as its readers copy it."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", readme, re.DOTALL)
    assert match is not None
    assert match[1].count("\n") <= 11
    path = installed / "inventory.yml"
    path.write_text(match[1], encoding="utf-8")
    return path


def test_the_package_holds_what_users_need_and_nothing_else(package: Path) -> None:
    with tarfile.open(package) as archive:
        files = [Path(member.name) for member in archive if member.isfile()]
        names = set(archive.getnames())
    assert {file.parts[0] for file in files} <= PACKED
    assert {file.parts[0] for file in files} >= NEEDED | {"CHANGELOG.md", "LICENSE", "README.md", "docs"}
    assert {file.suffix for file in files} <= SUFFIXES
    assert not [file for file in files if any(part.startswith((".", "__pycache__")) for part in file.parts)]
    tracked = subprocess.run(["git", "ls-files", "-z", *NEEDED], cwd=TOP, capture_output=True, text=True, check=True)
    assert set(filter(None, tracked.stdout.split("\0"))) <= names


def test_no_link_of_a_page_in_the_package_is_dead(package: Path, tmp_path: Path) -> None:
    # By tar, as Python 3.11 has the filter that this needs only since 3.11.4, and Debian 12 has an earlier one.
    subprocess.run(["tar", "--extract", "--file", package, "--directory", tmp_path], check=True)
    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")]
    assert {"README.md", "SECURITY.md", "docs/index.md"} <= set(names)
    assert {name: dead for name in names if (dead := list(dead_links(name, tmp_path)))} == {}
    # What is in the package needs no network.
    led_away = {target for name in names for target in links(name, tmp_path) if target.startswith(REPOSITORY)}
    assert [target for target in led_away if (tmp_path / target.removeprefix(REPOSITORY)).exists()] == []


def test_the_inventory_of_the_readme_is_valid(installed: Path, inventory: Path) -> None:
    output = run(
        installed, "ansible-playbook", "-i", str(inventory), "-e", "ansible_connection=untouchable",
        "uc_firewall.pexip_sfb.site",
    )  # fmt: skip
    # It got past the validation of the site, to the first task that needs a host.
    assert "Ask the host who connects to it" in output
    assert "a host was touched" in output


def test_the_playbooks_are_found_by_name(installed: Path, inventory: Path) -> None:
    names = sorted(path.stem for path in (TOP / "playbooks").glob("*.yml"))
    assert {"site", "remove", "verify"} <= set(names)
    for name in names:
        playbook = f"uc_firewall.pexip_sfb.{name}"
        output = run(installed, "ansible-playbook", "-i", str(inventory), "--syntax-check", playbook)
        assert "playbook: " in output
        assert "ERROR" not in output


def test_the_question_of_the_readme_is_answered(installed: Path, inventory: Path) -> None:
    asked = ("query_source=node1", "query_destination=turn1", "query_protocol=udp", "query_destination_port=3478")
    variables = [word for variable in asked for word in ("-e", variable)]
    output = run(installed, "ansible-playbook", "-i", str(inventory), "uc_firewall.pexip_sfb.query", *variables)
    assert "media_nodes_to_turn" in output
    assert "failed=0" in output


def test_where_netaddr_is_missing_a_sentence_says_what_to_do(installed: Path, inventory: Path) -> None:
    without = installed / "without"
    without.mkdir()
    (without / "netaddr.py").write_text("raise ImportError", encoding="utf-8")
    output = run(
        installed,
        "env",
        f"PYTHONPATH={without}",
        "ansible-playbook",
        "-i",
        str(inventory),
        "uc_firewall.pexip_sfb.report",
    )
    assert "the Python library netaddr is missing on the controller; install it" in " ".join(output.split())
    assert "pip install netaddr" in output


def test_the_report_finds_all_that_it_is_made_of(installed: Path, inventory: Path) -> None:
    output = run(installed, "ansible-playbook", "-i", str(inventory), "uc_firewall.pexip_sfb.report")
    assert f"Written to {installed}/port-matrix-report:" in output
    page = (installed / "port-matrix-report/port-matrix.html").read_text(encoding="utf-8")
    for part in ("report.css", "report.js"):
        assert (TOP / "plugins/plugin_utils/_report" / part).read_text(encoding="utf-8") in page


def test_an_execution_environment_gets_what_the_collection_needs_and_no_more(installed: Path) -> None:
    data = yaml.safe_load(run(installed, "ansible-builder", "introspect", str(installed / "collections")))
    lines = (TOP / "requirements.txt").read_text(encoding="utf-8").splitlines()
    introspected, wanted = (
        {line.partition("#")[0].strip() for line in found} - {""} for found in (data["python"], lines)
    )
    # One inventory plugin needs the second one, and an execution environment is to run all of them.
    assert introspected == wanted == {"netaddr>=1.3.0", "defusedxml>=0.7.1", "xlsxwriter>=3.0.0", "aerleon>=1.18.0"}
    assert data["system"] == []
