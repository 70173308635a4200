# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation: all that the hosts of a site remember, what of it is not permitted, and what would permit it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._matrix.hosts import HOST_VARIABLES
from .._rules.extra import parse_extra_rules
from .._values.errors import PortMatrixError, shown
from .findings import UNKNOWN, Finding, Reason, by_weight
from .flows import Memory, read_answers
from .judgement import Judgement, Part
from .names import Names, hosts_with_addresses
from .proposal import Proposal, propose
from .strangers import SCAN, scanners
from .variables import Variables


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

    def finding(self, part: Part) -> Finding:
        """Write one part of the proposal as a finding of its own."""
        return _finding([part], part.reason or UNKNOWN, self.names[part.pair.gateway])


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
        raise PortMatrixError.at("port_matrix_observed_scan", f"{shown(scan)} is no limit", "a number from 2 on")
    memories, talks, older = read_answers(answers, since)
    rules = {
        host: parse_extra_rules(value, f"host {shown(host)} linux_firewall_extra_rules")
        for host, value in (extra_rules or {}).items()
    }
    site = variables.with_empty_endpoints()
    others = hosts_with_addresses(
        {name: {key: of[key] for key in HOST_VARIABLES if key in of} for name, of in (further_hosts or {}).items()}
    )
    sites = [site, *variables.rows_off(variables.site()).sites]
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
    proposal, judged = propose(variables, judgement, left, found, names)
    findings = _findings([*judged, *(Part(part.talk, part.ports, Reason("scan")) for part in scans)], names)
    return Observation(memories, by_weight(findings), proposal, names, older)


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
