# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expansion: rows and members of endpoints become rules, for a site, for one host, or for a transit firewall."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from .._rules.canonical import HOOKS, Hook, Rule
from .._rules.protocols import families_of
from .._values.addresses import AddressSet, Family
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_strings
from .endpoints import Side
from .rows import Row
from .site import Site
from .views import ADVERTISED, View

# One part of a direction of a row: addresses that may talk, addresses that they may talk to.
Part = tuple[AddressSet, AddressSet]


def expand_site(site: Site) -> list[Rule]:
    """Return what the matrix permits, in canonical order; NATed hosts with their advertised addresses."""
    return _rules(site, lambda row, here, there: _transit_parts(site, row, here, there, ADVERTISED))


def expand_transit(site: Site, gateway: str) -> list[Rule]:
    """Return the rules of a transit firewall (hook forward): the whole matrix, in the addresses that it sees."""
    view = site.view_of(gateway)
    rules = _rules(site, lambda row, here, there: _transit_parts(site, row, here, there, view))
    return [replace(rule, hook="forward") for rule in rules]


def expand_host(site: Site, host: str, hook: Hook) -> list[Rule]:
    """Return the rules of one host for traffic to it (hook input) or from it (hook output).

    The host's own side has the addresses that are on the host; the other side has what it sees of the others.
    """
    view = site.view_of(host)

    def parts(row: Row, here: Side, there: Side) -> Iterator[Part]:
        own, others = (there, here) if hook == "input" else (here, there)
        if host in own.members:
            local = own.members[host].addresses.local
            itself = host in own.machines & others.machines
            if itself or row.id in site.locations.rows:
                remote = others.part(
                    view, lambda other: not (itself and other == host) and site.locations.join(row.id, host, other)
                )
            else:
                remote = others.seen(view)
            yield (remote, local) if hook == "input" else (local, remote)

    return [replace(rule, hook=hook) for rule in _rules(site, parts)]


def expand(site: Site, host: str, hooks: Sequence[str]) -> list[Rule]:
    """Return the rules of *host* for all *hooks*, hook by hook in the order input, output, forward.

    :raises PortMatrixError: for a hook that does not exist.
    """
    wanted = {as_choice(hook, "hooks", HOOKS) for hook in as_strings(hooks, "hooks")}
    rules: list[Rule] = []
    for hook in HOOKS:
        if hook in wanted:
            rules += expand_transit(site, host) if hook == "forward" else expand_host(site, host, hook)
    return rules


def hooks_of(site: Site, host: str, gateway: bool, egress: bool) -> tuple[Hook, ...]:
    """Return the hooks that *host* has rules for: its own traffic where it is an endpoint, transit on a gateway.

    :raises PortMatrixError: if it is neither, as a host that is managed for nothing is a mistake in the inventory.
    """
    endpoint = bool(site.endpoints_of(host))
    chosen = {"input": endpoint, "output": endpoint and egress, "forward": gateway}
    hooks = tuple(hook for hook in HOOKS if chosen[hook])
    if not hooks:
        raise PortMatrixError.at(
            f"host {shown(host)}",
            "is neither an endpoint of an enabled row nor a gateway, so there is nothing to apply",
            "a host in a group of an endpoint or in port_matrix_gateways",
        )
    return hooks


def _rules(site: Site, parts: Callable[[Row, Side, Side], Iterator[Part]]) -> list[Rule]:
    # The rectangles of a mesh differ as a whole, but those of one family, which few machines may have, can be equal.
    return list(dict.fromkeys(_rules_of_parts(site, parts)))


def _rules_of_parts(site: Site, parts: Callable[[Row, Side, Side], Iterator[Part]]) -> Iterator[Rule]:
    for row in site.rows:
        for source_names, destination_names in row.directions():
            for source, destination in parts(row, site.side(source_names), site.side(destination_names)):
                for protocol in row.protocols:
                    for family in families_of(protocol):
                        here, there = source.of_family(family), destination.of_family(family)
                        if here and there:
                            yield _rule(row, protocol, family, (source_names, here), (destination_names, there))


def _rule(
    row: Row,
    protocol: str,
    family: Family,
    source: tuple[tuple[str, ...], IntervalSet],
    destination: tuple[tuple[str, ...], IntervalSet],
) -> Rule:
    return Rule(
        row=row.id,
        purpose=row.purpose,
        group=row.group,
        tls=row.tls,
        reference=row.reference,
        protocol=protocol,
        family=family,
        source_endpoint=source[0],
        source=source[1],
        source_ports=row.source_ports,
        destination_endpoint=destination[0],
        destination=destination[1],
        destination_ports=row.destination_ports,
        owner=row.owner,
        ticket=row.ticket,
        expires=row.expires,
    )


def _transit_parts(site: Site, row: Row, here: Side, there: Side, view: View) -> Iterator[Part]:
    for one, other in site.locations.sides(row.id, here, there):
        yield from _pairs_of_others(one, other, view)


def _pairs_of_others(here: Side, there: Side, view: View) -> Iterator[Part]:
    """Cover every pair of *here* and *there* except a machine with itself, in as few rectangles as that takes.

    Where no machine is on both sides, that is one rectangle. A mesh of n machines takes 2·log2(n) of them: for
    each bit of their numbers, those that have it set and those that do not. Two different numbers differ in some
    bit, and a number differs from itself in none.
    """
    twofold = here.machines & there.machines
    if not twofold:
        yield here.seen(view), there.seen(view)
        return
    number = {host: index for index, host in enumerate(sorted(twofold))}

    def numbered(side: Side, bit: int, value: int) -> AddressSet:
        return side.part(view, lambda host: host in twofold and number[host] >> bit & 1 == value)

    yield here.part(view, lambda host: host not in twofold), there.seen(view)
    yield here.part(view, lambda host: host in twofold), there.part(view, lambda host: host not in twofold)
    for bit in range((len(twofold) - 1).bit_length()):
        yield numbered(here, bit, 0), numbered(there, bit, 1)
        yield numbered(here, bit, 1), numbered(there, bit, 0)
