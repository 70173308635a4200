# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation: all that the hosts of a site remember, what of it is not permitted, and what would permit it."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .._matrix.hosts import HOST_VARIABLES
from .._rules.extra import parse_extra_rules
from .._values.errors import PortMatrixError, shown
from .additions import Addition
from .findings import UNKNOWN, Finding, Reason, by_weight
from .flows import Memory, RuleCount, read_answers, read_counters
from .judgement import Judgement, Part
from .names import Names, hosts_with_addresses
from .proposal import Proposal, Proposed, propose
from .strangers import MOST_STRANGERS, SCAN, Address, crowd, scanners
from .variables import Variables

_MANY = (
    f"{{:,}} strangers with the fewest packets: something is proposed for the {MOST_STRANGERS} with the most, as "
    "nobody reads more, and whoever sends with false addresses looks like more"
)


@dataclass(frozen=True)
class Observation:
    """What each host says of its memory, the findings with most packets first, and a proposal.

    ``older`` is how many flows were left out because they were last seen before the time that was asked for.
    """

    memories: tuple[Memory, ...]
    findings: tuple[Finding, ...]
    proposal: Proposal
    names: Mapping[str, Names]
    older: int = 0
    counters: tuple[RuleCount, ...] = ()

    def finding(self, part: Part) -> Finding:
        """Write one part of the proposal as a finding of its own."""
        return _finding([part], part.reason or UNKNOWN, self.names[part.pair.gateway])

    def proposed(self) -> tuple[Proposed, ...]:
        """What is proposed for which of the findings."""
        places = {(one.pair, one.reason): place for place, one in enumerate(self.findings)}
        things = [
            (what, wider, {places[key] for part in parts if (key := (part.pair, part.reason)) in places}, addition)
            for what, wider, parts, addition in self.proposal.things()
        ]
        # What an address is for that somebody else's flow wanted.
        lacking = {place for place, one in enumerate(self.findings) if one.reason.kind == "missing_host"}
        lacking = lacking.difference(*(own for _what, _wider, own, _addition in things))
        return tuple(
            Proposed(what, wider, tuple(sorted(own | {place for place in lacking if self._has(addition, place)})))
            for what, wider, own, addition in things
        )

    def _has(self, addition: Addition | None, place: int) -> bool:
        pair = self.findings[place].pair
        return addition is not None and any(addition.has(pair.family, end) for end in (pair.source, pair.destination))


def observe(
    variables: Variables,
    answers: object,
    further_hosts: Mapping[str, Mapping[str, object]] | None = None,
    extra_rules: Mapping[str, object] | None = None,
    since: str = "",
    scan: object = SCAN,
) -> Observation:
    """Say of each flow that the hosts remember why it is not permitted. What is permitted by now is left out.

    :param answers: host → result of the module ``observed_flows``.
    :param further_hosts: the variables of hosts that no row needs, for their names.
    :param extra_rules: host → its ``linux_firewall_extra_rules``.
    :param since: flows last seen before this time are left out, empty for none.
    :param scan: a stranger who tries so many ports, or addresses that nobody has, scans.
    :raises PortMatrixError: for a result that is none, with its host, and for variables that make no site.
    """
    if isinstance(scan, bool) or not isinstance(scan, int) or scan < 2:
        raise PortMatrixError.at("port_matrix_observed_scan", f"{shown(scan)} is not a limit", "a number from 2 on")
    memories, talks, older = read_answers(answers, since)
    rules = {
        host: parse_extra_rules(value, f"host {shown(host)} linux_firewall_extra_rules")
        for host, value in (extra_rules or {}).items()
    }
    site = variables.with_empty_endpoints()
    others = hosts_with_addresses(
        {name: {key: of[key] for key in HOST_VARIABLES if key in of} for name, of in (further_hosts or {}).items()}
    )
    sites = [site, *variables.rows_off().sites]
    names = {memory.gateway: Names(sites, memory.gateway, others) for memory in memories}
    since_when = {memory.gateway: memory.rules_since for memory in memories}
    judgement = Judgement(variables, rules, names, since_when)
    parts = [part for talk in talks for part in judgement.parts(talk)]
    found = scanners(
        [(part.talk, part.ports) for part in parts if part.reason is None],
        [(part.talk, part.ports) for part in parts if part.reason],
        names,
        scan,
    )
    scans = [part for part in parts if (part.pair.family, part.pair.source) in found]
    left = [part for part in parts if (part.pair.family, part.pair.source) not in found]
    many = crowd([part.talk for part in left if _takes_an_address(part)], names)
    lost = [(part, side) for part in left if _takes_an_address(part) and (side := _side_of(part, many))]
    proposed_for = [part for part in left if not (_takes_an_address(part) and _side_of(part, many))]
    proposal, judged = propose(variables, judgement, proposed_for, found | many, names)
    judged += [Part(part.talk, part.ports, _of_a_crowd(part, side)) for part, side in lost]
    if many:
        proposal = replace(proposal, problems=(*proposal.problems, _MANY.format(len(many))))
    findings = _findings([*judged, *(Part(part.talk, part.ports, Reason("scan")) for part in scans)], names)
    return Observation(memories, by_weight(findings), proposal, names, older, read_counters(answers))


def _takes_an_address(part: Part) -> bool:
    """Whether what permits *part* names an address. A row group is one thing for all, such as calls from everywhere."""
    return part.reason is None or part.reason.kind in ("missing_host", "missing_row")


def _side_of(part: Part, addresses: Collection[Address]) -> str:
    """Say which side of *part* is in *addresses*; empty where none is."""
    pair = part.pair
    for side, address in (("source", pair.source), ("destination", pair.destination)):
        if (pair.family, address) in addresses:
            return side
    return ""


def _of_a_crowd(part: Part, side: str) -> Reason:
    if part.reason is None:
        return Reason("unknown", differs_in=(f"{side} address",))
    return part.reason._replace(kind="unknown")


def _findings(parts: Sequence[Part], names: Mapping[str, Names]) -> list[Finding]:
    """Join the parts of a pair that have the same reason."""
    joined: dict[tuple[t.Any, Reason], list[Part]] = {}
    for part in parts:
        joined.setdefault((part.pair, part.reason or UNKNOWN), []).append(part)
    return [_finding(same, reason, names[pair.gateway]) for (pair, reason), same in joined.items()]


def _finding(parts: Sequence[Part], reason: Reason, names: Names) -> Finding:
    """Write *parts* of one pair as one finding."""
    pair = parts[0].pair
    ports = parts[0].ports.union([part.ports for part in parts])
    return Finding(
        pair,
        names.of(pair.family, pair.source),
        names.of(pair.family, pair.destination),
        ports,
        parts[0].talk.weight(ports),
        reason,
    )
