# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Hook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import AddressSet, parse_network
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel

HOSTILE = (
    "x\" accept; } }\ntable inet filter { chain input { type filter hook input priority 0; policy accept; } } # | '"
)


def _site(**row: t.Any) -> Site:
    hosts = {
        "a": {"port_matrix_addresses": ["192.0.2.1", "2001:db8::1"]},
        "b": {"port_matrix_addresses": ["192.0.2.9"]},
    }
    full = {"id": "r1", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 9, **row}
    return build_site(
        hosts, {"g": ["a"], "h": ["b"]}, [full], endpoints={"x": {"groups": ["g"]}, "y": {"groups": ["h"]}}
    )


def _chains(ruleset: str) -> dict[str, list[str]]:
    """Chain name → its lines."""
    chains: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in ruleset.splitlines():
        words = line.split()
        if words[:1] == ["chain"]:
            lines = chains.setdefault(words[1], [])
        elif line.startswith("\t\t"):
            lines.append(line.strip())
    return chains


def _extra(**rule: t.Any) -> list[str]:
    """The lines that an extra rule adds to the chain of its hook."""
    hook = rule.setdefault("hook", "input")
    without, with_rule = (
        _chains(render_ruleset(Policy((hook,), (), extra_rules=extra_rules)))[hook]
        for extra_rules in ((), parse_extra_rules([{"name": "extra", "protocol": "tcp", **rule}], "W"))
    )
    return [line for line in with_rule if line not in without and " jump " not in line]


def _judged(*networks: str) -> list[str]:
    judged = AddressSet.union(parse_network(network, "W") for network in networks)
    return _chains(render_ruleset(Policy(("forward",), (), judged=judged)))["forward"]


def test_the_text_replaces_the_table_whether_or_not_it_exists() -> None:
    lines = render_ruleset(Policy(("input",), ())).splitlines()
    assert lines[:3] == ["table inet pexip_sfb", "delete table inet pexip_sfb", "table inet pexip_sfb {"]
    assert lines[-1] == "}"


@pytest.mark.parametrize("hook", ["input", "output", "forward"])
def test_what_is_not_permitted_is_dropped_by_rule_and_by_policy(hook: Hook) -> None:
    lines = _chains(render_ruleset(Policy((hook,), ())))[hook]
    assert lines[0] == f"type filter hook {hook} priority filter; policy drop;"
    assert lines[-1] == 'counter drop comment "default_deny"'
    assert 'ct state invalid meta l4proto != @older_flows counter drop comment "invalid"' in lines


@pytest.mark.parametrize("hook", ["input", "output", "forward"])
@pytest.mark.parametrize("judged", [None, AddressSet.union([parse_network("192.0.2.0/24", "W")])])
def test_observing_drops_nothing_and_logs_what_would_be_dropped(hook: Hook, judged: AddressSet | None) -> None:
    ruleset = render_ruleset(Policy((hook,), (), judged=judged, enforce=False))
    assert "drop;" not in ruleset
    assert "counter drop" not in ruleset
    lines = list(_chains(ruleset).values())[-1]
    assert lines[-2:] == [
        'limit rate 10/second burst 20 packets log prefix "pexip_sfb would drop: "',
        'counter accept comment "would_drop"',
    ]


def test_there_is_a_chain_for_each_hook_and_no_other() -> None:
    assert list(_chains(render_ruleset(Policy(("input", "output"), ())))) == ["input", "output"]


def test_loopback_and_neighbour_discovery_are_for_hosts_not_for_transit() -> None:
    chains = _chains(render_ruleset(Policy(("input", "output", "forward"), ())))
    assert 'iifname "lo" counter accept comment "loopback"' in chains["input"]
    assert 'oifname "lo" counter accept comment "loopback"' in chains["output"]
    assert any("nd-neighbor-solicit" in line for line in chains["input"])
    assert not any("nd-neighbor-solicit" in line or '"lo"' in line for line in chains["forward"])
    for lines in chains.values():
        assert any("packet-too-big" in line for line in lines)
        assert [line for line in lines if '"established"' in line] == ESTABLISHED


def test_leases_and_groups_are_for_hosts_not_for_transit() -> None:
    chains = _chains(render_ruleset(Policy(("input", "output", "forward"), ())))
    lines = {hook: [line.split(" counter")[0] for line in chains[hook] if '"dhcp"' in line] for hook in chains}
    assert lines == {
        "input": ["meta nfproto ipv4 udp sport 67 udp dport 68", "ip6 daddr fe80::/10 udp dport 546"],
        "output": ["meta nfproto ipv4 udp sport 68 udp dport 67", "ip6 daddr ff02::1:2 udp dport 547"],
        "forward": [],
    }
    assert [any('"igmp"' in line for line in chains[hook]) for hook in chains] == [True, True, False]


