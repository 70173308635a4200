# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: canonical rules of one host as arguments for community.windows.win_firewall_rule."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Sequence

from .._rules.canonical import Rule
from .._rules.protocols import number_of, protocol_text
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT, format_ports
from .chunks import chunks_of

GROUP = "Pexip SfB port matrix"
NAME_PREFIX = "Pexip SfB "
# The protocols that the module has names for, and Windows ports.
WITH_PORTS = ("tcp", "udp")
PROFILES = ("domain", "private", "public")

# Windows takes texts apart at "|" and resolves "@"; shells and templates have more of that. All letters stay.
_NOT_FOR_TEXTS = re.compile(r"[^\w .,:()/+-]")
_LONGEST_TEXT = 250

RuleArguments = dict[str, t.Any]


def render_windows_rules(rules: Iterable[Rule]) -> list[RuleArguments]:
    """Return the arguments of win_firewall_rule for each rule of a host, in the order of *rules*.

    Every option that the rule has is given, as the module compares only what it is given. Windows refuses ports for
    protocols other than TCP and UDP, so they have none. ``icmp_type_code`` is left out: without it, all are meant.

    The name is made of row, direction, protocol, family and a running number, which counts the parts of a row that
    reaches one host in two ways. Further chunks of addresses have the address that their range begins at, too. The
    module matches by name alone, so no two rules share one.

    :raises PortMatrixError: for a rule of hook forward, which a Windows server has no place for, and for ports of
        another protocol than TCP and UDP, which it cannot tell apart.
    """
    counted: dict[str, int] = {}
    rendered: list[RuleArguments] = []
    for rule in rules:
        stem = f"{NAME_PREFIX}{rule.row} {_direction(rule)} {rule.protocol} {rule.family}"
        counted[stem] = counted.get(stem, 0) + 1
        own, others = (rule.destination, rule.source) if rule.hook == "input" else (rule.source, rule.destination)
        for local in chunks_of(own, rule.family):
            for remote in chunks_of(others, rule.family):
                name = f"{stem} {counted[stem]}{_of_range('local', local.start)}{_of_range('remote', remote.start)}"
                rendered.append(_arguments(rule, name, local.addresses, remote.addresses))
    return rendered


def row_of(name: str) -> str:
    """Return the id of the row that a rule of this *name* was made for."""
    return name.removeprefix(NAME_PREFIX).split()[0]


def _of_range(side: str, start: str) -> str:
    return f" {side} {start}" if start else ""


def _arguments(rule: Rule, name: str, local: Sequence[str], remote: Sequence[str]) -> RuleArguments:
    inbound = rule.hook == "input"
    sides = (rule.destination_ports, rule.source_ports) if inbound else (rule.source_ports, rule.destination_ports)
    return {
        "name": name,
        "group": GROUP,
        "description": _description(rule),
        "enabled": True,
        "direction": _direction(rule),
        "action": "allow",
        "protocol": protocol_option(rule.protocol),
        "profiles": list(PROFILES),
        "localip": ",".join(local),
        "remoteip": ",".join(remote),
        **_ports(rule, *sides),
        "program": "any",
        "service": "any",
    }


def protocol_option(protocol: str) -> str:
    """How win_firewall_rule and win_firewall_state call *protocol*: by number, but for TCP and UDP."""
    return protocol if protocol in WITH_PORTS else str(number_of(protocol))


def _ports(rule: Rule, local: IntervalSet, remote: IntervalSet) -> dict[str, str]:
    if rule.protocol in WITH_PORTS:
        return {"localport": _port_string(local), "remoteport": _port_string(remote)}
    if (local, remote) != (ANY_PORT, ANY_PORT):
        raise PortMatrixError.at(
            f"row {rule.row}",
            f"Windows knows no ports of {protocol_text(rule.protocol)}, and a rule without them would open all",
            "any port, TCP or UDP, or the row in port_matrix_disabled_rows",
        )
    return {}


def _direction(rule: Rule) -> str:
    if rule.hook not in ("input", "output"):
        raise PortMatrixError.at(f"row {rule.row}", f"hook {rule.hook} on a Windows server", "input, output")
    return "in" if rule.hook == "input" else "out"


def _description(rule: Rule) -> str:
    parties = f"{' or '.join(rule.source_endpoint)} to {' or '.join(rule.destination_endpoint)}"
    text = f"Row {rule.row}: {rule.purpose} ({parties})"
    return _NOT_FOR_TEXTS.sub("_", text)[:_LONGEST_TEXT]


def _port_string(ports: IntervalSet) -> str:
    # The module compares ports as strings, so there is one way to write them: sorted, merged, no blanks.
    return ",".join(format_ports(ports)) or "any"
