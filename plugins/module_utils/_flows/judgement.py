# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tracked flows nothing permits any more: whose packets the host's ruleset would drop if they were new."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._flows.tracked import End, Flow
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial import packets
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import Host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.trial import sample_of, try_packets
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import Sample
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import (
    CHAIN_HOOK,
    CHAIN_POLICY,
    CHAIN_TYPE,
    Entry,
    Ruleset,
    base_of,
)

# By whether the source and the destination are addresses of the host itself. What it says to itself is not judged.
_HOOKS = {(False, True): "input", (True, False): "output", (False, False): "forward"}
_OF_BASE = (CHAIN_HOOK, CHAIN_TYPE, CHAIN_POLICY)

Way = tuple[str, End, End]


class Judged(t.NamedTuple):
    """The flows that nothing permits, and those of which only the packets of the other direction are let through."""

    refused: list[Flow]
    one_way: list[Flow]


def judge_flows(flows: Iterable[Flow], table: str, ruleset: Ruleset, host: Host) -> Judged:
    """Judge flows by the chains of *table* (``inet pexip_sfb``), and by the translations of the whole *ruleset*.

    A flow that is let through, or may be, is in neither list: a rule that asks for what cannot be known from outside
    of a flow counts as one that permits. So does an address whose way is not known.

    :raises OSError: where no copy of the host can be made
    """
    judging = _judging(table, ruleset)
    found = list(flows)
    opening = [(flow.protocol, flow.source, flow.destination) for flow in found]
    # Where the destination is translated by something else than this ruleset, who answers is what rules see.
    behind = [(flow.protocol, flow.source, flow.reached) for flow in found]
    dropped = _dropped([*opening, *behind], judging, host)
    refused = [flow for flow, ways in zip(found, zip(opening, behind)) if dropped.issuperset(ways)]  # Python 3.9
    backwards = {flow: (flow.protocol, flow.reached, flow.source) for flow in refused}
    back = _dropped(backwards.values(), judging, host)
    judged = Judged([], [])
    for flow, way in backwards.items():
        # Where the source is translated, nobody else reaches it but by this flow.
        ends = way in back or flow.answered != flow.source
        (judged.refused if ends else judged.one_way).append(flow)
    return judged


def addresses(flows: Iterable[Flow]) -> Iterator[bytes]:
    """Yield the addresses of flows, each once, as ways are asked for."""
    ends = (end for flow in flows for end in (flow.source, flow.destination, flow.reached))
    return map(packets.packed_address, dict.fromkeys(end.address for end in ends))


def _dropped(ways: Collection[Way], ruleset: Ruleset, host: Host) -> set[Way]:
    """Return those of *ways* on which a new packet is dropped for sure."""
    samples = {way: sample for way in dict.fromkeys(ways) if (sample := _sample(way, host))}
    findings = try_packets(host, ruleset, list(samples.values()), marks=True) if samples else []
    return {
        way
        for way, finding in zip(samples, findings)  # Python 3.9
        if finding and finding.certain and not finding.answer
    }


def _sample(way: Way, host: Host) -> Sample | None:
    protocol, source, destination = way
    ends = [packets.packed_address(end.address) for end in (source, destination)]
    kinds = [host.ways[end].type for end in ends]
    hook = _HOOKS.get((kinds[0] == "local", kinds[1] == "local"))
    if hook is None or not {"local", "unicast"}.issuperset(kinds):
        return None
    flow = packets.Flow(packets.PROTOCOLS[protocol], ends[0], source.port, ends[1], destination.port)
    return sample_of(hook, flow, host)


def _judging(table: str, ruleset: Ruleset) -> Ruleset:
    """Return *ruleset* with no base chains but those of *table*, and those that translate addresses."""
    return dataclasses.replace(ruleset, chains=[_calm(chain, table) for chain in ruleset.chains])


def _calm(chain: Entry, table: str) -> Entry:
    base = base_of(chain)
    if base is None or base.type == "nat" or chain.table == table:
        return chain
    return Entry(chain.family, {kind: content for kind, content in chain.attributes.items() if kind not in _OF_BASE})
