# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary responders: what a host is asked to listen on for some seconds, and what came of that."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from .._matrix.hosts import Addresses
from .flows import Flow, sample_ports
from .parties import single_addresses


@dataclass(frozen=True)
class Request:
    """A port to listen on, at all local addresses that the row means; where it is taken, another from its interval."""

    protocol: str
    addresses: tuple[str, ...]
    port: int
    first: int
    last: int

    @property
    def id(self) -> str:
        """Equal for equal requests, so that rows share a listener."""
        return f"{self.protocol} {self.port} of {self.first}-{self.last} at {','.join(self.addresses)}"

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it for the module ``port_responder``."""
        return {**asdict(self), "addresses": list(self.addresses), "id": self.id}


def requests(flow: Flow, addresses: Addresses) -> list[Request]:
    """Return what a host that has *addresses* on the receiving side of *flow* is asked to listen on: a few ports.

    They are the local addresses: where a host is behind NAT, whatever is sent to the advertised one comes out there.
    """
    local = single_addresses(addresses.local.of_family(flow.family), flow.family)
    samples = sample_ports(flow.idle()) if flow.idle() and local else []
    return [Request(flow.protocol, tuple(local), port, first, last) for port, (first, last) in samples]


@dataclass(frozen=True)
class Listening:
    """What the module returned on one host: request id → port, and the token that the responder waits for."""

    ports: Mapping[str, int]
    problems: Mapping[str, str]
    token: str
    failure: str = ""

    @classmethod
    def read(cls, result: Mapping[str, t.Any]) -> Listening:
        """Read a registered result; a task that was skipped or failed leaves a host where nobody listens."""
        listening = result.get("listening")
        if not isinstance(listening, Mapping):
            return cls({}, {}, "", str(result.get("msg") or "it was not started"))
        return cls(
            {name: int(one["port"]) for name, one in listening.items() if one.get("port")},
            {name: str(one.get("problem")) for name, one in listening.items() if not one.get("port")},
            str(result.get("token", "")),
        )

    def why_not(self, request: Request) -> str:
        """Say why nobody listens there; empty where somebody does."""
        if request.id in self.ports:
            return ""
        return self.failure or self.problems.get(request.id, "it was not asked for")


def all_requests(
    flows: Iterable[Flow], machines: t.Callable[[tuple[str, ...]], Mapping[str, Addresses]], host: str
) -> list[Request]:
    """Return every request for *host*, each once."""
    found: dict[str, Request] = {}
    for flow in flows:
        if host in machines(flow.destination):
            found.update({one.id: one for one in requests(flow, machines(flow.destination)[host])})
    return list(found.values())
