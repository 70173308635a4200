# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation as metrics, in the text format of Prometheus (Exposition formats, version 0.0.4)."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from .findings import Finding
from .flows import TIME_FORMAT, Weight
from .observation import Observation

_PREFIX = "port_matrix_observed"
# Flows are forgotten after a while, so their packets and bytes become fewer as well: these are gauges.
_OF_HOSTS = {
    "up": "Whether the host said what it remembers.",
    "remembering": "Whether the host remembers flows.",
    "enforcing": "Whether the host drops what it remembers.",
    "full": "Whether a set of the host is full, so that newer flows are not remembered.",
    "entries": "Flows that the host remembers.",
    "limit": "Flows that a set of the host holds.",
}
_OF_FLOWS = {
    "flows": "Pairs of addresses with flows that no row permits.",
    "packets": "Packets of the flows that are remembered and that no row permits.",
    "bytes": "Bytes of the flows that are remembered and that no row permits.",
    "last_seen_timestamp_seconds": "When the last packet of these flows was seen, in seconds since 1970.",
}
# Counters begin at zero with each change of the rules, as Prometheus expects it of a program that is started again.
_OF_RULES = {
    "rule_packets_total": "Packets that the rules with this name matched since they were loaded.",
    "rule_bytes_total": "Bytes of the packets that the rules with this name matched since they were loaded.",
}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def as_prometheus(observation: Observation) -> str:
    """Write the metrics, those of flows by gateway, kind and nearest row, those of rules by hook and name."""
    lines: list[str] = []
    for name, explained in _OF_HOSTS.items():
        lines += _head(name, explained)
        for memory in observation.memories:
            value = not memory.problem if name == "up" else getattr(memory, name)
            if name == "up" or not memory.problem:
                lines.append(_sample(name, {"gateway": memory.gateway}, value))
    flows = _by_labels(observation.findings)
    for name, explained in _OF_FLOWS.items():
        lines += _head(name, explained)
        lines += [_sample(name, dict(zip(_LABELS, labels, strict=True)), of[name]) for labels, of in flows.items()]
    for name, explained in _OF_RULES.items():
        lines += _head(name, explained, "counter")
        for one in observation.counters:
            labels = {"gateway": one.gateway, "hook": one.hook, "rule": one.rule}
            lines.append(_sample(name, labels, one.bytes if name == "rule_bytes_total" else one.packets))
    return "\n".join([*lines, ""])


_LABELS = ("gateway", "kind", "row")


def _by_labels(findings: Iterable[Finding]) -> dict[tuple[str, ...], dict[str, int]]:
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    for one in findings:
        grouped.setdefault((one.pair.gateway, one.reason.kind, one.reason.nearest_row), []).append(one)
    return {labels: _values(of_labels) for labels, of_labels in sorted(grouped.items())}


def _values(findings: list[Finding]) -> dict[str, int]:
    weight = Weight.total(one.weight for one in findings)
    seen = datetime.strptime(weight.last_seen, TIME_FORMAT).replace(tzinfo=timezone.utc)
    return {
        "flows": len(findings),
        "packets": weight.packets,
        "bytes": weight.bytes,
        "last_seen_timestamp_seconds": int(seen.timestamp()),
    }


def _head(name: str, explained: str, kind: str = "gauge") -> list[str]:
    return [f"# HELP {_PREFIX}_{name} {explained}", f"# TYPE {_PREFIX}_{name} {kind}"]


def _sample(name: str, labels: Mapping[str, str], value: t.SupportsInt) -> str:
    written = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
    return f"{_PREFIX}_{name}{{{written}}} {int(value)}"
