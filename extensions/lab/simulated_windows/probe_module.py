# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our win_port_probe does, as in its source (plugins/modules/win_port_probe.ps1); the network is a mapping."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

_DETAILS = {
    "open": "connected",
    "refused": "No connection could be made because the target machine actively refused it",
    "error": "A socket operation was attempted to an unreachable network",
}


def run(arguments: Mapping[str, t.Any], network: Mapping[str, str]) -> dict[str, t.Any]:
    """Run the module. *network* has "address port" → verdict; whatever is not in it is open."""
    return {"changed": False, "answers": [_answer(p, network, arguments["timeout"]) for p in arguments["probes"]]}


def _answer(probe: Mapping[str, t.Any], network: Mapping[str, str], timeout: float) -> dict[str, t.Any]:
    if probe["protocol"] != "tcp" or probe["probe"] == "responder":
        return _told("not_probeable", "only TCP services are probed from a Windows host", probe["source"], None)
    verdict = network.get(f"{probe['destination']} {probe['destination_port']}", "open")
    permitted = [*probe.get("source_ports", ()), "49152-65535"]
    port = int(str(permitted[0]).partition("-")[0])
    return _told(verdict, _DETAILS.get(verdict, f"no answer within {timeout:g} s"), probe["source"], port)


def _told(verdict: str, detail: str, source: str, port: int | None) -> dict[str, t.Any]:
    return {"verdict": verdict, "detail": detail, "source": source, "source_port": port, "certificate": None}
