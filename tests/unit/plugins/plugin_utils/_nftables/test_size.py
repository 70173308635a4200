# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ruleset costs where endpoints are large: rules do not grow with each address, and it loads."""

from __future__ import annotations

import ipaddress
import os
import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    NUMBERED_GROUPS,
    ROW_GROUPS,
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel

pytestmark = pytest.mark.large
LARGE = 10_000


def _ruleset(addresses: int, *row_groups: str, all_of_one_host: bool = False) -> str:
    """The ruleset of a transit firewall where each group of each endpoint has *addresses* scattered IPv4 addresses.

    They are of a host each, or *all_of_one_host*, which is read in a fraction of the time. Then what stands in front of
    a pool, which is usually absent, has some as well.
    """
    rows = select_rows(row_groups=row_groups)
    used = {name for row in rows for name in (*row["source"], *row["destination"])}
    endpoints = [
        e for e in load_port_matrix().endpoints.values() if e.name in used and (all_of_one_host or not e.may_be_empty)
    ]
    names = sorted({group for e in endpoints for group in e.groups})
    hosts: dict[str, dict[str, list[str]]] = {}
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(names):
        first = int(ipaddress.IPv4Address(f"10.{number}.0.0"))
        scattered = [str(ipaddress.IPv4Address(first + 2 * index)) for index in range(addresses)]
        of_hosts = [scattered] if all_of_one_host else [[one] for one in scattered]
        groups[group] = [f"{group}{index}" for index in range(len(of_hosts))]
        hosts |= {host: {"port_matrix_addresses": own} for host, own in zip(groups[group], of_hosts, strict=True)}
    site = build_site(hosts, groups, rows)
    return render_ruleset(Policy(("forward",), expand(site, "fw", ["forward"])))


def _rule_count(ruleset: str) -> int:
    return sum(line.startswith("\t\t") and " comment " in line for line in ruleset.splitlines())


@pytest.fixture(scope="module")
def large() -> str:
    return _ruleset(LARGE, *NUMBERED_GROUPS)


def test_a_thousand_times_the_addresses_are_not_twice_the_rules(large: str) -> None:
    few = _rule_count(_ruleset(10, *NUMBERED_GROUPS))
    assert few > 12
    assert _rule_count(large) <= 2 * few


def test_a_thousand_times_the_addresses_are_not_twice_the_rules_with_all_row_groups_either() -> None:
    few = _rule_count(_ruleset(10, *ROW_GROUPS, "sip_udp", all_of_one_host=True))
    assert few > 31
    assert _rule_count(_ruleset(LARGE, *ROW_GROUPS, "sip_udp", all_of_one_host=True)) <= 2 * few


def test_ten_thousand_addresses_in_each_endpoint_are_a_megabyte(large: str) -> None:
    assert len(large) < 2**20


def test_answers_are_at_most_as_many_rules_again_and_no_set_more(large: str) -> None:
    permitted, answers = large.split("\tchain ")[1:]
    assert 0 < _rule_count(answers) <= _rule_count(permitted)
    assert set(re.findall(r"@\w+", answers)) <= set(re.findall(r"@\w+", permitted))


def test_ten_thousand_addresses_in_each_endpoint_load(large: str, kernel: Kernel) -> None:
    if os.geteuid():
        pytest.fail("a batch of this size does not fit into an unprivileged socket buffer; run this test as root")
    loaded = kernel.load(large)
    print(f"loaded in {loaded.seconds:.2f} s")
    assert all(len(one["elem"]) >= LARGE for one in loaded.of_kind("set") if one["name"] != "older_flows")
    assert sum("comment" in rule for rule in loaded.of_kind("rule")) == _rule_count(large)
