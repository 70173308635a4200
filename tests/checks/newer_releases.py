# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A newer release of each package of our locks, as somebody may publish it tomorrow.

``newer_releases.py DIRECTORY`` writes them there as wheels with nothing in them, with their names in ``names.txt`` and the
releases in ``releases.txt``. ``newer_releases.py --installed DIRECTORY`` fails where one was installed below a directory.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


def newer(version: str) -> str:
    """Return a later version that each range takes which takes *version*: ``==2.20.*``, ``>=7.10.6``, ``<8``."""
    release, _post, number = version.partition(".post")
    return f"{release}.post{int(number or 0) + 1000}"


def releases() -> dict[str, str]:
    """Return name → newer version of every package of every lock."""
    locked: dict[str, str] = {}
    for lock in sorted((TOP / "requirements").glob("*.lock")):
        for name, version in LOCKED.findall(lock.read_text(encoding="utf-8")):
            locked[name] = max(version, locked.get(name, version), key=_numbers)
    return {name: newer(version) for name, version in sorted(locked.items())}


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def write(directory: Path) -> None:
    """Write the wheels, and what they are, to an empty *directory*."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    found = releases()
    for name, version in found.items():
        stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
        with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
    (directory / "names.txt").write_text("".join(f"{name}\n" for name in found), encoding="utf-8")
    lines = sorted(f"{name}=={version}\n" for name, version in found.items())
    (directory / "releases.txt").write_text("".join(lines), encoding="utf-8")


def main(*arguments: str) -> int:
    """Write, or look; return 1 where a newer release was installed."""
    if arguments[0] != "--installed":
        write(Path(arguments[0]))
        return 0
    there = sorted(Path(arguments[1]).rglob("*.dist-info")) + sorted(Path(arguments[1]).rglob("*.whl"))
    wrong = [path.name for path in there if ".post1000" in path.name]
    print(f"{len(there)} packages were installed; newer than in their locks: {', '.join(wrong) or 'none'}")
    return 1 if wrong or not there else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
