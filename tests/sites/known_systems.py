# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites as the systems that run them know them: objects of the Management API, and topologies in both forms.

A site is made of what an inventory is to have of it, so what is expected comes first and the system's words are written
from it. That is the other way round than the plugins go, and shares no code with them.
"""

from __future__ import annotations

import typing as t
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

API = "/api/admin/configuration/v1"
Resources = dict[str, list[dict[str, t.Any]]]


class Expected(t.NamedTuple):
    """What an inventory is to have of a host."""

    groups: set[str]
    variables: dict[str, t.Any]


def uri(resource: str, identity: int) -> str:
    return f"{API}/{resource}/{identity}/"


def worker(identity: int, name: str, location: int, address: str, **more: t.Any) -> dict[str, t.Any]:
    """A Conferencing Node as the API lists it, with secrets that nobody asked for."""
    return {
        "id": identity, "name": name, "hostname": name, "domain": "vc.example", "address": address,
        "netmask": "255.255.255.0",
        "gateway": "192.0.2.1", "secondary_address": None, "secondary_netmask": None, "static_nat_address": None,
        "ipv6_address": None, "alternative_fqdn": "", "node_type": "CONFERENCING", "maintenance_mode": False,
        "system_location": uri("system_location", location), "static_routes": [], "transcoding": True,
        "password": "secret-of-a-node", "snmp_community": "secret-of-snmp", **more,
    }  # fmt: skip


def location(identity: int, name: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "id": identity, "name": name, "local_mssip_domain": "", "mssip_proxy": None, "turn_server": None,
        "stun_server": None,
        "client_turn_servers": [], "transcoding_location": None, "overflow_location1": None, "overflow_location2": None,
        "dns_servers": [], "ntp_servers": [], "syslog_servers": [], "mtu": 1500, **more,
    }  # fmt: skip


def platform(**resources: list[dict[str, t.Any]]) -> Resources:
    """All that a Management Node lists; what is not given is a small platform's."""
    nothing: Resources = {
        name: []
        for name in (
            "worker_vm",
            "system_location",
            "turn_server",
            "mssip_proxy",
            "dns_server",
            "ntp_server",
            "syslog_server",
        )
    }
    manager = {
        "id": 1, "name": "manager", "address": "192.0.2.5", "static_nat_address": None, "ipv6_address": None,
        "dns_servers": [], "ntp_servers": [], "syslog_servers": [],
    }  # fmt: skip
    ports = {
        "id": 1, "media_ports_start": 40000, "media_ports_end": 49999, "signalling_ports_start": 33000,
        "signalling_ports_end": 39999, "aws_secret_key": "secret-of-a-cloud",
    }  # fmt: skip
    return {**nothing, "management_vm": [manager], "global": [ports], **resources}


def with_uris(resources: Resources) -> Resources:
    """The objects with their ``resource_uri``, as the API sends them."""
    return {
        name: [{"resource_uri": uri(name, item["id"]), **item} for item in items] for name, items in resources.items()
    }


class Interface(t.NamedTuple):
    side: str
    number: int
    address: str
    configured: str = ""


class PortOf(t.NamedTuple):
    owner: str
    usage: str
    side: str
    number: int
    port: int
    count: int = 1
    protocol: str = "Tls"


class ServiceOf(t.NamedTuple):
    role: str
    ports: tuple[PortOf, ...] = ()
    director: bool = False
    discovery: str = ""


class PoolOf(t.NamedTuple):
    name: str
    site: int
    machines: dict[str, tuple[Interface, ...]]
    services: tuple[ServiceOf, ...]


EVERYWHERE = (Interface("Primary", 1, "0.0.0.0"), Interface("External", 1, "0.0.0.0"))


def front_end_services(port: int = 8057) -> tuple[ServiceOf, ...]:
    return (
        ServiceOf("UserServices", (PortOf("PresenceFocus", "UserPinManagement", "Primary", 1, 443, protocol="Https"),)),
        ServiceOf("Registrar", (PortOf("Registrar", "SipServer", "Primary", 1, 5061, protocol="Mtls"),)),
        ServiceOf("ConfServices", (PortOf("DataConf", "PsomClient", "Primary", 1, port),)),
        ServiceOf(
            "WebServices",
            (
                PortOf("OCSWebSite", "WebSite", "External", 1, 4443, protocol="Https"),
                PortOf("OCSWebSite", "WebSite", "Primary", 1, 443, protocol="Https"),
                PortOf("OCSWebSite", "WebSite", "Primary", 1, 80, protocol="Http"),
                PortOf("MediaComp", "AppSharingCommunication", "Primary", 1, 49152, 16383, "TcpOrUdp"),
            ),
        ),
        ServiceOf("MediationServer"),
    )


