# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory needs of the Management API: the lists that are read, and the fields that are kept of them.

The lists hold passwords too: those of SNMP, of TURN servers, of cloud accounts. They are left out here, so they are in
no cache, message or variable.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .._values.errors import PortMatrixError, shown
from .client import Client

# Resource → its fields.
FIELDS: dict[str, tuple[str, ...]] = {
    "worker_vm": (
        "name", "hostname", "domain", "address", "secondary_address", "static_nat_address", "ipv6_address",
        "alternative_fqdn", "node_type", "system_location", "maintenance_mode",
    ),
    "management_vm": ("name", "address", "static_nat_address", "ipv6_address"),
    "system_location": (
        "name", "mssip_proxy", "turn_server", "transcoding_location", "overflow_location1", "overflow_location2",
    ),
    "turn_server": ("name", "address", "port", "transport_type"),
    "mssip_proxy": ("name", "address"),
    "dns_server": ("address",),
    "ntp_server": ("address",),
    "syslog_server": ("address",),
    "global": ("media_ports_start", "media_ports_end", "signalling_ports_start", "signalling_ports_end"),
}  # fmt: skip
# Who names servers, and in which fields: of each server its URI, or all of it.
SERVERS = {"dns_servers": "dns_server", "ntp_servers": "ntp_server", "syslog_servers": "syslog_server"}
_WITH_SERVERS = ("management_vm", "system_location")

Record = dict[str, t.Any]
Resources = dict[str, list[Record]]


def read_resources(client: Client) -> Resources:
    """Read everything: resource → its records, in the order of their URIs, each with its fields and ``resource_uri``.

    Where a record names DNS, NTP or syslog servers, it has a list of their addresses.

    :raises PortMatrixError: if something cannot be read.
    """
    lists = {name: sorted(client.objects(name), key=lambda item: str(item["resource_uri"])) for name in FIELDS}
    servers = {item["resource_uri"]: item for name in SERVERS.values() for item in lists[name]}
    return {
        name: [
            {
                "resource_uri": item["resource_uri"],
                **{key: item.get(key) for key in FIELDS[name]},
                **(_servers(item, name, servers) if name in _WITH_SERVERS else {}),
            }
            for item in items
        ]
        for name, items in lists.items()
    }


def _servers(item: Mapping[str, t.Any], resource: str, known: Mapping[str, Mapping[str, t.Any]]) -> Record:
    found: Record = {}
    for key in SERVERS:
        named = item.get(key) or []
        where = f"{resource} {shown(item.get('name'))} {key}"
        if not isinstance(named, list):
            raise PortMatrixError.at(where, "is not a list")
        found[key] = [_address(entry, where, known) for entry in named]
    return found


def _address(entry: object, where: str, known: Mapping[str, Mapping[str, t.Any]]) -> object:
    server = entry if isinstance(entry, Mapping) else known.get(entry) if isinstance(entry, str) else None
    if server is None:
        raise PortMatrixError.at(where, f"{shown(entry)} is not a server that the Management Node lists")
    return server.get("address")
