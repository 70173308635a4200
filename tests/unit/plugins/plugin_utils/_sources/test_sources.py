# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine that two systems know, in whichever order; names that are looked up; values of an inventory."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import (
    SOURCES,
    FoundHost,
    as_name,
    behind_nat,
    plain_addresses,
    seen_addresses,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.joining import (
    Entry,
    Joined,
    join,
    merge_ranges,
    pool_warnings,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


def entry(name: str, record: str, *groups: str, **variables: t.Any) -> Entry:
    named = {f"port_matrix_{key}": value for key, value in variables.items()}
    return Entry(
        frozenset(groups), {**named, SOURCES: [{"system": record, "record": record, "name": name, "read": ""}]}
    )


def read_in_turn(*systems: dict[str, Entry]) -> Joined:
    joined = join({}, {})
    for found in systems:
        joined = join(joined.entries, found)
    return joined


FRONT_END = {"fe1.example": entry("fe1.example", "topology", "sfb_front_ends", addresses=["10.1.0.21"])}
PROXY = {"SfB": entry("SfB", "mssip_proxy", "pexip_mssip_proxies", addresses=["10.1.0.21"], location=["Oslo"])}
DNS = {"10.1.0.21": entry("10.1.0.21", "dns_server", "dns_servers", addresses=["10.1.0.21"])}


@pytest.mark.parametrize("order", list(itertools.permutations([FRONT_END, PROXY, DNS])))
def test_the_name_of_its_own_system_stays_in_every_order(order: tuple[dict[str, Entry], ...]) -> None:
    ((name, one),) = read_in_turn(*order).entries.items()
    assert name == "fe1.example"
    assert one.groups == {"sfb_front_ends", "pexip_mssip_proxies", "dns_servers"}
    assert [source["name"] for source in one.variables[SOURCES]] == ["10.1.0.21", "SfB", "fe1.example"]
    assert "port_matrix_location" not in one.variables
    assert one.variables["port_matrix_addresses"] == ["10.1.0.21"]


@pytest.mark.parametrize("order", [(PROXY, DNS), (DNS, PROXY)])
def test_the_first_of_two_other_names_stays_in_every_order(order: tuple[dict[str, Entry], ...]) -> None:
    ((name, one),) = read_in_turn(*order).entries.items()
    assert name == "10.1.0.21"
    assert "port_matrix_location" not in one.variables  # the DNS server is in use everywhere


def test_two_that_refer_to_it_know_some_of_its_addresses_and_places_each() -> None:
    other = entry("b", "turn_server", "turn_servers", addresses=["10.1.0.9", "10.1.0.21"], location=["London"])
    one = read_in_turn(PROXY, {"b": other}).entries["SfB"]
    assert one.variables["port_matrix_addresses"] == ["10.1.0.9", "10.1.0.21"]
    assert one.variables["port_matrix_location"] == ["London", "Oslo"]


def test_a_chain_of_names_ends_at_the_one_that_stays() -> None:
    chain = {
        name: entry(name, "dns_server", addresses=addresses)
        for name, addresses in {"c": ["10.0.0.1"], "b": ["10.0.0.1", "10.0.0.2"], "a": ["10.0.0.2"]}.items()
    }
    assert join({}, chain).renamed == {"c": "a", "b": "a"}


def test_servers_without_an_address_are_joined_by_name_only() -> None:
    nobody = entry("x", "ntp_server", "ntp_servers")
    joined = join({"x": nobody}, {"x": entry("x", "dns_server", "dns_servers"), "y": entry("y", "dns_server")})
    assert joined.entries["x"].groups == {"ntp_servers", "dns_servers"}
    assert "port_matrix_addresses" not in joined.entries["x"].variables
    assert joined.renamed == {}


def test_a_join_is_said() -> None:
    joined = join(FRONT_END, PROXY)
    assert joined.notes == ("The host 'SfB' is 'fe1.example': they have the same address",)
    assert joined.warnings == ()


def test_the_same_name_in_two_systems_is_one_host_with_the_addresses_of_its_own() -> None:
    stranger = entry("fe1.example", "mssip_proxy", "pexip_mssip_proxies", addresses=["10.9.9.9"])
    for joined in (join(FRONT_END, {"fe1.example": stranger}), join({"fe1.example": stranger}, FRONT_END)):
        assert joined.entries["fe1.example"].variables["port_matrix_addresses"] == ["10.1.0.21"]
        records = [source["record"] for source in joined.entries["fe1.example"].variables[SOURCES]]
        assert records == ["mssip_proxy", "topology"]
        assert joined.warnings == (
            "The host 'fe1.example' has the address 10.9.9.9 in another system, which its own does not know. "
            "It is left out",
        )


def test_a_system_that_is_read_again_replaces_what_it_said() -> None:
    again = entry("fe1.example", "topology", "sfb_front_ends", interfaces={"internal": ["10.1.0.22"]})
    again.variables[SOURCES][0]["read"] = "later"
    one = join(FRONT_END, {"fe1.example": again}).entries["fe1.example"]
    assert one.addresses == {"10.1.0.22"}
    assert [source["read"] for source in one.variables[SOURCES]] == ["later"]


def test_two_systems_that_call_it_their_own_are_not_joined() -> None:
    node = {"node1": entry("node1", "worker_vm", addresses=["10.1.0.21"])}
    joined = join(FRONT_END, {**node, **PROXY})
    assert set(joined.entries) == {"fe1.example", "node1"}
    assert joined.warnings == (
        "The hosts 'fe1.example', 'node1' have the same address 10.1.0.21, and stay hosts of their own",
    )


def test_a_host_behind_nat_is_known_by_what_others_see() -> None:
    pair = {"address": "10.0.0.1", "advertised": "203.0.113.1"}
    assert entry("e", "topology", interfaces={"av_edge": [pair], "web": "av_edge"}).addresses == {"203.0.113.1"}
    assert seen_addresses([{"address": "10.0.0.1"}, 7]) == {"10.0.0.1"}


def test_ranges_of_two_systems() -> None:
    assert merge_ranges({}, {"psom": ["444", "8057"]}) == ({"psom": ["444", "8057"]}, "")
    assert merge_ranges({"psom": ["8057", "444"]}, {"psom": ["444", "8057"]}) == ({"psom": ["444", "8057"]}, "")
    merged, text = merge_ranges({"media": ["40000-49999"], "turn": ["3478"]}, {"media": ["9000-9999"]})
    assert merged == {"media": ["9000-9999", "40000-49999"], "turn": ["3478"]}
    assert text == "Two systems have different ports for media, and the range has all of them"


def test_pools_are_compared_with_nodes() -> None:
    nodes = {"n1": ["n1.example"], "n2": ["other.example", "n2.example"]}
    pools = {"pool": ["n1.example", "n2.example"], "of another application": ["bot.example"]}
    assert pool_warnings(pools, nodes) == []
    assert pool_warnings({"pool": ["bot.example"]}, nodes) == []
    assert pool_warnings({}, {}) == []
    assert pool_warnings({"pool": ["n1.example", "n3.example"]}, nodes) == [
        "The trusted application pool 'pool' has 'n3.example', and the Management Node knows no such Conferencing Node",
        "Skype for Business does not trust 'n2' (not in the trusted application pool 'pool')",
    ]


def no_answer(name: str) -> list[str]:
    raise OSError(name)


def test_a_name_has_what_the_user_wrote_before_what_dns_has() -> None:
    book = NameBook({"FE1.example": ["10.1.0.22", "10.1.0.21"]}, lambda name: ["2001:db8::1", "10.1.0.9", "10.1.0.9"])
    assert book.addresses_of("fe1.EXAMPLE.") == ("10.1.0.21", "10.1.0.22")
    assert book.addresses_of("fe2.example") == ("10.1.0.9", "2001:db8::1")
    assert book.addresses_of("fe2.example") == book.addresses_of("FE2.example")
    assert book.addresses_of("192.0.2.7") == ("192.0.2.7",)
    assert book.looked_up == {"fe2.example": ("10.1.0.9", "2001:db8::1")}
    assert book.missing() == []
    book.check_all_used()
    asked = ("fe1.EXAMPLE.", "FE2.example", "192.0.2.7", "fe3.example")
    assert [book.looked_up_in(name) for name in asked] == ["addresses", "DNS", "", ""]


def test_a_name_that_nobody_knows_is_missing() -> None:
    for book in (NameBook(None), NameBook({}, no_answer)):
        assert book.addresses_of("fe1.example") == ()
        assert book.missing() == ["fe1.example"]
        assert book.looked_up_in("fe1.example") == ""


def test_nothing_to_look_up_is_said() -> None:
    with pytest.raises(PortMatrixError, match=r"by the name 'a'; accepted: no name, as everything has an address$"):
        NameBook({"a": "10.1.0.1"}).check_all_used()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], None), (["a"], "addresses: ['a'] is not a mapping"), ({"a": ["b"]}, "addresses 'a': 'b' is a host name"),
        ({"a": ["10.0.0.0/8"]}, "addresses 'a': '10.0.0.0/8' is a network"),
    ],
)  # fmt: skip
def test_addresses_are_names_with_addresses(given: object, message: str | None) -> None:
    if message is None:
        assert NameBook(given).missing() == []
        return
    with pytest.raises(PortMatrixError) as raised:
        NameBook(given)
    assert message in str(raised.value)


def test_values_of_an_inventory() -> None:
    assert behind_nat("10.0.0.1", None) == behind_nat("10.0.0.1", "10.0.0.1") == "10.0.0.1"
    assert plain_addresses(["2001:DB8::1", "10.0.0.10", "10.0.0.9/32", "10.0.0.9"], "x") == (
        "10.0.0.9",
        "10.0.0.10",
        "2001:db8::1",
    )
    assert as_name("  a   b ", "x") == "a b"
    assert FoundHost("x", (), "topology").variables() == {}
    edge = FoundHost("x", (), "topology", interfaces={"internal": ("10.1.0.31",), "av_edge": ("192.0.2.31",)})
    assert edge.variables() == {"port_matrix_interfaces": {"av_edge": ["192.0.2.31"], "internal": ["10.1.0.31"]}}
    for mark in ("{{", "{%", "{#"):
        with pytest.raises(PortMatrixError, match="Ansible takes for a template"):
            as_name(f"a{mark}", "x")
