# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventory files for plugins of this collection: which there are, and whether each was read.

Where an inventory file cannot be read, Ansible warns and goes on without its hosts. A site that lacks some of its hosts
looks like one that never had them. So a plugin leaves a mark when it has read a file, and a file without one is an
error. No failure can keep that from being seen: a mark is missing also where the plugin was not run at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible.inventory.manager import IGNORED

from .._values.errors import ProblemList

# The variable for all hosts that has the marks.
READ_FILES = "pexip_sfb_read_files"
PLUGINS = ("pexip_infinity", "sfb_topology")


def endings(plugin: str) -> tuple[str, ...]:
    """Return how the files with the options of *plugin* end."""
    return f"{plugin}.yml", f"{plugin}.yaml"


def check_all_read(sources: Iterable[str], read: Iterable[str]) -> None:
    """Check that of the inventory *sources*, files and folders, the plugins have *read* every file that is for them.

    :raises PortMatrixError: with each that is not among them.
    """
    of_plugins = tuple(ending for plugin in PLUGINS for ending in endings(plugin))
    known = {os.path.realpath(file) for file in read}
    problems = ProblemList()
    for source in sources:
        for file in _files(Path(source)):
            if str(file).endswith(of_plugins) and os.path.realpath(file) not in known:
                problems.add(
                    f"inventory file {file}: could not be read, so its hosts are missing. A warning at the start says "
                    "why; accepted: a file whose system can be read, or a run without this file"
                )
    problems.raise_if_any()


def _files(source: Path) -> Iterator[Path]:
    """Yield the files of a source as Ansible takes them out of a folder."""
    if not source.is_dir():
        yield source
        return
    for path in sorted(source.iterdir()):
        if not IGNORED.search(os.fsencode(path.name)):
            yield from _files(path)
