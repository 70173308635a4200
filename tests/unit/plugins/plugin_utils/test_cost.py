# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a large site costs, counted and not timed: a slow design would be back with another count."""

from __future__ import annotations

import cProfile
import difflib
import ipaddress
import json
import re
import socket
import typing as t
from collections import Counter
from collections.abc import Callable

import netaddr
import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.nftables_ruleset import nftables_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.port_matrix_report import port_matrix_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site as site_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.windows_rules import windows_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix import hosts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import (
    read_site,
    site_as_document,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.disjoint_parts import LARGE
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from example_site import TABLE_GROUPS
from lazy_mapping import Lazy

pytestmark = pytest.mark.large
HOSTS = 300  # in each group: enough for sets that are large
ADDRESSES = (len(TABLE_GROUPS) + 1) * HOSTS  # an Edge has two


def _inventory(hosts: int = HOSTS) -> tuple[dict[str, dict[str, t.Any]], dict[str, list[str]]]:
    variables: dict[str, dict[str, t.Any]] = {}
    groups = {group: [f"{group}{index}" for index in range(hosts)] for group in TABLE_GROUPS}
    for number, group in enumerate(TABLE_GROUPS):
        for index, host in enumerate(groups[group]):
            if group == "sfb_edges":
                both = {"internal": [_address(number, index)], "av_edge": [_address(number + 1, index)]}
                variables[host] = {"port_matrix_interfaces": both}
            else:
                variables[host] = {"port_matrix_addresses": [_address(number, index)]}
    return variables, groups


def _address(block: int, index: int) -> str:
    return str(ipaddress.IPv4Address((10 << 24) + (block << 16) + 2 * index + 1))


def _site(hosts: int = HOSTS) -> Site:
    variables, groups = _inventory(hosts)
    return build_site(variables, groups, select_rows())


def _ruleset(site: Site) -> str:
    return render_ruleset(Policy(("forward",), expand(site, "fw", ["forward"])))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what parses an address: the system's routine, and netaddr, which takes ten times as long."""
    load_port_matrix()
    counted: Counter[str] = Counter()

    def count(place: t.Any, name: str, label: str) -> None:
        original = getattr(place, name)

        def counting(*args: t.Any, **kwargs: t.Any) -> t.Any:
            counted[label] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(place, name, counting)

    count(socket, "inet_pton", "system")
    for name in ("IPNetwork", "IPAddress", "iprange_to_cidrs", "valid_ipv4", "valid_ipv6"):
        count(netaddr, name, "netaddr")
    count(hosts, "_parse_item", "items")  # those that are not just one address of one host
    return counted


def test_an_address_is_parsed_once_however_many_endpoints_have_it(calls: Counter[str]) -> None:
    _site()
    assert calls == {"system": ADDRESSES}


@pytest.mark.parametrize(
    ("form", "parsed"),
    [
        ("{}/28", 2 * HOSTS),  # as a network or an address, and whether there is a note for the user
        ("{}/24", 2 * HOSTS),
        ("2001:db8::{:x}", HOSTS),
        ("2001:db8:0:{:x}::/64", 2 * HOSTS),
        ("2001:db8::{:x}/64", 2 * HOSTS),
    ],
    ids=["networks", "interface addresses", "IPv6", "networks of IPv6", "interface addresses of IPv6"],
)
def test_an_address_with_a_prefix_is_parsed_by_the_system_too(calls: Counter[str], form: str, parsed: int) -> None:
    variables, groups = _inventory()
    for index, host in enumerate(groups["sfb_clients"]):
        address = ipaddress.IPv4Address((172 << 24) + 16 * index + (1 if form == "{}/24" else 0))
        text = form.format(address if form.startswith("{}") else index + 1)
        variables[host]["port_matrix_addresses"].append(text)
    document = site_as_document(build_site(variables, groups, select_rows()))
    assert calls == {"system": ADDRESSES + parsed, "items": 2 * HOSTS}
    calls.clear()
    read_site(document)
    assert calls == {"system": ADDRESSES + 2 * HOSTS}


def test_the_networks_of_an_endpoint_are_parsed_by_the_system_too(calls: Counter[str]) -> None:
    variables, groups = _inventory(1)
    networks = [f"10.{index}.0.0/16" for index in range(100, 200)]
    build_site(variables, groups, select_rows(), endpoints={"client": {"networks": networks, "groups": []}})
    assert calls == {"system": len(networks) + len(TABLE_GROUPS)}  # an Edge has two, nobody is a client


def test_an_address_of_ansible_is_parsed_by_the_system_too(calls: Counter[str]) -> None:
    variables, groups = _inventory(1)
    build_site(
        {host: {"ansible_host": _address(0, index)} for index, host in enumerate(variables)}, groups, select_rows()
    )
    assert calls == {"system": len(variables)}


def test_an_address_is_read_back_once_for_what_its_host_has_alike(calls: Counter[str]) -> None:
    document = site_as_document(_site())
    calls.clear()
    read_site(document)
    # An Edge has its A/V interface as one endpoint, and all of its interfaces as others.
    assert calls == {"system": ADDRESSES + HOSTS}


def test_the_variables_of_a_host_are_worked_out_once() -> None:
    variables, groups = _inventory()
    hostvars = Lazy(variables)
    site_filter(hostvars, groups, rows=select_rows(), play_hosts=list(variables))
    reads = Counter(hostvars.reads)
    assert set(reads) == set(variables)
    assert set(reads.values()) == {1}


def _validated(variables: dict[str, dict[str, t.Any]], groups: dict[str, list[str]]) -> dict[str, t.Any]:
    """The site, where every host is one that the play is for."""
    return site_filter(variables, groups, rows=select_rows(), play_hosts=list(variables))


def _calls(work: Callable[..., object], *given: object) -> int:
    """Count the calls of functions that the work takes, Python's own among them."""
    profile = cProfile.Profile()
    profile.runcall(work, *given)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize(
    "work",
    [
        lambda site: windows_rules(site, "sfb_front_ends0"),
        lambda site: nftables_ruleset(site, "fw", gateway=True),
        port_matrix_report,
    ],
    ids=["Windows", "nftables", "report"],
)
def test_twice_the_hosts_are_twice_the_work(work: Callable[[str], object]) -> None:
    """Of a site that is too large for a list of the pairs of its hosts."""
    calls = []
    for size in (1, 100, 200):  # the first one loads what is loaded once
        inventory = _inventory(size)
        calls.append((_calls(_validated, *inventory), _calls(work, json.dumps(_validated(*inventory)))))
    for _first, few, many in zip(*calls, strict=True):
        assert few < many <= 2.05 * few


def _rules(ruleset: str) -> list[str]:
    return [line.strip() for line in ruleset.splitlines() if " comment " in line]


def _permitting(ruleset: str) -> int:
    """Return how many rules permit something, and not as an answer."""
    return sum(chain.count(" counter accept ") for chain in ruleset.split("\tchain ") if "_answers {" not in chain)


def _sets(ruleset: str) -> dict[str, list[str]]:
    found = re.findall(r"^\tset (\w+) \{(.*?)^\t\}", ruleset, flags=re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"\d+\.\d+\.\d+\.\d+", body) for name, body in found}