def test_a_rule_is_in_the_chain_of_its_hook_only() -> None:
    site = _site()
    chains = _chains(render_ruleset(Policy(("input", "output", "forward"), expand(site, "a", ["output", "forward"]))))
    rule = 'udp dport 9 ip saddr 192.0.2.1 ip daddr 192.0.2.9 counter accept comment "r1"'
    assert [rule in chains[hook] for hook in ("input", "output", "forward")] == [False, True, True]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_rule_without_an_address_still_tells_its_family(family: str) -> None:
    everything = "0.0.0.0/0" if family == "ipv4" else "::/0"
    row = {"id": "r1", "source": "x", "destination": "x", "protocols": "udp", "destination_ports": 9}
    site = build_site({}, {}, [row], endpoints={"x": {"networks": [everything]}})
    lines = _chains(render_ruleset(Policy(("forward",), expand(site, "fw", ["forward"]))))["forward"]
    assert f'meta nfproto {family} udp dport 9 counter accept comment "r1"' in lines


ESTABLISHED = [
    'ct state established,related meta l4proto != tcp counter accept comment "established"',
    'ct state established,related tcp flags & (syn | ack) != syn counter accept comment "established"',
    'ct state related counter accept comment "established"',
]


def test_only_traffic_of_the_judged_goes_to_judgement_and_none_that_is_under_way() -> None:
    assert _judged("192.0.2.1", "2001:db8::/64") == [
        "type filter hook forward priority filter; policy accept;",
        *ESTABLISHED,
        "ip saddr 192.0.2.1 jump forward_judged",
        "ip daddr 192.0.2.1 jump forward_judged",
        "ip6 saddr @judged_v6 jump forward_judged",
        "ip6 daddr @judged_v6 jump forward_judged",
    ]


def test_judging_every_address_of_one_family_leaves_the_other_family_alone() -> None:
    assert _judged("0.0.0.0/0") == [
        "type filter hook forward priority filter; policy accept;",
        *ESTABLISHED,
        "meta nfproto ipv4 jump forward_judged",
        "meta nfproto ipv4 jump forward_judged",
    ]


def test_judging_nobody_is_an_error() -> None:
    with pytest.raises(PortMatrixError) as caught:
        render_ruleset(Policy(("forward",), (), judged=AddressSet()))
    assert str(caught.value) == (
        "linux_firewall_judged_endpoints: have no addresses, so nothing would be judged; "
        "accepted: endpoints with addresses"
    )


def test_who_is_judged_matters_only_in_transit() -> None:
    policy = Policy(("input",), ())
    assert render_ruleset(Policy(("input",), (), judged=AddressSet())) == render_ruleset(policy)


def test_a_host_without_a_chain_is_an_error() -> None:
    with pytest.raises(PortMatrixError) as caught:
        render_ruleset(Policy((), ()))
    assert str(caught.value) == "ruleset: has no chain; accepted: a host that is an endpoint or a gateway"


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ({"destination_ports": 22}, ["tcp dport 22"]),
        ({}, ["meta l4proto tcp"]),
        ({"protocol": "icmp"}, ["meta l4proto icmp"]),
        ({"protocol": "icmpv6"}, ["meta l4proto ipv6-icmp"]),
        ({"protocol": "vrrp"}, ["meta l4proto 112"]),
        ({"protocol": 50}, ["meta l4proto esp"]),
        ({"protocol": "ah"}, ["meta l4proto ah"]),
        ({"protocol": "ah", "source": ["::/0"]}, ["meta nfproto ipv6 meta l4proto ah"]),
        (
            {"protocol": "ah", "source": ["192.0.2.1", "2001:db8::1"]},
            ["meta l4proto ah ip saddr 192.0.2.1", "meta l4proto ah ip6 saddr 2001:db8::1"],
        ),
        ({"protocol": "0", "source": ["0.0.0.0/0", "::/0"]}, ["meta nfproto ipv4 meta l4proto 0"]),
        ({"protocol": "sctp", "source_ports": 9, "destination_ports": [1, 2]}, ["sctp sport 9 sctp dport 1-2"]),
        ({"protocol": "vrrp", "source": ["192.0.2.1"]}, ["meta l4proto 112 ip saddr 192.0.2.1"]),
        ({"source": ["192.0.2.1"], "destination_ports": 22}, ["tcp dport 22 ip saddr 192.0.2.1"]),
        (
            {"source": ["192.0.2.1", "2001:db8::1"], "destination_ports": 22},
            ["tcp dport 22 ip saddr 192.0.2.1", "tcp dport 22 ip6 saddr 2001:db8::1"],
        ),
        (
            {"source": ["192.0.2.1", "2001:db8::1"], "destination": ["192.0.2.9"], "hook": "forward"},
            ["meta l4proto tcp ip saddr 192.0.2.1 ip daddr 192.0.2.9"],
        ),
        ({"source": ["0.0.0.0/0"]}, ["meta nfproto ipv4 meta l4proto tcp"]),
        ({"source": ["::/0"], "hook": "output"}, ["meta nfproto ipv6 meta l4proto tcp"]),
        ({"source": ["192.0.2.0/24"]}, ["meta l4proto tcp ip saddr @extra_v4"]),
    ],
)
def test_extra_rules(rule: dict[str, t.Any], lines: list[str]) -> None:
    assert _extra(**rule) == [f'{line} counter accept comment "extra"' for line in lines]


