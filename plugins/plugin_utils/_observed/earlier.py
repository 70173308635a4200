# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation as an earlier run wrote it: read back, each finding says the same words as it did then."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from .._rules.canonical import HOOKS, Hook
from .._rules.protocols import has_ports, parse_protocol
from .._values.addresses import FAMILIES, Family
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_count, as_document, as_flag, as_list, as_mapping, as_number, as_strings
from .findings import KINDS, Finding, Kind, Reason
from .flows import NO_PORT, Memory, Pair, Weight, read_time
from .names import Party
from .permitted import parse_seen_address
from .proposal import Proposed

_ACCEPTED = "the observed.json of an earlier run"
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_LAST_PORT = 65535


@dataclass(frozen=True)
class Earlier:
    """What an earlier observation said. Of who took part, only the names are known."""

    memories: tuple[Memory, ...]
    findings: tuple[Finding, ...]
    proposed: tuple[Proposed, ...]
    not_proposed: tuple[str, ...] = ()


def read_observed(document: object, where: str) -> Earlier:
    """Read ``observed.json``, as text or already parsed.

    :raises PortMatrixError: if it is something else; the message begins with *where*.
    """
    data = as_mapping(as_document(document, where, _ACCEPTED), where)
    if "flows" not in data:
        raise PortMatrixError.at(where, "has no flows", _ACCEPTED)
    findings = tuple(_finding(as_mapping(one, where), where) for one in as_list(data["flows"], where))
    return Earlier(
        tuple(_memory(as_mapping(one, where), where) for one in as_list(data.get("gateways", ()), where)),
        findings,
        tuple(
            _proposed(as_mapping(one, where), len(findings), where) for one in as_list(data.get("proposed", ()), where)
        ),
        as_strings(data.get("not_proposed", ()), f"{where} not_proposed"),
    )


def _finding(data: Mapping[str, object], where: str) -> Finding:
    family = t.cast(Family, as_choice(data.get("family"), f"{where} family", FAMILIES))
    protocol = parse_protocol(data.get("protocol"), f"{where} protocol")
    ends = [parse_seen_address(data.get(side), family, f"{where} {side}") for side in ("source", "destination")]
    hook = t.cast(Hook, as_choice(data.get("hook"), f"{where} hook", HOOKS))
    packets, size = (as_count(data.get(name), f"{where} {name}") for name in ("packets", "bytes"))
    return Finding(
        Pair(_text(data, "gateway", where), hook, family, protocol, ends[0], ends[1]),
        Party(_text(data, "source_host", where)),
        Party(_text(data, "destination_host", where)),
        _ports(data.get("destination_ports", ()), protocol, f"{where} destination_ports"),
        Weight(packets, size, read_time(data.get("last_seen"), f"{where} last_seen")),
        Reason(
            t.cast(Kind, as_choice(data.get("kind"), f"{where} kind", KINDS)),
            _text(data, "nearest_row", where),
            as_strings(data.get("differs_in", ()), f"{where} differs_in"),
            _text(data, "row_group", where),
        ),
    )


def _ports(value: object, protocol: str, where: str) -> IntervalSet:
    """Read ports as they were seen: from 0 on, which no row can have."""
    if not has_ports(protocol):
        return IntervalSet(((NO_PORT, NO_PORT),))
    spans = []
    for text in as_strings(value, where) or ("",):
        match = _PORTS.fullmatch(text)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= _LAST_PORT:
            raise PortMatrixError.at(where, f"{shown(text)} is not a port", "a port 0-65535, or a range first-last")
        spans.append((first, last))
    return IntervalSet.of(spans)


def _memory(data: Mapping[str, object], where: str) -> Memory:
    full, remembering, enforcing = (
        as_flag(data.get(name, False), f"{where} {name}") for name in ("full", "remembering", "enforcing")
    )
    entries, limit = (as_count(data.get(name, 0), f"{where} {name}") for name in ("entries", "limit"))
    return Memory(
        _text(data, "gateway", where),
        _text(data, "problem", where),
        full,
        remembering,
        enforcing,
        entries,
        limit,
        _text(data, "rules_since", where),
    )


def _proposed(data: Mapping[str, object], findings: int, where: str) -> Proposed:
    places = [as_number(one, f"{where} proposed", 0, findings - 1) for one in as_list(data.get("flows", ()), where)]
    return Proposed(_text(data, "what", where), as_strings(data.get("wider", ()), f"{where} wider"), tuple(places))


def _text(data: Mapping[str, object], key: str, where: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise PortMatrixError.at(f"{where} {key}", f"{shown(value)} is not a string", "a string")
    return value
