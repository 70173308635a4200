# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a topology, for an inventory: who has which role, and what each interface of an Edge is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .._sources.found import POOLS, AddressValue, Found, FoundHost, as_name, behind_nat, single_address
from .._sources.names import NameBook
from .._values.errors import PortMatrixError, ProblemList, names, shown
from .topology import Interface, Machine, Pool, Port, Service

FRONT_ENDS = "sfb_front_ends"
DIRECTORS = "sfb_directors"
EDGES = "sfb_edges"
SERVERS = "sfb_servers"
OFFICE = "wac_servers"

_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 # nothing is bound to it
# Interface of the port matrix → component of the Edge whose external interface it is.
_EXTERNAL = {"access_edge": "AccessEdge", "web_conferencing": "DataEdge", "av_edge": "MediaRelayEdge"}


def find_hosts(topology: Iterable[Pool], book: NameBook, wanted: Collection[str] = ()) -> Found:
    """Return what there is in the sites *wanted*, by their names; empty is all of them.

    :raises PortMatrixError: if there is no such site, or with everything that has no address.
    """
    everything = tuple(topology)
    known = {pool.site for pool in everything}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise PortMatrixError.at("locations", f"no site is called {names(map(repr, unknown))}", names(known))
    pools = [pool for pool in everything if not wanted or pool.site in wanted]
    problems = ProblemList()
    hosts: dict[str, _Host] = {}
    for pool in pools:
        for name, group, addresses in _members(pool, book, problems):
            host = hosts.setdefault(name, _Host(pool))
            host.groups.add(group)
            host.interfaces.update(addresses)
    missing = book.missing()
    if missing:
        problems.add(
            f"The topology has no addresses for {names(missing)}; accepted: addresses, with a list for each of these "
            "names, or resolve: true, which asks DNS"
        )
    problems.raise_if_any()
    ports, warnings = _ports(pools)
    trusted = {
        pool.name: sorted(machine.name for machine in pool.machines) for pool in pools if pool.has("ExternalServer")
    }
    return Found(
        tuple(hosts[name].found(name, book.looked_up_in(name)) for name in sorted(hosts)),
        ports,
        {"sfb_ports": ports, POOLS: trusted},
        tuple(warnings),
    )


@dataclass(slots=True)
class _Host:
    """A machine while its pools are looked at: it may be in several. The interface ``""`` is that of its own name."""

    pool: Pool
    groups: set[str] = field(default_factory=set)
    interfaces: dict[str, tuple[AddressValue, ...]] = field(default_factory=dict)

    def found(self, name: str, looked_up_in: str) -> FoundHost:
        own = self.interfaces.pop("", ())
        return FoundHost(
            name,
            tuple(sorted(self.groups)),
            "topology",
            own,
            self.interfaces,
            facts={"sfb_pool": self.pool.name, "sfb_site": self.pool.site},
            looked_up_in=looked_up_in,
        )


_Member = tuple[str, str, dict[str, tuple[AddressValue, ...]]]


def _members(pool: Pool, book: NameBook, problems: ProblemList) -> Iterable[_Member]:
    """Yield name, group and addresses of each host of *pool*; none for what the port matrix has no use for."""
    if pool.has("EdgeServer"):
        ports = [port for service in pool.services for port in service.ports if service.role == "EdgeServer"]
        for machine in pool.machines:
            yield machine.name, EDGES, problems.attempt(_edge_interfaces, machine, ports, book) or {}
    elif group := _server_group(pool):
        for machine in pool.machines:
            yield machine.name, group, {"": problems.attempt(_own_addresses, machine, book) or ()}
    for service in pool.services:
        if service.role == "WacService":
            host = problems.attempt(_office_host, service, pool)
            if host:
                yield host, OFFICE, {"": problems.attempt(book.addresses_of, host) or ()}


def _server_group(pool: Pool) -> str:
    """The group of the machines of *pool*; empty where it has no part in media.

    A Registrar without user services is a Survivable Branch Appliance or Server (inferred from the roles it has).
    """
    if pool.has("Registrar"):
        if any(service.is_director for service in pool.services):
            return DIRECTORS
        return FRONT_ENDS if pool.has("UserServices") else SERVERS
    return SERVERS if pool.has("MediationServer") else ""


