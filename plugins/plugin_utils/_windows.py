# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: canonical rules of one host as arguments for community.windows.win_firewall_rule."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Iterator, Sequence

from ._addresses import Family, format_cidrs
from ._errors import PortMatrixError
from ._intervals import IntervalSet
from ._ports import format_ports
from ._rules import Rule

GROUP = "Pexip SfB port matrix"
NAME_PREFIX = "Pexip SfB "
PROFILES = ("domain", "private", "public")

# A rule may hold 1000 addresses of a family (MS-FASP), and evaluating it gets slow from some hundreds.
ADDRESSES_PER_RULE = 200

# Windows documents networks as address and mask, and says nothing of a mask of no bits. Two halves are ordinary ones.
_HALVES = {"0.0.0.0/0": ("0.0.0.0/1", "128.0.0.0/1"), "::/0": ("::/1", "8000::/1")}

# Windows takes texts apart at "|" and resolves "@"; shells and templates have more of that. All letters stay.
_NOT_FOR_TEXTS = re.compile(r"[^\w .,:()/+-]")
_LONGEST_TEXT = 250

RuleArguments = dict[str, t.Any]


def render_windows_rules(rules: Iterable[Rule]) -> list[RuleArguments]:
    """Return the arguments of win_firewall_rule for each rule of a host, in the order of *rules*.

    Every option that a TCP or UDP rule has is given, as the module compares only what it is given. The only one left
    out is ``icmp_type_code``, which Windows refuses for these protocols.

    The name is made of row, direction, protocol, family and a running number. The number counts the chunks, and the
    parts of a row that reaches one host in two ways: the module matches by name alone, so no two rules share one.

    :raises PortMatrixError: for a rule of hook forward, which a Windows server has no place for.
    """
    counted: dict[str, int] = {}
    rendered: list[RuleArguments] = []
    for rule in rules:
        stem = f"{NAME_PREFIX}{rule.row} {_direction(rule)} {rule.protocol} {rule.family}"
        for local, remote in _chunks(rule):
            counted[stem] = counted.get(stem, 0) + 1
            rendered.append(_arguments(rule, f"{stem} {counted[stem]}", local, remote))
    return rendered


def _arguments(rule: Rule, name: str, local: Sequence[str], remote: Sequence[str]) -> RuleArguments:
    inbound = rule.hook == "input"
    ports = (rule.destination_ports, rule.source_ports) if inbound else (rule.source_ports, rule.destination_ports)
    return {
        "name": name,
        "group": GROUP,
        "description": _description(rule),
        "enabled": True,
        "direction": _direction(rule),
        "action": "allow",
        "protocol": rule.protocol,
        "profiles": list(PROFILES),
        "localip": ",".join(local),
        "remoteip": ",".join(remote),
        "localport": _port_string(ports[0]),
        "remoteport": _port_string(ports[1]),
        "program": "any",
        "service": "any",
    }


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


def _chunks(rule: Rule) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    inbound = rule.hook == "input"
    own, others = (rule.destination, rule.source) if inbound else (rule.source, rule.destination)
    for local in _lists(_written(own, rule.family)):
        for remote in _lists(_written(others, rule.family)):
            yield local, remote


def _lists(addresses: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(addresses), ADDRESSES_PER_RULE):
        yield addresses[start : start + ADDRESSES_PER_RULE]


def _written(addresses: IntervalSet, family: Family) -> list[str]:
    single = "/32" if family == "ipv4" else "/128"
    written: list[str] = []
    for cidr in format_cidrs(addresses, family):
        written.extend(_HALVES.get(cidr, (cidr.removesuffix(single),)))
    return written
