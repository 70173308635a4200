# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection over which a host is managed, and whether a policy would still let it in."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from .._rules.extra import ExtraRule
from .._values.addresses import Family
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.netaddr import netaddr
from .table import Policy

# Where the port of a client that opens a new connection can be (RFC 6056, section 3.2).
_CLIENT_PORTS = IntervalSet(((1024, 65535),))


@dataclass(frozen=True)
class ManagementConnection:
    """TCP from *client* to *port* of *server*, addresses as integers of *family*."""

    family: Family
    client: int
    server: int
    port: int


def parse_management_connection(words: Sequence[str], where: str) -> ManagementConnection | None:
    """Read the words of ``SSH_CONNECTION``: client, its port, server, its port; no words are no such connection.

    :raises PortMatrixError: for anything else; the message begins with *where*.
    """
    if not words:
        return None
    try:
        client_text, _client_port, server_text, port_text = words
        client, server = _address(client_text), _address(server_text)
        port = int(port_text)
    except (ValueError, netaddr.AddrFormatError) as e:
        accepted = "address and port of the client, address and port of the server"
        raise PortMatrixError.at(where, f"{shown(list(words))} is not a connection", accepted) from e
    return ManagementConnection("ipv4" if server.version == 4 else "ipv6", int(client), int(server), port)


def check_lets_in(policy: Policy, connection: ManagementConnection, where: str) -> None:
    """Make sure that a new connection like *connection* would be let in.

    :raises PortMatrixError: where it would be dropped; the message begins with *where*.
    """
    if "input" not in policy.hooks or not policy.enforce or connection.client == connection.server:
        return
    rules = (*policy.management, *policy.extra_rules)
    if any(_admits(rule, connection) for rule in rules) or _matrix_admits(policy, connection):
        return
    version: t.Literal[4, 6] = 4 if connection.family == "ipv4" else 6
    client, server = (netaddr.IPAddress(address, version) for address in (connection.client, connection.server))
    raise PortMatrixError.at(
        where,
        f"the ruleset would cut off Ansible itself, which connects from {client} to port {connection.port} of {server}",
        "a rule for hook input that lets it in, from any source port",
    )


def _admits(rule: ExtraRule, connection: ManagementConnection) -> bool:
    sides = ((rule.source, connection.client), (rule.destination, connection.server))
    return (
        (rule.hook, rule.protocol) == ("input", "tcp")
        and all(side is None or address in side.of_family(connection.family) for side, address in sides)
        and connection.port in rule.destination_ports
        and _CLIENT_PORTS.issubset(rule.source_ports)
    )


def _matrix_admits(policy: Policy, connection: ManagementConnection) -> bool:
    return any(
        (rule.hook, rule.protocol, rule.family) == ("input", "tcp", connection.family)
        and connection.client in rule.source
        and connection.server in rule.destination
        and connection.port in rule.destination_ports
        and _CLIENT_PORTS.issubset(rule.source_ports)
        for rule in policy.rules
    )


def _address(text: str) -> netaddr.IPAddress:
    address = netaddr.IPAddress(text.partition("%")[0])
    return address.ipv4() if address.is_ipv4_mapped() else address
