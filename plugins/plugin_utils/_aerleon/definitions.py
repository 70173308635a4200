# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aerleon's definitions: named networks for hosts and for the sides of rules, named services for port ranges."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Hashable, Iterable, Sequence

from .._rules.canonical import Rule
from .._values.addresses import Family
from .._values.intervals import IntervalSet
from .._values.ports import format_ports

# Palo Alto's names end at 63 characters, of which aerleon takes some for numbers of its own.
_LONGEST = 40
_ALL_PORTS = "1-65535"  # nobody uses 0, and fortigate has none

Entry = tuple[str, str]
"""A host, and one of its networks as CIDR."""


class _Names:
    """A name of its own for each thing, of those characters that every platform takes.

    On some platforms aerleon calls the networks of ``X`` by the names ``X_0``, ``X_1`` and so on, next to ``X``. So no
    name ends in a number.
    """

    def __init__(self) -> None:
        self._of: dict[Hashable, str] = {}
        self._taken: set[str] = set()

    def name(self, thing: Hashable, text: str, end: str) -> str:
        """The name of *thing*, which is like *text* and has this *end*."""
        if thing not in self._of:
            plain = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")[:_LONGEST]
            plain = plain if re.match(r"[A-Z]", plain) else f"N_{plain}"
            name, number = f"{plain}_{end}", 1
            while name in self._taken:
                number += 1
                name = f"{plain}_{number}_{end}"
            self._taken.add(name)
            self._of[thing] = name
        return self._of[thing]


class Definitions:
    """Collects what a policy names."""

    def __init__(self) -> None:
        self._network_names = _Names()
        self._service_names = _Names()
        self._networks: dict[str, list[dict[str, str]]] = {}
        self._services: dict[str, list[dict[str, str]]] = {}

    def as_document(self) -> dict[str, t.Any]:
        """Write them as aerleon reads them, by name."""
        return {
            "networks": {name: {"values": values} for name, values in sorted(self._networks.items())},
            "services": dict(sorted(self._services.items())),
        }

    def network(
        self, endpoints: Sequence[str], family: Family, addresses: IntervalSet, entries: Iterable[Entry]
    ) -> str:
        """Return the name of one side of a rule, which is a list of hosts.

        :param entries: who has which of the *addresses*.
        """
        version = f"V{family[-1]}"
        name = self._network_names.name((tuple(endpoints), family, addresses), "_or_".join(endpoints), version)
        if name not in self._networks:
            of_host: dict[str, list[str]] = {}
            for host, cidr in entries:
                of_host.setdefault(host, []).append(cidr)
            hosts = [self._host(host, cidrs, version) for host, cidrs in of_host.items()]
            self._networks[name] = [{"name": host} for host in dict.fromkeys(hosts)]
        return name

    def _host(self, host: str, cidrs: Sequence[str], version: str) -> str:
        name = self._network_names.name((host, tuple(cidrs)), host, version)
        self._networks.setdefault(name, [{"address": cidr, "comment": comment(host)} for cidr in cidrs])
        return name

    def service(self, rule: Rule, ports: IntervalSet) -> str:
        """Return the name of *ports* of the protocol of *rule*."""
        ranges = format_ports(ports) or [_ALL_PORTS]
        name = self._service_names.name((rule.protocol, tuple(ranges)), f"P_{'_'.join(ranges)}", rule.protocol.upper())
        self._services.setdefault(name, [{"protocol": rule.protocol, "port": one} for one in ranges])
        return name


def comment(text: str) -> str:
    """Return *text* without what ends a comment, a string or a line on any platform."""
    return re.sub(r"[^A-Za-z0-9 .,:()/_+-]", "-", text)[:120]
