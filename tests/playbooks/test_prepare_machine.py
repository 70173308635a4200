# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody reads whose machine cannot build the lab: a sentence that says what to do, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
# All that the script calls before it gives up.
TOOLS = ("bash", "cat", "dirname", "env", "id", "rm", "sha256sum", "tail")
# What it calls where it does not.
MORE_TOOLS = ("ln", "mkdir")
NEEDED = (
    "apt-get", "podman", "runc", "iptables", "mmdebstrap", "nft", "ip", "unshare", "ssh-keygen", "openssl", "shellcheck"
)  # fmt: skip
NOBODY = (shutil.which("setpriv") or "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Machine:
    """A checkout and the only programs that are there."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o755)
        self.programs = directory / "bin"
        self.programs.mkdir()
        self.checkout = directory / "checkout"
        (self.checkout / "tests").mkdir(parents=True)
        script = (TOP / "tests/prepare-machine").read_text(encoding="utf-8")
        self.script = self.checkout / "tests/prepare-machine"
        self.script.write_text(script.replace("/usr/bin/", f"{self.programs}/"), encoding="utf-8")
        self.script.chmod(0o755)
        self.link(TOOLS)
        self.stub("python3", "exit 0")

    def link(self, tools: Iterable[str]) -> None:
        for tool in tools:
            found = shutil.which(tool)
            assert found is not None
            (self.programs / tool).symlink_to(found)

    def stub(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def prepare(self, *before: str) -> str:
        """Run the script, which has to fail; return what it says."""
        done = subprocess.run(
            [*before, str(self.script), ".build/environment"],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 1
        assert sorted(path.name for path in self.checkout.iterdir()) == ["tests"], "something was left behind"
        return done.stdout + done.stderr


@pytest.fixture
def machine() -> Iterator[Machine]:
    # Not below the directory of pytest, which nobody else may enter.
    directory = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    yield Machine(directory)
    shutil.rmtree(directory)


def test_without_root_it_says_why_root_and_what_that_changes(machine: Machine) -> None:
    said = machine.prepare(*NOBODY)
    assert "which needs root" in said
    assert "Run the command again as root" in said
    assert "to be installed: podman" in said


def test_without_podman_and_apt_it_names_what_is_missing(machine: Machine) -> None:
    said = machine.prepare()
    assert said.startswith("Missing: podman ")
    assert "This machine has no apt-get; install them and run the command again." in said


def test_without_a_debian_mirror_it_says_so(machine: Machine) -> None:
    machine.stub("apt-get", "echo $1 was called; exit 100")
    said = machine.prepare()
    assert "update was called" in said
    assert "Debian packages could not be installed: podman" in said
    assert "Is a Debian mirror in reach?" in said


def test_debian_packages_can_be_had_alone(machine: Machine) -> None:
    machine.stub("apt-get", "exit 0")
    done = subprocess.run(
        [machine.script, "--packages"],
        env={"PATH": str(machine.programs)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Installing Debian packages: podman ")
    assert sorted(path.name for path in machine.checkout.iterdir()) == ["tests"]


def test_without_a_python_it_says_which(machine: Machine) -> None:
    machine.stub("python3", "exit 1")
    said = machine.prepare()
    assert said == "Python 3.11 or later was not found. On Debian 12 or 13, as root: apt-get install python3\n"


def test_without_a_package_index_it_says_so(tmp_path: Path) -> None:
    shutil.copytree(TOP / "requirements", tmp_path / "requirements")
    done = subprocess.run(
        [tmp_path / "requirements/install", "development", ".build/venv", "/usr/bin/python3"],
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("uv could not be installed. Is a package index in reach?\n")
    assert not (tmp_path / ".build/venv").exists()


@pytest.mark.parametrize(
    ("groups", "limit", "written"),
    [
        ("cgroup2fs", "1048576", False),
        ("cgroup2fs", "unlimited", False),
        ("cgroup2fs", "4096", True),
        ("tmpfs", "1048576", True),
        ("tmpfs", "unlimited", True),
        ("tmpfs", "4096", True),
    ],
)
def test_podman_gets_settings_where_it_could_not_work_without(
    machine: Machine, groups: str, limit: str, written: bool
) -> None:
    """With hybrid control groups, or where it could not raise the limit of open files."""
    machine.link(MORE_TOOLS)
    machine.stub("stat", f"echo {groups}")
    for program in NEEDED:
        machine.stub(program, "exit 0")
    installer = machine.checkout / "requirements/install"
    installer.parent.mkdir()
    installer.write_text('#!/bin/bash\nprintf "%s\\n" "$@" >.build/asked_for\n', encoding="utf-8")
    installer.chmod(0o755)
    done = subprocess.run(
        [machine.script, ".build/environment"],
        # A function of that name takes the place of what the shell has.
        env={"PATH": str(machine.programs), "BASH_FUNC_ulimit%%": f"() {{ echo {limit}; }}"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    asked_for = (machine.checkout / ".build/asked_for").read_text(encoding="utf-8")
    assert asked_for == f"development\n.build/venv\n{machine.programs}/python3\n"
    assert (machine.checkout / ".build/containers.conf").exists() is written
    environment = (machine.checkout / ".build/environment").read_text(encoding="utf-8")
    assert ("CONTAINERS_CONF" in environment) is written
