# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 3: how many new flows a second pass a transit firewall, by what its ruleset looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables import Policy, render_ruleset

from .measure import in_turn, ratios
from .packet_path import PacketPath
from .part_compile import AERLEON, OURS, Compiled
from .results import Part
from .scaled_site import GATEWAY, GROUPS, address, scaled_inventory

SIZES = (10, 1_000, 10_000)
ROUNDS = 5
NETWORKS = "this collection, clients are networks"
NO_RULES, TRACKED, PAIRS = "no rules", "no rules but connection tracking", "a rule for each pair of addresses"
_MANY, _FEW = 100_000, 10_000


@dataclass(frozen=True)
class Variant:
    """A ruleset (None: none), and how many addresses and packets it is tried with."""

    ruleset: Path | None
    addresses: int
    packets: int = _MANY

    def rate(self) -> float:
        """Return packets a second, in namespaces of its own: no flow is known there yet."""
        with PacketPath() as path:
            if self.ruleset:
                path.load(self.ruleset)
            return path.rate(self.addresses, self.packets)


def packets(directory: Path, aclgen: Path) -> Part:
    """Measure all rulesets, one after the other."""
    part = Part("packets", "Packets: new UDP flows through a transit firewall, one veth pair, 60-byte frames")
    tracked = directory / "tracked.nft"
    tracked.write_text(_forward(["ct state established accept"]), encoding="utf-8")
    variants = {(NO_RULES, SIZES[-1]): Variant(None, SIZES[-1]), (TRACKED, SIZES[-1]): Variant(tracked, SIZES[-1])}
    for size in SIZES:
        site = Compiled(directory, size, aclgen)
        site.compile(OURS)
        variants[OURS, size] = Variant(site.rulesets[OURS], size)
        pairs = directory / f"pairs-{size}.nft"
        pairs.write_text(_forward(["ct state established accept", *map(_pair, range(size))]), encoding="utf-8")
        variants[PAIRS, size] = Variant(pairs, size, _FEW if size > SIZES[0] else _MANY)
        site.compile(AERLEON)
        variants[AERLEON, size] = Variant(site.rulesets[AERLEON], size)
    networks = directory / "networks.nft"
    matrix = scaled_inventory(SIZES[-1], clients_are_networks=True).site()
    networks.write_text(render_ruleset(Policy(("forward",), expand(matrix, GATEWAY, ["forward"]))), encoding="utf-8")
    variants[NETWORKS, SIZES[-1]] = Variant(networks, SIZES[-1])
    runs: Mapping[str, list[float]] = in_turn(_named(variants), ROUNDS)
    rates = {}
    for (who, size), one in zip(variants, runs.values(), strict=True):
        part.add(who, f"{size:,}", "packets/s (processor)", one)
        rates[who, size] = one
    largest = SIZES[-1]
    ours = rates[OURS, largest]
    part.want_at_least("10,000 per endpoint: rate to that without rules", 0.8, ratios(ours, rates[NO_RULES, largest]))
    part.want_at_least("the same, to that without rules but with tracking", 0.8, ratios(ours, rates[TRACKED, largest]))
    part.want_at_least(
        "10,000 per endpoint: rate to that of a rule for each pair", 25, ratios(ours, rates[PAIRS, largest])
    )
    return part


def _named(variants: Mapping[tuple[str, int], Variant]) -> dict[str, Callable[[], float]]:
    return {f"{who}, {size:,}": variant.rate for (who, size), variant in variants.items()}


def _forward(rules: list[str]) -> str:
    body = "\n".join(("type filter hook forward priority filter; policy drop;", *rules))
    policy = body if len(rules) > 1 else body.replace("policy drop", "policy accept")
    return f"table inet compared {{\nchain forward {{\n{policy}\n}}\n}}\n"


def _pair(index: int) -> str:
    client, node = (address(GROUPS.index(group), index) for group in ("sfb_clients", "pexip_conferencing_nodes"))
    return f"udp dport 40000-49999 ip saddr {client} ip daddr {node} accept"