def test_an_address_is_in_one_set_however_many_rules_need_it() -> None:
    elements = [element for elements in _sets(_ruleset(_site())).values() for element in elements]
    assert len(elements) == len(set(elements)) == ADDRESSES


def test_rules_do_not_grow_with_addresses() -> None:
    few, many, more = (len(_rules(_ruleset(_site(hosts)))) for hosts in (10, HOSTS, 2 * HOSTS))
    assert many == more
    assert many <= 2 * few


def _branches(count: int, addresses: int) -> str:
    """The ruleset of a gateway between branches, each of them two endpoints with a row of their own."""
    variables: dict[str, dict[str, t.Any]] = {}
    groups: dict[str, list[str]] = {group: [] for group in TABLE_GROUPS}
    endpoints, rows = {}, []
    for branch in range(count):
        names = {"sfb_clients": f"clients_{branch}", "pexip_conferencing_nodes": f"nodes_{branch}"}
        for number, (group, name) in enumerate(names.items()):
            groups[name] = [f"{name}_{index}" for index in range(addresses)]
            groups[group] += groups[name]
            endpoints[name] = {"groups": [name]}
            for index, host in enumerate(groups[name]):
                variables[host] = {"port_matrix_addresses": [_address(16 * number + branch, index)]}
        source, destination = names.values()
        rows.append({"id": f"branch_{branch}", "source": source, "destination": destination, "protocols": ["tcp"],
                     "destination_ports": 8443})  # fmt: skip
    for number, group in enumerate(("sfb_front_ends", "sfb_edges", "turn_servers", "wac_servers")):
        groups[group] = [group]
        variables[group] = {"port_matrix_addresses": [f"192.0.2.{number + 1}"]}
    site = build_site(variables, groups, select_rows(rows), endpoints=endpoints)
    judged = site.side(("conferencing_node",)).seen()
    return render_ruleset(Policy(("forward",), expand(site, "fw", ["forward"]), judged=judged))


