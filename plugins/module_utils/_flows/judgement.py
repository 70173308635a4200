# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tracked flows nothing permits any more: whose packets the host's ruleset would drop if they were new."""

from __future__ import annotations

import copy
import dataclasses
import typing as t
from collections.abc import Iterable, Iterator

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._flows.tracked import End, Flow
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import Rule, Ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import Packet, Route
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.verdict import Judge
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.walk import Exempt

# By whether the source and the destination are addresses of the host itself. What it says to itself is not judged.
_HOOKS = {(False, True): "input", (True, False): "output", (False, False): "forward"}


class Judged(t.NamedTuple):
    """The flows that nothing permits, and those of which only the packets of the other direction are let through."""

    refused: list[Flow]
    one_way: list[Flow]


def judge_flows(flows: Iterable[Flow], ruleset: Ruleset, routes: t.Mapping[str, Route]) -> Judged:
    """Judge flows by all chains of *ruleset*.

    A flow that is let through, or may be, is in neither list: a rule that cannot be read from outside the kernel counts
    as one that permits. So does an address whose way is not known.
    """
    of_translated, of_others = Judge(ruleset, Exempt()), Judge(_without_translated(ruleset), Exempt())
    judged = Judged([], [])
    for flow in flows:
        # Rules that filter see an address behind its translation, and those before that are left out.
        translated = flow.reached != flow.destination
        judge = of_translated if translated else of_others
        if _drops(judge, flow, flow.source, flow.reached, routes, translated):
            # Where the source is translated, nobody else reaches it but by this flow.
            back = flow.answered != flow.source or _drops(judge, flow, flow.reached, flow.source, routes, translated)
            (judged.refused if back else judged.one_way).append(flow)
    return judged


def _without_translated(ruleset: Ruleset) -> Ruleset:
    """Return *ruleset* without the rules for flows whose destination is translated, such as firewalld and Docker have.

    From outside of a flow nobody can tell whether it is one of these. Here it is known.
    """
    tables = {}
    for name, table in ruleset.tables.items():
        tables[name] = copy.copy(table)
        tables[name].chains = {
            chain.name: dataclasses.replace(chain, rules=[rule for rule in chain.rules if not _is_for_translated(rule)])
            for chain in table.chains.values()
        }
    return Ruleset(tables)


def _is_for_translated(rule: Rule) -> bool:
    matches = [details for name, details in rule.statements if name == "match"]
    return any(
        match.left == {"ct": {"key": "status"}} and match.operator in ("in", "==") and match.right == "dnat"
        for match in matches
    )


def addresses(flows: Iterable[Flow]) -> Iterator[dict[str, str]]:
    """Yield the ends of each flow, as routes are asked for."""
    for flow in flows:
        yield {"source": flow.source.address, "destination": flow.reached.address}


def _drops(
    judge: Judge, flow: Flow, source: End, destination: End, routes: t.Mapping[str, Route], translated: bool
) -> bool:
    """Tell whether a new packet from *source* to *destination* is dropped for sure."""
    kinds = [routes[end.address].type for end in (source, destination) if end.address in routes]
    hook = _HOOKS.get((kinds[0] == "local", kinds[1] == "local")) if len(kinds) == 2 else None
    if hook is None or not {"local", "unicast"}.issuperset(kinds):
        return False
    packet = Packet.of(
        {
            "hook": hook,
            "family": flow.family,
            "protocol": flow.protocol,
            "source": source.address,
            "source_port": source.port,
            "destination": destination.address,
            "destination_port": destination.port,
        },
        routes,
    )
    return not packet.turns_round and any(
        finding.certain and not (translated and finding.base.hook == "prerouting") for finding in judge.findings(packet)
    )
