# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is likely to be wrong with a site though it can be applied: a line for each cause, whoever has it."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from .._values.addresses import AddressSet
from .._values.errors import names, shown
from .._values.words import count, people_cidrs, some
from .endpoints import Side
from .hosts import Host, interface_accepted
from .locations import share
from .port_matrix import load_port_matrix

_MANY = 20  # hosts that are listed one by one, where somebody has to think about each

if t.TYPE_CHECKING:
    from .rows import Row
    from .site import Site


def families_apart(site: Site) -> Iterator[str]:
    """Yield a message for each two sides of rows, or side and protocols, that have no family in common."""
    apart: dict[frozenset[str], tuple[str, list[str]]] = {}
    for row in site.rows:
        for side, other, accepted in _of_other_families(site, row):
            rows = apart.setdefault(frozenset((side, other)), (f"endpoint {side}, and {other}; {accepted}", []))
            if row.id not in rows[1]:
                rows[1].append(row.id)
    for text, rows_apart in apart.values():
        yield f"row{'s' if len(rows_apart) > 1 else ''} {', '.join(rows_apart)}: {text}"


def _of_other_families(site: Site, row: Row) -> Iterator[tuple[str, str, str]]:
    """Yield an endpoint of *row*, what has no family in common with it, and what is accepted."""
    disabled = "or the row in port_matrix_disabled_rows"
    for here, there in ((row.source, row.destination), (row.destination, row.source)):
        opposite = site.side(there).seen().families()
        for name in here:
            own = site.side((name,)).seen().families()
            side = f"{name} has only {names(own)}"
            if own and not own & row.families():
                other = f"{names(row.protocols)} is {names(row.families())} only"
                yield side, other, f"accepted: the protocol of a family that it has, {disabled}"
            elif own and opposite and not own & opposite:
                yield (
                    side,
                    f"{names(there)} has only {names(opposite)}",
                    f"accepted: a family that both have, {disabled}",
                )


def site_warnings(
    site: Site, default_views: Iterable[str], unspecific: Mapping[tuple[str, str], Mapping[str, Host]]
) -> list[str]:
    """Return what is likely to be wrong with *site*.

    :param default_views: its gateways whose view nobody has set.
    :param unspecific: endpoint and its interface → hosts that do not say which of theirs that is, by name.
    """
    opened = _open_to_everybody(site)
    return [
        *_unset_views(site, sorted(default_views)),
        *(_unspecific(site, *key, unspecific[key]) for key in sorted(unspecific)),
        *(
            f"endpoint {name} is every address or almost, so everybody may send what {', '.join(rows)} permits"
            for name, rows in opened.items()
        ),
        *_networks_with_hosts(site, _strangers(site, opened)),
        *_apart(site),
    ]


def _unspecific(site: Site, endpoint: str, interface: str, hosts: Mapping[str, Host]) -> str:
    rows = names(row.id for row in site.rows if endpoint in row.endpoints())
    there = hosts[min(hosts)].interfaces
    return (
        f"{_hosts_text(sorted(hosts))} port_matrix_interfaces: no {interface}, so {rows} is open for all addresses of "
        f"{_pronoun(hosts)}; accepted: {interface_accepted(interface, there)}"
    )


def _hosts_text(hosts: Sequence[str], most: int = 4) -> str:
    return f"host{'s' if len(hosts) > 1 else ''} {some([shown(host) for host in hosts], most)}"


def _unset_views(site: Site, gateways: Sequence[str]) -> Iterator[str]:
    if not gateways:
        return
    natted = {
        member.host: pair
        for members in site.endpoints.values()
        for member in members
        for pair in member.addresses.pairs
        if member.host
    }
    if not natted:
        return
    example = next((host for host in sorted(natted) if not natted[host].secret), "")
    such_as = ""
    if example:
        hidden, seen = (people_cidrs(side)[0] for side in natted[example][:2])
        such_as = f": of {shown(example)} {seen}, and not {hidden}"
    yield (
        f"{_hosts_text(gateways)}: port_matrix_view is not set, and {count(len(natted), 'host')} of the site "
        f"{'is' if len(natted) == 1 else 'are'} behind static NAT. The rules have the advertised addresses{such_as}. "
        "Where a packet has the local one when a gateway judges it, as on the firewall that translates, it is dropped; "
        "accepted: port_matrix_view: local, a mapping of endpoints, groups or hosts to views, or advertised if that "
        "is right"
    )


