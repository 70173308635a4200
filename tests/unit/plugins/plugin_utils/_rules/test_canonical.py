# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
from dataclasses import replace

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet

RULE = Rule(
    row="psom_content",
    purpose="PSOM",
    group="integration",
    tls=True,
    reference="https://docs.pexip.com/sfb/ports.htm",
    protocol="tcp",
    family="ipv4",
    source_endpoint=("conferencing_node",),
    source=IntervalSet(((0xC0000200, 0xC0000203),)),
    source_ports=IntervalSet(((55000, 65535),)),
    destination_endpoint=("edge", "front_end"),
    destination=IntervalSet(((0xC0000205, 0xC0000205),)),
    destination_ports=IntervalSet(((443, 443), (8057, 8057))),
    owner="UC team",
    expires=datetime.date(2027, 3, 31),
)


def test_a_rule_is_written_as_plain_data_in_a_fixed_order() -> None:
    assert list(RULE.as_mapping().items()) == [
        ("row", "psom_content"),
        ("purpose", "PSOM"),
        ("group", "integration"),
        ("tls", True),
        ("reference", "https://docs.pexip.com/sfb/ports.htm"),
        ("owner", "UC team"),
        ("ticket", ""),
        ("expires", "2027-03-31"),
        ("protocol", "tcp"),
        ("family", "ipv4"),
        ("source_endpoint", ["conferencing_node"]),
        ("source", ["192.0.2.0/30"]),
        ("source_ports", ["55000-65535"]),
        ("destination_endpoint", ["edge", "front_end"]),
        ("destination", ["192.0.2.5/32"]),
        ("destination_ports", ["443", "8057"]),
    ]


def test_the_rule_of_a_host_has_a_hook_too() -> None:
    assert replace(RULE, hook="input").as_mapping() == {**RULE.as_mapping(), "hook": "input"}


def test_addresses_are_written_in_the_family_of_the_rule() -> None:
    ipv6 = replace(RULE, family="ipv6", source=IntervalSet(((1 << 120, 1 << 120),)))
    assert ipv6.as_mapping()["source"] == ["100::/128"]
