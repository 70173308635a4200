# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Golden rulesets: an inventory in, the ruleset of one of its hosts out, compared as text and as the kernel lists it.

``tests/golden/<case>/inventory.yml`` is an inventory without child groups of child groups; ``golden_host`` in
``all.vars`` says whose ruleset ``ruleset.nft`` is. ``pytest --update-golden`` writes the rulesets anew.
"""

from __future__ import annotations

import collections
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.nftables_ruleset import nftables_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.rows import rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel, Loaded

GOLDEN = Path(__file__).parents[4] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/inventory.yml"))
WITH_OWN_TABLE = [case for case in CASES if not case.startswith("joined")]
EXPECTED_CASES = {
    "endpoint_nat_local_view",
    "endpoint_remember",
    "endpoint_with_egress",
    "gateway_and_endpoint",
    "joined_gateway_and_endpoint",
    "transit_all_groups",
    "transit_all_rows",
    "transit_extra_rules",
    "transit_judged_nodes",
    "transit_local_view",
    "transit_mesh",
    "transit_observe",
    "transit_observe_only",
    "transit_one_family",
}


class Inventory(t.NamedTuple):
    """What a play on the golden host would hand to the filters."""

    variables: dict[str, t.Any]
    hostvars: dict[str, dict[str, t.Any]]
    groups: dict[str, list[str]]


def _inventory(case: str) -> Inventory:
    everything = yaml.safe_load((GOLDEN / case / "inventory.yml").read_text(encoding="utf-8"))["all"]
    hostvars: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {}
    for group, content in everything["children"].items():
        groups[group] = list(content["hosts"])
        for host, variables in content["hosts"].items():
            hostvars.setdefault(host, {}).update(variables or {})
    return Inventory(everything["vars"], hostvars, groups)


def _render(case: str) -> str:
    variables, hostvars, groups = _inventory(case)
    host = variables["golden_host"]
    built = site(
        hostvars,
        groups,
        rows(
            variables.get("port_matrix_extra_rows", []),
            variables.get("port_matrix_disabled_rows", []),
            variables.get("port_matrix_strict_clients", False),
            variables.get("port_matrix_row_groups", ["integration"]),
            variables.get("port_matrix_psom_split", False),
        ),
        ports=variables.get("port_matrix_ports", {}),
        endpoints=variables.get("port_matrix_endpoints", {}),
        allow_empty=variables.get("port_matrix_allow_empty", []),
        play_hosts=[host],
    )
    return nftables_ruleset(
        built,
        host,
        gateway=host in groups.get("port_matrix_gateways", []),
        egress=variables.get("linux_firewall_egress", False),
        judged_endpoints=variables.get("linux_firewall_judged_endpoints", ["conferencing_node"]),
        management=variables.get("linux_firewall_management", []),
        extra_rules=variables.get("linux_firewall_extra_rules", []),
        join=variables.get("linux_firewall_join"),
        enforce=variables.get("linux_firewall_enforce", True),
        remember=variables.get("linux_firewall_remember", False),
        observe_only=variables.get("linux_firewall_observe_only", False),
    )


def _sets_in_text(ruleset: str) -> dict[str, list[str]]:
    found = re.findall(r"\tset (\w+) \{.*?elements = \{(.*?)\}", ruleset, re.DOTALL)
    return {name: sorted(item.strip() for item in elements.split(",")) for name, elements in found}


def _rules_in_text(ruleset: str) -> dict[str, int]:
    """Chain → number of its rules."""
    counts: dict[str, int] = {}
    for name, body in re.findall(r"\tchain (\w+) \{\n(.*?)\n\t\}", ruleset, re.DOTALL):
        counts[name] = sum(not line.strip().startswith("type filter hook") for line in body.splitlines())
    return counts


def _element(element: t.Any) -> str:
    if isinstance(element, str):
        return element
    if "prefix" in element:
        return f"{element['prefix']['addr']}/{element['prefix']['len']}"
    if "elem" in element:
        return f"{element['elem']['val']} timeout {element['elem']['timeout'] // 86400}d"
    return "-".join(element["range"])


def _sets_in_kernel(loaded: Loaded) -> dict[str, list[str]]:
    return {
        one["name"]: sorted(_element(element) for element in one["elem"])
        for one in loaded.of_kind("set")
        if "elem" in one  # those of the flows are empty
    }


def _rules_in_kernel(loaded: Loaded) -> dict[str, int]:
    return dict(collections.Counter(rule["chain"] for rule in loaded.of_kind("rule")))


def test_every_case_is_there() -> None:
    assert set(CASES) == EXPECTED_CASES


@pytest.mark.parametrize("case", CASES)
def test_ruleset_is_the_golden_one(case: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / case / "ruleset.nft"
    ruleset = _render(case)
    if request.config.getoption("--update-golden"):
        path.write_text(ruleset, encoding="utf-8")
    assert ruleset == path.read_text(encoding="utf-8"), "look at the difference; --update-golden accepts it"


@pytest.mark.parametrize("case", WITH_OWN_TABLE)
def test_the_kernel_has_what_the_text_says_also_after_a_second_load(case: str, kernel: Kernel) -> None:
    ruleset = (GOLDEN / case / "ruleset.nft").read_text(encoding="utf-8")
    loaded = kernel.load(ruleset, ruleset)
    assert [table["name"] for table in loaded.of_kind("table")] == ["pexip_sfb"]
    assert _sets_in_kernel(loaded) == _sets_in_text(ruleset)
    assert _rules_in_kernel(loaded) == _rules_in_text(ruleset)


def test_another_ruleset_replaces_the_first_completely(kernel: Kernel) -> None:
    first, second = ((GOLDEN / case / "ruleset.nft").read_text() for case in ("transit_mesh", "endpoint_with_egress"))
    loaded = kernel.load(first, second)
    assert _sets_in_kernel(loaded) == _sets_in_text(second)
    assert _rules_in_kernel(loaded) == _rules_in_text(second)
