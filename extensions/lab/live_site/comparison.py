# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two inventories of one site, as ``ansible-inventory --list`` prints them: who is who, and the rules."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.nftables_ruleset import nftables_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.rows import rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter.site import site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from packet_proof.site import resolved_groups

SOURCES = "pexip_sfb_sources"
# What the inventory plugins set of a host.
VARIABLES = ("port_matrix_addresses", "port_matrix_interfaces", "port_matrix_location")

Inventory = Mapping[str, t.Any]
_Addresses = frozenset[tuple[str, str]]


@dataclass
class Machine:
    """What rows need to know of a host. An address is (its own, what others see); ``""`` is no certain interface."""

    groups: set[str] = field(default_factory=set)
    interfaces: dict[str, _Addresses] = field(default_factory=dict)
    locations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Result:
    """What differs, a line each, and how much was compared where the hosts are the same."""

    differences: tuple[str, ...]
    hosts: int
    variables: int
    rules: int


def compare(live: Inventory, written: Inventory, by_hand: Inventory, variables: Mapping[str, t.Any]) -> Result:
    """Compare the *live* inventory with the *written* one.

    :param by_hand: the part of the live one that no system knows; its variables do not count as read.
    :param variables: what a play says of rows: ``port_matrix_row_groups`` and ``port_matrix_extra_rows``.
    """
    groups = {name for name, hosts in resolved_groups(written).items() if hosts}
    machines, expected = _machines(live, groups), _machines(written, groups)
    _call_as(expected, machines)
    differences = tuple(
        f"{name}: {machines.get(name, 'is not there')} instead of {expected.get(name, 'nothing')}"
        for name in sorted({*machines, *expected})
        if machines.get(name) != expected.get(name)
    )
    differences += tuple(_unknown_addresses(live, expected))
    if differences:
        return Result(differences, 0, 0, 0)  # what follows from them says nothing new
    made, wanted = (list(_made_of(inventory, variables)) for inventory in (live, written))
    differences = tuple(
        f"{what} differ" for (what, one), (_what, other) in zip(made, wanted, strict=True) if one != other
    )
    known = {host: found for host, found in _hostvars(live).items() if SOURCES in found}
    read = [
        (host, name)
        for host, found in known.items()
        for name in VARIABLES
        if name in found and name not in _hostvars(by_hand).get(host, {})
    ]
    return Result(differences, len(known), len(read), len(t.cast("list[object]", made[0][1])))


def _unknown_addresses(live: Inventory, expected: Mapping[str, Machine]) -> Iterator[str]:
    """Yield what systems said that is not written, also where somebody has written something else over it."""
    known = {
        side for found in expected.values() for pairs in found.interfaces.values() for pair in pairs for side in pair
    }
    for host, found in _hostvars(live).items():
        for source in found.get(SOURCES, ()):
            for address in source["addresses"]:
                if _network(address) not in known:
                    yield f"{host}: {source['system']} has {address}, which is not written"


def _hostvars(inventory: Inventory) -> Mapping[str, Mapping[str, t.Any]]:
    found: Mapping[str, Mapping[str, t.Any]] = inventory["_meta"]["hostvars"]
    return found


def _machines(inventory: Inventory, groups: set[str]) -> dict[str, Machine]:
    hostvars = _hostvars(inventory)
    everywhere = {name for found in hostvars.values() for name in _locations(found)}
    machines: dict[str, Machine] = {}
    for group, hosts in resolved_groups(inventory).items():
        for host in hosts if group in groups else ():
            found = hostvars.get(host, {})
            machine = machines.setdefault(host, Machine(interfaces=_interfaces(found)))
            machine.groups.add(group)
            # Who is in every location shares one with everybody, as does who is in none.
            machine.locations = _locations(found) if _locations(found) != everywhere else frozenset()
    return machines


def _locations(variables: Mapping[str, t.Any]) -> frozenset[str]:
    named = variables.get("port_matrix_location", ())
    return frozenset([named] if isinstance(named, str) else named)


def _interfaces(variables: Mapping[str, t.Any]) -> dict[str, _Addresses]:
    given = dict(variables.get("port_matrix_interfaces", {}))
    if "port_matrix_addresses" in variables:
        given[""] = variables["port_matrix_addresses"]
    return {name: frozenset(_pairs(given, value)) for name, value in given.items()}


def _pairs(interfaces: Mapping[str, t.Any], value: t.Any) -> Iterator[tuple[str, str]]:
    while isinstance(value, str) and value in interfaces:
        value = interfaces[value]
    for item in value:
        pair = item if isinstance(item, Mapping) else {"address": item}
        own = _network(pair["address"])
        yield own, _network(pair["advertised"]) if "advertised" in pair else own


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


def _call_as(expected: Mapping[str, Machine], machines: dict[str, Machine]) -> None:
    """Call machines that have only an address for a name by the name of the expected host that has that address."""
    owner = {own: name for name, found in expected.items() for own, _seen in found.interfaces.get("", ())}
    for address in [name for name in machines if _is_address(name)]:
        name = owner.get(_network(address), address)
        if name != address:
            found = machines.pop(address)
            same = machines.setdefault(name, Machine(locations=found.locations))
            same.groups |= found.groups
            same.interfaces[""] = same.interfaces.get("", frozenset()) | found.interfaces[""]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _made_of(inventory: Inventory, variables: Mapping[str, t.Any]) -> Iterator[tuple[str, object]]:
    """Yield everything that a site is for: the rules of all, and the ruleset of each host that gets one."""
    hostvars = {host: _hostvars(inventory).get(host, {}) for host in resolved_groups(inventory)["all"]}
    groups = resolved_groups(inventory)
    of_all = hostvars[min(hostvars)]
    chosen = rows(variables.get("port_matrix_extra_rows", ()), row_groups=variables["port_matrix_row_groups"])
    made = site(
        hostvars,
        groups,
        chosen,
        ports=of_all.get("port_matrix_ports", {}),
        same_location_rows=of_all["port_matrix_same_location_rows"],
    )
    yield "The rules of the site", [rule.as_mapping() for rule in expand_site(read_site(made))]
    for host in sorted(groups["port_matrix_linux"]):
        gateway = host in groups["port_matrix_gateways"]
        judged = of_all["linux_firewall_judged_endpoints"]
        yield f"The rulesets of {host}", nftables_ruleset(made, host, gateway=gateway, judged_endpoints=judged)
