# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs a transit firewall to remember flows that nothing permits, for those and for what is permitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules

from .measure import in_turn, ratios
from .part_packets import ALONE, Variant
from .results import Part

ROUNDS = 5
_FLOWS = 4_000  # of those under way
_FEW, _MANY = 10, 10_000  # pairs of addresses, each with two ports
_MEDIA = {"name": "media", "hook": "forward", "protocol": "udp", "destination_ports": "40000-49999"}
_OTHER = {**_MEDIA, "destination_ports": "1-1023"}
_PERMITTED, _UNDER_WAY, _SEEN = "permitted, new flows", "permitted, flows under way", "not permitted"
_WITHOUT, _WITH, _FULL = "not remembered", "remembered", "and the set is full"


def remember(directory: Path) -> Part:
    """Measure what passes a firewall that only watches, with a memory and without."""
    part = Part("remember", "Remembering: UDP through a firewall that only watches, with a memory and without")
    variants = {
        (ALONE, ""): Variant(None, _MANY, connected=False),
        (_PERMITTED, _WITHOUT): Variant(_ruleset(directory, "a", _MEDIA, None), _MANY),
        (_PERMITTED, _WITH): Variant(_ruleset(directory, "b", _MEDIA, 65535), _MANY),
    }
    for how in (_WITHOUT, _WITH):
        variants[_UNDER_WAY, how] = replace(variants[_PERMITTED, how], flows=_FLOWS)
    unpermitted = {
        _WITHOUT: Variant(_ruleset(directory, "c", _OTHER, None), _MANY),
        _WITH: Variant(_ruleset(directory, "d", _OTHER, 65535), _MANY),
        _FULL: Variant(_ruleset(directory, "e", _OTHER, 2 * _FEW), _MANY),
    }
    for how, variant in unpermitted.items():
        variants[f"{_SEEN}, {2 * _MANY:,} flows", how] = variant
    for how in (_WITHOUT, _WITH):
        variants[f"{_SEEN}, {2 * _FEW} flows", how] = replace(unpermitted[how], addresses=_FEW)
    runs = in_turn({f"{what} {how}": variant.seconds for (what, how), variant in variants.items()}, ROUNDS)
    seconds = dict(zip(variants, runs.values(), strict=True))
    alone = seconds.pop((ALONE, ""))
    rates = {
        key: [1 / (one - sending) for one, sending in zip(taken, alone, strict=True)] for key, taken in seconds.items()
    }
    for (what, how), rate in rates.items():
        part.add(what, how, "packets/s (processor, sending taken off)", rate)
    for (what, how), rate in rates.items():
        if how != _WITHOUT:
            figure = 0.95 if what in (_PERMITTED, _UNDER_WAY) else 0.7
            part.want_at_least(f"{what}, {how}: rate to that without", figure, ratios(rate, rates[what, _WITHOUT]))
    return part


def _ruleset(directory: Path, name: str, rule: dict[str, object], entries: int | None) -> Path:
    memory = None if entries is None else Memory(entries, days=30)
    policy = Policy(("forward",), (), extra_rules=parse_extra_rules([rule], "rule"), enforce=False, memory=memory)
    path = directory / f"{name}.nft"
    path.write_text(render_ruleset(policy), encoding="utf-8")
    return path