def _own_addresses(machine: Machine, book: NameBook) -> tuple[AddressValue, ...]:
    """The addresses of the primary interface, or those of the machine's name where the topology leaves it at that."""
    where = f"Machine {shown(machine.name)} IPAddress"
    written = [i.address for i in machine.interfaces if i.side == "Primary" and i.address not in _EVERY_ADDRESS]
    if written:
        return tuple(single_address(address, where) for address in sorted(set(written)))
    return tuple(book.addresses_of(machine.name))


def _edge_interfaces(machine: Machine, ports: list[Port], book: NameBook) -> dict[str, tuple[AddressValue, ...]]:
    internal = [i for i in machine.interfaces if i.side == "Internal" and i.address not in _EVERY_ADDRESS]
    found: dict[str, tuple[AddressValue, ...]] = {
        "internal": _values(machine, internal) or tuple(book.addresses_of(machine.name))
    }
    for name, component in _EXTERNAL.items():
        numbers = {port.number for port in ports if port.component == component and port.side == "External"}
        outside = [i for i in machine.interfaces if i.side == "External" and i.number in numbers]
        if not outside or any(i.address in _EVERY_ADDRESS for i in outside):
            raise PortMatrixError.at(
                f"Edge {shown(machine.name)} {name}",
                "the topology has no address of its external interface",
                "one address for each external interface, set in Topology Builder",
            )
        found[name] = _values(machine, outside)
    return found


def _values(machine: Machine, interfaces: Iterable[Interface]) -> tuple[AddressValue, ...]:
    where = f"Machine {shown(machine.name)}"
    return tuple(
        behind_nat(
            single_address(i.address, f"{where} IPAddress"),
            None if i.advertised in _EVERY_ADDRESS else single_address(i.advertised, f"{where} ConfiguredIPAddress"),
        )
        for i in sorted(interfaces, key=lambda i: i.address)
    )


def _office_url(service: Service, pool: Pool) -> tuple[str, int]:
    """The host and the port where Office Online Server is asked."""
    where = f"WacService of {shown(pool.name)} DiscoveryUrl"
    try:
        url = urlsplit(service.discovery_url)
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    if not host or url.scheme not in ("http", "https"):
        raise PortMatrixError.at(
            where, f"{shown(service.discovery_url)} is not a URL", "https://name/hosting/discovery/"
        )
    return as_name(host, where), port or (443 if url.scheme == "https" else 80)


def _office_host(service: Service, pool: Pool) -> str:
    return _office_url(service, pool)[0]


def _ports(pools: Iterable[Pool]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the ranges that the topology sets, and a warning where pools differ: a range is one for the whole site."""
    found: dict[str, set[tuple[int, str]]] = {"edge_media": set(), "psom": set(), "https": set()}
    for pool in pools:
        for service in pool.services:
            for port in service.ports:
                name = _range(port)
                if name:
                    found[name].add((port.first, port.text))
            if service.role == "WacService":
                number = _office_url(service, pool)[1]
                found["https"].add((number, str(number)))
    ports = {name: [text for _first, text in sorted(items)] for name, items in found.items() if items}
    warnings = []
    if len(ports.get("edge_media", ())) > 1:
        warnings.append(
            f"Edge pools have the media ports {' and '.join(ports['edge_media'])}, and the range edge_media has all of "
            "them for each"
        )
    return ports, warnings


def _range(port: Port) -> str:
    """The range of the port matrix that *port* is in; empty where it is in none."""
    key = (port.component, port.usage, port.side)
    if key == ("MediaRelayEdge", "MediaCommunication", "External"):
        return "edge_media"
    if key in (("DataEdge", "PsomClient", "External"), ("DataConf", "PsomClient", "Primary")):
        return "psom"
    if key == ("OCSWebSite", "WebSite", "Primary") and port.protocol == "Https":
        return "https"
    return ""
