# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of firewalld: policies with exact rich rules."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.firewalld_objects import FilterModule, firewalld_objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.rows import rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._firewalld.objects import (
    MAX_POLICY_NAME,
    POLICY_NAMES,
    render_objects,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.permissions import Permissions
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

HOSTS = {
    "node1": {"port_matrix_addresses": ["192.0.2.11", "2001:db8:1::11"]},
    "turn1": {"port_matrix_addresses": ["198.51.100.41", "2001:db8:2::41"]},
    "client_lan": {"port_matrix_addresses": ["203.0.113.0/25"]},
    "fe1": {"port_matrix_addresses": ["198.51.100.21"]},
    "edge1": {"port_matrix_addresses": ["198.51.100.31"]},
    "wac1": {"port_matrix_addresses": ["198.51.100.51"]},
    "fw": {},
}
GROUPS = {
    "pexip_conferencing_nodes": ["node1"],
    "turn_servers": ["turn1"],
    "sfb_clients": ["client_lan"],
    "sfb_front_ends": ["fe1"],
    "sfb_edges": ["edge1"],
    "wac_servers": ["wac1"],
}


def objects(host: str, **options: t.Any) -> dict[str, t.Any]:
    built = site(HOSTS, GROUPS, rows([], [], options.pop("strict", False)), play_hosts=[host])
    return t.cast("dict[str, t.Any]", firewalld_objects(built, host, **options))


def extra(**rule: t.Any) -> list[str]:
    rules = parse_extra_rules([{"name": "own", "protocol": "udp", **rule}], "linux_firewall_extra_rules")
    found = render_objects(Permissions((rules[0].hook,), (), extra_rules=rules))
    return list(found["policies"][POLICY_NAMES[rules[0].hook]]["rich_rules"])


def test_policy_names_are_no_longer_than_firewalld_takes() -> None:
    assert all(len(name) <= MAX_POLICY_NAME for name in POLICY_NAMES.values())


def test_a_rule_has_source_port_and_destination_port() -> None:
    found = objects("turn1")
    rules = found["policies"]["pexip_sfb_input"]["rich_rules"]
    assert len(rules) == 2
    source, destination = re.findall(r'ipset="(\w+)"', rules[0])
    assert found["ipsets"][source]["entries"] == ["192.0.2.11,udp:40000-49999"]
    assert found["ipsets"][destination]["entries"] == ["198.51.100.41"]
    assert rules[0].endswith('port port="3478" protocol="udp" accept')
    assert 'family="ipv6"' in rules[1]


def test_a_gateway_has_the_whole_matrix_and_no_policy_for_itself() -> None:
    found = objects("fw", gateway=True, strict=True)
    assert set(found["policies"]) == {"pexip_sfb_forward"}
    policy = found["policies"]["pexip_sfb_forward"]
    assert (policy["ingress_zones"], policy["egress_zones"], policy["target"]) == (["ANY"], ["ANY"], "CONTINUE")
    for row in rows([], [], True):
        assert row["id"] in policy["description"]


def test_every_ipset_is_used_and_every_used_ipset_is_there() -> None:
    found = objects("fw", gateway=True, strict=True)
    used = set(re.findall(r'ipset="(\w+)"', " ".join(found["policies"]["pexip_sfb_forward"]["rich_rules"])))
    assert used == set(found["ipsets"])


def test_any_destination_port_is_the_protocol() -> None:
    rules = objects("fw", gateway=True)["policies"]["pexip_sfb_forward"]["rich_rules"]
    assert any(rule.endswith(' protocol value="tcp" accept') for rule in rules)


def test_egress_is_denied_after_everybody_else_but_for_what_any_host_needs() -> None:
    policies = objects("turn1", egress=True)["policies"]
    assert set(policies) == {"pexip_sfb_input", "pexip_sfb_output", "pexip_sfb_deny"}
    assert policies["pexip_sfb_output"]["description"].startswith("Permits: nothing.")
    assert (policies["pexip_sfb_deny"]["target"], policies["pexip_sfb_deny"]["priority"]) == ("DROP", 32767)
    assert policies["pexip_sfb_deny"]["rich_rules"] == [
        'rule family="ipv4" destination address="224.0.0.0/4" protocol value="igmp" accept',
        'rule family="ipv4" port port="67" protocol="udp" accept',
        'rule family="ipv6" destination address="ff02::/16" protocol value="ipv6-icmp" accept',
        'rule family="ipv6" destination address="ff02::1:2" port port="547" protocol="udp" accept',
        'rule family="ipv6" icmp-type name="neighbour-advertisement" accept',
        'rule family="ipv6" icmp-type name="neighbour-solicitation" accept',
    ]


