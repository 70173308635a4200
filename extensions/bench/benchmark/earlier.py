# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as it was at an earlier commit, so that both can run in turn on one machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .measure import FailedError

_TOP = Path(__file__).resolve().parents[3]
# The last one before a run was made of fewer and bigger steps.
COMMIT = "2f2f66cc"


def earlier(directory: Path) -> Mapping[str, str]:
    """Lay it out below *directory*; return the environment in which Ansible takes it.

    :raises FailedError: if this clone has no such commit.
    """
    collections = directory / "earlier"
    top = collections / "ansible_collections/uc_firewall/pexip_sfb"
    top.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", _TOP, "archive", COMMIT], capture_output=True, check=False)
    if archive.returncode:
        raise FailedError(f"This clone does not have the commit {COMMIT}: git fetch --unshallow")
    subprocess.run(["tar", "--extract", "--directory", top], input=archive.stdout, check=True)
    return {"ANSIBLE_COLLECTIONS_PATH": f"{collections}:{os.environ.get('ANSIBLE_COLLECTIONS_PATH', '')}"}
