# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A network security group of Azure, as a template for its Resource Manager. Aerleon does not write it.

The form and its bounds are those of Microsoft.Network/networkSecurityGroups 2023-11-01, and of "Networking limits" in
"Azure subscription and service limits": 1,000 rules, and 4,000 addresses on either side, in a group.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from .._rules.canonical import Rule
from .._values.addresses import format_cidrs
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.ports import format_ports

# How Azure calls the protocols that it has. Whether its Icmp is that of IPv6, too, its documentation does not say.
PROTOCOLS: Mapping[str, str] = {"tcp": "Tcp", "udp": "Udp", "icmp": "Icmp", "esp": "Esp", "ah": "Ah"}
_DIRECTIONS = {"Inbound": ("in", "input"), "Outbound": ("out", "output")}
# A site's own rules, such as denials, find room before these.
_FIRST_PRIORITY = 1000
_MOST_RULES, _MOST_ADDRESSES = 1000, 4000
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def network_security_group(terms: Sequence[tuple[Rule, Mapping[str, t.Any]]], name: str) -> str:
    """Return the template of the group *name*, with a rule for each direction of each of the *terms*.

    Where the group is of one host, each rule has one direction. Anywhere else both are needed: outbound at the source,
    and inbound at the destination.

    :raises PortMatrixError: for more than a group can have.
    """
    rules = [rule for direction in _DIRECTIONS for rule in _rules(terms, direction)]
    for what, most, number in (
        ("rules", _MOST_RULES, len(rules)),
        *(
            (
                f"{side} addresses",
                _MOST_ADDRESSES,
                sum(len(rule["properties"][f"{side}AddressPrefixes"]) for rule in rules),
            )
            for side in ("source", "destination")
        ),
    ):
        if number > most:
            raise PortMatrixError.at(
                "port_matrix_report_platforms azure_nsg",
                f"a network security group would have {number:,} {what}, and can have {most:,}",
                "the report of a host or of a pair of endpoints, or addresses that are grouped into networks",
            )
    group = {
        "type": "Microsoft.Network/networkSecurityGroups",
        "apiVersion": "2023-11-01",
        "name": name,
        "location": "[resourceGroup().location]",
        "properties": {"securityRules": rules},
    }
    return json.dumps({"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "resources": [group]}, indent=2) + "\n"


def _rules(terms: Sequence[tuple[Rule, Mapping[str, t.Any]]], direction: str) -> Iterator[dict[str, t.Any]]:
    ending, hook = _DIRECTIONS[direction]
    fitting = [(rule, term) for rule, term in terms if rule.hook in (hook, "forward", None)]
    for priority, (rule, term) in enumerate(fitting, start=_FIRST_PRIORITY):
        yield {
            "name": f"{term['name']}-{ending}",
            "properties": {
                "description": term["comment"],
                "access": "Allow",
                "direction": direction,
                "priority": priority,
                "protocol": PROTOCOLS[rule.protocol],
                "sourceAddressPrefixes": format_cidrs(rule.source, rule.family),
                **_ports("source", rule.source_ports),
                "destinationAddressPrefixes": format_cidrs(rule.destination, rule.family),
                **_ports("destination", rule.destination_ports),
            },
        }


def _ports(side: str, ports: IntervalSet) -> dict[str, t.Any]:
    ranges = format_ports(ports)
    return {f"{side}PortRanges": ranges} if ranges else {f"{side}PortRange": "*"}
