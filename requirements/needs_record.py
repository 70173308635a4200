# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each locked release needs, so that a lock that lacks something is found without network: ``needs.json``.

``python needs_record.py COMMAND...`` writes it anew. The command is one that installs, such as ``uv pip install``. It
gets only what is not on record yet, and installs it into a directory that is thrown away: what a release needs does not
change.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import lock_file

RECORD = lock_file.HERE / "needs.json"
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def read() -> lock_file.Needs:
    """Return what ``needs.json`` has; nothing where it is not there."""
    return dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {}


def locked() -> dict[str, list[lock_file.Pin]]:
    """Return the pins of each lock."""
    return {
        path.stem: lock_file.read_lock(path.read_text(encoding="utf-8"))
        for path in sorted(lock_file.HERE.glob("*.lock"))
    }


def applying(locks: dict[str, list[lock_file.Pin]], python: str) -> dict[str, list[lock_file.Pin]]:
    """Return the pins of each lock that is for a *python*, as far as they apply to it."""
    environment = lock_file.environment_of(python)
    return {
        name: [pin for pin in pins if pin.applies(environment)]
        for name, pins in locks.items()
        if python in lock_file.pythons(name)
    }


def look(command: Sequence[str], pins: Iterable[lock_file.Pin], python: str) -> lock_file.Needs:
    """Install pins for a *python*, and return what they need. Ends the program where that fails."""
    with tempfile.TemporaryDirectory() as room:
        lines = (" ".join([pin.release, *(f"--hash={text}" for text in pin.hashes)]) for pin in pins)
        lock = Path(room, "lock")
        lock.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        options = ["--quiet", "--no-deps", "--require-hashes", "--python-version", python]
        target = Path(room, "packages")
        arguments = [*command, *options, "--target", str(target), "--requirements", str(lock)]
        if subprocess.run(arguments, check=False).returncode:
            sys.exit("What the locked releases need could not be found out. Is a package index in reach?")
        return lock_file.installed_in(target)


def main(*command: str) -> None:
    """Write the record."""
    locks = locked()
    every = sorted({python for name in locks for python in lock_file.pythons(name)})
    known = read()
    needs: dict[str, Sequence[str]] = {}
    # A package without a wheel can be built for the Python that runs this, and for no other.
    for python in sorted(every, key=lambda python: python != OWN):
        for pins in applying(locks, python).values():
            needs |= {pin.release: known[pin.release] for pin in pins if pin.release in known}
            if missing := [pin for pin in pins if pin.release not in needs]:
                needs |= look(command, missing, python)
    RECORD.write_text(json.dumps(needs, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
