# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a measurement depends on: the machine, how busy it was, and the versions of what takes part."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path


def conditions(aerleon_python: Path | None = None) -> dict[str, str]:
    """Return the words for the table: machine, load, kernel, versions."""
    found = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory_gib()} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "netaddr": importlib.metadata.version("netaddr"),
        "ansible-core": importlib.metadata.version("ansible-core"),
        "nft": _first_line("nft", "--version").partition(" v")[2].split(" ")[0],
    }
    if aerleon_python:
        code = "import importlib.metadata as m; print(m.version('aerleon'))"
        found["aerleon"] = _first_line(str(aerleon_python), "-c", code)
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _first_line(*command: str) -> str:
    if not shutil.which(command[0]):
        return "none"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]
