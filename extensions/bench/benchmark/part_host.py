# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of one host cost on the controller, by how large the site around it is.

The filters are called by Ansible's templates, with the expressions of the roles' own tasks: a template hands a site
over in another way than Python does.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from .ansible_site import ansible_inventory, play, write_inventory
from .measure import FailedError, in_turn
from .results import Part

SIZES = (1_000, 5_000)
ROUNDS = 5
REPEATED = 3  # the rules take less than the play around them
_ROLES = Path(__file__).resolve().parents[3] / "roles"


@dataclass(frozen=True)
class Managed:
    """A host of the inventory, the role that it is given, and the filters that this role calls with the site."""

    name: str
    role: str
    filters: Sequence[str]


_LINUX = ("linux_firewall", ("nftables_ruleset", "sample_packets"))
MANAGED = {
    "a gateway": Managed("gateway", *_LINUX),
    "a Front End on Linux": Managed("host1", *_LINUX),
    "a Front End on Windows": Managed("host1", "windows_firewall", ("windows_rules",)),
}


def host(directory: Path) -> Part:
    """Measure a play that validates a site and renders the rules of one host of it, and the same without the rules."""
    part = Part("host", "Host: the rules of one host, within a site of many")
    for size in SIZES:
        place = directory / str(size)
        place.mkdir()
        inventory = write_inventory(_inventory(size), place / "inventory.yml")
        plays = {"no rules": _play(MANAGED["a gateway"], ["", ""])}
        plays |= {what: _play(managed, role_expressions(managed)) for what, managed in MANAGED.items()}
        variants = {}
        for number, (what, content) in enumerate(plays.items()):
            playbook = place / f"{number}.yml"
            playbook.write_text(yaml.dump([content], sort_keys=False), encoding="utf-8")
            variants[f"{what}, {size:,} hosts"] = partial(play, inventory, playbook)
        without, *others = ([run.processor for run in runs] for runs in in_turn(variants, ROUNDS).values())
        part.add("the play, without rules", f"{size:,} hosts", "s (processor)", without)
        for what, whole in zip(MANAGED, others, strict=True):
            each = [(one - less) / REPEATED for one, less in zip(whole, without, strict=True)]
            part.add(f"the rules of {what}, beyond that", f"{size:,} hosts", "s (processor)", each)
    return part


def role_expressions(managed: Managed) -> list[str]:
    """Return the template that calls each filter in the tasks or variables of the role.

    :raises FailedError: if there is not one of each.
    """
    role = _ROLES / managed.role
    files = [*sorted((role / "tasks").glob("*.yml")), role / "vars/main.yml"]
    texts = [text for path in files for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8")))]
    found = [[text for text in texts if f"uc_firewall.pexip_sfb.{name}(" in text] for name in managed.filters]
    if any(len(one) != 1 for one in found):
        raise FailedError(f"the role {managed.role} does not call each of {', '.join(managed.filters)} in one place")
    return [one[0] for one in found]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _play(managed: Managed, expressions: Sequence[str]) -> dict[str, t.Any]:
    role = {"name": "uc_firewall.pexip_sfb.port_matrix", "rolespec_validate": False}
    # As many tasks in each play: what a task costs is not what rules cost.
    facts = [*expressions, ""][:2] * REPEATED
    return {
        "hosts": managed.name,
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(_ROLES / managed.role / one / "main.yml") for one in ("defaults", "vars")],
        "tasks": [
            {"ansible.builtin.import_role": role},
            *({"ansible.builtin.set_fact": {f"bench_{number}": text}} for number, text in enumerate(facts)),
        ],
    }


def _inventory(size: int) -> dict[str, t.Any]:
    inventory = ansible_inventory(size)
    # As Ansible finds it out on a host: where it was connected from.
    facts = {"__linux_firewall_host": {"ssh_connection": ["10.254.0.1", "50000", "10.254.0.2", "22"]}}
    inventory["all"]["children"]["port_matrix_gateways"] = {"hosts": {"gateway": facts}}
    inventory["all"]["children"]["port_matrix_linux"] = {"hosts": {"gateway": {}, "host1": facts}}
    return inventory
