# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a lab host is: its networks, addresses and routes, worked out from the lab's inventory."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleFilterError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Host = Mapping[str, t.Any]

# What flow_loss binds. A telephone that asks the kernel for any port would get one of these now and then.
RESERVED_PORTS = range(40000, 52200)


class LabError(ValueError):
    """The inventory describes no lab that can be built."""


def host_addresses(host: Host) -> list[Address]:
    """The addresses of a lab host: lab_addresses, else port_matrix_addresses and all port_matrix_interfaces."""
    entries: list[t.Any] = list(host.get("lab_addresses") or [])
    if not entries:
        entries = list(host.get("port_matrix_addresses") or [])
        entries += _interface_entries(host)
    name = host["inventory_hostname"]
    addresses: list[Address] = []
    for entry in entries:
        text = str(entry["address"] if isinstance(entry, Mapping) else entry)
        try:
            address = ipaddress.ip_interface(text).ip
        except ValueError as error:
            raise LabError(f"host {name}: {text!r} is not an address of a container: {error}") from error
        if address not in addresses:
            addresses.append(address)
    if not addresses:
        raise LabError(f"host {name} has no address: set lab_addresses, or put it into the group lab_networks")
    return addresses


def _interface_entries(host: Host) -> list[t.Any]:
    """What the interfaces of a host have; one whose value is the name of another has nothing of its own."""
    interfaces = host.get("port_matrix_interfaces") or {}
    found: list[t.Any] = []
    for given in interfaces.values():
        entries = [given] if isinstance(given, (str, Mapping)) else list(given)
        found += [entry for entry in entries if isinstance(entry, Mapping) or entry not in interfaces]
    return found


def zone_addresses(host: Host) -> dict[str, list[Address]]:
    """The zones that a host joins, in the order of lab_zones, each with the host's addresses in it."""
    zones: dict[str, list[Address]] = {}
    remaining = host_addresses(host)
    for zone, settings in host["lab_zones"].items():
        subnets = [ipaddress.ip_network(str(subnet)) for subnet in settings["subnets"]]
        inside = [address for address in remaining if any(address in subnet for subnet in subnets)]
        if inside:
            zones[str(zone)] = inside
        remaining = [address for address in remaining if address not in inside]
    if remaining:
        outside = ", ".join(map(str, remaining))
        raise LabError(f"host {host['inventory_hostname']}: {outside} lies in no zone of lab_zones")
    for zone, inside in zones.items():
        if len({address.version for address in inside}) != len(inside):
            raise LabError(f"host {host['inventory_hostname']}: more than one address of a family in zone {zone}")
    return zones


def gateways(hosts: Sequence[Host]) -> dict[str, list[Address]]:
    """The router's addresses in each zone that has a router."""
    found: dict[str, list[Address]] = {}
    for host in hosts:
        if host.get("lab_router"):
            for zone, addresses in zone_addresses(host).items():
                found.setdefault(zone, addresses)
    return found


def routes(host: Host, routers: Mapping[str, Sequence[Address]]) -> list[str]:
    """The routes of a host: default through its (default) zone's router, and those of lab_routes (zone → own zone)."""
    own_zones = zone_addresses(host)
    if host.get("lab_router"):
        return []
    name = host["inventory_hostname"]
    default_zone = str(host.get("lab_default_zone") or next(iter(own_zones)))
    if len(own_zones) > 1 and not host.get("lab_default_zone"):
        raise LabError(f"host {name} is in several zones ({', '.join(own_zones)}): set lab_default_zone")
    wanted = [("default", default_zone)]
    for zone, through in (host.get("lab_routes") or {}).items():
        subnets = host["lab_zones"].get(zone, {}).get("subnets", [])
        if not subnets:
            raise LabError(f"host {name}: lab_routes names the zone {zone}, which lab_zones does not have")
        wanted += [(str(subnet), str(through)) for subnet in subnets]
    found: list[str] = []
    for destination, zone in wanted:
        if zone not in own_zones:
            raise LabError(f"host {name} has no address in zone {zone}, through which it is to reach {destination}")
        for gateway in routers.get(zone, []):
            same_family = destination == "default" or ipaddress.ip_network(destination).version == gateway.version
            reachable = any(address.version == gateway.version for address in own_zones[zone])
            if same_family and reachable:
                found.append(f"{destination} {gateway}")
    return found


def source_routes(host: Host, routers: Mapping[str, Sequence[Address]]) -> list[str]:
    """The way of packets from an address of a host in several zones: through the router of the address's own zone.

    Else the router would get them through another interface, and a reverse path filter of its firewall drops them.
    """
    own_zones = zone_addresses(host)
    if host.get("lab_router") or len(own_zones) == 1:
        return []
    return [
        f"{address} {gateway}"
        for zone, addresses in own_zones.items()
        if zone != host["lab_default_zone"]
        for address in addresses
        for gateway in routers.get(zone, [])
        if gateway.version == address.version
    ]


def translations(hosts: Sequence[Host], router: Host) -> list[str]:
    """What a router translates: "LOCAL ADVERTISED" for each pair of a host in the zones of its lab_nat."""
    return [
        f"{pair['address']} {pair.get('advertised', pair['address'])}"
        for host in (hosts if router.get("lab_nat") else ())
        for pair in [*(host.get("port_matrix_addresses") or []), *_interface_entries(host)]
        if isinstance(pair, Mapping) and _zone_of(host, str(pair["address"])) in router["lab_nat"]
    ]


