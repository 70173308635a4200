# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of the demo's site: which calls, connections and new flows go between which hosts, by which rows.

Every family has the same. In a call and in a connection one port is of :data:`CALL_PORTS`, so that the firewall can
count them; the source ports of new flows are outside these. Each measurement has ports of its own: the firewall still
knows the flows of the one before, and they would not be new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packet_proof.lab import Lab

from flow_loss.agent import FLOW_SOURCE_PORTS, Orders

FIREWALL = "fw"
NODE, FRONT_END, CLIENT, EDGE = "node1", "fe1", "client1", "edge1"
_ZONES = {NODE: "pexip"}  # where its media is; it has an address for other nodes, too
CALL_PORTS = range(49800, 50000)
FLOW_PORTS = range(20000, 20200)
_MEASUREMENTS = 10
FLOWS_A_SECOND = 1000  # in both families together
PACKETS_A_SECOND = 50  # of each direction of a call
MESSAGES_A_SECOND = 20  # of each direction of a connection
LIFETIME = 3600  # seconds: an agent whose measurement hangs ends by itself
NEW_FLOWS, CALLS, CONNECTIONS = "new flows", "calls", "connections"
KINDS = (NEW_FLOWS, CALLS, CONNECTIONS)
VERSIONS = (4, 6)

# What the firewall counts at its two doors, by kind.
COUNTED = {
    NEW_FLOWS: (
        f"udp sport {FLOW_SOURCE_PORTS[0]}-{FLOW_SOURCE_PORTS[-1]} udp dport {FLOW_PORTS[0]}-{FLOW_PORTS[-1]}",
    ),
    CALLS: tuple(f"udp {side} {CALL_PORTS[0]}-{CALL_PORTS[-1]}" for side in ("sport", "dport")),
    CONNECTIONS: tuple(f"tcp {side} {CALL_PORTS[0]}-{CALL_PORTS[-1]}" for side in ("sport", "dport")),
}


@dataclass(frozen=True)
class Conversation:
    """Some calls or connections of one kind between two hosts; with connections, the first host is the client."""

    kind: str
    what: str
    hosts: tuple[str, str]
    ports: tuple[int, int]
    number: int = 1
    zones: tuple[str, str] = ("", "")
    client_speaks: bool = True

    def port(self, side: int, number: int) -> int:
        """Return the port of one side of one of these, the first of which has *number* 0."""
        return self.ports[side] + (0 if self.ports[side] in _SERVICES else number)


_SERVICES = (3478, 5061)
CONVERSATIONS = (
    Conversation(CALLS, "media with clients", (NODE, CLIENT), (49800, 51000), 4),  # rows 2 and 6
    Conversation(CALLS, "media with servers", (NODE, FRONT_END), (49804, 51000), 3),  # rows 2 and 6
    Conversation(CALLS, "media with the Edge", (NODE, EDGE), (49807, 51000), 2, ("", "perimeter")),  # rows 4 and 5
    Conversation(CALLS, "relay", (CLIENT, EDGE), (49809, 3478), zones=("", "server")),  # row 11
    Conversation(CONNECTIONS, "SIP to the node", (FRONT_END, NODE), (49810, 5061), 2),  # row 1
    Conversation(CONNECTIONS, "SIP to the Front End", (NODE, FRONT_END), (49812, 5061), 2),  # row 1
    Conversation(CONNECTIONS, "media with clients", (NODE, CLIENT), (49814, 52000), 2),  # row 6
    Conversation(CONNECTIONS, "media with the Edge", (EDGE, NODE), (52000, 49816), zones=("perimeter", "")),  # row 5
    # A client that is silent, as one that waits for notices: what its server sends comes from no row.
    Conversation(CONNECTIONS, "SIP notices", (FRONT_END, NODE), (49817, 5061), client_speaks=False),  # row 1
)


def orders(lab: Lab, measurement: int) -> dict[str, Orders]:
    """What each host has to do in one measurement, for :mod:`flow_loss.agent`."""
    ports = list(FLOW_PORTS[measurement::_MEASUREMENTS])
    given: dict[str, Orders] = {
        host: {"lifetime": LIFETIME, "flow_ports": ports, "calls": [], "flows": [], "dialled": [], "answered": []}
        for host in (NODE, FRONT_END, CLIENT, EDGE)
    }
    for host, order in given.items():
        order["sink"] = host == FRONT_END
    for version in VERSIONS:
        given[NODE]["flows"].append(
            {
                "sends": f"{NEW_FLOWS} ipv{version}",
                "local": _address(lab, NODE, version),
                "remote": _address(lab, FRONT_END, version),
                "rate": FLOWS_A_SECOND / len(VERSIONS),
            }
        )
        for conversation in CONVERSATIONS:
            for host, where, order in _ends(lab, conversation, version, measurement):
                given[host][where].append(order)
    return given


def kind_and_version(stream: str) -> tuple[str, int]:
    """Return what the name of a stream tells."""
    kind = next(kind for kind in KINDS if stream.startswith(kind))
    return kind, 6 if " ipv6" in stream else 4


def _ends(lab: Lab, talk: Conversation, version: int, measurement: int) -> Iterator[tuple[str, str, Orders]]:
    there, back = talk.hosts
    first, second = (_address(lab, host, version, zone) for host, zone in zip(talk.hosts, talk.zones, strict=True))
    sides = ("calls", "calls") if talk.kind == CALLS else ("dialled", "answered")
    rate = PACKETS_A_SECOND if talk.kind == CALLS else MESSAGES_A_SECOND
    shift = measurement * len(CALL_PORTS) // _MEASUREMENTS
    for number in range(talk.number):
        name = f"{talk.kind} ipv{version}: {talk.what} {number + 1}"
        names = (f"{name} from {there}", f"{name} from {back}")
        ends = [[first, talk.port(0, shift + number)], [second, talk.port(1, shift + number)]]
        yield there, sides[0], {
            "sends": names[0], "receives": names[1], "local": ends[0], "remote": ends[1],
            "rate": rate if talk.client_speaks else 0, "waits": False,
        }  # fmt: skip
        # Its own row may not let the second host begin.
        yield back, sides[1], {
            "sends": names[1], "receives": names[0], "local": ends[1], "remote": ends[0],
            "rate": rate, "waits": True,
        }  # fmt: skip


def _address(lab: Lab, host: str, version: int, zone: str = "") -> str:
    """Return an address of a host, in one of its zones; it has one of each family in each zone."""
    zone = zone or _ZONES.get(host, "")
    stations = lab.containers[host].stations
    return next(str(s.address) for s in stations if s.address.version == version and zone in ("", s.zone))