def edge_services(numbers: tuple[int, int, int], psom: int, first: int, count: int) -> tuple[ServiceOf, ...]:
    """An Edge whose Access, Web Conferencing and A/V have external interfaces of these numbers."""
    access, data, media = numbers
    return (
        ServiceOf(
            "EdgeServer",
            (
                PortOf("AccessEdge", "SipServer", "Internal", 1, 5061, protocol="Mtls"),
                PortOf("AccessEdge", "SipClient", "External", access, 443),
                PortOf("DataEdge", "PsomServer", "Internal", 1, 8057, protocol="Mtls"),
                PortOf("DataEdge", "PsomClient", "External", data, psom),
                PortOf("MediaRelayEdge", "TURNServer", "Internal", 1, 3478, protocol="Udp"),
                PortOf("MediaRelayEdge", "TURNServer", "External", media, 3478, protocol="Udp"),
                PortOf("MediaRelayEdge", "MediaCommunication", "External", media, first, count, "TcpOrUdp"),
            ),
        ),
        ServiceOf("ManagementServices", (PortOf("ReplicationService", "Replication", "Internal", 1, 4443),)),
    )


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items() if value != "")


def _machine(name: str, interfaces: tuple[Interface, ...], **more: object) -> str:
    inside = "".join(
        "<NetInterface"
        + _attributes(
            InterfaceSide=i.side, InterfaceNumber=i.number, IPAddress=i.address, ConfiguredIPAddress=i.configured
        )
        + ' xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008"/>'
        for i in interfaces
    )
    return f"<Machine{_attributes(Fqdn=name, **more)}>{inside}</Machine>"


def _inside_service(service: ServiceOf) -> str:
    ports = "".join(
        "<Port"
        + _attributes(
            Owner=f"urn:component:{p.owner}", Usage=p.usage, InterfaceSide=p.side, InterfaceNumber=p.number,
            Port=p.port, Protocol=p.protocol, Range="" if p.count == 1 else p.count,
        )
        + "/>"
        for p in service.ports
    )  # fmt: skip
    roles = "urn:schema:Microsoft.Rtc.Management.Deploy.ServiceRoles.2008"
    more = ""
    if service.role == "Registrar":
        more = f'<RegistrarService IsDirector="{str(service.director).lower()}" xmlns="{roles}"/>'
    if service.discovery:
        more = f'<WacService{_attributes(DiscoveryUrl=service.discovery, IsExternal="false")} xmlns="{roles}"/>'
    return f'<DependsOn/><Ports xmlns="{roles}">{ports}</Ports>{more}'


def builder_file(pools: list[PoolOf], sites: dict[int, str]) -> str:
    """A topology as Topology Builder saves it."""
    deploy = "urn:schema:Microsoft.Rtc.Management.Deploy"
    numbered = list(enumerate(pools))
    central = ""
    for number, name in sites.items():
        clusters = "".join(
            f"<Cluster{_attributes(UniqueId=f'guid-{index}', Fqdn=p.name)}><Machines>"
            + "".join(_machine("" if machine == p.name else machine, i) for machine, i in p.machines.items())
            + "</Machines><SqlInstances/></Cluster>"
            for index, p in numbered
            if p.site == number
        )
        central += (
            f'<CentralSite SiteId="{number}"><Name xmlns="{deploy}.Topology.2008">{name}</Name>'
            f"<Clusters>{clusters}</Clusters><RemoteSites/></CentralSite>"
        )
    services = "".join(
        f"<Service{_attributes(RoleName=s.role, InstalledOn=f'guid-{index}')}>{_inside_service(s)}</Service>"
        for index, p in numbered
        for s in p.services
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<TopologyBuilder xmlns="{deploy}.TopologyBuilder.2008"><NewTopology>'
        f'<PartialTopology xmlns="{deploy}.WritableTopology.2008"><CentralSites>{central}</CentralSites>'
        f'<Services>{services}<Service RoleName="UserStore" InstalledOn="sql"><Ports/></Service></Services>'
        "</PartialTopology></NewTopology></TopologyBuilder>"
    )