def _zone_of(host: Host, text: str) -> str | None:
    address = ipaddress.ip_address(text)
    return next((zone for zone, addresses in zone_addresses(host).items() if address in addresses), None)


def sysctls(host: Host, interfaces: int) -> dict[str, str]:
    """Kernel settings of a host.

    No reverse path filter, as a host with two legs answers on either; forwarding on the router; ports that nobody gets
    who does not ask for them.
    """
    names = ["all", "default", *(f"eth{number}" for number in range(interfaces))]
    settings = {f"net.ipv4.conf.{name}.rp_filter": "0" for name in names}
    settings |= {f"net.ipv6.conf.{name}.accept_dad": "0" for name in names}
    settings["net.ipv4.ip_local_reserved_ports"] = f"{RESERVED_PORTS[0]}-{RESERVED_PORTS[-1]}"  # and of IPv6
    if host.get("lab_router"):
        settings |= {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
    return settings


def hardware_address(address: Address) -> str:
    """A hardware address that follows from *address*.

    A container that is restarted keeps it, as a real machine does. With a new one, its neighbours would go on talking
    to the old one for some seconds.
    """
    return ":".join(f"{byte:02x}" for byte in b"\x02\x53" + address.packed[-4:])


def network_options(subnets: Sequence[str]) -> list[str]:
    """The options of `podman network create` for a zone; the first address of each subnet is this machine's own.

    Named explicitly, because an internal network without name service gets no gateway of itself, and then this machine
    has no address in the zone.
    """
    options: list[str] = []
    for text in subnets:
        try:
            subnet = ipaddress.ip_network(str(text))
        except ValueError as error:
            raise AnsibleFilterError(f"lab_zones: {text!r} is not a subnet: {error}") from error
        options += ["--subnet", str(subnet), "--gateway", str(subnet.network_address + 1)]
        if subnet.version == 6 and "--ipv6" not in options:
            options.append("--ipv6")
    return options


def lab_topology(hosts: Sequence[Host], name: str, prefix: str) -> dict[str, t.Any]:
    """What the container of the host `name` is started with.

    :param hosts: the variables of all lab hosts.
    :param prefix: how the names of the lab's networks begin.
    :return: ``networks`` (podman's --network), ``routes`` ("DESTINATION GATEWAY" each), ``source_routes`` ("SOURCE
        GATEWAY"), ``translations`` ("LOCAL ADVERTISED"), ``sysctls`` and ``addresses``.
    :raises AnsibleFilterError: the inventory describes no lab that can be built.
    """
    try:
        host = next(host for host in hosts if host["inventory_hostname"] == name)
        own_zones = zone_addresses(host)
        networks = [
            ",".join(
                [
                    f"{prefix}{zone}:interface_name=eth{number}",
                    f"mac={hardware_address(addresses[0])}",
                    *(f"ip={address}" for address in addresses),
                ]
            )
            for number, (zone, addresses) in enumerate(own_zones.items())
        ]
        return {
            "networks": networks,
            "routes": routes(host, gateways(hosts)),
            "source_routes": source_routes(host, gateways(hosts)),
            "translations": translations(hosts, host),
            "sysctls": sysctls(host, len(networks)),
            "addresses": [str(address) for addresses in own_zones.values() for address in addresses],
        }
    except LabError as error:
        raise AnsibleFilterError(str(error)) from error


def lab_plan(hosts: Sequence[Host], prefix: str, label: str, images: Mapping[str, str]) -> dict[str, t.Any]:
    """What lab_containers makes a lab of.

    :param hosts: the variables of all lab hosts; the lab's own, such as lab_zones, are those of the first.
    :param prefix: how the names of the lab's networks and containers begin.
    :param label: "name=value", which all of them carry.
    :param images: name in lab_image → image.
    :return: ``prefix``, ``label``, ``networks`` (zone → options of `podman network create`) and ``hosts``.
    :raises AnsibleFilterError: the inventory describes no lab that can be built.
    """
    planned = []
    for host in hosts:
        name = host["inventory_hostname"]
        place = lab_topology(hosts, name, prefix)
        environment = {
            "LAB_ROUTES": ";".join(place.pop("routes")),
            "LAB_SOURCE_ROUTES": ";".join(place.pop("source_routes")),
            "LAB_NAT": ";".join(place.pop("translations")),
            "LAB_SERVICES": " ".join(host.get("lab_services", [])),
        }
        planned.append(
            {
                **place,
                "name": name,
                "image": images[host["lab_image"]],
                "environment": environment,
                "capabilities": list(host.get("lab_capabilities", [])),
            }
        )
    zones = hosts[0]["lab_zones"]
    networks = {str(zone): network_options(settings["subnets"]) for zone, settings in zones.items()}
    return {"prefix": prefix, "label": label, "networks": networks, "hosts": planned}


class FilterModule:
    """The filters of the lab's playbooks."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name → filter."""
        return {"lab_plan": lab_plan, "lab_topology": lab_topology}
