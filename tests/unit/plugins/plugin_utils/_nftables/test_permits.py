# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ruleset permits, read back from its text pair by pair, is what the rules do: with shared sets, too."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections import defaultdict

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand, hooks_of
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    load_port_matrix,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables import disjoint_parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.sets import match_protocol
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import FAMILIES, AddressSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from example_site import TABLE_GROUPS
from hypothesis import given, settings
from hypothesis import strategies as st

MESH = {
    "id": "mesh",
    "source": ["conferencing_node", "front_end"],
    "destination": ["conferencing_node", "client"],
    "protocols": ["tcp"],
    "destination_ports": 99,
    "bidirectional": True,
}
# Not that of protocols, whose elements are there for a time.
_SET = re.compile(r"^\tset (\w+_v[46]) \{\n(.*?)elements = \{(.*?)\}\n", re.MULTILINE | re.DOTALL)
_JUMP = re.compile(r"(ip6?) ([sd]addr) (\S+) jump")
_ACCEPT = re.compile(r'(.*) (ip6?) saddr (\S+) ip6? daddr (\S+) counter accept comment "(\w+)"')
_KEYWORD = {"ipv4": "ip", "ipv6": "ip6"}

# Hook, match of ports, family and row → the pairs of source and destination.
Permitted = dict[tuple[str, str, str, str], set[tuple[int, int]]]
# Family and side → addresses.
Judged = dict[tuple[str, str], set[int]]


@pytest.fixture(autouse=True)
def _three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disjoint_parts, "LARGE", 3)


def _integers(elements: str) -> frozenset[int]:
    found: set[int] = set()
    for element in elements.replace(",", " ").split():
        first, dash, last = element.partition("-")
        network = ipaddress.ip_network(first)
        end = ipaddress.ip_address(last) if dash else network[-1]
        span = range(int(network[0]), int(end) + 1)
        assert not found.intersection(span), "an element twice in a set"
        found.update(span)
    return frozenset(found)


def _sets(ruleset: str) -> dict[str, frozenset[int]]:
    for name, kind, elements in _SET.findall(ruleset):
        assert "interval" in kind or not re.search("[-/]", elements), name
    return {f"@{name}": _integers(elements) for name, _kind, elements in _SET.findall(ruleset)}


def read(ruleset: str, answers: bool = False) -> tuple[Permitted, Judged]:
    """Read back what a ruleset permits for rows, and whose transit it judges; or what it lets through as answers."""
    sets, hook, in_answers = _sets(ruleset), "", False
    permitted: Permitted = defaultdict(set)
    judged: Judged = defaultdict(set)
    for line in (line.strip() for line in ruleset.splitlines()):
        if line.startswith("chain "):
            hook, _underscore, rest = line.split()[1].partition("_")
            in_answers = rest == "answers"
        elif jump := _JUMP.fullmatch(line.removesuffix(" forward_judged")):
            judged[jump[1], jump[2]] |= sets[jump[3]] if jump[3] in sets else _integers(jump[3])
        elif (rule := _ACCEPT.fullmatch(line)) and in_answers == answers:
            here, there = (sets[side] if side in sets else _integers(side) for side in (rule[3], rule[4]))
            permitted[hook, rule[1], rule[2], rule[5]] |= {(source, other) for source in here for other in there}
    return permitted, judged


def wanted(rules: list[Rule], judged: AddressSet) -> tuple[Permitted, Judged]:
    """What :func:`read` has to find."""
    permitted: Permitted = defaultdict(set)
    for rule in rules:
        ports = match_protocol(rule.protocol, rule.source_ports, rule.destination_ports)
        pairs = {(here, there) for here in _all(rule.source) for there in _all(rule.destination)}
        permitted[str(rule.hook), ports, _KEYWORD[rule.family], rule.row] |= pairs
    sides = [(family, side) for family in FAMILIES if judged.of_family(family) for side in ("saddr", "daddr")]
    return permitted, {(_KEYWORD[family], side): set(_all(judged.of_family(family))) for family, side in sides}


_BACK = {"input": "output", "output": "input", "forward": "forward"}


