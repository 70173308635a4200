# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two of the configurations, read by templates that network engineers publish for these platforms (ntc-templates).

They read what the device shows of its access lists. There are none for the other platforms, or they read no ports;
the readers in ``tests/sites`` are for all of them.
"""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.platforms import PLATFORMS, read_platforms
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.rendering import render
from ntc_templates.parse import parse_output
from other_firewalls import every_protocol, permissions_of, policy_of

PORTS = {"https": "443", "www": "80", "ntp": "123", "isakmp": "500"}
# Protocols by another name, or by their number.
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "51": "ah", "112": "vrrp", "132": "sctp"}
Entry = t.Mapping[str, str]


def shown_by_ios(text: str) -> tuple[str, str]:
    """The command, and what it shows: the IPv4 list, without the lines that enter and leave it."""
    lines = text.partition("no ipv6 access-list")[0].splitlines()
    return "show running-config partition access-list", "\n".join(
        line for line in lines if line != "exit" and not line.startswith("no ")
    )


def shown_by_asa(text: str) -> tuple[str, str]:
    """The command, and what it shows: each entry with its number, its hits and a digest."""
    entries = [line for line in text.splitlines() if " extended permit " in line]
    return "show access-list", "\n".join(
        line.replace(" extended ", f" line {number} extended ") + " (hitcnt=0) 0x0"
        for number, line in enumerate(entries, start=1)
    )


def of_ios(entry: Entry) -> tuple[str, ...]:
    def network(side: str) -> str:
        return entry[f"{side}_host"] or f"{entry[f'{side}_network']}/{entry[f'{side}_wildcard']}"

    def ports(side: str) -> str:
        if entry[f"{side}_port_match"] == "range":
            return f"{entry[f'{side}_port_range_start']}-{entry[f'{side}_port_range_end']}"
        return entry[f"{side}_port"]

    return network("src"), ports("src"), network("dst"), ports("dst")


def of_asa(entry: Entry) -> tuple[str, ...]:
    def first(*keys: str) -> str:
        return next((entry[key] for key in keys if entry[key]), "")

    def network(side: str) -> str:
        host, net, mask = (first(f"{side}_{key}", f"entry_{side}_{key}") for key in ("host", "network", "mask"))
        return host or f"{net}/{mask}"

    def ports(*prefixes: str) -> str:
        one = first(*prefixes)
        begin, end = (first(*(f"{prefix}_range_{which}" for prefix in prefixes)) for which in ("start", "end"))
        return one or (f"{PORTS.get(begin, begin)}-{PORTS.get(end, end)}" if begin else "")

    return network("src"), ports("entry_src_port"), network("dst"), ports("dst_port", "entry_port")


@pytest.mark.parametrize(
    ("name", "platform", "shown", "read"),
    [("cisco", "cisco_ios", shown_by_ios, of_ios), ("ciscoasa", "cisco_asa", shown_by_asa, of_asa)],
)
def test_a_published_template_reads_just_what_the_rules_permit(
    name: str,
    platform: str,
    shown: t.Callable[[str], tuple[str, str]],
    read: t.Callable[[Entry], tuple[str, ...]],
) -> None:
    policy = policy_of(every_protocol())
    command, output = shown(render(policy, *read_platforms([name], {})).text)
    found = set()
    for entry in t.cast("list[Entry]", parse_output(platform=platform, command=command, data=output)):
        if entry["action"] != "permit":  # the record of the list itself
            continue
        protocol = entry["protocol"] or entry.get("entry_protocol", "") or entry.get("entry_protocol_icmp", "")
        source, source_port, destination, destination_port = read(entry)
        found.add((
            PROTOCOLS.get(protocol, protocol),
            str(ipaddress.ip_network(source)), PORTS.get(source_port, source_port) or "any",
            str(ipaddress.ip_network(destination)), PORTS.get(destination_port, destination_port) or "any",
        ))  # fmt: skip
    expressed = [rule for rule, _term in policy.terms if PLATFORMS[name].expresses(rule) and rule.family == "ipv4"]
    assert found == permissions_of(expressed)