def published(pools: list[PoolOf], sites: dict[int, str]) -> str:
    """A topology as Get-CsTopology -AsXml prints it."""
    named = "".join(
        f'<CentralSite SiteId="{number}"><Name>{name}</Name><Location/></CentralSite>' for number, name in sites.items()
    )
    identities = [f"<ClusterId{_attributes(SiteId=p.site, Number=index + 1)}/>" for index, p in enumerate(pools)]
    clusters = "".join(
        f"<Cluster{_attributes(Fqdn=p.name)}>{identity}"
        + "".join(_machine(name, i, OrdinalInCluster=n) for n, (name, i) in enumerate(p.machines.items(), 1))
        + "</Cluster>"
        for p, identity in zip(pools, identities, strict=True)
    )
    services = "".join(
        f"<Service><ServiceId{_attributes(SiteId=p.site, RoleName=s.role, Instance=1)}/>"
        f"<InstalledOn>{identity}</InstalledOn>{_inside_service(s)}</Service>"
        for p, identity in zip(pools, identities, strict=True)
        for s in p.services
    )
    instance = f"<InstalledOn><SqlInstanceId>{identities[0]}</SqlInstanceId></InstalledOn>"
    store = f'<Service><ServiceId RoleName="UserStore"/>{instance}</Service>'
    return (
        '<Topology xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008">'
        f"<Sites>{named}</Sites><Clusters>{clusters}</Clusters><Services>{services}{store}</Services></Topology>"
    )


def encoded(text: str, form: str) -> bytes:
    """The text as a file: ``utf-8``, ``utf-8-sig``, ``utf-16`` with its mark, or ``utf-16-le`` without."""
    return text.encode(form)


@st.composite
def random_platforms(draw: st.DrawFn) -> tuple[Resources, dict[str, Expected]]:
    """A platform: places with proxying nodes or such as do both, and places behind them that transcode."""
    resources = platform()
    expected = {"manager": Expected({"pexip_management_nodes"}, {"port_matrix_addresses": ["192.0.2.5"]})}
    front = draw(st.integers(1, 3))
    for number in range(1, front + 1):
        name = draw(st.sampled_from(["London DMZ", "Oslo", "a-b", "Köln"])) + f" {number}"
        proxying = draw(st.booleans())
        place = location(number, name)
        if draw(st.booleans()):
            turn = {
                "id": number,
                "name": f"turn{number}",
                "address": f"198.51.100.{number}",
                "port": None,
                "transport_type": "udp",
            }
            resources["turn_server"].append(turn)
            place["turn_server"] = uri("turn_server", number)
            expected[turn["name"]] = Expected(
                {"turn_servers"}, {"port_matrix_addresses": [turn["address"]], "port_matrix_location": [name]}
            )
        if draw(st.booleans()):
            address = f"203.0.113.{number}"
            place["dns_servers"] = draw(st.sampled_from([[{"address": address}], [uri("dns_server", number)]]))
            resources["dns_server"].append({"id": number, "address": address})
            expected[address] = Expected(
                {"dns_servers"}, {"port_matrix_addresses": [address], "port_matrix_location": [name]}
            )
        resources["system_location"].append(place)
        _add_nodes(
            draw,
            resources,
            expected,
            number,
            name,
            "pexip_conferencing_nodes",
            "PROXYING" if proxying else "CONFERENCING",
        )
        if proxying:
            behind = 100 + number
            resources["system_location"].append(location(behind, f"Core {number}"))
            place[draw(st.sampled_from(["transcoding_location", "overflow_location1", "overflow_location2"]))] = uri(
                "system_location", behind
            )
            _add_nodes(
                draw, resources, expected, behind, f"Core {number}", "pexip_transcoding_nodes", "CONFERENCING", [name]
            )
    return {name: draw(st.permutations(items)) for name, items in resources.items()}, expected


def _add_nodes(
    draw: st.DrawFn,
    resources: Resources,
    expected: dict[str, Expected],
    place: int,
    name: str,
    group: str,
    node_type: str,
    transcodes_for: t.Sequence[str] = (),
) -> None:
    slug = "".join(c if c in "abcdefghijklmnopqrstuvwxyz0123456789" else "_" for c in name.lower())
    nat, second, ipv6 = (draw(st.booleans()) for _choice in range(3))
    for number in range(draw(st.integers(1, 3))):
        node = worker(
            1000 * place + number, f"node{place}-{number}", place, f"10.{place}.0.{number}", node_type=node_type,
            secondary_address=f"10.{place}.1.{number}" if second else draw(st.sampled_from([None, ""])),
            static_nat_address=f"192.0.2.{10 + number}" if nat else None,
            ipv6_address=f"2001:db8::{place}:{number}" if ipv6 else None,
        )  # fmt: skip
        resources["worker_vm"].append(node)
        media: t.Any = node["secondary_address"] or node["address"]
        if nat:
            media = {"address": media, "advertised": node["static_nat_address"]}
        more = [node["ipv6_address"]] if ipv6 else []
        inside = [node["address"], *([] if second else more)]
        if nat or second:
            there = {"port_matrix_interfaces": {"internode": inside, "media": [media, *more]}}
        else:
            there = {"port_matrix_addresses": inside}
        expected[node["name"]] = Expected(
            {group, f"pexip_location_{slug}"}, {**there, "port_matrix_location": sorted([name, *transcodes_for])}
        )


