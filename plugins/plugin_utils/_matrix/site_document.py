# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site as plain data: what a role keeps between its tasks, and what a filter gets back."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Mapping, Sequence

from .._values.addresses import AddressSet, read_cidrs
from .._values.errors import PortMatrixError, shown
from .._values.mapping import as_choice, as_document, as_flag, as_list, as_mapping, as_strings
from .endpoints import Member
from .hosts import Addresses, Pair
from .locations import Locations
from .rows import parse_rows
from .site import Site
from .sources import VARIABLE, read_sources
from .views import SIGHTS, View

_KEYS = ("rows", "endpoints", "views", "further", "locations", "same_location_rows", "warnings", "notes", "sources")


def site_as_document(site: Site) -> dict[str, t.Any]:
    """Write *site* as plain data: what the role keeps between its tasks. :func:`read_site` reads it back."""
    return {
        "rows": [row.as_mapping() for row in site.rows],
        "endpoints": {
            name: [_member_as_mapping(member) for member in members] for name, members in site.endpoints.items()
        },
        "views": {
            host: {"default": view.sight, "others": sorted(view.others)} for host, view in sorted(site.views.items())
        },
        "further": {host: _cidrs(addresses) for host, addresses in site.further.items()},
        "locations": {host: sorted(names) for host, names in sorted(site.locations.of_host.items())},
        "same_location_rows": sorted(site.locations.rows),
        "warnings": list(site.warnings),
        "notes": list(site.notes),
        "sources": {host: [source.as_mapping() for source in sources] for host, sources in site.sources.items()},
    }


def _member_as_mapping(member: Member) -> dict[str, t.Any]:
    local, advertised = member.addresses.local, member.addresses.advertised
    data: dict[str, t.Any] = {"host": member.host, "local": _cidrs(local)}
    if advertised != local:
        data["advertised"] = _cidrs(advertised)
    if member.addresses.networks:
        data["networks"] = True
    if member.addresses.pairs:
        data["translated"] = [[*_cidrs(pair.local), *_cidrs(pair.advertised)] for pair in member.addresses.pairs]
    return data


def _cidrs(addresses: AddressSet) -> list[str]:
    return addresses.cidrs("ipv4") + addresses.cidrs("ipv6")


def read_site(document: object) -> Site:
    """Read what :func:`site_as_document` wrote, also where that is one JSON text.

    :raises PortMatrixError: if it is something else.
    """
    return _read_text(document) if isinstance(document, str) else _read(document)


@functools.lru_cache(maxsize=1)
def _read_text(text: str) -> Site:
    """Read the text once for all filters that a task calls with it."""
    return _read(text)


def _read(document: object) -> Site:
    where = "site"
    accepted = "what the filter site returned"
    data = as_mapping(as_document(document, where, accepted), where, _KEYS)
    endpoints = data.get("endpoints")
    if not isinstance(endpoints, Mapping):
        raise PortMatrixError.at(where, "has no endpoints", accepted)
    reader = _Reader()
    further, locations, sources = (
        as_mapping(data.get(key, {}), f"{where} {key}") for key in ("further", "locations", "sources")
    )
    return Site(
        parse_rows(data.get("rows", ()), where, {}),
        {name: tuple(reader.member(member) for member in members) for name, members in endpoints.items()},
        {host: _read_view(view) for host, view in as_mapping(data.get("views", {}), f"{where} views").items()},
        {host: read_cidrs(as_strings(addresses, f"{where} further")) for host, addresses in further.items()},
        Locations(
            {host: frozenset(as_strings(of_host, f"{where} locations")) for host, of_host in locations.items()},
            frozenset(as_strings(data.get("same_location_rows", ()), where)),
        ),
        as_strings(data.get("warnings", ()), where),
        as_strings(data.get("notes", ()), where),
        read_sources({host: {VARIABLE: of_host} for host, of_host in sources.items()}),
    )


def _read_view(value: object) -> View:
    data = as_mapping(value, "site view", ("default", "others"))
    others = frozenset(as_strings(data.get("others", ()), "site view"))
    return View("local" if as_choice(data.get("default"), "site view", SIGHTS) == "local" else "advertised", others)


def _read_pair(pair: Sequence[str]) -> Pair:
    if len(pair) != 2:
        raise PortMatrixError.at("site member translated", f"{shown(list(pair))} is not a pair", "two addresses")
    return Pair(read_cidrs(pair[:1]), read_cidrs(pair[1:]))


class _Reader:
    """Reads the members of one document. A host is in several endpoints: its addresses are parsed once and shared."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Addresses] = {}

    def member(self, value: object) -> Member:
        data = as_mapping(value, "site member", ("host", "local", "advertised", "networks", "translated"))
        local = as_strings(data.get("local", ()), "site member")
        advertised = as_strings(data["advertised"], "site member") if "advertised" in data else None
        networks = as_flag(data.get("networks", False), "site member networks")
        translated = tuple(
            as_strings(pair, "site member translated") for pair in as_list(data.get("translated", ()), "site member")
        )
        key = (local, advertised, networks, translated)
        if key not in self._known:
            own = read_cidrs(local)
            others = own if advertised is None else read_cidrs(advertised)
            self._known[key] = Addresses(own, others, networks, tuple(_read_pair(pair) for pair in translated))
        host = data.get("host")
        return Member(None if host is None else str(host), self._known[key])
