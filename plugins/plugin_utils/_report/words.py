# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a report words things: its scope, its size and what changed, in sentences that every format shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .._rules.protocols import protocol_text
from .._rules.words import rule_line
from .._values.intervals import IntervalSet
from .._values.words import count, display
from .change_request import ChangeRequest
from .host_lists import endpoint_title
from .report import Flow, Report
from .scope import Scope

# RFC 3261: SIP over TLS.
_SIP_TLS = 5061
# In a range of more ports it is one like the others.
_FEW_PORTS = 4
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
        return f"What must be open on the host {names[0]}, in the addresses that it has and sees."
    if scope.kind == "gateway":
        return f"What must be open on the firewall {names[0]}, in the addresses that it sees."
    if scope.kind == "pair":
        titles = [endpoint_title(name) for name in scope.names]
        return f"What must be open between {titles[0]} and {titles[1]}, in both directions."
    return "What must be open for the whole site."


def change_fields(change: ChangeRequest) -> Iterator[tuple[str, str, str]]:
    """Yield key, label and text of what is in a change request, in the order of the form."""
    for key, text in change.as_mapping().items():
        if text:
            yield key, "Back-out plan" if key == "backout_plan" else key.replace("_", " ").capitalize(), text


def protocols_text(flow: Flow) -> str:
    """Write the protocols of a flow for people."""
    tls = tls_text(flow.tls, flow.protocols, flow.destination_ports)
    return " and ".join(map(protocol_text, flow.protocols)) + (f" ({tls})" if tls else "")


def tls_text(tls: bool, protocols: Sequence[str], ports: IntervalSet) -> str:
    """Say whether it is TLS to *ports*. The vendor's table does not say so of SIP over TLS, which has its own port.

    :param tls: what the table says
    """
    if tls:
        return "TLS"
    if "tcp" not in protocols or _SIP_TLS not in ports or ports.size() > _FEW_PORTS:
        return ""
    return "TLS" if ports.size() == 1 else f"TLS on {_SIP_TLS}"


def short_numbers(flows: Sequence[Flow]) -> list[tuple[str, ...]]:
    """Return for each flow the numbers of its rules, or just what they begin with where no other flow's do."""
    alike = Counter(flow.rule for flow in flows)
    return [(flow.rule,) if alike[flow.rule] == 1 else flow.rules for flow in flows]


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
