# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of the documentation, for tests that take what a page shows and run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent


def page(name: str) -> str:
    """The text of the page *name*, a path from the top of the checkout."""
    return (TOP / name).read_text(encoding="utf-8")


def examples(name: str, kind: str) -> dict[str, str]:
    """Title → YAML of the examples on a page that are marked as being of *kind*: inventory, playbook, variables."""
    marked = rf"<!-- {kind}: (.+?) -->\n\n```yaml\n(.*?)```"
    return dict(re.findall(marked, page(name), re.DOTALL))


def ten_line_inventory() -> str:
    """The inventory that the README shows."""
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", page("README.md"), re.DOTALL)
    assert match is not None
    return match[1]


def run_playbook(directory: Path, inventory: str, playbook: str, *arguments: str, **variables: t.Any) -> str:
    """Run a playbook in *directory* as a user does, and return what it says.

    A host of the inventory that is connected to answers with "a host was touched", where the variable
    ``ansible_connection`` is ``untouchable``.
    """
    (directory / "inventory.yml").write_text(inventory, encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(TOP / "tests/playbooks/connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "COLUMNS": "10000",
    }
    command = ["ansible-playbook", "-i", "inventory.yml", playbook, *arguments, "-e", json.dumps(variables)]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr
