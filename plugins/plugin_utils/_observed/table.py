# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation on the screen: what each host says, what is not permitted and why, and what is proposed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .._rules.protocols import has_ports
from .._values.addresses import format_address
from .._values.words import count, display, some
from .findings import Finding, Kind, gather
from .flows import Memory, Weight
from .observation import Observation

_LINES = 40  # of each kind; the others are in the files
TITLES: dict[Kind, str] = {
    "row_group_off": "Rows that are off:",
    "missing_host": "Hosts that an endpoint lacks:",
    "missing_row": "No row for this:",
    "unknown": "Nothing is proposed for these. Have a look yourself:",
}
_TRIED = {True: ("port",), False: ("port or protocol", "ports and protocols")}


def warnings(observation: Observation) -> list[str]:
    """What keeps this from being the whole truth."""
    return [f"{display(memory.gateway)}: {text}" for memory in observation.memories if (text := _doubt(memory))]


def _doubt(memory: Memory) -> str:
    if memory.problem:
        return f"what it remembers is not in this: {display(memory.problem)}"
    if not memory.remembering:
        return (
            "it remembers nothing; accepted: linux_firewall_enforce: false, "
            "or linux_firewall_remember: true, applied with the playbook site"
        )
    if memory.full:
        return f"its memory is full ({memory.entries:,} flows, {memory.limit:,} a set), so newer ones are not in this"
    return ""


def table_lines(observation: Observation) -> list[str]:
    """Return the lines."""
    lines = [memory_line(memory) for memory in observation.memories]
    if observation.older:
        lines.append(f"{count(observation.older, 'flow')} left out, last seen before port_matrix_observed_since")
    for kind, title in TITLES.items():
        found = gather([one for one in observation.findings if one.reason.kind == kind])
        lines += _section(title, [text for one, _places in found for text in finding_lines(one)], 2)
    lines += _section("Scans, for which nothing is proposed:", scan_lines(observation.findings))
    if not observation.findings:
        lines += ["", "Everything that is remembered is permitted by now."]
    return lines + _proposed(observation)


def finding_lines(finding: Finding) -> list[str]:
    """Write one finding: what and how much, and why it is not permitted."""
    return [f"{finding.what()}: {finding.how_much()}", f"  {finding.why()}"]


def memory_line(memory: Memory) -> str:
    """Say what a host says of its memory."""
    state = "drops it" if memory.enforcing else "lets it through"
    said = _doubt(memory) if not memory.remembering or memory.problem else f"{count(memory.entries, 'flow')}, {state}"
    full = f", full at {memory.limit:,} a set" if memory.full else ""
    return f"{display(memory.gateway)}: {said}{full}"


def scan_lines(findings: Sequence[Finding]) -> list[str]:
    """Say of each of those who scan what they tried."""
    by_source: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.reason.kind == "scan":
            source = format_address(finding.pair.source, finding.pair.family)
            by_source[source, finding.source.name].append(finding)
    lines = []
    for (source, name), of_source in by_source.items():
        who = f"{display(name)} ({source})" if name else source
        tried = {(one.pair.protocol, port) for one in of_source for port in one.ports.values()}
        ports = count(len(tried), *_TRIED[all(has_ports(one) for one, _port in tried)])
        targets = sorted({format_address(one.pair.destination, one.pair.family) for one in of_source})
        weight = Weight.total(one.weight for one in of_source)
        seen_by = some(sorted({display(one.pair.gateway) for one in of_source}))
        lines.append(
            f"{who} tried {ports} of {some(targets)}: "
            f"{count(weight.packets, 'packet')} at {seen_by}, last {weight.last_seen}"
        )
    return lines


def _proposed(observation: Observation) -> list[str]:
    proposal = observation.proposal
    lines = _section("Not proposed:", proposal.problems)
    if not proposal:
        return lines
    what = [f"row group {switch}" for switch in proposal.switches]
    for endpoint in proposal.endpoints():
        of_endpoint = [one.cidr() for one in proposal.additions if one.endpoint == endpoint]
        what.append(f"{some(of_endpoint)} in endpoint {endpoint}")
    what += [f"row {one.row['id']}" for one in proposal.rows]
    return [
        *lines,
        *_section("Proposed, in proposed.yml:", what),
        *_section("This permits more than was seen:", proposal.wider()),
    ]


def _section(title: str, lines: Sequence[str], of_each: int = 1) -> list[str]:
    if not lines:
        return []
    rest = len(lines) // of_each - _LINES
    more = [f"and {rest:,} more"] if rest > 0 else []
    return ["", title, *(f"  {line}" for line in [*lines[: _LINES * of_each], *more])]
