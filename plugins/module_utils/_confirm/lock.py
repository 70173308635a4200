# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a host's firewall: a file that whoever holds it can remove, while others wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t
from pathlib import Path


def locked(path: Path, seconds: float) -> t.IO[str]:
    """Open the file at *path*, and wait until nobody else has it locked. It is locked until it is closed.

    :raises TimeoutError: if somebody has it for longer than *seconds*.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o700)
        # Whoever had it may remove it, and its directory, before any of these lines.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            file = path.open("w", encoding="utf-8")
            if _is_ours(file, path):
                return file
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def remove(path: Path) -> None:
    """Remove the lock at *path*, which the caller holds, and its directory where nothing else is in it.

    From here on somebody else can have a lock of that name, so nothing of that directory may be changed any more.
    """
    path.unlink()
    with contextlib.suppress(OSError):  # the lock of somebody else is in it, or they removed both by now
        path.parent.rmdir()


def _is_ours(file: t.IO[str], path: Path) -> bool:
    """Lock *file*, and tell whether it is still the one at *path*: another one locks nobody out."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return True
    except BaseException:
        file.close()
        raise
    file.close()
    return False
