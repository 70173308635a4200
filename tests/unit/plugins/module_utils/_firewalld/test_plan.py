# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What brings a firewalld to the wanted objects, and when that takes a reload."""

from __future__ import annotations

import copy
import ipaddress
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import plan as planning
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import (
    ContentChange,
    Objects,
    Plan,
    difference,
    entry_steps,
    make_plan,
)
from hypothesis import given
from hypothesis import strategies as st

NOTHING: Objects = {"ipsets": {}, "policies": {}}


def objects(**changes: t.Any) -> Objects:
    """One ipset and one policy; *changes* are settings of either."""
    ipset: dict[str, t.Any] = {
        "type": "hash:net",
        "family": "inet",
        "short": "s",
        "entries": ["192.0.2.1", "192.0.2.2"],
    }
    policy: dict[str, t.Any] = {
        "target": "CONTINUE",
        "priority": -100,
        "short": "s",
        "rich_rules": ["a", "b"],
        "foreign": {},
    }
    for key, value in changes.items():
        (ipset if key in ("type", "family", "entries") else policy)[key] = value
    return {"ipsets": {"pexip_sfb_set": ipset}, "policies": {"pexip_sfb_input": policy}}


def test_nothing_to_do_whatever_the_order() -> None:
    turned = objects(entries=["192.0.2.2", "192.0.2.1"], rich_rules=["b", "a"])
    plan = make_plan(objects(), turned, turned)
    assert not plan.changed
    assert difference(objects(), turned, turned) == {}


def test_addresses_change_in_place() -> None:
    have = objects(entries=["192.0.2.2", "192.0.2.3"])
    plan = make_plan(objects(), have, copy.deepcopy(have))
    assert plan.reload == []
    assert plan.write == {"ipsets": ["pexip_sfb_set"], "policies": []}
    assert plan.content["ipsets"] == {"pexip_sfb_set": ContentChange(add=["192.0.2.1"], remove=["192.0.2.3"])}


def test_rules_change_in_place() -> None:
    have = objects(rich_rules=["b", "c"])
    plan = make_plan(objects(), have, have)
    assert plan.reload == []
    assert plan.content["policies"] == {"pexip_sfb_input": ContentChange(add=["a"], remove=["c"])}


def test_what_only_the_runtime_lost_is_mended_there() -> None:
    plan = make_plan(objects(), objects(), objects(entries=["192.0.2.1"]))
    assert not plan.permanent
    assert plan.changed
    assert plan.reload == []


def test_what_somebody_put_into_our_policy_goes() -> None:
    plan = make_plan(objects(), objects(), objects(foreign={"services": ["http"]}))
    assert plan.content["policies"] == {"pexip_sfb_input": ContentChange(add=[], remove=[])}
    assert plan.changed


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        (NOTHING, "pexip_sfb_set is new"),
        (objects(type="hash:net,port"), "pexip_sfb_set changes more than its entries"),
        (objects(priority=-1), "pexip_sfb_input changes more than its rich_rules"),
        (objects(target="DROP"), "pexip_sfb_input changes more than its rich_rules"),
    ],
)
def test_what_takes_a_reload(runtime: Objects, reason: str) -> None:
    assert reason in make_plan(objects(), runtime, runtime).reload


def test_stale_objects_go_by_a_reload() -> None:
    plan = make_plan(NOTHING, objects(), objects())
    assert plan.delete == {"ipsets": ["pexip_sfb_set"], "policies": ["pexip_sfb_input"]}
    assert plan.reload == ["pexip_sfb_set is to go from the runtime", "pexip_sfb_input is to go from the runtime"]


def test_very_many_entries_take_a_reload() -> None:
    many = [f"10.0.{n // 250}.{n % 250}" for n in range(planning.MOST_ENTRIES_IN_PLACE)]
    exactly = make_plan(objects(entries=many), objects(entries=[]), objects(entries=[]))
    assert exactly.reload == []
    more = make_plan(objects(entries=[*many, "192.0.2.1"]), objects(entries=[]), objects(entries=[]))
    assert more.reload == ["1001 entries change, and more than 1000 take too long one by one"]


def test_a_text_alone_is_no_runtime_change() -> None:
    plan = make_plan(objects(short="new"), objects(), objects())
    assert plan.write["policies"] == ["pexip_sfb_input"]
    assert not plan.content["policies"]
    assert difference(objects(short="new"), objects(), objects()) == {
        "permanent": {"added": ["pexip_sfb_input short: new"], "removed": ["pexip_sfb_input short: s"]}
    }


def test_an_empty_plan_changes_nothing() -> None:
    assert not Plan().changed


def test_new_entries_come_before_old_ones_go() -> None:
    assert entry_steps(ContentChange(add=["192.0.2.9"], remove=["192.0.2.1"])) == [
        ("add", "192.0.2.9"),
        ("remove", "192.0.2.1"),
    ]


@given(
    st.sets(st.integers(0, 63).map(lambda n: f"192.0.2.{n}")),
    st.sets(st.integers(0, 63).map(lambda n: f"192.0.2.{n}")),
    st.integers(24, 32),
)
def test_no_step_overlaps_what_is_there(old: set[str], new: set[str], prefix: int) -> None:
    """firewalld refuses an entry that overlaps one of the set: with every step, none may."""

    def collapsed(addresses: set[str], shortest: int) -> set[str]:
        networks = ipaddress.collapse_addresses(ipaddress.ip_network(one) for one in addresses)
        return {f"{part},udp:53" for net in networks for part in (net.subnets(new_prefix=max(net.prefixlen, shortest)))}

    before, after = collapsed(old, 32), collapsed(new, prefix)
    entries = set(before)
    for step, entry in entry_steps(ContentChange(add=sorted(after - before), remove=sorted(before - after))):
        if step == "remove":
            entries.remove(entry)
            continue
        network = ipaddress.ip_network(entry.split(",")[0])
        assert not any(ipaddress.ip_network(other.split(",")[0]).overlaps(network) for other in entries)
        entries.add(entry)
    assert entries == after
