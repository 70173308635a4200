# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m lab_containers create`` makes the lab that standard input describes, ``remove`` removes it.

Standard input is JSON: what the filter lab_plan returns, and ``state``, the directory of the key that opens the hosts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

from lab_containers.lab import Host, Lab, LabError, check_machine, create, remove

_KEY = "id_ed25519"


def main(command: str, plan: t.Mapping[str, t.Any]) -> int:
    """Make or remove a lab, and print the names of what was made or removed; 1 with the reason where that fails."""
    try:
        check_machine()
        names = {"create": _create, "remove": _remove}[command](plan)
    except (LabError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(*names, sep="\n")
    return 0


def _create(plan: t.Mapping[str, t.Any]) -> list[str]:
    state = Path(plan["state"])
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = state / _KEY
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", plan["prefix"], "-f", key], check=True)
    authorized = {"LAB_AUTHORIZED_KEY": key.with_suffix(".pub").read_text("utf-8").strip()}
    hosts = [Host(**host | {"environment": host["environment"] | authorized}) for host in plan["hosts"]]
    lab = Lab(plan["prefix"], plan["label"], plan["networks"], hosts)
    create(lab)
    return [lab.container(host) for host in hosts]


def _remove(plan: t.Mapping[str, t.Any]) -> list[str]:
    names = remove(plan["label"])
    for suffix in ("", ".pub"):
        (Path(plan["state"]) / _KEY).with_suffix(suffix).unlink(missing_ok=True)
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.load(sys.stdin)))
