# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of one Linux host cost on the controller, by how large the site around it is.

The filters are called by Ansible's templates, with the expressions of the role's own tasks: a template hands a site
over in another way than Python does.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import yaml

from .ansible_site import ansible_inventory, play, write_inventory
from .measure import in_turn
from .results import Part

SIZES = (1_000, 5_000)
ROUNDS = 5
FILTERS = ("nftables_ruleset", "sample_packets")
MANAGED = {"a gateway": "gateway", "a Front End": "host1"}
_ROLE = Path(__file__).resolve().parents[3] / "roles/linux_firewall"


def host(directory: Path) -> Part:
    """Measure a play that validates a site and renders the rules of one host of it, and the same without the rules."""
    part = Part("host", "Host: the rules of one Linux host, within a site of many")
    bare = dict.fromkeys(FILTERS, "")
    for size in SIZES:
        (directory / str(size)).mkdir()
        inventory = write_inventory(_inventory(size), directory / str(size) / "inventory.yml")
        variants = {}
        for what, name in MANAGED.items():
            for kind, expressions in (("bare", bare), ("whole", role_expressions())):
                playbook = directory / str(size) / f"{name}_{kind}.yml"
                playbook.write_text(yaml.dump([_play(name, expressions)], sort_keys=False), encoding="utf-8")
                variants[f"{what}, {kind}, {size:,} hosts"] = partial(play, inventory, playbook)
        runs = list(in_turn(variants, ROUNDS).values())
        part.add("the play, without rules", f"{size:,} hosts", "s (processor)", [run.processor for run in runs[0]])
        for number, what in enumerate(MANAGED):
            pairs = zip(runs[2 * number], runs[2 * number + 1], strict=True)
            each = [whole.processor - without.processor for without, whole in pairs]
            part.add(f"the rules of {what}, beyond that", f"{size:,} hosts", "s (processor)", each)
    return part


def role_expressions() -> dict[str, str]:
    """Return the template that calls each filter in the tasks of the role ``linux_firewall``."""
    found: dict[str, str] = {}
    for path in sorted((_ROLE / "tasks").glob("*.yml")):
        for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8"))):
            found |= {name: text for name in FILTERS if f"uc_firewall.pexip_sfb.{name}(" in text}
    return {name: found[name] for name in FILTERS}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _play(name: str, expressions: dict[str, str]) -> dict[str, t.Any]:
    role = {"name": "uc_firewall.pexip_sfb.port_matrix", "rolespec_validate": False}
    return {
        "hosts": name,
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(_ROLE / "defaults/main.yml"), str(_ROLE / "vars/main.yml")],
        "tasks": [
            {"ansible.builtin.import_role": role},
            *({"ansible.builtin.set_fact": {f"bench_{key}": text}} for key, text in expressions.items()),
        ],
    }


def _inventory(size: int) -> dict[str, t.Any]:
    inventory = ansible_inventory(size)
    # As Ansible finds it out on a host: where it was connected from.
    facts = {"ansible_facts": {"env": {"SSH_CONNECTION": "10.254.0.1 50000 10.254.0.2 22"}}}
    inventory["all"]["children"]["port_matrix_gateways"] = {"hosts": {"gateway": facts}}
    inventory["all"]["children"]["port_matrix_linux"] = {"hosts": {"gateway": {}, "host1": facts}}
    return inventory
