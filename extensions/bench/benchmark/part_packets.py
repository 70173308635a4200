# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 3: how many packets a second pass a transit firewall, of new flows and of flows under way, by its ruleset."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.disjoint_parts import LARGE
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs

from .measure import FailedError, in_turn, ratios
from .packet_path import GATEWAYS_MAC, PacketPath
from .packet_sender import CLIENTS_AND_NODES, STRANGERS, Traffic
from .part_compile import AERLEON, NETWORKS, OURS, Compiled
from .results import Part
from .scaled_site import GATEWAY, GROUPS, address, scaled_inventory

SIZES = (10, 1_000, 10_000)
ROUNDS = 5
ALONE = "sending alone, into a wire that nobody is at"
NO_RULES, TRACKED, PAIRS = "no rules", "no rules but connection tracking", "a rule for each pair of addresses"
UNDER_WAY = "flows under way"
OTHERS_UNDER_WAY = "flows of others under way"
_JUDGES_NODES = "this collection, which judges the nodes"
_MANY, _FEW, _PROBED = 200_000, 10_000, 2_000
_FLOWS = 4_000


@dataclass(frozen=True)
class Variant:
    """A ruleset (None: none), and how many addresses and packets it is tried with. Some are not connected at all."""

    ruleset: Path | None
    addresses: int
    packets: int = _MANY
    clients: str = "hosts"
    connected: bool = True
    flows: int = 0
    between: tuple[int, int] = CLIENTS_AND_NODES

    def seconds(self) -> float:
        """Return seconds for each packet, in namespaces of its own: no flow is known there yet."""
        traffic = Traffic(GATEWAYS_MAC, self.addresses, self.packets, self.clients, self.flows, self.between)
        with PacketPath(self.connected) as path:
            if self.ruleset:
                path.load(self.ruleset)
            return path.seconds(traffic) / self.packets


def packets(directory: Path, aclgen: Path) -> Part:
    """Measure all rulesets, one after the other."""
    part = Part("packets", "Packets: UDP through a transit firewall, one veth pair, 60-byte frames")
    largest = SIZES[-1]
    variants = _variants(directory, aclgen)
    _check_who_pays(variants[NO_RULES, largest], variants[PAIRS, largest])
    runs = in_turn(_named(variants), ROUNDS)
    seconds = dict(zip(variants, runs.values(), strict=True))
    alone = seconds.pop((ALONE, largest))
    part.add(ALONE, f"{largest:,}", "packets/s (processor)", [1 / one for one in alone])
    rates = {}
    for (who, size), taken in seconds.items():
        rates[who, size] = [1 / (one - sending) for one, sending in zip(taken, alone, strict=True)]
        part.add(who, f"{size:,}", "packets/s (processor, sending taken off)", rates[who, size])
    ours, tracking = rates[OURS, largest], rates[TRACKED, largest]
    part.want_at_least("10,000 per endpoint: rate to that without rules", 0.8, ratios(ours, rates[NO_RULES, largest]))
    part.want_at_least("the same, to that without rules but with tracking", 0.85, ratios(ours, tracking))
    times = ratios(ours, rates[PAIRS, largest])
    part.want_at_least("10,000 per endpoint: rate to that of a rule for each pair", 25, times)
    for whose in (UNDER_WAY, OTHERS_UNDER_WAY):
        rate = ratios(rates[f"{_JUDGES_NODES}, {whose}", largest], rates[f"{TRACKED}, {UNDER_WAY}", largest])
        part.want_at_least(f"{whose}: rate to that without rules but with tracking", 0.95, rate)
    return part


def _under_way(directory: Path, tracked: Path) -> dict[tuple[str, int], Variant]:
    """Return variants for what a call sends all the time: packets of flows that are known."""
    largest = SIZES[-1]
    site = scaled_inventory(largest).site()
    nodes = [address(CLIENTS_AND_NODES[1], index) for index in range(largest)]
    policy = Policy(("forward",), expand(site, GATEWAY, ["forward"]), judged=read_cidrs(nodes))
    judging = directory / "judging.nft"
    judging.write_text(render_ruleset(policy), encoding="utf-8")
    return {
        (f"{TRACKED}, {UNDER_WAY}", largest): Variant(tracked, largest, flows=_FLOWS),
        (f"{_JUDGES_NODES}, {UNDER_WAY}", largest): Variant(judging, largest, flows=_FLOWS),
        (f"{_JUDGES_NODES}, {OTHERS_UNDER_WAY}", largest): Variant(judging, largest, flows=_FLOWS, between=STRANGERS),
    }