def test_extra_rules_come_before_the_matrix_and_the_default() -> None:
    extra = parse_extra_rules([{"name": "ssh", "protocol": "tcp", "destination_ports": 22, "hook": "output"}], "W")
    lines = _chains(render_ruleset(Policy(("output",), expand(_site(), "a", ["output"]), extra_rules=extra)))["output"]
    comments = [line.rpartition("comment ")[2].strip('"') for line in lines if "comment" in line]
    assert comments[-6:] == ["ssh", "r1", "dhcp", "dhcp", "igmp", "default_deny"]


REPLY = "tcp flags & (syn | ack) != syn"


@pytest.mark.parametrize(
    ("rule", "replies"),
    [
        (
            {"protocol": "tcp", "source": ["192.0.2.7"], "destination_ports": 22},
            [f'tcp sport 22 {REPLY} ip daddr 192.0.2.7 counter accept comment "ssh_replies"'],
        ),
        ({"protocol": "tcp"}, [f'meta l4proto tcp {REPLY} counter accept comment "ssh_replies"']),
        ({"protocol": "udp", "destination_ports": 22}, []),
        ({"protocol": "tcp", "hook": "forward"}, []),
    ],
    ids=["from one address", "from anywhere", "not TCP", "not to this host"],
)
def test_a_management_connection_older_than_the_table_goes_on(rule: dict[str, t.Any], replies: list[str]) -> None:
    management = parse_extra_rules([{"name": "ssh", **rule}], "W")
    chains = _chains(render_ruleset(Policy(("input", "output", "forward"), (), management=management)))
    assert [line for line in chains["output"] if "ssh" in line] == replies
    assert not any("ssh_replies" in line for line in (*chains["input"], *chains["forward"]))


def _answers(hook: str, chains: dict[str, list[str]]) -> list[str]:
    """The matches of the rules for answers at a hook."""
    lines = chains.get(f"{hook}_answers", ["tcp flags & syn == syn return"])
    assert lines[0] == "tcp flags & syn == syn return"
    return [line.split(" counter ")[0] for line in lines[1:]]


def test_answers_in_older_flows_pass_where_a_rule_permits_the_other_direction() -> None:
    rules = parse_extra_rules(
        [
            {"name": "in", "protocol": "tcp", "source": ["192.0.2.7"], "destination_ports": 22},
            {"name": "out", "hook": "output", "protocol": "udp", "source_ports": 123, "destination_ports": 124},
            {"name": "through", "hook": "forward", "protocol": "udp", "destination": ["192.0.2.9"]},
            {"name": "ping", "hook": "forward", "protocol": "icmp", "destination": ["192.0.2.9"]},
        ],
        "W",
    )
    chains = _chains(render_ruleset(Policy(("input", "output", "forward"), (), extra_rules=rules)))
    assert _answers("output", chains) == ["tcp sport 22 ip daddr 192.0.2.7"]
    assert _answers("input", chains) == ["udp sport 124 udp dport 123"]
    assert _answers("forward", chains) == ["meta l4proto udp ip saddr 192.0.2.9"]
    for hook in ("input", "output", "forward"):
        assert chains[hook][-2:] == [
            f"ct state invalid,new meta l4proto @older_flows jump {hook}_answers",
            'counter drop comment "default_deny"',
        ]


