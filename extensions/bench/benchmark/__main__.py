# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures this collection side by side with what people would do otherwise. Run it with ``make bench``."""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .machine import conditions
from .measure import FailedError
from .part_apply import apply
from .part_compile import compile_and_load
from .part_controller import controller
from .part_host import host
from .part_linux import linux
from .part_packets import packets
from .part_remember import remember
from .part_windows import windows
from .results import Part, in_sittings
from .table import write_tables

TOP = Path(__file__).resolve().parents[3]
BUILD = TOP / ".build" / "bench"
VENV = BUILD / "venv" / "bin"


def _work(name: str) -> Path:
    directory = BUILD / "work" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


PARTS: dict[str, Callable[[], Sequence[Part]]] = {
    "compile": lambda: compile_and_load(_work("compile"), VENV / "aclgen"),
    "packets": lambda: [packets(_work("packets"), VENV / "aclgen")],
    "remember": lambda: [remember(_work("remember"))],
    **in_sittings("apply-nftables", lambda name: [apply(_work(name), "nftables")]),
    **in_sittings("apply-firewalld", lambda name: [apply(_work(name), "firewalld")]),
    **in_sittings("apply-defaults-nftables", lambda name: [apply(_work(name), "nftables", pipelining=False)]),
    **in_sittings("apply-defaults-firewalld", lambda name: [apply(_work(name), "firewalld", pipelining=False)]),
    "controller": lambda: [controller(_work("controller"), managed=True)],
    "controller-few": lambda: [controller(_work("controller-few"), managed=False)],
    "host": lambda: [host(_work("host"))],
    "linux": lambda: [linux(_work("linux"))],
    "windows": lambda: [windows(_work("windows"))],
}
# In the order of the page.
RESULTS = (
    *("compile", "load", "packets", "remember"),
    *("apply-nftables", "apply-firewalld", "apply-defaults-nftables", "apply-defaults-firewalld"),
    *("controller", "controller-few", "host", "linux", "windows"),
)


def chosen(name: str) -> list[str]:
    """Return the part of that name, or the sittings that ``windows``, say, stands for; nothing if there are none."""
    return [name] if name in PARTS else [part for part in PARTS if part.startswith(f"{name}-")]


def main(arguments: Sequence[str]) -> int:
    """Run the parts named in *arguments*, or all of them; return the exit code: 0 where all could be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all where none is named")
    wanted = {name: chosen(name) for name in parser.parse_args(arguments).parts or PARTS}
    if unknown := [name for name, parts in wanted.items() if not parts]:
        parser.error(f"unknown part {', '.join(unknown)}; accepted: {', '.join(PARTS)}")
    failed = 0
    for name in itertools.chain(*wanted.values()):
        begun, found = time.monotonic(), conditions(VENV / "python")
        print(f"Part {name}:", file=sys.stderr, flush=True)
        try:
            parts = PARTS[name]()
        except FailedError as e:
            failed = 1
            print(f"Part {name} could not be measured: {e}", file=sys.stderr)
            continue
        for part in parts:
            part.conditions, part.seconds = found, [round(time.monotonic() - begun, 1)]
            part.save(BUILD, name if len(parts) == 1 else part.name)
            show(part)
        write_tables(BUILD, RESULTS, TOP / "extensions" / "bench" / "README.md")
    return failed


def show(part: Part) -> None:
    """Print the results of one part."""
    print(f"\n{part.title}")
    for m in part.measurements:
        print(f"  {m.what:<45} {m.size:>12}  {m.median:>12,.3f} {m.unit}  ({len(m.runs)} runs)")
    for w in part.wanted:
        relation = "at least" if w.at_least else "at most"
        print(f"  {w.text}: {w.median:,.2f} {w.unit} (wanted {relation} {w.figure:.3g}): {w.verdict}")
    print(
        f"  {', '.join(f'{key} {value}' for key, value in part.conditions.items())}; {part.seconds[0]:.0f} s\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
