# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that have to succeed, and events to wait for, with a bound that only what hangs reaches."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

HANGS = 120  # seconds


def run(*command: str, text: str | None = None) -> str:
    """Run *command*, which has to succeed, with *text* as its input; return what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.02)
