# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's site, read from its systems: compared with the written inventory, or used by a command.

``python -m live_site --directory DIRECTORY --variables FILE`` compares. With a command after ``--``, that runs in place
of it, while the Management Node is there; the inventory files are in the directory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import typing as t
from collections.abc import Mapping
from pathlib import Path

from .comparison import Inventory, Result, compare
from .systems import DEMO, FILES, systems


def listed(*files: Path, env: Mapping[str, str]) -> Inventory:
    """Return what ``ansible-inventory --list`` prints of inventory files; one that cannot be read is an error."""
    command = ["ansible-inventory", *(word for file in files for word in ("--inventory", str(file))), "--list"]
    strict = {**os.environ, **env, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    done = subprocess.run(command, env=strict, stdout=subprocess.PIPE, text=True, check=True)
    # Ansible marks what is from a plugin, as no templates in it are worked out.
    found: Inventory = json.loads(done.stdout, object_hook=lambda one: one.get("__ansible_unsafe", one))
    return found


def compared(directory: Path, variables: Mapping[str, t.Any]) -> Result:
    """Read the site from its systems, and compare it with the demo's written inventory."""
    with systems(directory) as env:
        live = listed(*(directory / name for name in FILES), env=env)
    written = listed(DEMO / "inventory/site.yml", env={})
    return compare(live, written, listed(directory / "written.yml", env={}), variables)


def main() -> int:
    """Read the arguments, and return the exit code: 0 where both are the same, or that of the command."""
    parser = argparse.ArgumentParser(prog="live_site", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the inventory files are put")
    parser.add_argument("--variables", type=Path, help="JSON with port_matrix_row_groups and port_matrix_extra_rows")
    parser.add_argument("command", nargs="*", help="what is run in place of the comparison")
    given = parser.parse_args()
    if given.command:
        with systems(given.directory) as env:
            return subprocess.run(given.command, env={**os.environ, **env}, check=False).returncode
    result = compared(given.directory, json.loads(given.variables.read_text(encoding="utf-8")))
    if result.differences:
        print(*result.differences, sep="\n")
        return 1
    print(
        "The inventory read from the Management Node and the topology equals the written one: "
        f"{result.hosts} hosts and {result.variables} of their variables were read, and all {result.rules} rules are "
        "the same, byte for byte"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
