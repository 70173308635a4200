# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our win_port_probe does, as in its source (plugins/modules/win_port_probe.ps1); the network is a mapping.

Source ports are tried in their order and not drawn, so that an answer can be foretold.
"""

from __future__ import annotations

import itertools
import re
import typing as t
from collections.abc import Collection, Iterator, Mapping

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)
_TRIED = 10
_OF_THE_SYSTEM = range(49152, 65536)
_DETAILS = {
    "open": "connected",
    "refused": "reset by the destination, or by a firewall in its name",
    "error": "A socket operation was attempted to an unreachable network",
}

# Source address and port, destination address and port. A connection that ended keeps them for a while.
_Connection = tuple[str, int, str, int]


def run(arguments: Mapping[str, t.Any], network: Mapping[str, str], taken: Collection[int]) -> dict[str, t.Any]:
    """Run the module.

    :param network: "address port" → verdict; whatever is not in it is open.
    :param taken: source ports that another program of the host has for itself.
    """
    try:
        seconds = float(str(arguments["timeout"]))
        in_range = 0 <= seconds <= 86400
    except ValueError:
        in_range = False
    if not in_range:
        wrong = f"timeout: '{arguments['timeout']}' is not a time to wait"
        return {"failed": True, "msg": f"{wrong}; accepted: seconds from 0 to 86400, such as 3 or 2.7"}
    host = _Host(network, taken, seconds)
    return {"changed": False, "answers": [host.answer(probe) for probe in arguments["probes"]]}


class _Host:
    def __init__(self, network: Mapping[str, str], taken: Collection[int], seconds: float) -> None:
        self._network, self._taken, self._seconds = network, taken, seconds
        self._used: set[_Connection] = set()

    def answer(self, probe: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What is told about one probe."""
        source = str(probe["source"])
        if probe["protocol"] != "tcp" or probe["probe"] == "responder":
            return _told("not_probeable", "only TCP services are probed from a Windows host", source, None)
        try:
            ports = list(itertools.islice(_source_ports(probe.get("source_ports")), _TRIED))
        except ValueError as e:
            return _told("error", str(e), source, None)
        there = (str(probe["destination"]), int(probe["destination_port"]))
        for port in ports:
            connection = (source, port, *there)
            if port not in self._taken and connection not in self._used:
                return self._connect(connection)
        return _told("error", f"no permitted source port is free, of {len(ports)} that were tried", source, None)

    def _connect(self, connection: _Connection) -> dict[str, t.Any]:
        source, port, address, destination_port = connection
        verdict = self._network.get(f"{address} {destination_port}", "open")
        if verdict == "open":
            self._used.add(connection)
        return _told(verdict, _DETAILS.get(verdict, f"no answer within {self._seconds:g} s"), source, port)


def _source_ports(permitted: t.Any) -> Iterator[int]:
    items = [item for item in permitted or () if item is not None]
    ranges = [_range(str(item)) for item in items]
    return itertools.chain(*(ranges or [_OF_THE_SYSTEM]))


def _range(item: str) -> range:
    found = _PORTS.fullmatch(item)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise ValueError(f"'{item}' is not a source port or a range of them")
    return range(first, last + 1)


def _told(verdict: str, detail: str, source: str, port: int | None) -> dict[str, t.Any]:
    return {"verdict": verdict, "detail": detail, "source": source, "source_port": port, "certificate": None}
