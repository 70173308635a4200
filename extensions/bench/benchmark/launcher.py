# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts one program, waits for it, and writes what it took as JSON: seconds, MiB, and how it ended.

``python -I -S launcher.py PROGRAM ARGUMENT…``. What the program says goes to standard error, the JSON to standard
output.

The kernel lets the memory of a program begin with that of the process that it was forked from. The benchmark holds more
than many programs that it measures, so this one stands between them: it imports next to nothing, and stays small.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(program: str, *arguments: str) -> None:
    """Run the program; nothing of what this process takes for itself is in the figures."""
    redirected = [(os.POSIX_SPAWN_DUP2, sys.stderr.fileno(), sys.stdout.fileno())]
    begun = time.monotonic()
    child = os.posix_spawnp(program, (program, *arguments), os.environ, file_actions=redirected)
    _child, status, usage = os.wait4(child, 0)
    took = {
        "clock": time.monotonic() - begun,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "ended": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