def test_management_is_let_in() -> None:
    management = [{"name": "ssh", "protocol": "tcp", "source": ["198.51.100.200"], "destination_ports": 22}]
    policy = objects("turn1", management=management)["policies"]["pexip_sfb_input"]
    assert any(rule.endswith('port port="22" protocol="tcp" accept') for rule in policy["rich_rules"])
    assert policy["description"].startswith("Permits: ssh, media_nodes_to_turn.")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"destination_ports": [161, "200-201"]},
            [
                'rule family="ipv4" port port="161" protocol="udp" accept',
                'rule family="ipv4" port port="200-201" protocol="udp" accept',
                'rule family="ipv6" port port="161" protocol="udp" accept',
                'rule family="ipv6" port port="200-201" protocol="udp" accept',
            ],
        ),
        ({"protocol": "icmp"}, ['rule family="ipv4" protocol value="icmp" accept']),
        ({"protocol": "icmpv6"}, ['rule family="ipv6" protocol value="ipv6-icmp" accept']),
        (
            {"protocol": "vrrp"},
            [f'rule family="{family}" protocol value="vrrp" accept' for family in ("ipv4", "ipv6")],
        ),
    ],
)
def test_extra_rules_with_any_address(rule: dict[str, t.Any], expected: list[str]) -> None:
    assert extra(**rule) == expected


def test_an_extra_rule_of_one_family_is_one_rule() -> None:
    rules = extra(hook="forward", destination=["198.51.100.7"], source_ports=123)
    assert len(rules) == 1
    assert re.fullmatch(
        r'rule family="ipv4" source ipset="\w+" destination ipset="\w+" protocol value="udp" accept', rules[0]
    )


def test_without_a_hook_there_is_nothing_to_render() -> None:
    with pytest.raises(PortMatrixError, match="firewalld objects: have no hook; accepted: a host that is"):
        render_objects(Permissions((), ()))


def test_a_host_without_a_part_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="host 'fw': is neither an endpoint of an enabled row nor a gateway"):
        objects("fw")


def test_observing_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="host 'turn1' linux_firewall_enforce: is false, and with firewalld"):
        objects("turn1", enforce=False)


def test_the_refusal_to_observe_names_what_can() -> None:
    with pytest.raises(AnsibleFilterError, match=r"linux_firewall_observe_only: true.* LogDenied"):
        objects("turn1", enforce=False)


def test_remembering_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="host 'turn1' linux_firewall_remember: is true, and with firewalld"):
        objects("turn1", remember=True)


def test_equal_input_in_another_order_gives_equal_objects() -> None:
    turned = {group: list(reversed(hosts)) for group, hosts in reversed(GROUPS.items())}
    built = site(dict(reversed(HOSTS.items())), turned, rows([], [], False), play_hosts=["fw"])
    assert firewalld_objects(built, "fw", gateway=True) == objects("fw", gateway=True)


def test_the_filter_is_there() -> None:
    assert FilterModule().filters()["firewalld_objects"] is firewalld_objects


@pytest.mark.parametrize(
    ("protocol", "elements"),
    [
        ("esp", {"ipv4": "esp", "ipv6": "esp"}),
        (47, {"ipv4": "gre", "ipv6": "gre"}),
        (89, {"ipv4": "89", "ipv6": "89"}),
        ("icmp", {"ipv4": "icmp"}),
        ("icmpv6", {"ipv6": "ipv6-icmp"}),
    ],
)
def test_a_row_with_a_protocol_without_ports(protocol: object, elements: dict[str, str]) -> None:
    row = {"id": "r1", "source": "conferencing_node", "destination": "turn_server", "protocols": [protocol]}
    built = site(HOSTS, GROUPS, [row], play_hosts=["fw"])
    found = firewalld_objects(built, "fw", gateway=True)["policies"]["pexip_sfb_forward"]["rich_rules"]
    assert len(found) == len(elements)
    for rule in found:
        family, element = re.findall(r'^rule family="(\w+)" source .* protocol value="([\w-]+)" accept$', rule)[0]
        assert elements[family] == element


def test_ports_of_sctp_are_ports() -> None:
    row = {"id": "r1", "source": "conferencing_node", "destination": "fe1", "protocols": "sctp",
           "source_ports": "40000-49999", "destination_ports": 3868}  # fmt: skip
    built = site(HOSTS, GROUPS, [row], endpoints={"fe1": {"groups": ["sfb_front_ends"]}}, play_hosts=["fw"])
    found = firewalld_objects(built, "fw", gateway=True)
    (rule,) = found["policies"]["pexip_sfb_forward"]["rich_rules"]
    assert rule.endswith('port port="3868" protocol="sctp" accept')
    assert found["ipsets"][re.findall(r'ipset="(\w+)"', rule)[0]]["entries"] == ["192.0.2.11,sctp:40000-49999"]
