# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a report words things: its scope, its size and what changed, in sentences that every format shares."""

from __future__ import annotations

from collections.abc import Sequence

from .._matrix.sources import Source
from .._rules.protocols import protocol_text
from .._rules.words import rule_line
from .._values.addresses import AddressSet
from .._values.words import count, display, people_cidrs
from .report import Flow, Report, endpoint_title
from .scope import Scope

NOTHING = "The port matrix opens nothing here."
DIRECTIONS = {"input": "in", "output": "out", "forward": "through"}
CHANGE_TITLES = {
    "added": "New flows",
    "removed": "Flows that are gone",
    "widened": "Flows that permit more: what is new in them",
    "narrowed": "Flows that permit less: what is gone from them",
}


def scope_sentence(scope: Scope) -> str:
    """Say what the report is about."""
    names = [display(name) for name in scope.names]
    if scope.kind == "host":
        return f"What must be open on the host {names[0]}, in the addresses that it has and sees itself."
    if scope.kind == "gateway":
        return f"What must be open on the firewall {names[0]}, in the addresses that it sees."
    if scope.kind == "pair":
        titles = [endpoint_title(name) for name in scope.names]
        return f"What must be open between {titles[0]} and {titles[1]}, in both directions."
    return "What must be open for the whole site."


def protocols_text(flow: Flow) -> str:
    """Write the protocols of a flow for people."""
    return " and ".join(map(protocol_text, flow.protocols)) + (" (TLS)" if flow.tls else "")


def source_lines(addresses: AddressSet, sources: Sequence[Source]) -> list[str]:
    """Say which of the *addresses* of a host are from which system; nothing where all are written in the inventory."""
    said = [(source.addresses, _source_text(source)) for source in sources]
    written = addresses.difference(AddressSet.union(part for part, _text in said))
    if said and written:
        said.append((written, "written in the inventory"))
    return [text if part == addresses else f"{', '.join(people_cidrs(part))} {text}" for part, text in said]


def _source_text(source: Source) -> str:
    where = "the option addresses" if source.looked_up_in == "addresses" else source.looked_up_in
    looked_up = f", its name looked up in {where}" if where else ""
    return f"from {source.system} ({source.record} {source.name}{looked_up}), read {source.read}"


def summary(report: Report) -> list[str]:
    """How much there is in the report, in a few words each."""
    return [
        count(len({flow.row for flow in report.flows}), "row"),
        count(len(report.flows), "flow"),
        count(len(report.rules), "rule"),
    ]


def change_summary(report: Report) -> str:
    """Say in one sentence what changed; empty where there is nothing to compare with."""
    if report.changes is None:
        return ""
    if not report.changes:
        return f"No flow changed since revision {report.changes.baseline}."
    counted = ", ".join(f"{len(rules)} {kind}" for kind, rules in report.changes.by_kind().items() if rules)
    return f"Changes since revision {report.changes.baseline}: {counted}."


def change_lines(report: Report) -> list[str]:
    """Write every change on a line of its own, for a screen."""
    changes = report.changes.by_kind() if report.changes else {}
    return [f"{kind}: {rule_line(rule)}" for kind, rules in changes.items() for rule in rules]
