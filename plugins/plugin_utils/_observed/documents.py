# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation for programs and spreadsheets, and what is new in it since an earlier one."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from .._report.csv import mappings_as_csv
from .._values.errors import PortMatrixError
from .._values.intervals import IntervalSet
from .._values.mapping import as_document, as_list, as_mapping
from .._values.ports import parse_ports
from .findings import Finding, few_ranges
from .observation import Observation

COLUMNS = (
    "gateway",
    "hook",
    "family",
    "protocol",
    "source",
    "source_host",
    "destination",
    "destination_host",
    "destination_ports",
    "packets",
    "bytes",
    "last_seen",
    "nearest_row",
    "differs_in",
    "row_group",
    "kind",
)
_WHO = ("gateway", "hook", "family", "protocol", "source", "destination")


def as_json(observation: Observation) -> str:
    """Write the findings, and what each host says of its memory."""
    document = {
        "flows": [finding.as_mapping() for finding in observation.findings],
        "gateways": [asdict(memory) for memory in observation.memories],
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def as_csv(findings: Iterable[Finding]) -> str:
    """Write a line for each finding, with the columns that the JSON has as keys."""
    return mappings_as_csv(COLUMNS, (finding.as_mapping() for finding in findings))


def new_since(baseline: object, findings: Iterable[Finding], where: str) -> list[Finding]:
    """Return the findings that the earlier document *baseline* does not have. Scans are no news.

    Of a pair with many ports, such as those of media, new ports between them are no news either.

    :raises PortMatrixError: if *baseline* is no such document.
    """
    accepted = "the observed.json of an earlier run"
    document = as_mapping(as_document(baseline, where, accepted), where)
    if "flows" not in document:
        raise PortMatrixError.at(where, "has no flows", accepted)
    known: dict[tuple[object, ...], list[IntervalSet]] = {}
    for item in as_list(document["flows"], where):
        flow = as_mapping(item, where)
        known.setdefault(_key(flow), []).append(_ports(flow, where))
    return [finding for finding in findings if finding.reason.kind != "scan" and _is_new(finding, known)]


def _is_new(finding: Finding, known: Mapping[tuple[object, ...], list[IntervalSet]]) -> bool:
    flow = finding.as_mapping()
    key = _key(flow)
    seen = few_ranges(IntervalSet.union(known.get(key, ())))
    return key not in known or not _ports(flow, "").issubset(seen)


def _key(flow: Mapping[str, t.Any]) -> tuple[object, ...]:
    return tuple(str(flow.get(name)) for name in _WHO)


def _ports(flow: Mapping[str, object], where: str) -> IntervalSet:
    ports = as_list(flow.get("destination_ports", ()), where)
    return parse_ports(ports, where) if ports else IntervalSet()
