# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 5: what a site costs on the controller, by its number of hosts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .ansible_site import ansible_inventory, play, write_inventory
from .measure import in_turn, median, ratios
from .results import Part

SMALLEST, SMALL = 6, 100  # one host of each group, and where a host costs less than one run differs from the next
LARGE = (1_000, 5_000)
ROUNDS, SMALL_ROUNDS = 5, 15
_PLAYBOOK = Path(__file__).resolve().parents[3] / "extensions/bench/playbooks/port_matrix.yml"


def controller(directory: Path, managed: bool) -> Part:
    """Measure the role ``port_matrix`` on the controller, in a play for all hosts (*managed*) or for some of them."""
    name, whose = ("controller", "all hosts") if managed else ("controller-few", f"{SMALLEST} hosts")
    part = Part(name, f"Controller: a play with the role `port_matrix` for {whose} of an inventory")
    some = () if managed else ("-e", f"bench_hosts={':'.join(f'host{number}' for number in range(SMALLEST))}")
    variants = {}
    for size in (SMALLEST, SMALL, *LARGE):
        (directory / str(size)).mkdir()
        inventory = write_inventory(ansible_inventory(size), directory / str(size) / "inventory.yml")
        variants[f"{size:,}"] = partial(play, inventory, _PLAYBOOK, *some)
    small = {f"{size:,}": variants.pop(f"{size:,}") for size in (SMALLEST, SMALL)}
    found = in_turn(small, SMALL_ROUNDS) | in_turn(variants, ROUNDS)
    alone = [run.processor for run in found.pop(f"{SMALLEST:,}")]
    part.add("the play alone", f"{SMALLEST} hosts", "s (processor)", alone)
    per_host = {}
    for size, runs in zip((SMALL, *LARGE), found.values(), strict=True):
        part.add_whole("the play", f"{size:,} hosts", runs)
        # What was run in turn is compared run by run: that meets a machine which becomes busier meanwhile.
        without = alone if len(alone) == len(runs) else [median(alone)] * len(runs)
        each = [(run.processor - less) / (size - SMALLEST) * 1000 for run, less in zip(runs, without, strict=True)]
        per_host[size] = part.add("for each host beyond that", f"{size:,} hosts", "ms (processor)", each)
    medians = [one.median for one in per_host.values()]
    what = "Time for each further host, {} to 5,000 hosts: largest to smallest"
    part.want_at_most(what.format("100"), 1.2, [max(medians) / min(medians)])
    part.want_at_most(what.format("1,000"), 1.2, ratios(*(per_host[size].runs for size in reversed(LARGE))))
    return part