@st.composite
def random_topologies(
    draw: st.DrawFn,
) -> tuple[list[PoolOf], dict[str, list[str]], dict[str, Expected], dict[str, list[str]]]:
    """Pools, the addresses of names, what is expected of each host, and the port ranges."""
    pools: list[PoolOf] = []
    addresses: dict[str, list[str]] = {}
    expected: dict[str, Expected] = {}
    psom: set[int] = set()
    media: set[tuple[int, int]] = set()
    https: set[int] = set()
    kinds = {
        "fe": ("sfb_front_ends", front_end_services()),
        "dir": ("sfb_directors", (ServiceOf("Registrar", director=True),)),
        "sba": ("sfb_servers", (ServiceOf("Registrar"), ServiceOf("MediationServer"))),
        "med": ("sfb_servers", (ServiceOf("MediationServer"),)),
        "sql": ("", (ServiceOf("UserStore"),)),
    }
    for index, kind in enumerate(draw(st.lists(st.sampled_from([*kinds, "edge", "oos"]), min_size=1, max_size=5))):
        site = draw(st.integers(1, 2))
        name = f"{kind}{index}.example"
        members = (
            [name] if draw(st.booleans()) else [f"{kind}{index}-{m}.example" for m in range(draw(st.integers(1, 3)))]
        )
        if kind == "edge":
            three = draw(st.booleans())
            port, first, count = (
                draw(st.sampled_from([443, 444])),
                draw(st.integers(1024, 60000)),
                draw(st.integers(1, 5000)),
            )
            pool = _edge_pool(draw, name, site, members, three, (port, first, count), expected, index)
            psom.add(port)
            media.add((first, count))
        elif kind == "oos":
            number = draw(st.sampled_from([443, 8443]))
            url = f"https://OOS{index}.example" + ("" if number == 443 else f":{number}") + "/hosting/discovery/"
            pool = PoolOf(name, site, {name: ()}, (ServiceOf("WacService", discovery=url),))
            addresses[f"oos{index}.example"] = [f"10.9.{index}.1"]
            expected[f"oos{index}.example"] = Expected({"wac_servers"}, {"port_matrix_addresses": [f"10.9.{index}.1"]})
            https.add(number)
        else:
            group, services = kinds[kind]
            literal = draw(st.booleans())
            machines = {}
            for number, member in enumerate(members):
                address = f"10.8.{index}.{number + 1}"
                machines[member] = (Interface("Primary", 1, address if literal else "0.0.0.0"), *EVERYWHERE[1:])
                if group:
                    expected[member] = Expected({group}, {"port_matrix_addresses": [address]})
                    if not literal:
                        addresses[member] = [address]
            pool = PoolOf(name, site, machines, services)
            if kind == "fe":
                psom.add(8057)
                https.add(443)
        pools.append(pool)
    ports = {
        "edge_media": [f"{first}-{first + count - 1}" if count > 1 else str(first) for first, count in sorted(media)],
        "psom": [str(port) for port in sorted(psom)],
        "https": [str(port) for port in sorted(https)],
    }
    return draw(st.permutations(pools)), addresses, expected, {name: found for name, found in ports.items() if found}


def _edge_pool(
    draw: st.DrawFn, name: str, site: int, members: list[str], three: bool, ports: tuple[int, int, int],
    expected: dict[str, Expected], index: int,
) -> PoolOf:  # fmt: skip
    nat = draw(st.booleans())
    machines = {}
    for number, member in enumerate(members):
        inside = Interface("Internal", 1, f"10.7.{index}.{number + 1}")
        outside = [
            Interface(
                "External",
                n,
                f"10.6.{index}.{10 * number + n}",
                f"203.0.113.{100 + 30 * index + 10 * number + n}" if nat else "",
            )
            for n in ((1, 2, 3) if three else (1,))
        ]
        machines[member] = (inside, *outside)
        values = [[{"address": i.address, "advertised": i.configured} if nat else i.address] for i in outside]
        expected[member] = Expected(
            {"sfb_edges"},
            {
                "port_matrix_interfaces": {
                    "internal": [inside.address],
                    "access_edge": values[0], "web_conferencing": values[1 if three else 0],
                    "av_edge": values[2 if three else 0],
                }
            },
        )  # fmt: skip
    numbers = (1, 2, 3) if three else (1, 1, 1)
    return PoolOf(name, site, machines, edge_services(numbers, *ports))
