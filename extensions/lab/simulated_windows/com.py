# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's COM objects: HNetCfg.FwRule and the rules of HNetCfg.FwPolicy2.

Property names, defaults, limits and refusals are those of Microsoft's documents of INetFwRule and MS-FASP.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Iterator

Value = str | int | bool | None

ANY_PROTOCOL = 256
PROTOCOLS_WITH_PORTS = (6, 17)
ALL_PROFILES = 0x7FFFFFFF
LIST_LIMIT = 1000
_KEYWORDS = {word.lower(): word for word in ("LocalSubnet", "DNS", "DHCP", "WINS", "DefaultGateway")}
_PORTS = re.compile(r"\d{1,5}(-\d{1,5})?", re.ASCII)


class ComError(Exception):
    """What a COM call throws."""


def invalid_argument() -> ComError:
    """The one text that COM has for every refused value."""
    return ComError("Value does not fall within the expected range.")


class FirewallRule:
    """One rule. Setting a property checks and rewrites it as Windows does."""

    DEFAULTS: t.ClassVar[dict[str, Value]] = {
        "Name": None,
        "Description": None,
        "ApplicationName": None,
        "ServiceName": None,
        "Grouping": None,
        "Protocol": ANY_PROTOCOL,
        "LocalPorts": None,
        "RemotePorts": None,
        "LocalAddresses": "*",
        "RemoteAddresses": "*",
        "IcmpTypesAndCodes": None,
        "Direction": 1,
        "Action": 1,
        "Enabled": False,
        "Profiles": ALL_PROFILES,
        "InterfaceTypes": "All",
        "Interfaces": None,
        "EdgeTraversal": False,
        "EdgeTraversalOptions": 0,
        "SecureFlags": 0,
        "LocalAppPackageId": None,
        "LocalUserOwner": None,
        "LocalUserAuthorizedList": None,
        "RemoteUserAuthorizedList": None,
        "RemoteMachineAuthorizedList": None,
    }

    def __init__(self, properties: dict[str, Value] | None = None) -> None:
        self._properties = {**self.DEFAULTS, **(properties or {})}

    def __getitem__(self, name: str) -> t.Any:
        return self._properties[name]

    def __setitem__(self, name: str, value: Value) -> None:
        if name in ("Name", "Description") and "|" in str(value or ""):
            raise invalid_argument()
        if name == "Name" and (not value or str(value).lower() == "all"):
            raise invalid_argument()
        if name.endswith("Addresses"):
            value = normalised_addresses(str(value))
        elif name.endswith("Ports"):
            value = self._checked_ports(str(value))
        elif name == "Protocol" and value != self._properties["Protocol"]:
            # Ports belong to a protocol: a rule whose protocol changes starts with any.
            ports = "*" if value in PROTOCOLS_WITH_PORTS else None
            self._properties.update(LocalPorts=ports, RemotePorts=ports)
        elif name == "ServiceName" and value is None:
            raise invalid_argument()  # the COM binder cannot hand over nothing; see the module's PutApplicationName
        self._properties[name] = value

    def as_mapping(self) -> dict[str, Value]:
        """Its properties."""
        return dict(self._properties)

    def _checked_ports(self, text: str) -> str:
        if self._properties["Protocol"] not in PROTOCOLS_WITH_PORTS:
            raise invalid_argument()
        if text == "*":
            return text
        items = text.split(",")
        for item in items:
            bounds = [int(bound) for bound in item.split("-")] if _PORTS.fullmatch(item) else [65536]
            if max(bounds) > 65535 or bounds != sorted(bounds):
                raise invalid_argument()
        if len(items) > LIST_LIMIT:
            raise invalid_argument()
        return text


class RuleCollection:
    """The rules of a host. Their order is that of a hash table: it means nothing and is not that of adding."""

    def __init__(self, rules: list[FirewallRule]) -> None:
        self._rules = rules

    def __iter__(self) -> Iterator[FirewallRule]:
        return iter(sorted(self._rules, key=lambda rule: str(rule["Name"])[::-1]))

    def add(self, rule: FirewallRule) -> None:
        """Add a rule. Names need not be unique."""
        if not rule["Name"]:
            raise invalid_argument()
        self._rules.append(rule)

    def remove(self, name: str) -> None:
        """Remove one rule of this name, whichever; nothing happens where there is none."""
        for index, rule in enumerate(self._rules):
            if str(rule["Name"]).lower() == name.lower():
                del self._rules[index]
                return


def normalised_addresses(text: str) -> str:
    """Rewrite a list of addresses: IPv4 gets its mask, and the order changes."""
    if text == "*":
        return text
    items = [_normalised_address(item) for item in text.split(",")]
    for family in (".", ":"):
        if sum(family in item for item in items) > LIST_LIMIT:
            raise invalid_argument()
    return ",".join(sorted(set(items), reverse=True))


def _normalised_address(item: str) -> str:
    if item.lower() in _KEYWORDS:
        return _KEYWORDS[item.lower()]
    try:
        if "-" in item:
            first, last = (ipaddress.ip_address(part) for part in item.split("-"))
            return f"{first}-{last}"
        network = ipaddress.ip_network(item)
    except ValueError as error:
        raise invalid_argument() from error
    if network.prefixlen == 0:
        raise invalid_argument()
    return str(network) if network.version == 6 else f"{network.network_address}/{network.netmask}"
