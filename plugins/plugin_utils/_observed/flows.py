# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows that hosts remember, as the module ``observed_flows`` returns them, and what it says of each host."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from .._rules.canonical import HOOKS, Hook
from .._rules.protocols import has_ports, parse_protocol
from .._values.addresses import FAMILIES, Family
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_count, as_flag, as_list, as_mapping, as_text
from .permitted import parse_seen_address

NO_PORT = 0
"""The port of a flow that has none. No row can have it, as theirs begin with 1."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_STATE = ("full", "remembering", "enforcing")


class Pair(t.NamedTuple):
    """Who talks to whom over which protocol, and where that was seen. Addresses are integers."""

    gateway: str
    hook: Hook
    family: Family
    protocol: str
    source: int
    destination: int


class Weight(t.NamedTuple):
    """How much was seen, and when last: ``YYYY-MM-DDTHH:MM:SSZ``, so that texts compare as times do."""

    packets: int
    bytes: int
    last_seen: str

    @classmethod
    def total(cls, weights: Iterable[Weight]) -> Weight:
        """All *weights* together."""
        parts = list(weights)
        return cls(
            sum(part.packets for part in parts),
            sum(part.bytes for part in parts),
            max(part.last_seen for part in parts),
        )


@dataclass(frozen=True)
class Talk:
    """All that a pair was seen to do: destination port → its weight. A protocol without ports has ``NO_PORT``."""

    pair: Pair
    weights: Mapping[int, Weight]

    def ports(self) -> IntervalSet:
        """The destination ports."""
        return IntervalSet.of((port, port) for port in self.weights)

    def seen_after(self, time: str) -> IntervalSet:
        """The destination ports of which something was seen after *time*."""
        return IntervalSet.of((port, port) for port, weight in self.weights.items() if weight.last_seen > time)

    def weight(self, ports: IntervalSet) -> Weight:
        """What was seen on *ports*."""
        return Weight.total(weight for port, weight in self.weights.items() if port in ports)


@dataclass(frozen=True)
class Memory:
    """What a host says of its memory. ``problem`` says why it said nothing, and is empty where it did.

    ``rules_since`` is when its rules became what they are, empty where that is not known.
    """

    gateway: str
    problem: str = ""
    full: bool = False
    remembering: bool = False
    enforcing: bool = False
    entries: int = 0
    limit: int = 0
    rules_since: str = ""


class RuleCount(t.NamedTuple):
    """What the rules with one name have counted at one hook of a host. The kernel counts anew with each change."""

    gateway: str
    hook: Hook
    rule: str
    packets: int
    bytes: int


def read_counters(answers: object) -> tuple[RuleCount, ...]:
    """Read what rules counted from host → result of the module, sorted. Chains of one hook are counted together.

    :raises PortMatrixError: for a result that is none, with the host.
    """
    found: dict[tuple[str, Hook, str], tuple[int, int]] = {}
    for gateway, answer in as_mapping(answers, "answers").items():
        where = f"host {shown(gateway)} counters"
        for item in as_list(as_mapping(answer, where).get("counters", ()), where):
            one = as_mapping(item, where)
            # Those of a chain that is joined to a table of others have our prefix before the hook.
            hook = str(one.get("chain")).removeprefix("pexip_sfb_").partition("_")[0]
            key = gateway, t.cast(Hook, as_choice(hook, f"{where} chain", HOOKS)), as_text(one.get("comment"), where)
            counted = [as_count(one.get(name), f"{where} {name}") for name in ("packets", "bytes")]
            packets, size = found.get(key, (0, 0))
            found[key] = packets + counted[0], size + counted[1]
    return tuple(RuleCount(*key, *counted) for key, counted in sorted(found.items()))


def read_answers(answers: object, since: str = "") -> tuple[tuple[Memory, ...], tuple[Talk, ...], int]:
    """Read host → result of the module. Flows last seen before the time *since* are left out.

    Returns what each host says of its memory, all talks, both sorted, and how many flows were left out.

    :raises PortMatrixError: for a result that is none, with the host.
    """
    memories: list[Memory] = []
    talks: dict[Pair, dict[int, Weight]] = {}
    older = 0
    for gateway, answer in sorted(as_mapping(answers, "answers").items()):
        where = f"host {shown(gateway)}"
        data = as_mapping(answer, where)
        memory = _memory(gateway, data, where)
        memories.append(memory)
        for flow in as_list(data["flows"], where) if not memory.problem else ():
            pair, port, weight = _flow(gateway, as_mapping(flow, where), where)
            if since and weight.last_seen < since:
                older += 1
                continue
            known = talks.setdefault(pair, {})
            known[port] = Weight.total([weight, known[port]]) if port in known else weight
    return tuple(memories), tuple(Talk(pair, talks[pair]) for pair in sorted(talks)), older


def read_time(value: object, where: str) -> str:
    """Return *value*, an ISO 8601 time in UTC, with seconds and a Z.

    :raises PortMatrixError: if it is something else.
    """
    if isinstance(value, str) and _TIME.fullmatch(value):
        text = f"{value[:19]}Z"
        with suppress(ValueError):  # the 99th of a month
            datetime.strptime(text, TIME_FORMAT)
            return text
    raise PortMatrixError.at(where, f"{shown(value)} is not a time", "a time in UTC, such as 2026-05-04T10:00:00Z")


def _memory(gateway: str, data: Mapping[str, object], where: str) -> Memory:
    if data.get("failed") or data.get("unreachable") or "flows" not in data:
        said = data.get("msg")
        return Memory(gateway, problem=" ".join(said.split()) if isinstance(said, str) and said else "it was not asked")
    full, remembering, enforcing = (as_flag(data.get(key, False), f"{where} {key}") for key in _STATE)
    return Memory(
        gateway,
        full=full,
        remembering=remembering,
        enforcing=enforcing,
        entries=as_count(data.get("entries", 0), f"{where} entries"),
        limit=as_count(data.get("limit", 0), f"{where} limit"),
        rules_since=read_time(data["rules_since"], f"{where} rules_since") if data.get("rules_since") else "",
    )


def _flow(gateway: str, data: Mapping[str, object], where: str) -> tuple[Pair, int, Weight]:
    family = t.cast(Family, as_choice(data.get("family"), f"{where} family", FAMILIES))
    protocol = parse_protocol(data.get("protocol"), f"{where} protocol")
    ends = [parse_seen_address(data.get(side), family, f"{where} {side}") for side in ("source", "destination")]
    hook = t.cast(Hook, as_choice(data.get("hook"), f"{where} hook", HOOKS))
    port = data.get("destination_port")
    weight = Weight(
        as_count(data.get("packets"), f"{where} packets"),
        as_count(data.get("bytes"), f"{where} bytes"),
        read_time(data.get("last_seen"), f"{where} last_seen"),
    )
    number = NO_PORT if port is None or not has_ports(protocol) else as_count(port, f"{where} destination_port")
    return Pair(gateway, hook, family, protocol, ends[0], ends[1]), number, weight
