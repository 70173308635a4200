# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Golden objects of firewalld, of inventories that have a golden ruleset of nftables too.

``pytest --update-golden`` writes ``tests/golden/<case>/firewalld.json`` anew.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.firewalld_objects import firewalld_objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.rows import rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site

GOLDEN = Path(__file__).parents[4] / "golden"
CASES = (
    "endpoint_with_egress",
    "gateway_and_endpoint",
    "transit_all_groups",
    "transit_all_rows",
    "transit_extra_rules",
    "transit_mesh",
)


def _render(case: str) -> dict[str, t.Any]:
    everything = yaml.safe_load((GOLDEN / case / "inventory.yml").read_text(encoding="utf-8"))["all"]
    variables = everything["vars"]
    hostvars: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {}
    for group, content in everything["children"].items():
        groups[group] = list(content["hosts"])
        for host, own in content["hosts"].items():
            hostvars.setdefault(host, {}).update(own or {})
    chosen = [variables.get(f"port_matrix_{name}", default) for name, default in _ROWS]
    options = {name: variables[f"port_matrix_{name}"] for name in _OPTIONS if f"port_matrix_{name}" in variables}
    host = variables["golden_host"]
    found = firewalld_objects(
        site(hostvars, groups, rows(*chosen), play_hosts=[host], **options),
        host,
        gateway=host in groups.get("port_matrix_gateways", []),
        egress=variables.get("linux_firewall_egress", False),
        management=variables.get("linux_firewall_management", []),
        extra_rules=variables.get("linux_firewall_extra_rules", []),
    )
    return t.cast("dict[str, t.Any]", found)


_ROWS = (
    ("extra_rows", []),
    ("disabled_rows", []),
    ("strict_clients", False),
    ("row_groups", ["integration"]),
    ("psom_split", False),
)
_OPTIONS = ("ports", "endpoints", "allow_empty")


@pytest.mark.parametrize("case", CASES)
def test_objects_are_the_golden_ones(case: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / case / "firewalld.json"
    objects = _render(case)
    if request.config.getoption("--update-golden"):
        path.write_text(json.dumps(objects, indent=1) + "\n", encoding="utf-8")
    assert objects == json.loads(path.read_text(encoding="utf-8")), "look at the difference; --update-golden accepts it"
