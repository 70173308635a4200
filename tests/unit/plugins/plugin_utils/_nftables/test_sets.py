# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables import disjoint_parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sets import (
    SetTable,
    Use,
    match_addresses,
    match_protocol,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import (
    AddressSet,
    Family,
    parse_network,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import ANY_PORT, parse_ports

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel


def _addresses(*texts: str, family: Family = "ipv4") -> IntervalSet:
    return AddressSet.union(parse_network(text, "W") for text in texts).of_family(family)


def _declared(sets: SetTable) -> str:
    return "\n".join(sets.declarations())


def test_the_same_addresses_share_a_set_named_after_who_came_first() -> None:
    sets = SetTable()
    addresses = _addresses("192.0.2.1", "192.0.2.3")
    assert sets.name(["edge"], addresses, "ipv4") == "edge_v4"
    assert sets.name(["edge_av"], addresses, "ipv4") == "edge_v4"
    assert _declared(sets).count("set ") == 1


def test_a_shared_set_says_who_uses_it() -> None:
    sets = SetTable()
    addresses = _addresses("192.0.2.0/24")
    sets.name(["front_end"], addresses, "ipv4")
    assert "comment" not in "".join(sets.declarations())
    sets.name(["edge", "front_end"], addresses, "ipv4")
    assert '\t\tcomment "front_end; edge or front_end"\n' in "".join(sets.declarations())


def _hosts(*numbers: int) -> IntervalSet:
    return IntervalSet.of((2 * number, 2 * number) for number in numbers)


def _use(source_endpoint: str, source: IntervalSet, destination_endpoint: str, destination: IntervalSet) -> Use:
    return Use("ipv4", source_endpoint.split(), source, destination_endpoint.split(), destination)


def _comments(sets: SetTable) -> dict[str, str]:
    """Name → comment of the sets that have been asked for."""
    found = re.findall(r'set (\w+) \{[^}]*?(?:comment "([^"]*)"[^}]*)?elements', _declared(sets))
    return dict(found)


def test_a_part_of_a_large_union_says_of_what_and_what_is_left_is_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disjoint_parts, "LARGE", 3)
    edge, front_end = _hosts(1, 2, 3), _hosts(4, 5, 6)
    whole = IntervalSet.union((edge, front_end))
    uses = [_use("edge front_end", whole, "node", _hosts(9)), _use("front_end", front_end, "node", _hosts(9))]
    sets = SetTable(uses=[*uses, _use("a b c d", whole, "node", _hosts(9))])
    assert sets.names(["edge", "front_end"], whole, "ipv4") == ["front_end_hosts_v4", "edge_or_front_end_rest_hosts_v4"]
    sets.names(["front_end"], front_end, "ipv4")
    sets.names(["a", "b", "c", "d"], whole, "ipv4")
    assert _comments(sets) == {
        "front_end_hosts_v4": "front_end; part of edge or front_end; part of a or b or c or d",
        "edge_or_front_end_rest_hosts_v4": "part of edge or front_end; part of a or b or c or d",
    }


def test_what_is_left_of_four_endpoints_does_not_name_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disjoint_parts, "LARGE", 3)
    uses = [_use("a b c d", _hosts(*range(9)), "e", _hosts(0, 1, 2, 3))]
    sets = SetTable(uses=uses)
    assert sets.names(["a", "b", "c", "d"], uses[0].source, "ipv4") == ["e_hosts_v4", "a_or_3_more_rest_hosts_v4"]


def test_a_set_with_some_machines_of_an_endpoint_is_called_a_part() -> None:
    some, others = _hosts(1, 2), _hosts(3, 4)
    sets = SetTable(uses=[_use("node", some, "node", others), _use("node", others, "node", some)])
    assert [sets.name(["node"], one, "ipv4") for one in (some, others)] == ["node_part_v4", "node_part_2_v4"]
    assert _comments(sets) == {"node_part_v4": "", "node_part_2_v4": ""}


def test_a_part_of_one_endpoint_that_is_all_of_another_is_named_after_that() -> None:
    some, others = _hosts(1, 2), _hosts(3, 4)
    sets = SetTable(uses=[_use("node", some, "node", others), _use("turn", some, "edge", _hosts(9))])
    assert sets.name(["node"], some, "ipv4") == "turn_v4"
    assert _comments(sets) == {"turn_v4": "part of node"}


@pytest.mark.parametrize(
    ("names", "comment"),
    [
        (["a" * 60, "b" * 50, "c" * 20, "d"], f"{'a' * 60}; {'b' * 50}; 2 more"),
        (["a" * 60, "b" * 65, "c"], f"{'a' * 60}; 2 more"),
        ([f"{'a' * 60} {'b' * 60} {'c' * 60}", "d"], f"{'a' * 60} or {'b' * 60}..."),
    ],
)
def test_the_comment_says_how_many_more_there_are(names: list[str], comment: str) -> None:
    sets = SetTable()
    for name in names:
        sets.name(name.split(), _hosts(1, 2), "ipv4")
    assert list(_comments(sets).values()) == [comment]


