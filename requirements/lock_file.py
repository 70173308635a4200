# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lock pins, what it lacks, and whether a directory has just that. Needs no network.

``python lock_file.py LOCK DIRECTORY PYTHON`` prints what is wrong, a line each, and ends with 1 where something is.

What a release needs stands in its metadata. An environment that was installed from a lock has it at hand; for all the
others it is in ``needs.json``.
"""

from __future__ import annotations

import re
import sys
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parent
# The Pythons that the development environment is promised for, and the locks that are for another one alone.
PYTHONS = ("3.11", "3.12", "3.13")
ONLY_FOR = {
    "ansible-core-2.17": "3.11",
    "ansible-core-2.20": "3.13",
    "ansible-core-2.21": "3.13",
    "python-3.9": "3.9",
    "python-3.10": "3.10",
}

Environment = dict[str, str]
# Release, such as pytest==9.2.0 → what it needs: Requires-Dist of its metadata, as it stands there.
Needs = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Pin:
    """One package of a lock: its canonical *name*, its *version*, when it applies, and its *hashes*, ``sha256:…``."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def release(self) -> str:
        """Name and version, as ``needs.json`` has them."""
        return f"{self.name}=={self.version}"

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
    words, *hashes = (part.strip() for part in entry.split(" --hash="))
    match = re.fullmatch(r"([\w.-]+)==([^\s;*]+)\s*(?:;\s*(.+))?", words)
    if match is None:
        raise ValueError(f"not a pin: {words}")
    return Pin(canonicalize_name(match[1]), match[2], (match[3] or "").strip(), tuple(hashes))


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


def pythons(name: str) -> tuple[str, ...]:
    """Return the Pythons that a lock is for, the lowest first."""
    return (ONLY_FOR[name],) if name in ONLY_FOR else PYTHONS


def environment_of(python: str) -> Environment:
    """Return the environment of a Python such as ``3.13`` on this machine, for markers."""
    own = t.cast(dict[str, str], default_environment())
    return {**own, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def lacks(pins: Iterable[Pin], wishes: Iterable[Requirement], needs: Needs, python: str) -> list[str]:
    """Return what a lock lacks for a Python: hashes, wishes, dependencies, and what an extra adds."""
    environment = environment_of(python)
    pinned = {pin.name: pin for pin in pins if pin.applies(environment)}
    found = [f"{pin.name}: no hash" for pin in pinned.values() if not pin.hashes]
    found += [f"{pin.release}: what it needs is not on record" for pin in pinned.values() if pin.release not in needs]
    seen: set[tuple[str, str]] = set()
    waiting = [(wish, "wished for") for wish in wishes]
    while waiting:
        wanted, origin = waiting.pop()
        name = canonicalize_name(wanted.name)
        pin = pinned.get(name)
        if pin is None or not wanted.specifier.contains(Version(pin.version), prereleases=True):
            found.append(f"{wanted}: {origin}, and the lock has {pin.version if pin else 'none'}")
            continue
        for extra in {"", *wanted.extras} - {extra for of, extra in seen if of == name}:
            seen.add((name, extra))
            label = f"{name}[{extra}]" if extra else name
            waiting += [
                (needed, f"needed by {label}") for needed in _applying(needs.get(pin.release, ()), extra, environment)
            ]
    return sorted(found)


def _applying(requirements: Iterable[str], extra: str, environment: Environment) -> Iterator[Requirement]:
    for text in requirements:
        requirement = Requirement(text)
        applies = requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})
        # Without its extra, a requirement of the package itself is not one of the extra.
        if applies and (not extra or (requirement.marker is not None and "extra" in str(requirement.marker))):
            yield requirement


def installed_in(directory: Path) -> dict[str, list[str]]:
    """Return what each release needs that is installed in a virtual environment, or in a directory as such."""
    rooms = sorted(directory.glob("lib/python3.*/site-packages")) or [directory]
    there = distributions(path=[str(room) for room in rooms])
    return {f"{canonicalize_name(one.name)}=={one.version}": one.requires or [] for one in there}


def differs(pins: Iterable[Pin], installed: Iterable[str], python: str) -> list[str]:
    """Return how what is installed for a Python differs from the lock."""
    environment = environment_of(python)
    wanted = {pin.release for pin in pins if pin.applies(environment)}
    there = set(installed)
    return [f"{release}: in the lock, not installed" for release in sorted(wanted - there)] + [
        f"{release}: installed, not in the lock" for release in sorted(there - wanted)
    ]


def main(name: str, directory: str, python: str) -> int:
    """Print what is wrong with a lock, and with the *directory* that it was installed to for a *python*."""
    pins = read_lock((HERE / f"{name}.lock").read_text(encoding="utf-8"))
    installed = installed_in(Path(directory))
    objections = differs(pins, installed, python) or lacks(pins, read_wishes(HERE / f"{name}.in"), installed, python)
    print("".join(f"{line}\n" for line in objections), end="")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
