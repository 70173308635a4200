# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does not come through a host, by the rule or policy that is to blame, in words."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import Host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.planned import OURS, Plan
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.trial import (
    Cause,
    Finding,
    addresses,
    flow_of,
    sample_of,
    try_packets,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import Sample
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.expressions import extension
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Ruleset

# A ruleset of others can be of any size, and so can a rule: what is told of them is not.
MOST_GROUPS = 20
_LONGEST_RULE = 200
_UNTRACKED = ("CT", "NOTRACK")


@dataclass
class Group:
    """The packets that one rule or policy drops: their rows, the interfaces on their way, and the first of them."""

    where: str
    table: str
    base: str
    hook: str
    example: str
    packets: int = 0
    answers: int = 0
    rows: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the group as plain data."""
        family, _space, table = self.table.partition(" ")
        return {
            "where": self.where,
            "family": family,
            "table": table,
            "chain": self.base,
            "hook": self.hook,
            "rows": self.rows,
            "packets": self.packets,
            "answers": self.answers,
            "example": self.example,
        }


@dataclass
class Report:
    """What is dropped for sure, and what may be. ``left_out`` counts the groups beyond ``MOST_GROUPS`` of either."""

    drops: list[Group] = field(default_factory=list)
    possible: list[Group] = field(default_factory=list)
    left_out: int = 0
    judged: int = 0


def judge_packets(
    packets: Iterable[Mapping[str, t.Any]],
    plan: Plan,
    read_host: Callable[[Iterable[bytes]], Host],
    uncertain: Collection[str] = (),
) -> Report:
    """Judge sample packets and the answers to them by the whole ruleset of *plan*.

    :param uncertain: the tables that will change in a way that nobody can tell yet, so that what they drop is only
        possible
    :raises ValueError: for an address that is none
    :raises OSError: where no copy of the host can be made
    """
    data = list(packets)
    flows = [flow_of(one) for one in data]
    host = read_host(addresses(flows))
    samples = [sample_of(one["hook"], flow, host) for one, flow in zip(data, flows)]  # Python 3.9
    several = list(dict.fromkeys(samples))
    found = dict(zip(several, try_packets(host, plan.ruleset, several))) if several else {}
    places: dict[Cause, str] = {}
    certain: dict[str, Group] = {}
    possible: dict[str, Group] = {}
    for one, sample in zip(data, samples):
        finding = found[sample]
        if finding:
            is_certain = finding.certain and finding.cause is not None and finding.cause.table not in uncertain
            _add(certain if is_certain else possible, _where(finding, sample, plan, places), finding, sample, one, plan)
    left_out = sum(max(0, len(groups) - MOST_GROUPS) for groups in (certain, possible))
    return Report(list(certain.values())[:MOST_GROUPS], list(possible.values())[:MOST_GROUPS], left_out, len(several))


def _add(
    groups: dict[str, Group], where: str, finding: Finding, sample: Sample, data: Mapping[str, t.Any], plan: Plan
) -> None:
    table, base = (finding.cause.table, finding.cause.base) if finding.cause else ("", "")
    hook = plan.ruleset.hook_of(table, base)
    group = groups.setdefault(where, Group(where, table, base, hook, _described(data, sample, finding.answer)))
    group.packets += 1
    group.answers += finding.answer
    for value, values in (
        (data["row"], group.rows),
        (sample.onward if finding.answer else sample.back, group.interfaces),
        (sample.back if finding.answer else sample.onward, group.interfaces),
    ):
        if value and value not in values:
            values.append(value)


def _where(finding: Finding, sample: Sample, plan: Plan, known: dict[Cause, str]) -> str:
    cause = finding.cause
    if cause is None:
        lost = "the host has no route for it" if not (sample.back or sample.onward) else "no rule says why"
        return f"a copy of this host: the packet did not come out of it ({lost})"
    if cause not in known:
        known[cause] = _place(cause, plan)
    return known[cause]


def _place(cause: Cause, plan: Plan) -> str:
    place = f"table {cause.table}, chain {cause.chain}"
    if cause.rule is None:
        return f"{place}, policy drop"
    words = plan.words(cause.rule)
    words = words if len(words) <= _LONGEST_RULE else f"{words[: _LONGEST_RULE - 3]}..."
    via = "" if cause.chain == cause.base else f" (from chain {cause.base})"
    handle = plan.handle(cause.rule)
    named = f"rule with handle {handle}" if handle else "a rule that is to be there"
    return f"{place}{via}, {named}" + (f": {words}" if words else "")


def _described(data: Mapping[str, t.Any], sample: Sample, answer: bool) -> str:
    source, destination = (_end(data, side) for side in ("source", "destination"))
    interfaces = [f"{way} {name}" for way, name in (("in by", sample.back), ("out by", sample.onward)) if name]
    described = f"{data['protocol']} {source} to {destination}" + (f" ({', '.join(interfaces)})" if interfaces else "")
    return f"the answer to {described}" if answer else described


def _end(data: Mapping[str, t.Any], side: str) -> str:
    address, port = data[side], data[f"{side}_port"]
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def advice(group: Group, ruleset: Ruleset) -> str:
    """Say what is usually behind it, where our own table drops answers."""
    if group.table != OURS or not group.answers:
        return ""
    chains = [
        f"table {rule.table}, chain {rule.chain}"
        for rule in ruleset.rules
        if any(
            one.name == "notrack" or (one.name == "target" and extension(one) in _UNTRACKED) for one in rule.expressions
        )
    ]
    if not chains:
        return ""
    return (
        "Answers come through as part of a connection that is tracked, and packets are exempted from tracking "
        f"(notrack) in {' and in '.join(dict.fromkeys(chains))}. Take the traffic of the matrix out of that"
    )
