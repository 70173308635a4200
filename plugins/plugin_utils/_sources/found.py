# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one system knows of a site, as hosts of an inventory: groups, addresses, port ranges, and what looks wrong."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._values.addresses import parse_single_address
from .._values.errors import PortMatrixError, shown
from .._values.mapping import as_text

# An address, or a pair ``{"address": …, "advertised": …}`` of one behind static NAT.
AddressValue = str | dict[str, str]

# The host variable that says where the addresses of a host come from. Hosts of a source are known by it.
SOURCES = "pexip_sfb_sources"

# The variable for all hosts with the trusted application pools of Skype for Business: name → machines.
POOLS = "sfb_trusted_application_pools"

# Records of a system's own machines. By others it refers to machines that somebody else may know better.
OWN_RECORDS = ("management_vm", "topology", "worker_vm")

_TEMPLATE_MARKS = ("{{", "{%", "{#")


@dataclass(frozen=True, slots=True)
class FoundHost:
    """One machine that a system knows.

    ``record`` is what the system calls the entry that it was read from, such as ``worker_vm``. Where the system has a
    name in place of addresses, ``looked_up_in`` says what had these: ``DNS``, or the option ``addresses``.
    """

    name: str
    groups: tuple[str, ...]
    record: str
    addresses: tuple[AddressValue, ...] = ()
    interfaces: Mapping[str, tuple[AddressValue, ...]] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    looked_up_in: str = ""

    @property
    def own(self) -> bool:
        """Tell whether this is a machine of the system, whose name is the system's to give."""
        return self.record in OWN_RECORDS

    def variables(self) -> dict[str, t.Any]:
        """Return the host variables, without where they are from."""
        found: dict[str, t.Any] = dict(self.facts)
        if self.interfaces:
            found["port_matrix_interfaces"] = {name: list(values) for name, values in sorted(self.interfaces.items())}
        elif self.addresses:
            found["port_matrix_addresses"] = list(self.addresses)
        if self.locations:
            found["port_matrix_location"] = list(self.locations)
        return found

    def source(self, system: str, read: str) -> dict[str, t.Any]:
        """Return where this is from, for ``SOURCES``: which *system* said it, when it was *read*, and what it said."""
        values = (*self.addresses, *(value for found in self.interfaces.values() for value in found))
        sides = (side for value in values for side in (value.values() if isinstance(value, dict) else [value]))
        said: dict[str, t.Any] = {"system": system, "record": self.record, "name": self.name, "read": read}
        said["addresses"] = list(plain_addresses(sides, self.name))
        return {**said, "looked_up_in": self.looked_up_in} if self.looked_up_in else said


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that a system knows of a site.

    ``ports`` has range names of the port matrix → ports. ``facts`` are variables for all hosts. ``warnings`` say what
    the system's own rules call wrong, or what was left out.
    """

    hosts: tuple[FoundHost, ...]
    ports: Mapping[str, list[str]] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def as_name(value: object, where: str) -> str:
    """Return *value*, a name that somebody gave in a system, for use in an inventory.

    :raises PortMatrixError: if it is not text, empty, or what Ansible would take for a template.
    """
    text = as_text(value, where)
    if not text:
        raise PortMatrixError.at(where, "is empty", "one line of text")
    if any(mark in text for mark in _TEMPLATE_MARKS):
        raise PortMatrixError.at(
            where, f"{shown(text)} holds what Ansible takes for a template", "a name without {{, {% and {#"
        )
    return text


def single_address(value: object, where: str) -> str:
    """Return *value*, the address of one machine, in the one form that it has everywhere.

    :raises PortMatrixError: if it is none.
    """
    return plain_addresses([value], where)[0]


def plain_addresses(values: Iterable[object], where: str) -> tuple[str, ...]:
    """Return *values*, addresses of machines, sorted and each once; IPv4 comes first.

    :raises PortMatrixError: if one is none.
    """
    found: dict[tuple[str, tuple[int, int]], str] = {}
    for value in values:
        parsed = parse_single_address(value, where)
        (family,) = parsed.families()
        (cidr,) = parsed.cidrs(family)
        found[family, parsed.of_family(family).intervals[0]] = cidr.partition("/")[0]
    return tuple(found[key] for key in sorted(found))


def behind_nat(address: str, advertised: str | None) -> AddressValue:
    """Return *address* as a value of ``port_matrix_interfaces``, with what others see of it where that differs."""
    return {"address": address, "advertised": advertised} if advertised not in (None, address) else address


def seen_addresses(values: Iterable[object]) -> frozenset[str]:
    """Return the addresses by which others know a host, from values as above, and from interfaces that name another."""
    seen = (value.get("advertised", value.get("address")) if isinstance(value, Mapping) else value for value in values)
    return frozenset(value for value in seen if isinstance(value, str))
