# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a firewall with these rules does with a packet.

Written from the COM properties alone: it shares no code with the collection, nor with the stand-ins of the modules.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterable, Mapping

from packet_proof.oracle import Packet
from packet_proof.protocols import protocol_number
from packet_proof.site import Address

Properties = Mapping[str, t.Any]
_IN, _OUT, _BLOCK, _ALLOW = 1, 2, 0, 1
_ANY_PROTOCOL = 256
_EVERY_PROFILE = 7


def allows(rules: Iterable[Properties], packet: Packet, inbound: bool) -> bool:
    """Tell whether *rules* let a packet pass where the default is to block. Block beats allow."""
    actions = {rule["Action"] for rule in rules if _matches(rule, packet, inbound)}
    return _ALLOW in actions and _BLOCK not in actions


def _matches(rule: Properties, packet: Packet, inbound: bool) -> bool:
    ends = ((packet.destination, packet.destination_port), (packet.source, packet.source_port))
    local, remote = ends if inbound else ends[::-1]
    return (
        rule["Enabled"]
        and rule["Direction"] == (_IN if inbound else _OUT)
        and rule["Protocol"] in (_ANY_PROTOCOL, protocol_number(packet.protocol))
        and rule["Profiles"] & _EVERY_PROFILE == _EVERY_PROFILE
        and rule["ApplicationName"] is None
        and rule["ServiceName"] is None
        and _has_address(rule["LocalAddresses"], local[0])
        and _has_address(rule["RemoteAddresses"], remote[0])
        and _has_port(rule["LocalPorts"], local[1])
        and _has_port(rule["RemotePorts"], remote[1])
    )


def _has_address(text: str, address: Address) -> bool:
    return text == "*" or any(_covers(item, address) for item in text.split(","))


def _covers(item: str, address: Address) -> bool:
    if "-" in item:
        first, last = (ipaddress.ip_address(part) for part in item.split("-"))
        return first.version == address.version and int(first) <= int(address) <= int(last)
    return address in ipaddress.ip_network(item)


def _has_port(text: str | None, port: int) -> bool:
    if text in (None, "*"):
        return True
    bounds = ([int(bound) for bound in item.split("-")] for item in str(text).split(","))
    return any(bound[0] <= port <= bound[-1] for bound in bounds)
