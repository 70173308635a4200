# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A newer release of each package of our locks, as somebody may publish it tomorrow.

``newer_releases.py DIRECTORY`` writes them there as wheels with nothing in them, and all names to ``names.txt``.
``newer_releases.py --chosen DIRECTORY FILE`` fails where a locked release was chosen: by pip, which put it into a
directory, or by uv, which wrote it to a file.
``newer_releases.py --installed DIRECTORY`` fails where a newer release was installed below a directory.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


MARK = ".post1000"


def newer(version: str) -> str:
    """Return a later version that each range takes which takes *version*: ``==2.20.*``, ``>=7.10.6``, ``<8``."""
    release = version.partition(".post")[0]
    return f"{release}{MARK}"


def locked() -> set[tuple[str, str]]:
    """Return name and version of every package of every lock."""
    locks = (TOP / "requirements").glob("*.lock")
    return {release for lock in locks for release in LOCKED.findall(lock.read_text(encoding="utf-8"))}


def write(directory: Path) -> None:
    """Write the wheels and their names to an empty *directory*."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, version in ((name, newer(version)) for name, version in locked()):
        stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
        with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(
                f"{stem}.dist-info/WHEEL",
                "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
    (directory / "names.txt").write_text(
        "".join(f"{name}\n" for name in sorted({name for name, _version in locked()})), encoding="utf-8"
    )


def not_trapped(directory: Path, chosen: Path) -> list[str]:
    """Return the locked releases that pip or uv chose though there are newer ones."""
    by_pip = {tuple(path.name.split("-")[:2]) for path in directory.iterdir()}
    by_uv = set(LOCKED.findall(chosen.read_text(encoding="utf-8")))
    if not by_pip or {name for name, _version in by_uv} != {name for name, _version in locked()}:
        return ["not everything was chosen"]
    return sorted("==".join(release) for release in locked() & (by_pip | by_uv))


def newer_below(directory: Path) -> list[str]:
    """Return what was installed below a *directory* in place of a locked release; an error where nothing was."""
    there = [path.name for pattern in ("*.dist-info", "*.whl") for path in directory.rglob(pattern)]
    print(f"{len(there)} packages were installed from the locks")
    return [name for name in there if MARK in name] if there else ["nothing was installed"]


def main(*arguments: str) -> int:
    """Write, or look; return 1 where something is wrong, and print it."""
    found: list[str] = []
    match arguments:
        case ("--chosen", directory, chosen):
            found = not_trapped(Path(directory), Path(chosen))
        case ("--installed", directory):
            found = newer_below(Path(directory))
        case (directory,):
            write(Path(directory))
    print("".join(f"{line}\n" for line in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
