# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each further Linux host costs on the controller in a run that finds nothing to change."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import yaml

from .ansible_site import write_inventory
from .earlier import earlier
from .further_host import EARLIER, MORE, NOW, Version, compare
from .measure import Run
from .part_apply import HOSTS, REMOVE, SITE, Lab, check
from .results import Part
from .rule_tasks import INVENTORY

_BACKEND = "nftables"
_HOST = HOSTS[_BACKEND]


def linux(directory: Path) -> Part:
    """Measure ``site`` on one container, and on it and ten more names of it: to Ansible, each is a host of its own."""
    part = Part("linux", f"Linux: `site`, unchanged, on a container over SSH by one name, and by {MORE} more")
    names = write_inventory(_more_names(), directory / "names.yml")
    with Lab(directory) as lab:
        environments = {NOW: {}, EARLIER: earlier(directory)}
        compare(part, 1, {name: _version(lab, names, given) for name, given in environments.items()}, 1 / 3)
    return part


def _version(lab: Lab, names: Path, environment: Mapping[str, str]) -> Version:
    play = partial(lab.play, environment=environment)

    def applied() -> None:
        lab.play(REMOVE, "--limit", _HOST)  # what the other one has made
        play(SITE, "--limit", _HOST)
        check(lab.changes() > 0, "the first run changed nothing")

    def unchanged(by_all_names: bool) -> tuple[Run, int]:
        limit = ("-i", str(names), "--limit", f"{_HOST}*") if by_all_names else ("--limit", _HOST)
        run = play(SITE, *limit)
        check(lab.changes() == 0, "what should be unchanged was changed")
        return run, lab.tasks()

    return Version(applied, unchanged)


def _more_names() -> dict[str, t.Any]:
    site = yaml.safe_load((INVENTORY / "site.yml").read_text(encoding="utf-8"))
    host = site["all"]["children"]["sfb_front_ends"]["hosts"][_HOST]
    names = [f"{_HOST}_{number}" for number in range(MORE)]
    # By a connection of its own: OpenSSH would share one between all names of an address.
    hosts = {name: {**host, "ansible_control_path": f"%(directory)s/{name}"} for name in names}
    groups = {"sfb_front_ends": {"hosts": hosts}, "port_matrix_linux": {"hosts": {name: {} for name in names}}}
    return {"all": {"children": groups}}