@pytest.mark.parametrize(("count", "few", "many"), [(2, 24, 28), (4, 26, 26), (8, 30, 30)])
def test_rules_between_unions_are_not_multiplied_by_their_parts(count: int, few: int, many: int) -> None:
    rulesets = [_branches(count, addresses) for addresses in (LARGE - 1, LARGE)]
    # Rules for answers come on top: as many again at most.
    assert [_permitting(ruleset) for ruleset in rulesets] == [few, many]
    assert all(ruleset.count(" counter accept ") < 2 * _permitting(ruleset) for ruleset in rulesets)
    # Each packet that is not judged passes them.
    assert [ruleset.count(" jump forward_judged") for ruleset in rulesets] == [2, 2]
    assert len(rulesets[1]) < len(rulesets[0])


def test_many_single_addresses_are_looked_up_by_a_hash_and_networks_by_interval() -> None:
    variables, groups = _inventory()
    networks = [f"172.16.{index}.0/28" for index in range(256)] + ["172.17.0.0/28"]
    endpoints = {"client": {"networks": networks, "groups": []}}
    ruleset = _ruleset(build_site(variables, groups, select_rows(), endpoints=endpoints))
    kinds = dict(re.findall(r"^\tset (\w+) \{\n\t\ttype ipv4_addr\n\t\t(.+)\n", ruleset, flags=re.MULTILINE))
    # Declared for so many, the kernel's hash table does not grow: new flows pass faster.
    assert HOSTS < 512
    assert kinds["conferencing_node_hosts_v4"] == "size 512"
    assert kinds["client_v4"] == "flags interval"


def test_neighbours_are_hosts_of_their_own_again_where_they_are_many() -> None:
    variables, groups = _inventory()
    for index, host in enumerate(groups["turn_servers"]):
        first = ipaddress.IPv4Address("10.99.0.0") + 4 * index
        variables[host] = {"port_matrix_addresses": [str(first), str(first + 1)]}
    site = build_site(variables, groups, select_rows())
    assert len(site.side(("turn_server",)).seen().ipv4.intervals) == HOSTS
    assert len(_sets(_ruleset(site))["turn_server_hosts_v4"]) == 2 * HOSTS


def _turn_servers(turn_servers: list[str]) -> list[str]:
    """The lines of a ruleset where these are the addresses and networks of the TURN servers."""
    variables, groups = _inventory(10)
    endpoints = {"turn_server": {"networks": turn_servers, "groups": []}}
    return _ruleset(build_site(variables, groups, select_rows(), endpoints=endpoints)).splitlines()


PAIRS = [f"10.99.{index // 16}.{index % 16 * 16 + neighbour}" for index in range(HOSTS) for neighbour in (1, 2)]


@pytest.mark.parametrize(
    ("before", "added", "lines"),
    [
        (PAIRS[::2], "10.99.200.1", 3),  # and the comma of the line before
        (PAIRS, "10.99.0.3", 1),
        # A set of the other kind then, of another name. Two rules have it, and one for answers.
        (PAIRS[::2], "172.16.0.0/24", 13),
    ],
    ids=["an address", "a neighbour", "a network"],
)
def test_an_address_more_is_few_lines_more(before: list[str], added: str, lines: int) -> None:
    differences = difflib.unified_diff(_turn_servers(before), _turn_servers([*before, added]), n=0, lineterm="")
    assert sum(not line.startswith(("---", "+++", "@@")) for line in differences) == lines


def test_more_neighbours_than_a_few_are_a_network() -> None:
    for neighbours, name in ((4, "turn_server_hosts_v4"), (5, "turn_server_v4")):
        row = [f"10.99.0.{number}" for number in range(21, 21 + neighbours)]
        sets = _sets("\n".join(_turn_servers(PAIRS[::2] + row)))
        assert len(sets[name]) == HOSTS + (neighbours if name.endswith("hosts_v4") else 2)


def test_sets_of_similar_size_are_intersected_in_one_pass() -> None:
    evens = IntervalSet(tuple((n, n) for n in range(0, 2000, 2)))
    threes = IntervalSet(tuple((n, n + 1) for n in range(0, 2000, 3)))
    inside = set(range(0, 2000, 2)) & {m for n in range(0, 2000, 3) for m in (n, n + 1)}
    assert evens.intersection(threes) == IntervalSet.of((n, n) for n in inside)
    assert IntervalSet(((0, 2000),)).intersection(evens) == evens
