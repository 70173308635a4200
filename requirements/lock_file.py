# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lock pins, what it lacks, and whether a directory has just that. Needs no network.

``python lock_file.py LOCK DIRECTORY PYTHON`` prints what is wrong, a line each, and ends with 1 where something is.
"""

from __future__ import annotations

import re
import sys
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parent
# The Pythons that the development environment is promised for.
PYTHONS = ("3.11", "3.12", "3.13")

Environment = dict[str, str]


@dataclass(frozen=True)
class Pin:
    """One package of a lock: its canonical *name*, its *version*, when it applies, and how many *hashes* it has."""

    name: str
    version: str
    marker: str
    hashes: int

    def applies(self, environment: Environment) -> bool:
        """Whether a Python with this *environment* gets it."""
        return not self.marker or Marker(self.marker).evaluate(environment)


def read_lock(text: str) -> list[Pin]:
    """Return the pins of a lock as ``uv pip compile --generate-hashes`` writes it.

    :raises ValueError: a line that is no pin with ``==``, which an installer would have to choose a version for
    """
    entries = re.sub(r"\\\n", " ", text).splitlines()
    return [_pin(entry) for entry in entries if entry.strip() and not entry.lstrip().startswith("#")]


def _pin(entry: str) -> Pin:
    words, *hashes = entry.split(" --hash=")
    match = re.fullmatch(r"([\w.-]+)==([^\s;*]+)\s*(?:;\s*(.+))?", words.strip())
    if match is None:
        raise ValueError(f"not a pin: {words.strip()}")
    return Pin(canonicalize_name(match[1]), match[2], (match[3] or "").strip(), len(hashes))


def read_wishes(path: Path) -> list[Requirement]:
    """Return what a file of wishes asks for, with the files that it includes."""
    wishes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        if included := re.fullmatch(r"-r (.+)", text):
            wishes += read_wishes(path.parent / included[1])
        elif text and not text.startswith("#"):
            wishes.append(Requirement(text))
    return wishes


def environment_of(python: str) -> Environment:
    """Return the environment of a Python such as ``3.13`` on this machine, for markers."""
    own = t.cast(dict[str, str], default_environment())
    return {**own, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def lacks(
    pins: Iterable[Pin], wishes: Iterable[Requirement], known: Mapping[str, Distribution], python: str
) -> list[str]:
    """Return what a lock lacks for a Python: hashes, wishes, dependencies, and what an extra adds.

    :param known: canonical name → metadata, of as many packages of the lock as are at hand
    """
    environment = environment_of(python)
    pinned = {pin.name: pin for pin in pins if pin.applies(environment)}
    found = [f"{pin.name}: no hash" for pin in pinned.values() if not pin.hashes]
    seen: set[tuple[str, str]] = set()
    waiting = [(wish, "wished for") for wish in wishes]
    while waiting:
        wanted, origin = waiting.pop()
        name = canonicalize_name(wanted.name)
        pin = pinned.get(name)
        if pin is None or not wanted.specifier.contains(Version(pin.version), prereleases=True):
            found.append(f"{wanted}: {origin}, and the lock has {pin.version if pin else 'none'}")
            continue
        # Another Python can have another release, of which only the metadata of its own would tell the truth.
        if name not in known or known[name].version != pin.version:
            continue
        for extra in {"", *wanted.extras} - {extra for of, extra in seen if of == name}:
            seen.add((name, extra))
            label = f"{name}[{extra}]" if extra else name
            waiting += [(needed, f"needed by {label}") for needed in _needs(known[name], extra, environment)]
    return sorted(found)


def _needs(distribution: Distribution, extra: str, environment: Environment) -> Iterator[Requirement]:
    for text in distribution.requires or []:
        requirement = Requirement(text)
        applies = requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})
        # Without its extra, a requirement of the package itself is not one of the extra.
        if applies and (not extra or (requirement.marker is not None and "extra" in str(requirement.marker))):
            yield requirement


def installed_in(directory: Path) -> dict[str, Distribution]:
    """Return canonical name → metadata of what is installed in a virtual environment, or in a directory as such."""
    rooms = sorted(directory.glob("lib/python3.*/site-packages")) or [directory]
    return {canonicalize_name(found.name): found for found in distributions(path=[str(room) for room in rooms])}


def differs(pins: Iterable[Pin], installed: Mapping[str, Distribution], python: str) -> list[str]:
    """Return how what is installed for a Python differs from the lock."""
    environment = environment_of(python)
    wanted = {f"{pin.name}=={pin.version}" for pin in pins if pin.applies(environment)}
    there = {f"{name}=={distribution.version}" for name, distribution in installed.items()}
    return [f"{name}: in the lock, not installed" for name in sorted(wanted - there)] + [
        f"{name}: installed, not in the lock" for name in sorted(there - wanted)
    ]


def main(name: str, directory: str, python: str) -> int:
    """Print what is wrong with a lock, and with the *directory* that it was installed to for a *python*."""
    pins = read_lock((HERE / f"{name}.lock").read_text(encoding="utf-8"))
    wishes = read_wishes(HERE / f"{name}.in")
    installed = installed_in(Path(directory))
    objections = differs(pins, installed, python)
    for version in sorted({python, *(PYTHONS if name == "development" else ())}):
        objections += lacks(pins, wishes, installed, version)
    print("".join(f"{line}\n" for line in dict.fromkeys(objections)), end="")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