def assert_answers(ruleset: str, policy: Policy) -> None:
    """Make sure that what passes as an answer turns round what a row permits, and that nothing of it is missing.

    What a row permits in that direction, too, needs no rule more.
    """
    answers, permitted = read(ruleset, answers=True)[0], read(ruleset)[0]
    due: Permitted = defaultdict(set)
    for rule in (rule for rule in policy.rules if rule.protocol in ("tcp", "udp")):
        ports = match_protocol(rule.protocol, rule.destination_ports, rule.source_ports)
        pairs = {(here, there) for here in _all(rule.destination) for there in _all(rule.source)}
        due[_BACK[str(rule.hook)], ports, _KEYWORD[rule.family], rule.row] |= pairs
    assert all(pairs <= due[key] for key, pairs in answers.items())
    for (hook, *about, _row), pairs in due.items():
        places = [found for both in (answers, permitted) for key, found in both.items() if key[:3] == (hook, *about)]
        assert hook not in policy.hooks or pairs <= set().union(*places)


def _all(addresses: IntervalSet) -> list[int]:
    return [one for first, last in addresses.intervals for one in range(first, last + 1)]


def _site(hosts: dict[str, dict[str, t.Any]], groups: dict[str, list[str]]) -> Site:
    rows = select_rows([MESH], strict_clients=True)
    return build_site(hosts, groups, rows, allow_empty=sorted(load_port_matrix().endpoints))


def _scattered(block: int, count: int) -> list[str]:
    return [f"10.0.{block}.{2 * index + 1}" for index in range(count)] + [f"2001:db8:{block}::{count}"]


def test_shared_sets_permit_what_the_rules_do_and_no_others_would() -> None:
    hosts = {group: {"port_matrix_addresses": _scattered(block, 4)} for block, group in enumerate(TABLE_GROUPS)}
    site = _site(hosts, {group: [group] for group in TABLE_GROUPS})
    rules, judged = expand(site, "fw", ["forward"]), site.all_addresses(("conferencing_node",))
    ruleset = render_ruleset(Policy(("forward",), rules, judged=judged))
    assert read(ruleset) == wanted(rules, judged)
    heads, chains = ruleset.split("\tchain ", 1)
    names = [name for name in _sets(ruleset) if name in chains]
    assert len(names) > 5
    for one, other in zip(names, [*names[1:], names[0]], strict=True):
        swapped = re.sub(rf"{one}\b|{other}\b", lambda match, pair=(one, other): pair[match[0] == pair[0]], chains)
        assert read(f"{heads}\tchain {swapped}") != wanted(rules, judged)


numbers = st.integers(1, 40)
ipv4 = numbers.map("10.0.0.{}".format)
ipv6 = numbers.map("2001:db8::{:x}".format)
networks = st.builds(
    "10.0.0.{}/{}".format, st.integers(0, 10).map(lambda number: 4 * number), st.sampled_from([29, 30, 31])
)
pairs = st.builds(lambda local, other: {"address": local, "advertised": f"10.0.1.{other}"}, ipv4, numbers)
items = st.one_of(ipv4, ipv6, networks.map(lambda text: str(ipaddress.ip_network(text, strict=False))), pairs)
# A row between hosts that have no family in common is refused, so each has IPv4.
addresses = st.builds(lambda first, others: [first, *others], ipv4, st.lists(items, max_size=4))
machines = st.fixed_dictionaries(
    {"port_matrix_addresses": addresses, "groups": st.sets(st.sampled_from(TABLE_GROUPS), min_size=1)},
    optional={
        "port_matrix_interfaces": st.fixed_dictionaries(
            {"av_edge": addresses, "internal": addresses, "media": st.just("internal")}
        ),
        "port_matrix_view": st.just("local"),
    },
)


@settings(max_examples=40)
@given(st.lists(machines, min_size=2, max_size=10), st.sampled_from(["all", "conferencing_node", "client"]))
def test_the_rulesets_of_any_site_permit_what_the_rules_do(found: list[dict[str, t.Any]], endpoint: str) -> None:
    hosts = {f"host{number}": host for number, host in enumerate(found)}
    groups = {group: [name for name, host in hosts.items() if group in host["groups"]] for group in TABLE_GROUPS}
    site = _site(hosts, groups)
    # A host that no row of this site reaches has no rules, and would be refused unless it is a gateway.
    for host in ("host0", "host1", "fw"):
        hooks = hooks_of(site, host, gateway=True, egress=True)
        rules = expand(site, host, hooks)
        judged = AddressSet() if endpoint == "all" else site.all_addresses((endpoint,))
        policy = Policy(hooks, rules, judged=judged or None)
        ruleset = render_ruleset(policy)
        assert read(ruleset) == wanted(rules, judged)
        assert_answers(ruleset, policy)
