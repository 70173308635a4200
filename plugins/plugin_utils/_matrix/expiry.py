# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows that are open longer than somebody asked for."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from .._values.errors import PortMatrixError
from .._values.mapping import as_choice
from .rows import Row

POLICIES = ("warn", "refuse")


def expired_rows(rows: Sequence[Row], today: datetime.date | None, policy: object) -> list[str]:
    """Return a warning for each of *rows* whose last day is before *today* (None: nobody asks for that).

    :param policy: ``port_matrix_expired``.
    :raises PortMatrixError: for a policy that is none, and where it is to refuse them, with each of them.
    """
    refuse = as_choice(policy, "port_matrix_expired", POLICIES) == "refuse"
    late = [(row.id, row.expires) for row in rows if today and row.expires and row.expires < today]
    found = [
        f"port_matrix_rows row {row_id}: expired on {expires}"
        + (", and port_matrix_expired is refuse" if refuse else ", and is still open")
        + "; accepted: a later day in expires, or the row in port_matrix_disabled_rows"
        for row_id, expires in late
    ]
    if refuse and found:
        raise PortMatrixError("\n".join(found))
    return found