def test_the_comment_of_a_shared_set_is_one_that_nftables_accepts(kernel: Kernel) -> None:
    sets = SetTable()
    for number in range(9):
        sets.name([f"{chr(97 + number)}{'x' * 40}"], _addresses("192.0.2.0/24"), "ipv4")
    loaded = kernel.load("table inet t {\n" + "".join(sets.declarations()) + "\n}")
    assert len(loaded.of_kind("set")) == 1


def test_the_same_integers_of_another_family_are_another_set() -> None:
    sets = SetTable()
    numbers = IntervalSet(((1, 5),))
    assert sets.name(["e"], numbers, "ipv4") == "e_v4"
    assert sets.name(["e"], numbers, "ipv6") == "e_v6"


def test_different_addresses_never_share_a_name() -> None:
    sets = SetTable()
    contents = [_addresses(f"192.0.2.{index}", "10.0.0.0/8") for index in range(5)]
    names = [sets.name(["e"], content, "ipv4") for content in contents[:3]]
    names += [sets.name(["e_2"], contents[3], "ipv4"), sets.name(["e"], contents[4], "ipv4")]
    assert names == ["e_v4", "e_2_v4", "e_3_v4", "e_2_2_v4", "e_4_v4"]


@pytest.mark.parametrize(
    ("endpoints", "name"),
    [
        (["a"], "a_v4"),
        (["a", "b", "c"], "a_or_b_or_c_v4"),
        (["a", "b", "c", "d"], "a_or_3_more_v4"),
    ],
)
def test_a_name_spells_out_up_to_three_endpoints(endpoints: list[str], name: str) -> None:
    assert SetTable().name(endpoints, _addresses("192.0.2.0/24"), "ipv4") == name


def test_the_longest_name_is_one_that_nftables_accepts() -> None:
    assert len(SetTable().name([c * 63 for c in "abc"], _addresses("192.0.2.0/24"), "ipv4")) < 256


@pytest.mark.parametrize(
    ("family", "texts", "elements"),
    [
        ("ipv4", ["192.0.2.9", "192.0.2.0/29"], ["192.0.2.0/29", "192.0.2.9"]),
        ("ipv4", ["192.0.2.1", "192.0.2.2"], ["192.0.2.1-192.0.2.2"]),
        ("ipv6", ["2001:db8::/64", "2001:db8:1::1"], ["2001:db8::/64", "2001:db8:1::1"]),
        ("ipv6", ["2001:db8::1", "2001:db8::2"], ["2001:db8::1-2001:db8::2"]),
    ],
)
def test_elements_are_addresses_networks_and_ranges(family: Family, texts: list[str], elements: list[str]) -> None:
    sets = SetTable()
    sets.name(["e"], _addresses(*texts, family=family), family)
    suffix, kind = family.replace("ip", ""), f"{family}_addr"
    listed = ",\n\t\t\t".join(elements)
    assert _declared(sets) == (
        f"\tset e_{suffix} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{\n\t\t\t{listed}\n\t\t}}\n\t}}"
    )


@pytest.mark.parametrize(
    ("family", "texts", "match", "sets_made"),
    [
        ("ipv4", ["192.0.2.1"], "ip saddr 192.0.2.1", 0),
        ("ipv6", ["2001:db8::1"], "ip6 saddr 2001:db8::1", 0),
        ("ipv4", ["0.0.0.0/0"], "", 0),
        ("ipv6", ["::/0"], "", 0),
        ("ipv4", ["192.0.2.0/31"], "ip saddr @e_v4", 1),
        ("ipv6", ["2001:db8::/64"], "ip6 saddr @e_v6", 1),
        ("ipv4", ["0.0.0.0/1"], "ip saddr @e_v4", 1),
    ],
    ids=["one", "one IPv6", "all", "all IPv6", "two", "more than a machine word counts", "half"],
)
def test_matches_of_addresses(family: Family, texts: list[str], match: str, sets_made: int) -> None:
    sets = SetTable()
    assert match_addresses(sets, ["e"], _addresses(*texts, family=family), family, "saddr") == match
    assert len(list(sets.declarations())) == sets_made


@pytest.mark.parametrize(
    ("source", "destination", "match"),
    [
        ("any", "any", "meta l4proto udp"),
        ("any", 3478, "udp dport 3478"),
        ("40000-49999", "any", "udp sport 40000-49999"),
        ("1-65535", [8057, 443], "udp sport 1-65535 udp dport { 443, 8057 }"),
    ],
)
def test_matches_of_ports(source: object, destination: object, match: str) -> None:
    assert match_protocol("udp", parse_ports(source, "W"), parse_ports(destination, "W")) == match


def test_any_port_has_no_match() -> None:
    assert match_protocol("tcp", ANY_PORT, ANY_PORT) == "meta l4proto tcp"


@pytest.mark.parametrize(
    ("protocol", "match"),
    [
        ("esp", "meta l4proto esp"),
        ("ah", "meta l4proto ah"),
        ("gre", "meta l4proto 47"),  # a name that nft has from a file which a small host may lack
        ("icmpv6", "meta l4proto ipv6-icmp"),
        ("89", "meta l4proto 89"),
    ],
)
def test_a_protocol_without_ports_is_matched_alone(protocol: str, match: str) -> None:
    assert match_protocol(protocol, ANY_PORT, ANY_PORT) == match
