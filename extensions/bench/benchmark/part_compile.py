# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts 1 and 2: compile a site to a ruleset, and load that ruleset, both against aerleon with the same permissions."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from .aerleon_policy import OUTPUT, write_policy
from .measure import Run, in_turn, ratios, timed
from .results import Part
from .scaled_site import Inventory, listed_inventory, scaled_inventory

SIZES = (10, 1_000, 10_000)
ROUNDS = 5
OURS, LISTED, AERLEON = "this collection, a host for each address", "this collection, lists of addresses", "aerleon"
NETWORKS = "this collection, clients are networks"
# So many times faster than aerleon. Lists are what that reads; a host has a name, variables and endpoints besides.
WANTED_TIMES = {OURS: 6, LISTED: 10}


class Compiled:
    """A site of one size in a directory, as each of the two reads it, and what they make of it."""

    def __init__(self, directory: Path, size: int, aclgen: Path) -> None:
        self.size = size
        self._directory = directory / str(size)
        self._directory.mkdir(parents=True)
        inventory = scaled_inventory(size)
        self._sources = {
            OURS: self._write("hosts", inventory),
            NETWORKS: self._write("networks", scaled_inventory(size, clients_are_networks=True)),
            LISTED: self._write("lists", listed_inventory(size)),
        }
        self._policy = write_policy(inventory.site(), self._directory)
        self._aclgen = aclgen
        self.rulesets = {
            OURS: self._directory / "hosts.nft",
            NETWORKS: self._directory / "networks.nft",
            LISTED: self._directory / "lists.nft",
            AERLEON: self._directory / OUTPUT,
        }

    def _write(self, name: str, inventory: Inventory) -> Path:
        path = self._directory / f"{name}.json"
        path.write_text(json.dumps({"hosts": inventory.hosts, "groups": inventory.groups}), encoding="utf-8")
        return path

    def compile(self, who: str) -> Run:
        """Compile in a process of its own."""
        if who == AERLEON:
            return self.compile_aerleon()
        command: Sequence[str | Path] = [
            sys.executable,
            "-m",
            "benchmark.compile_site",
            self._sources[who],
            self.rulesets[who],
        ]
        return timed(command, self._directory / "log")

    def compile_aerleon(self) -> Run:
        """Compile with aerleon, which writes only what is not there yet."""
        self.rulesets[AERLEON].unlink(missing_ok=True)
        run = timed([self._aclgen, *self._policy], self._directory / "log")
        self.rulesets[AERLEON].stat()
        return run

    def load(self, who: str) -> Run:
        """Load a ruleset into a network namespace that is gone afterwards."""
        return timed(["unshare", "--net", "nft", "--file", self.rulesets[who]], self._directory / "log")


def compile_and_load(directory: Path, aclgen: Path) -> tuple[Part, Part]:
    """Measure both parts on the same rulesets."""
    first = Part("compile", "Compile: inventory → text of the ruleset, a whole process each")
    second = Part("load", "Load: `nft -f` of that text into an empty network namespace")
    sites = [Compiled(directory, size, aclgen) for size in SIZES]
    variants: dict[str, Callable[[], Run]] = {}
    for site in sites:
        for who in (OURS, NETWORKS, LISTED, AERLEON):
            variants[f"{who}; {site.size:,}"] = partial(site.compile, who)
    took = _keep(first, in_turn(variants, ROUNDS))
    size = {who: [site.rulesets[who].stat().st_size / 1000 for site in sites] for who in (OURS, AERLEON)}
    for who, sizes in size.items():
        for site, kilobytes in zip(sites, sizes, strict=True):
            first.add(f"{who}: the ruleset", f"{site.size:,}", "kB", [kilobytes])
    largest = f"{SIZES[-1]:,}"
    for who, times in WANTED_TIMES.items():
        what = f"10,000 per endpoint, {who.partition(', ')[2]}: times faster than aerleon"
        first.want_at_least(what, times, ratios(took[AERLEON, largest], took[who, largest]))
    smaller = size[OURS][-1] / size[AERLEON][-1]
    first.want_at_most("10,000 per endpoint: size of the ruleset to aerleon's", 0.2, [smaller])
    growth = ratios(took[OURS, largest], took[OURS, f"{SIZES[1]:,}"])
    first.want_at_most("10 times the hosts (1,000 → 10,000): times the time", 12, growth)

    loads: dict[str, Callable[[], Run]] = {
        f"{who}; {site.size:,}": partial(site.load, who) for site in sites for who in (OURS, AERLEON)
    }
    loaded = _keep(second, in_turn(loads, ROUNDS))
    of_aerleons = ratios(loaded[OURS, largest], loaded[AERLEON, largest])
    second.want_at_most("10,000 per endpoint: time to aerleon's", 0.2, of_aerleons)
    return first, second


def _keep(part: Part, runs: dict[str, list[Run]]) -> dict[tuple[str, str], list[float]]:
    """Keep the runs of all variants; return them in seconds of a processor."""
    found = {}
    for name, one in runs.items():
        who, _mark, size = name.partition("; ")
        found[who, size] = [run.processor for run in one]
        part.add(who, size, "s (processor)", found[who, size])
        part.add(who, size, "s (clock)", [run.clock for run in one], detail=True)
    return found
