# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody reads whose machine cannot build the lab: a sentence that says what to do, and nothing is changed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
# All that the script calls before it gives up.
TOOLS = ("bash", "cat", "dirname", "env", "id", "rm", "sha256sum", "tail")
NOBODY = (shutil.which("setpriv") or "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Machine:
    """A checkout and the only programs that are there."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o755)
        self.programs = directory / "bin"
        self.programs.mkdir()
        self.checkout = directory / "checkout"
        (self.checkout / "tests").mkdir(parents=True)
        shutil.copy(TOP / "tests/prepare-machine", self.checkout / "tests/prepare-machine")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.programs / tool).symlink_to(found)
        self.stub("python3", "exit 0")

    def stub(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def prepare(self, *before: str) -> str:
        """Run the script, which has to fail; return what it says."""
        done = subprocess.run(
            [*before, str(self.checkout / "tests/prepare-machine"), ".build/environment"],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            timeout=60,
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
    assert "which takes root" in said
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


def test_without_a_python_it_says_which(machine: Machine) -> None:
    machine.stub("python3", "exit 1")
    said = machine.prepare()
    assert said == "Python 3.11 or later was not found. On Debian 12 or 13, as root: apt-get install python3\n"