def _variants(directory: Path, aclgen: Path) -> dict[tuple[str, int], Variant]:
    largest = SIZES[-1]
    tracked = directory / "tracked.nft"
    tracked.write_text(_forward(["ct state established accept"]), encoding="utf-8")
    variants = {
        (ALONE, largest): Variant(None, largest, connected=False),
        (NO_RULES, largest): Variant(None, largest),
        (TRACKED, largest): Variant(tracked, largest),
    }
    for size in SIZES:
        site = Compiled(directory, size, aclgen)
        site.compile(OURS)
        variants[OURS, size] = Variant(site.rulesets[OURS], size)
        pairs = directory / f"pairs-{size}.nft"
        pairs.write_text(_forward(["ct state established accept", *map(_pair, range(size))]), encoding="utf-8")
        variants[PAIRS, size] = Variant(pairs, size, _FEW if size > SIZES[0] else _MANY)
        site.compile(AERLEON)
        variants[AERLEON, size] = Variant(site.rulesets[AERLEON], size)
    site.compile(NETWORKS)
    variants[NETWORKS, largest] = Variant(site.rulesets[NETWORKS], largest, clients="networks")
    variants |= _under_way(directory, tracked)
    _check_kinds(variants[OURS, largest], {"hosts"})
    _check_kinds(variants[NETWORKS, largest], {"hosts", "networks"})
    return variants


def _check_kinds(variant: Variant, kinds: set[str]) -> None:
    """See to it that a variant is what its name says.

    :raises FailedError: if it has other kinds of large sets.
    """
    found = kinds_of_large_sets(variant.ruleset.read_text(encoding="utf-8")) if variant.ruleset else set()
    if found != kinds:
        raise FailedError(f"{variant.ruleset} has large sets of {sorted(found)}, and not of {sorted(kinds)}")


def kinds_of_large_sets(ruleset: str) -> set[str]:
    """Tell what the large sets of a ruleset hold: hosts, which the kernel looks up by a hash, or networks."""
    return {
        "networks" if "flags interval" in head else "hosts"
        for head, elements in re.findall(r"^\tset \S+ {\n(.*?)\telements = {(.*?)}", ruleset, re.DOTALL | re.MULTILINE)
        if elements.count(",") >= LARGE - 1
    }


def _check_who_pays(quick: Variant, slow: Variant) -> None:
    """See to it that the kernel counts the gateway's work as the sender's: 10,000 rules take longer than none.

    :raises FailedError: if it does not: then every ruleset would be as fast as none.
    """
    if replace(slow, packets=_PROBED).seconds() < 5 * replace(quick, packets=_FEW).seconds():
        raise FailedError(
            "10,000 rules take a thread as little time as none. A kernel with CONFIG_IRQ_TIME_ACCOUNTING "
            "counts no softirqs there, and this part cannot be measured on it."
        )


def _named(variants: Mapping[tuple[str, int], Variant]) -> dict[str, Callable[[], float]]:
    return {f"{who}, {size:,}": variant.seconds for (who, size), variant in variants.items()}


def _forward(rules: list[str]) -> str:
    body = "\n".join(("type filter hook forward priority filter; policy drop;", *rules))
    policy = body if len(rules) > 1 else body.replace("policy drop", "policy accept")
    return f"table inet compared {{\nchain forward {{\n{policy}\n}}\n}}\n"


def _pair(index: int) -> str:
    client, node = (address(GROUPS.index(group), index) for group in ("sfb_clients", "pexip_conferencing_nodes"))
    return f"udp dport 40000-49999 ip saddr {client} ip daddr {node} accept"
