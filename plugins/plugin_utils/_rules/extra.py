# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extra rules: what a host lets through in addition to the matrix (management, monitoring), as users write it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._values.addresses import AddressSet, Family, parse_network
from .._values.errors import PortMatrixError, ProblemList, names, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_identifier, as_list, as_mapping
from .._values.ports import ANY_PORT, parse_ports
from .canonical import HOOKS, Hook
from .protocols import check_without_ports, families_of, parse_protocol

_KEYS = ("name", "hook", "protocol", "source", "destination", "source_ports", "destination_ports")


@dataclass(frozen=True)
class ExtraRule:
    """One extra rule. ``source`` and ``destination`` are None for any address."""

    name: str
    hook: Hook
    protocol: str
    source: AddressSet | None
    destination: AddressSet | None
    source_ports: IntervalSet
    destination_ports: IntervalSet

    def families(self) -> list[Family]:
        """The families of the packets that the rule can match."""
        return [
            family
            for family in families_of(self.protocol)
            if all(side is None or side.of_family(family) for side in (self.source, self.destination))
        ]


def parse_extra_rules(value: object, where: str) -> tuple[ExtraRule, ...]:
    """Check a list of extra rules.

    :raises PortMatrixError: with every item that is not one, a line each; each line begins with *where*.
    """
    problems = ProblemList()
    rules = [problems.attempt(_parse, item, where) for item in as_list(value, where)]
    problems.raise_if_any()
    return tuple(rule for rule in rules if rule)


def _parse(value: object, where: str) -> ExtraRule:
    data = as_mapping(value, where, _KEYS)
    for key in ("name", "protocol"):
        if key not in data:
            raise PortMatrixError.at(
                where, f"{shown(dict(data))} has no {key}", f"a mapping with the keys {names(_KEYS)}"
            )
    name = as_identifier(data["name"], f"{where} name")
    where = f"{where} {name}"
    protocol = parse_protocol(data["protocol"], f"{where} protocol")
    for key in ("source_ports", "destination_ports"):
        if key in data:
            check_without_ports(protocol, f"{where} {key}")
    rule = ExtraRule(
        name=name,
        hook=t.cast(Hook, as_choice(data.get("hook", "input"), f"{where} hook", HOOKS)),
        protocol=protocol,
        source=_addresses(data, "source", where),
        destination=_addresses(data, "destination", where),
        source_ports=parse_ports(data["source_ports"], f"{where} source_ports") if "source_ports" in data else ANY_PORT,
        destination_ports=(
            parse_ports(data["destination_ports"], f"{where} destination_ports")
            if "destination_ports" in data
            else ANY_PORT
        ),
    )
    if not rule.families():
        raise PortMatrixError.at(
            where, "can match no packet: its protocol, source and destination have no family in common", "one family"
        )
    return rule


def _addresses(data: Mapping[str, object], key: str, where: str) -> AddressSet | None:
    if key not in data:
        return None
    items: Sequence[object] = as_list(data[key], f"{where} {key}")
    if not items:
        raise PortMatrixError.at(f"{where} {key}", "is an empty list", f"addresses, or no {key} for any address")
    return AddressSet.union(parse_network(item, f"{where} {key}") for item in items)
