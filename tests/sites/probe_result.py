# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One result of a verification, as the results and all that is written of them hold it."""

from __future__ import annotations

import typing as t


def result(verdict: str, row: str = "sip_signaling", **changes: t.Any) -> dict[str, t.Any]:
    """A probe of SIP from a Front End to a node, with what a test says otherwise."""
    return {
        "row": row, "source_host": "fe1", "source": "198.51.100.21", "source_port": 50001, "destination_host": "node1",
        "destination": "192.0.2.11", "destination_port": 5061, "protocol": "tcp", "family": "ipv4",
        "probe": "tcp_connect", "verdict": verdict, "detail": "why", "certificate": None, "accepted": False,
        **changes,
    }  # fmt: skip
