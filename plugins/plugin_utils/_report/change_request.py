# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change request has besides the flows: who wants it, who answers for it, when, and what if it goes wrong."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, fields

from .._values.errors import PortMatrixError, ProblemList, unknown
from .._values.mapping import as_date, as_lines, as_mapping, as_text
from .._values.words import day_text

LONG = ("reason", "risk", "test_plan", "backout_plan")


@dataclass(frozen=True)
class ChangeRequest:
    """One change request. Texts that nobody gave are empty; the last four may have several lines."""

    ticket: str = ""
    requester: str = ""
    owner: str = ""
    approver: str = ""
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    reason: str = ""
    risk: str = ""
    test_plan: str = ""
    backout_plan: str = ""

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data, with every field."""
        days = {"valid_from": day_text(self.valid_from), "valid_until": day_text(self.valid_until)}
        return {name: days.get(name, getattr(self, name)) for name in FIELDS}


FIELDS = tuple(one.name for one in fields(ChangeRequest))


def read_change_request(value: object, where: str) -> ChangeRequest | None:
    """Read ``port_matrix_report_change``; None where nothing is in it.

    :raises PortMatrixError: with everything that is wrong with it.
    """
    data = as_mapping(value or {}, where)
    problems = ProblemList()
    for key in data:
        if key not in FIELDS:
            problem, accepted = unknown(key, FIELDS)
            problems.add(f"{where}: key {problem}; accepted: {accepted}")
    days = {key: problems.attempt(as_date, data.get(key), f"{where}.{key}") for key in ("valid_from", "valid_until")}
    texts = {
        key: problems.attempt(as_lines if key in LONG else as_text, data[key], f"{where}.{key}") or ""
        for key in FIELDS
        if key in data and key not in days
    }
    problems.raise_if_any()
    values: dict[str, t.Any] = {**days, **texts}
    return _checked(ChangeRequest(**values), where) if data else None


def _checked(change: ChangeRequest, where: str) -> ChangeRequest:
    if change.valid_from and change.valid_until and change.valid_until < change.valid_from:
        raise PortMatrixError.at(
            f"{where}.valid_until", f"{change.valid_until} is before valid_from, {change.valid_from}", "a later day"
        )
    return change
