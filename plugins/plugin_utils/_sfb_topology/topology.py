# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A topology of Skype for Business: its pools, their machines and services, out of either of its two XML forms.

Topology Builder links a service to its pool by a GUID (``InstalledOn``), and Get-CsTopology by a site and a number
(``ClusterId``). Facts are from samples of both: AutomatedLab's Contoso.tbxml, and a published Standard Edition.
Elements are known by their local names, as the namespaces differ. What is not needed is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from .._sources.found import as_name
from .._values.errors import PortMatrixError, ProblemList, shown
from .document import ACCEPTED

_NAMESPACE = "urn:schema:Microsoft.Rtc.Management.Deploy."
_ROOTS = ("TopologyBuilder", "Topology")


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of a machine. ``0.0.0.0`` is every address; ``advertised`` is the one outside of NAT."""

    side: str
    number: str
    address: str
    advertised: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One server."""

    name: str
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class Port:
    """A port, or ``count`` of them, that a component has on interfaces of one side and number."""

    component: str
    usage: str
    side: str
    number: str
    protocol: str
    first: int
    count: int

    @property
    def text(self) -> str:
        """The ports as the port matrix writes them."""
        return str(self.first) if self.count == 1 else f"{self.first}-{self.first + self.count - 1}"


@dataclass(frozen=True, slots=True)
class Service:
    """A role that is installed on a pool. ``discovery_url`` is that of Office Online Server."""

    role: str
    ports: tuple[Port, ...]
    is_director: bool
    discovery_url: str


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool, also of one machine, in a site."""

    name: str
    site: str
    machines: tuple[Machine, ...]
    services: tuple[Service, ...]

    def has(self, role: str) -> bool:
        """Tell whether a service of *role* is installed here."""
        return any(service.role == role for service in self.services)


def read_topology(root: Element, path: str) -> tuple[Pool, ...]:
    """Read a topology: its pools, by their names.

    :raises PortMatrixError: if *root* is of something else, or with everything in it that cannot be read.
    """
    namespace, _brace, name = root.tag.lstrip("{").rpartition("}")
    if name not in _ROOTS or not namespace.startswith(_NAMESPACE):
        raise PortMatrixError.at(path, f"is XML with the root element {shown(name)}, which is not a topology", ACCEPTED)
    problems = ProblemList()
    sites = _site_names(root)
    services: dict[object, list[Service]] = {}
    for element in root.iterfind(".//{*}Services/{*}Service"):
        service = problems.attempt(_service, element)
        if service:
            services.setdefault(_installed_on(element), []).append(service)
    pools = []
    for identity, site, element in _clusters(root):
        pool = problems.attempt(_pool, element, sites.get(site, f"site {site}"), services.get(identity, []))
        if pool:
            pools.append(pool)
    problems.raise_if_any()
    if not pools:
        raise PortMatrixError.at(path, "has no pool", ACCEPTED)
    return tuple(sorted(pools, key=lambda pool: pool.name))


def _site_names(root: Element) -> dict[str, str]:
    return {
        site.get("SiteId", ""): as_name(name.text, "the name of a site")
        for site in root.iter()
        if site.get("SiteId") is not None and (name := site.find("{*}Name")) is not None and name.text
    }


def _clusters(root: Element) -> Iterator[tuple[object, str, Element]]:
    """Yield identity, site and element of each pool, in both forms."""
    for site in root.iterfind(".//{*}CentralSites/{*}CentralSite"):
        for element in site.iterfind(".//{*}Cluster"):
            yield element.get("UniqueId", ""), site.get("SiteId", ""), element
    for element in root.iterfind("./{*}Clusters/{*}Cluster"):
        identity = element.find("{*}ClusterId")
        if identity is not None:
            yield _cluster_id(identity), identity.get("SiteId", ""), element


def _cluster_id(element: Element) -> tuple[str, str]:
    return element.get("SiteId", ""), element.get("Number", "")


def _installed_on(service: Element) -> object:
    """The identity of the pool of *service*. What is on a database instance is on no machine of interest here."""
    identity = service.find("{*}InstalledOn/{*}ClusterId")
    return service.get("InstalledOn") if identity is None else _cluster_id(identity)


def _pool(element: Element, site: str, services: list[Service]) -> Pool:
    name = _fqdn(element, "a Cluster")
    machines = tuple(
        Machine(
            _fqdn(machine, f"a Machine of {name}") if machine.get("Fqdn") else name,
            tuple(_interface(found) for found in machine.iterfind("{*}NetInterface")),
        )
        for machine in element.iterfind(".//{*}Machine")
    )
    unnamed = [machine for machine in element.iterfind(".//{*}Machine") if not machine.get("Fqdn")]
    if unnamed and len(machines) > 1:
        raise PortMatrixError.at(f"Cluster {shown(name)}", "has several machines, and not all have an Fqdn")
    return Pool(name, site, machines, tuple(services))


def _fqdn(element: Element, where: str) -> str:
    return as_name(element.get("Fqdn", ""), f"{where} Fqdn").lower()


def _interface(element: Element) -> Interface:
    return Interface(
        element.get("InterfaceSide", ""),
        element.get("InterfaceNumber", "1"),
        element.get("IPAddress", ""),
        element.get("ConfiguredIPAddress", ""),
    )


def _service(element: Element) -> Service:
    identity = element.find("{*}ServiceId")
    role = (element if identity is None else identity).get("RoleName", "")
    registrar = element.find("{*}RegistrarService")
    office = element.find("{*}WacService")
    return Service(
        role,
        tuple(_port(port, role) for port in element.iterfind("{*}Ports/{*}Port")),
        registrar is not None and registrar.get("IsDirector", "").lower() == "true",
        "" if office is None else office.get("DiscoveryUrl", ""),
    )


def _port(element: Element, role: str) -> Port:
    component = element.get("Owner", "").rpartition(":")[2]
    usage = element.get("Usage", "")
    where = f"{role} {component} {usage}"
    first, count = _number(element, "Port", where), _number(element, "Range", where)
    if first + count - 1 > 65535:
        raise PortMatrixError.at(where, f"{count} ports from {first} on end above 65535")
    return Port(
        component,
        usage,
        element.get("InterfaceSide", ""),
        element.get("InterfaceNumber", "1"),
        element.get("Protocol", ""),
        first,
        count,
    )


def _number(element: Element, name: str, where: str) -> int:
    text = element.get(name, "1" if name == "Range" else "")
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 5 and 1 <= int(text) <= 65535):
        raise PortMatrixError.at(f"{where} {name}", f"{shown(text)} is not a number of ports", "1-65535")
    return int(text)
