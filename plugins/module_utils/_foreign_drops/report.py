# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which chains of others drop packets that are to come through, and what else may take them away."""

from __future__ import annotations

import ipaddress
import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import Chain, Ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import Packet, Route
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.verdict import Finding, Judge
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.walk import Exempt

Routes = t.Mapping[str, Route]

# A ruleset of others can be of any size, and so can a rule: what is told of them is not.
MOST_GROUPS = 20
_LONGEST_RULE = 200


@dataclass
class Group:
    """The packets that one rule or policy drops: their rows, and the first of them."""

    base: Chain
    where: str
    example: str
    packets: int = 0
    rows: list[str] = field(default_factory=list)

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the group as plain data."""
        family, table = self.base.table.split(" ", 1)
        return {
            "where": self.where,
            "family": family,
            "table": table,
            "chain": self.base.name,
            "hook": self.base.hook,
            "rows": self.rows,
            "packets": self.packets,
            "example": self.example,
        }


@dataclass
class Report:
    """What drops packets for sure, and what may. ``left_out`` counts the groups beyond ``MOST_GROUPS`` of either."""

    drops: list[Group] = field(default_factory=list)
    possible: list[Group] = field(default_factory=list)
    left_out: int = 0


def judge_packets(packets: t.Iterable[dict[str, t.Any]], ruleset: Ruleset, exempt: Exempt, routes: Routes) -> Report:
    """Judge sample packets by the chains of *ruleset*.

    A packet that would leave by the interface that it came in by may not pass this host at all, so what drops it is
    only possible. Raises ValueError for an address that is none.
    """
    judge = Judge(ruleset, exempt)
    certain: dict[str, Group] = {}
    possible: dict[str, Group] = {}
    for data in packets:
        packet = Packet.of(data, routes)
        for finding in judge.findings(packet):
            groups = certain if finding.certain and not packet.turns_round else possible
            where = _where(finding)
            group = groups.setdefault(where, Group(finding.base, where, _described(data, packet)))
            group.packets += 1
            if data["row"] not in group.rows:
                group.rows.append(data["row"])
    left_out = sum(max(0, len(groups) - MOST_GROUPS) for groups in (certain, possible))
    return Report(list(certain.values())[:MOST_GROUPS], list(possible.values())[:MOST_GROUPS], left_out)


def _where(finding: Finding) -> str:
    chain, rule = finding.cause.chain, finding.cause.rule
    place = f"table {chain.table}, chain {chain.name}"
    if rule is None:
        return f"{place}, policy {chain.policy}"
    text = rule.text if len(rule.text) <= _LONGEST_RULE else f"{rule.text[: _LONGEST_RULE - 3]}..."
    via = "" if chain is finding.base else f" (from chain {finding.base.name})"
    return f"{place}{via}, rule with handle {rule.handle}" + (f": {text}" if text else "")


def _described(data: dict[str, t.Any], packet: Packet) -> str:
    source, destination = (_end(data, side, packet.family) for side in ("source", "destination"))
    interfaces = [
        f"{way} {route.interface}"
        for way, route, there in (
            ("in by", packet.back, packet.hook != "output"),
            ("out by", packet.onward, packet.hook != "input"),
        )
        if there and route.interface
    ]
    return f"{packet.protocol} {source} to {destination}" + (f" ({', '.join(interfaces)})" if interfaces else "")


def _end(data: dict[str, t.Any], side: str, family: str) -> str:
    address, port = data[side], data.get(f"{side}_port")
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if family == "ipv6" else f"{address}:{port}"


def routes_batch(packets: t.Iterable[dict[str, t.Any]]) -> str:
    """Return what ``ip -j -force -batch -`` has to be asked about the addresses of *packets*."""
    addresses = {packet[side]: None for packet in packets for side in ("source", "destination")}
    return "".join(f"route get {address}\n" for address in addresses)


def read_routes(output: str) -> dict[str, Route]:
    """Read what ip answered, by address. What cannot be reached, or cannot be read, is not there."""
    routes: dict[str, Route] = {}
    for line in output.splitlines():
        try:
            (answer,) = json.loads(line)
        except ValueError:
            continue
        kind = answer.get("type", "unicast")
        # An address of the host itself is reached by the loopback, but that is not the way of others to it.
        interface = answer.get("dev", "") if kind != "local" else ""
        routes[str(ipaddress.ip_address(answer["dst"]))] = Route(interface, kind)
    return routes


def legacy_tables(names: t.Iterable[str]) -> list[str]:
    """Return the tables of the old iptables that can drop, from the texts of ``/proc/net/ip_tables_names``.

    The kernel makes such a table when somebody looks at it for the first time, so it may be empty. Only ``filter``
    counts: who drops packets has that, and the others come along with tools that rewrite packets.
    """
    return sorted({name for text in names for name in text.split()} & {"filter"})