def _open_to_everybody(site: Site) -> dict[str, list[str]]:
    """Return the endpoints that are most addresses that there are → the rows by which these may send."""
    opened: dict[str, list[str]] = {}
    for row in site.rows:
        for name in dict.fromkeys(name for source, _destination in row.directions() for name in source):
            if _is_everybody(site.side((name,)).seen()):
                opened.setdefault(name, []).append(row.id)
    return opened


def _strangers(site: Site, everybody: Iterable[str]) -> set[str]:
    """Return those of the endpoints for whom strangers are usual, so nobody is told that hosts of the site are in."""
    usual = load_port_matrix().left_out_when_empty
    return {name for name in everybody if all(row.group in usual for row in site.rows if name in row.endpoints())}


def _is_everybody(addresses: AddressSet) -> bool:
    # Not only all of them: somebody may have taken a few out, or written two halves.
    return addresses.ipv4.size() >= 1 << 31 or addresses.ipv6.size() >= 1 << 127


def _networks_with_hosts(site: Site, known: Collection[str]) -> Iterator[str]:
    """Yield a message for each endpoint with networks in which there are machines of others, but for *known* ones."""
    for name, members in sorted(site.endpoints.items()):
        networks = AddressSet.union(m.addresses.all() for m in members if not m.is_machine())
        if not networks or name in known:
            continue
        inside = _machines_within(site, networks, {member.host for member in members})
        if inside:
            rows = names(row.id for row in site.rows if name in row.endpoints())
            belong = sorted({other for host in inside for other in site.endpoints_of(host)})
            yield (
                f"endpoint {name}: its networks contain the {_hosts_text(inside, _MANY)} of other endpoints, for which "
                f"the rows of {name} ({rows}) also hold; accepted: port_matrix_endpoints.{name}.exclude with "
                f"addresses, networks or endpoints that do not belong there, such as [{', '.join(belong)}]"
            )


def _machines_within(site: Site, networks: AddressSet, but: Collection[str | None]) -> list[str]:
    """Return the machines of *site* with an address in *networks*, sorted, without those that are in *but*."""
    found = {host for host, addresses in site.further.items() if host not in but and addresses.intersection(networks)}
    for members in site.endpoints.values():
        # Most often there is none, and to look at all of them at once takes no time.
        if AddressSet.union(m.addresses.all() for m in members if m.is_machine()).intersection(networks):
            found.update(
                member.host
                for member in members
                if member.host and member.host not in but and member.is_machine()
                if member.addresses.all().intersection(networks)
            )
    return sorted(found)


def _apart(site: Site) -> Iterator[str]:
    """Yield a message for each group of machines for which a row opens nothing, though it names them."""
    of_families: dict[tuple[tuple[str, ...], str], list[str]] = {}
    of_location: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for row in site.rows:
        for here, there in ((row.source, row.destination), (row.destination, row.source)):
            one, other = site.side(here), site.side(there)
            opposite = other.seen().families()
            for own, machines in one.machines_by_families().items():
                if opposite and not own & opposite & row.families():
                    of_families.setdefault((tuple(sorted(machines)), names(own)), []).append(row.id)
            for location, hosts in _without_counterpart(site, row.id, one, other).items():
                of_location.setdefault((tuple(hosts), location), []).append(row.id)
    for (machines, families), rows in of_families.items():
        yield f"{_hosts_text(machines)}: only {families}, so {_rows_text(rows)} for {_pronoun(machines)}"
    for (hosts_there, location), rows in of_location.items():
        yield (
            f"{_hosts_text(hosts_there)} port_matrix_location: nobody on the other side is at {location}, so "
            f"{_rows_text(rows)} for {_pronoun(hosts_there)}; accepted: a location that both sides have"
        )


def _without_counterpart(site: Site, row: str, here: Side, there: Side) -> dict[str, list[str]]:
    """Return location → the hosts of *here* that the row joins with nobody."""
    if row not in site.locations.rows or not there.members:
        return {}
    others = {site.locations.of(host) for host in there.members}
    found: dict[str, list[str]] = {}
    for host in sorted(host for host in here.members if host):
        location = site.locations.of(host)
        if not any(share(location, other) for other in others):
            found.setdefault(" or ".join(shown(one) for one in sorted(location)), []).append(host)
    return found


def _rows_text(rows: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(rows))
    return f"row{'s' if len(distinct) > 1 else ''} {', '.join(distinct)} open{'' if len(distinct) > 1 else 's'} nothing"


def _pronoun(hosts: Collection[str]) -> str:
    return "them" if len(hosts) > 1 else "it"
