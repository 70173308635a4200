# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each further Linux host costs on the controller in a run that finds nothing to change."""

from __future__ import annotations

import typing as t
from functools import partial
from pathlib import Path

import yaml

from .ansible_site import write_inventory
from .measure import Run, in_turn
from .part_apply import HOSTS, SITE, Lab, check
from .results import Part
from .rule_tasks import INVENTORY

MORE, ROUNDS = 10, 5
_BACKEND = "nftables"
_HOST = HOSTS[_BACKEND]


def linux(directory: Path) -> Part:
    """Measure ``site`` on one container, and on it and ten more names of it: to Ansible, each is a host of its own."""
    part = Part("linux", f"Linux: `site`, unchanged, on a container over SSH by one name, and by {MORE} more")
    names = directory / "names.yml"
    with Lab(directory) as lab:
        write_inventory(_more_names(), names)
        lab.play(SITE, "--limit", _HOST)
        check(lab.used(_BACKEND), "another back end was used")

        def unchanged(*arguments: str) -> Run:
            run = lab.play(SITE, *arguments)
            check(lab.changes() == 0, "what should be unchanged was changed")
            return run

        several = f"{1 + MORE} hosts"
        variants = {
            several: partial(unchanged, "-i", str(names), "--limit", f"{_HOST}*"),
            "1 host": partial(unchanged, "--limit", _HOST),
        }
        found = in_turn(variants, ROUNDS)
        tasks = lab.tasks()  # of the last play, which had one host
    for size in reversed(variants):
        part.add_whole("the playbook", size, found[size])
    pairs = list(zip(found[several], found["1 host"], strict=True))
    part.add("for each further host", several, "s (processor)", [(a.processor - b.processor) / MORE for a, b in pairs])
    part.add("for each further host", several, "s (clock)", [(a.clock - b.clock) / MORE for a, b in pairs])
    part.add("tasks of a host", "1 host", "tasks", [tasks])
    return part


def _more_names() -> dict[str, t.Any]:
    site = yaml.safe_load((INVENTORY / "site.yml").read_text(encoding="utf-8"))
    host = site["all"]["children"]["sfb_front_ends"]["hosts"][_HOST]
    names = [f"{_HOST}_{number}" for number in range(MORE)]
    # By a connection of its own: OpenSSH would share one between all names of an address.
    hosts = {name: {**host, "ansible_control_path": f"%(directory)s/{name}"} for name in names}
    groups = {"sfb_front_ends": {"hosts": hosts}, "port_matrix_linux": {"hosts": {name: {} for name in names}}}
    return {"all": {"children": groups}}