def test_what_is_permitted_already_is_no_answer() -> None:
    both = [
        {"name": f"way_{side}", "hook": "forward", "protocol": "udp", f"{side}_ports": 9}
        for side in ("source", "destination")
    ]
    management = parse_extra_rules([{"name": "ssh", "protocol": "tcp", "destination_ports": 22}], "W")
    policy = Policy(("input", "output", "forward"), (), management, parse_extra_rules(both, "W"))
    assert [name for name in _chains(render_ruleset(policy)) if name.endswith("_answers")] == []


def test_only_management_has_replies() -> None:
    extra = parse_extra_rules([{"name": "ssh", "protocol": "tcp", "destination_ports": 22}], "W")
    assert "replies" not in render_ruleset(Policy(("input", "output"), (), extra_rules=extra))


def test_the_longest_management_rule_with_replies_loads(kernel: Kernel) -> None:
    management = parse_extra_rules([{"name": "m" * 63, "protocol": "tcp", "source": ["192.0.2.0/24"]}], "W")
    loaded = kernel.load(render_ruleset(Policy(("input", "output"), (), management=management)))
    assert {rule["chain"] for rule in loaded.of_kind("rule") if rule.get("comment") == "m" * 63} == {"input", "output"}


def test_equal_policies_give_equal_text() -> None:
    first, second = (render_ruleset(Policy(("input",), expand(_site(), "b", ["input"]))) for _dummy in range(2))
    assert first == second


def test_free_text_does_not_reach_the_ruleset() -> None:
    plain = render_ruleset(Policy(("input",), expand(_site(), "b", ["input"])))
    hostile = render_ruleset(Policy(("input",), expand(_site(purpose=HOSTILE, reference=HOSTILE), "b", ["input"])))
    assert hostile == plain


def test_the_names_of_hosts_and_groups_do_not_reach_the_ruleset() -> None:
    hosts = {HOSTILE: {"port_matrix_addresses": ["192.0.2.1"]}, "b": {"port_matrix_addresses": ["192.0.2.9"]}}
    row = {"id": "r1", "source": "x", "destination": "y", "protocols": "udp", "destination_ports": 9}
    endpoints = {"x": {"groups": [HOSTILE]}, "y": {"groups": ["h"]}}
    site = build_site(hosts, {HOSTILE: [HOSTILE], "h": ["b"]}, [row], endpoints=endpoints)
    ruleset = render_ruleset(Policy(("input", "output"), expand(site, HOSTILE, ["input", "output"])))
    assert 'ip saddr 192.0.2.1 ip daddr 192.0.2.9 counter accept comment "r1"' in ruleset
    assert "table inet filter" not in ruleset
    assert ruleset.count("{") == ruleset.count("}")


@pytest.mark.parametrize("key", ["id", "source", "destination"])
def test_a_hostile_name_is_refused(key: str) -> None:
    with pytest.raises(PortMatrixError, match="cannot be an id; accepted: a lower-case letter"):
        _site(**{key: HOSTILE})


def test_the_longest_ids_load(kernel: Kernel) -> None:
    row_id, names = "r" * 63, [letter * 63 for letter in "abcd"]
    row = {"id": row_id, "source": names[:3], "destination": names, "protocols": "udp", "destination_ports": 9}
    site = build_site(
        {}, {}, [row], endpoints={name: {"networks": [f"192.0.{i}.0/24"]} for i, name in enumerate(names)}
    )
    extra = parse_extra_rules([{"name": "e" * 63, "protocol": "icmpv6", "source": ["2001:db8::/64"]}], "W")
    loaded = kernel.load(
        render_ruleset(Policy(("input", "forward"), expand(site, "fw", ["forward"]), extra_rules=extra))
    )
    assert {"r" * 63, "e" * 63} <= {rule.get("comment") for rule in loaded.of_kind("rule")}


def test_other_tables_are_left_alone(kernel: Kernel) -> None:
    other = "table inet filter {\n\tchain input {\n\t\ttcp dport 22 accept\n\t}\n}\n"
    loaded = kernel.load(other, render_ruleset(Policy(("input",), ())))
    assert [table["name"] for table in loaded.of_kind("table")] == ["filter", "pexip_sfb"]
    assert [rule["chain"] for rule in loaded.of_kind("rule") if rule["table"] == "filter"] == ["input"]
