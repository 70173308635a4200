# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation for programs and spreadsheets, and what is new in it since an earlier one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from .._values.csv import mappings_as_csv
from .._values.intervals import IntervalSet
from .earlier import read_observed
from .findings import Finding, few_ranges
from .flows import Pair
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


def as_json(observation: Observation) -> str:
    """Write the findings, what each host says of its memory, and what is proposed for which of the findings."""
    document = {
        "flows": [finding.as_mapping() for finding in observation.findings],
        "gateways": [asdict(memory) for memory in observation.memories],
        "proposed": [one._asdict() for one in observation.proposed()],
        "not_proposed": list(observation.proposal.problems),
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def as_csv(findings: Iterable[Finding]) -> str:
    """Write a line for each finding, with the columns that the JSON has as keys."""
    return mappings_as_csv(COLUMNS, (finding.as_mapping() for finding in findings))


def new_since(baseline: object, findings: Iterable[Finding], where: str) -> list[Finding]:
    """Return the findings that the earlier document *baseline* does not have. Scans are no news.

    Of a pair with many ports, such as those of media, new ports between them are no news either. What was a scan then
    and is none now is news: nobody has accepted it as anything else.

    :raises PortMatrixError: if *baseline* is no such document.
    """
    known: dict[Pair, list[IntervalSet]] = {}
    for earlier in read_observed(baseline, where).findings:
        if earlier.reason.kind != "scan":
            known.setdefault(earlier.pair, []).append(earlier.ports)
    return [one for one in findings if one.reason.kind != "scan" and _is_new(one, known)]


def _is_new(finding: Finding, known: Mapping[Pair, Sequence[IntervalSet]]) -> bool:
    return not finding.ports.issubset(few_ranges(IntervalSet.union(known.get(finding.pair, ()))))
