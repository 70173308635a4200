# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since an earlier report, as people ask for it: hosts and networks, rows, ports.

The exact flows follow from these facts. What does not follow is said, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .._rules.canonical import Rule
from .._rules.protocols import protocol_text
from .._rules.words import rule_ports
from .._values.addresses import AddressSet
from .._values.words import display, people_cidrs, single_addresses, some
from .baseline import Changes, PartyHosts
from .host_lists import LITERAL_NETWORKS, endpoint_title
from .report import Report

_OPENS = ("added", "widened")
# More hosts than these are not named in one sentence. The exact flows name all.
_NAMED = 12
# A machine does not have so many.
_MOST_SINGLE = 1024


@dataclass(frozen=True)
class Fact:
    """A change in one sentence. ``kind`` is added, removed or changed."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Known:
    """A host, its addresses, and what it is."""

    addresses: AddressSet
    role: str


def now_hosts(report: Report) -> tuple[PartyHosts, ...]:
    """Who has which addresses in *report*, in the form of an earlier one."""
    return tuple((party.endpoints, party.hosts) for party in report.parties)


def change_facts(report: Report) -> tuple[Fact, ...]:
    """Return what changed, what is gone first."""
    if not report.changes:
        return ()
    networks = network_hosts(report)
    before, after = _known(report.changes.hosts), _known(now_hosts(report))
    facts = [*_only_there("removed", before, after, networks), *_only_there("added", after, before, networks)]
    facts += [_moved(host, before[host], known, networks) for host, known in after.items()
              if host in before and before[host].addresses != known.addresses]  # fmt: skip
    services = [
        fact for row in sorted(_rows(report.rules)) if (fact := _service(row, report.changes.rules, report.rules))
    ]
    facts += _row_facts(report.changes, report) + [fact for _row, fact in services]
    said = {row for row, _fact in services} | (_rows(report.rules) ^ _rows(report.changes.rules))
    return (*facts, *_unexplained(report.changes, said, before, after))


def network_hosts(report: Report) -> dict[str, bool]:
    """Return whether a name stands for networks now, and not for a machine."""
    return {display(entry.host): entry.networks for one in report.lists for entry in one.entries}


def host_cidrs(host: str, addresses: AddressSet, networks: Mapping[str, bool]) -> list[str]:
    """Write addresses of *host* for people. Of one that is gone, nobody knows whether it was a network."""
    cidrs = people_cidrs(addresses)
    size = addresses.ipv4.size() + addresses.ipv6.size()
    # What is a machine now can have been a network before, of millions of addresses.
    is_network = size > _MOST_SINGLE or networks.get(host, len(cidrs) == 1 or size > _NAMED)
    return cidrs if is_network else single_addresses(addresses)


def _known(hosts: Iterable[PartyHosts]) -> dict[str, _Known]:
    parts: dict[str, list[AddressSet]] = {}
    roles: dict[str, tuple[str, ...]] = {}
    for endpoints, members in hosts:
        for host, addresses in members:
            name = _name(host, endpoints)
            parts.setdefault(name, []).append(addresses)
            # Of those sides that have a host, the one with the fewest endpoints says best what it is.
            roles[name] = min(roles.get(name, endpoints), endpoints, key=len)
    return {
        name: _Known(AddressSet.union(parts[name]), " or ".join(map(endpoint_title, roles[name])))
        for name in sorted(parts)
    }


def _name(host: str, endpoints: tuple[str, ...]) -> str:
    return f"networks of {' or '.join(map(endpoint_title, endpoints))}" if host == LITERAL_NETWORKS else display(host)


def _only_there(
    kind: str, here: Mapping[str, _Known], there: Mapping[str, _Known], networks: Mapping[str, bool]
) -> list[Fact]:
    """Say who is *here* and not *there*, those together that are the same."""
    by_role: dict[str, list[str]] = {}
    for host, known in here.items():
        if host not in there:
            cidrs = some(host_cidrs(host, known.addresses, networks))
            by_role.setdefault(known.role, []).append(f"{host} ({cidrs})")
    return [Fact(kind, f"{some(hosts, _NAMED)} {kind}: {role}.") for role, hosts in by_role.items()]


def _moved(host: str, before: _Known, after: _Known, networks: Mapping[str, bool]) -> Fact:
    new, gone = after.addresses.difference(before.addresses), before.addresses.difference(after.addresses)
    parts = [
        f"{some(host_cidrs(host, addresses, networks), _NAMED)} {what}"
        for addresses, what in ((gone, "removed"), (new, "added"))
        if addresses
    ]
    return Fact("changed", f"{host}: {', '.join(parts)}.")


def _rows(rules: Iterable[Rule]) -> set[str]:
    return {rule.row for rule in rules}


def _row_facts(changes: Changes, report: Report) -> list[Fact]:
    before, now = _rows(changes.rules), _rows(report.rules)
    purposes = {rule.row: display(rule.purpose) for rule in (*changes.rules, *report.rules)}
    return [Fact("removed", f"Row {row} ({purposes[row]}) removed.") for row in sorted(before - now)] + [
        Fact("added", f"Row {row} ({purposes[row]}) added.") for row in sorted(now - before)
    ]


def _service(row: str, before: Iterable[Rule], after: Iterable[Rule]) -> tuple[str, Fact] | None:
    """Say what became of the protocols and ports of a row that is in both reports."""
    old, new = _services(row, before), _services(row, after)
    if not old or old == new:
        return None
    return row, Fact("changed", f"Row {row}: {' and '.join(old)} became {' and '.join(new)}.")


def _services(row: str, rules: Iterable[Rule]) -> list[str]:
    found: dict[str, None] = {}
    for rule in rules:
        if rule.row == row:
            source, destination = rule_ports(rule)
            ports = f" from {_port(source)} to {_port(destination)}" if rule.has_ports else ""
            found[f"{protocol_text(rule.protocol)}{ports}"] = None
    return sorted(found)


def _port(ports: str) -> str:
    return "any port" if ports == "any" else f"port {ports}"


def _unexplained(
    changes: Changes, said: set[str], before: Mapping[str, _Known], after: Mapping[str, _Known]
) -> list[Fact]:
    """Name the rows that changed between hosts which are in both reports, as when one gets a further task."""
    old, new = (AddressSet.union(one.addresses for one in known.values()) for known in (before, after))
    found: dict[Fact, None] = {}
    for kind, rules in changes.by_kind().items():
        opens = kind in _OPENS
        fresh = new.difference(old) if opens else old.difference(new)
        text = "permits more" if opens else "permits less"
        for rule in rules:
            part = fresh.of_family(rule.family)
            if rule.row not in said and not (rule.source.issubset(part) or rule.destination.issubset(part)):
                fact = Fact("changed", f"Row {rule.row} {text} between hosts that were there before.")
                found[fact] = None
    return list(found)


@dataclass(frozen=True)
class ExactChange:
    """A rule, or the part of one, that is new or gone, for all *protocols* that it is alike for.

    Both sides are host → its addresses; what nobody is known for has no name. ``number`` is what the numbers of its
    rules begin with.
    """

    kind: str
    number: str
    rule: Rule
    protocols: tuple[str, ...]
    source: Mapping[str, list[str]]
    destination: Mapping[str, list[str]]


def exact_changes(report: Report) -> Iterable[ExactChange]:
    """Yield the changes of flows, with the names of hosts."""
    if report.changes is None:
        return
    networks = network_hosts(report)
    for kind, rules in report.changes.by_kind().items():
        hosts = now_hosts(report) if kind in _OPENS else report.changes.hosts
        for rule, protocols in _by_protocol(rules):
            numbers = report.rule_numbers
            yield ExactChange(
                kind,
                numbers.short(rule) if len(protocols) == 1 else numbers.flow(rule),
                rule,
                protocols,
                _named(rule.source_endpoint, AddressSet(**{rule.family: rule.source}), hosts, networks),
                _named(rule.destination_endpoint, AddressSet(**{rule.family: rule.destination}), hosts, networks),
            )


def change_protocols(change: ExactChange) -> str:
    """Write the protocols and the family of a change for people."""
    return f"{' and '.join(map(protocol_text, change.protocols))} {change.rule.family.replace('ipv', 'IPv')}"


def _by_protocol(rules: Iterable[Rule]) -> Iterable[tuple[Rule, tuple[str, ...]]]:
    """Return those rules together that differ in their protocol only."""
    found: dict[Rule, dict[str, Rule]] = {}
    for rule in rules:
        # Of protocols with ports, and of those without, one stands for all.
        found.setdefault(replace(rule, protocol="tcp" if rule.has_ports else "esp"), {})[rule.protocol] = rule
    return [(next(iter(alike.values())), tuple(alike)) for alike in found.values()]


def _named(
    endpoints: tuple[str, ...], wanted: AddressSet, hosts: Iterable[PartyHosts], networks: Mapping[str, bool]
) -> dict[str, list[str]]:
    found: dict[str, list[AddressSet]] = {}
    for names, members in hosts:
        for host, addresses in members if names == endpoints else ():
            if of_host := addresses.intersection(wanted):
                found.setdefault(display(host), []).append(of_host)
    united = {host: AddressSet.union(parts) for host, parts in sorted(found.items())}
    named = {host: host_cidrs(host, addresses, networks) for host, addresses in united.items()}
    unnamed = people_cidrs(wanted.difference(AddressSet.union(united.values())))
    return {**named, "": unnamed} if unnamed else named
