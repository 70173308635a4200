# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts remember, as the module ``observed_flows`` returns it."""

from __future__ import annotations

import typing as t

TIME = "2026-05-04T10:00:00Z"


def flow(
    source: str, destination: str, protocol: str, port: int | None = None, packets: int = 1, **changed: t.Any
) -> t.Any:
    """One flow, with a hundred bytes in each packet."""
    return {
        "hook": "forward",
        "family": "ipv6" if ":" in source else "ipv4",
        "protocol": protocol,
        "source": source,
        "destination": destination,
        "destination_port": port,
        "packets": packets,
        "bytes": 100 * packets,
        "last_seen": TIME,
        **changed,
    }


def answer(flows: list[t.Any], **changed: t.Any) -> dict[str, t.Any]:
    """The result of the module on a host that lets through what it remembers."""
    state = {"remembering": True, "enforcing": False, "full": False, "entries": len(flows), "limit": 65535}
    return {"changed": False, "flows": flows, **state, **changed}
