# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random sites as the core and as the oracle read them, random packets near every boundary, and the oracle's verdict.

The oracle of the packet proof is written from the port table and shares no code with the core.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import strategies as st
from packet_proof import oracle
from packet_proof.site import Address, Network
from packet_proof.site import Site as OracleSite
from packet_proof.site import build_site as build_oracle_site

ENDPOINTS = [
    "conferencing_node", "front_end", "edge", "edge_av", "edge_internal", "client", "sfb_server", "web_conferencing",
    "turn_server", "wac_server",
]  # fmt: skip
GROUPS = [
    "pexip_conferencing_nodes", "sfb_front_ends", "sfb_edges", "sfb_clients", "sfb_servers", "sfb_web_conferencing",
    "turn_servers", "wac_servers",
]  # fmt: skip
TABLE = [
    "sip_signaling", "media_to_nodes", "conference_avatar", "media_nodes_to_edge", "media_edge_to_nodes",
    "media_from_nodes", "media_nodes_to_turn", "psom_content", "https_content", "wac_content", "strict_client_relay",
    "strict_edge_media",
]  # fmt: skip
INTERFACES = ["media", "internal", "av_edge", "elsewhere"]
GROUPS_OF_ROWS = ["integration", "strict_clients", "custom"]  # those of TABLE, and rows of a site's own
HOSTS = [f"h{number}" for number in range(5)]
GATEWAY = "fw"


class Case(t.NamedTuple):
    """One site, as the core and as the oracle read it."""

    core: Site
    oracle: OracleSite
    hostvars: dict[str, dict[str, t.Any]]
    groups: dict[str, list[str]]
    variables: dict[str, t.Any]


def _address(host: int, number: int, version: int) -> str:
    """An address of a host. Those of one host, and of some hosts, are neighbours."""
    return (
        f"10.0.{host // 2}.{16 * (host % 2) + number}"
        if version == 4
        else f"2001:db8:{host // 2}::{number + 1:x}{host % 2}"
    )


SIDE_OF_NAT = st.sampled_from(["advertised", "local"])
VIEW = st.one_of(
    SIDE_OF_NAT, st.dictionaries(st.sampled_from(["default", *HOSTS, *GROUPS, *ENDPOINTS]), SIDE_OF_NAT, max_size=4)
)
PLACE = st.sampled_from(["oslo", "nyc", "rome"])
LOCATION = st.fixed_dictionaries(
    {}, optional={"port_matrix_location": st.one_of(PLACE, st.lists(PLACE, min_size=1, max_size=2))}
)


@st.composite
def _one_address(draw: st.DrawFn, host: int, version: int, kinds: tuple[str, ...]) -> t.Any:
    address = _address(host, draw(st.integers(1, 5)), version)
    kind = draw(st.sampled_from(kinds))
    if kind == "pair":
        advertised = (
            f"203.0.113.{draw(st.integers(1, 12))}" if version == 4 else f"2001:db8:f::{draw(st.integers(1, 12)):x}"
        )
        return {"address": address, "advertised": advertised}
    if kind == "network":
        length = draw(st.sampled_from([28, 30, 31] if version == 4 else [64, 120, 127]))
        return str(ipaddress.ip_network(f"{address}/{length}", strict=False))
    return address


@st.composite
def _addresses(draw: st.DrawFn, host: int, versions: list[int], kinds: tuple[str, ...]) -> list[t.Any]:
    chosen = [*versions, *draw(st.lists(st.sampled_from(versions), max_size=2))]
    return [draw(_one_address(host, version, kinds)) for version in chosen]


@st.composite
def _hostvars(draw: st.DrawFn) -> dict[str, dict[str, t.Any]]:
    stack = draw(st.sampled_from([[4], [6], [4, 6], [4, 6], None]))
    hosts: dict[str, dict[str, t.Any]] = {}
    for number, name in enumerate(HOSTS):
        versions: list[int] = stack or draw(st.sampled_from([[4], [6], [4, 6]]))
        # A host that is a network is not behind NAT; one with a network on some interface may be a machine on another.
        kinds: list[tuple[str, ...]] = draw(st.sampled_from([[("plain", "pair")], [("plain",), ("plain", "network")]]))
        own = st.sampled_from(kinds).flatmap(functools.partial(_addresses, number, versions))
        # A host with interfaces has each that a row may need, which may be another one, and maybe one that none needs.
        each = st.one_of(own, own, st.just("x"))
        needed = dict.fromkeys(INTERFACES, each)
        interfaces = st.fixed_dictionaries({**needed, "x": own}, optional={"web_conferencing": each})
        kind = draw(st.sampled_from(["addresses", "interfaces", "both", "ansible_host"]))
        variables: dict[str, t.Any] = {"port_matrix_view": draw(VIEW), **draw(LOCATION)}
        if kind in ("addresses", "both"):
            variables["port_matrix_addresses"] = draw(own)
        if kind in ("interfaces", "both"):
            variables["port_matrix_interfaces"] = draw(interfaces)
        if kind == "ansible_host":
            variables["ansible_host"] = _address(number, 1, versions[0])
        hosts[name] = variables
    hosts[GATEWAY] = {"port_matrix_view": draw(VIEW)}
    return hosts


PORT = st.sampled_from([1, 80, 443, 3478, 5061, 8057, 9999, 10000, 40000, 49999, 50000, 59999, 65535])
PORTS = st.one_of(
    PORT, st.tuples(PORT, PORT).map(lambda pair: f"{min(pair)}-{max(pair)}"), st.lists(PORT, min_size=1, max_size=3)
)
MEDIA = st.tuples(st.integers(10000, 49800), st.integers(99, 199)).map(lambda pair: f"{pair[0]}-{sum(pair)}")
EDGE_MEDIA = st.tuples(st.integers(1024, 65000), st.integers(0, 500)).map(lambda pair: f"{pair[0]}-{sum(pair)}")
RANGES = st.fixed_dictionaries(
    {},
    optional={
        "media": MEDIA, "edge_media": EDGE_MEDIA, "sip": PORTS, "avatar": PORTS, "turn": PORTS, "psom": PORTS,
        "https": PORTS, "edge_relay": PORTS,
    },
)  # fmt: skip
SIDE = st.lists(st.sampled_from(ENDPOINTS), min_size=1, max_size=3, unique=True)
PROTOCOLS = st.lists(st.sampled_from(["tcp", "udp"]), min_size=1, max_size=2, unique=True)
NETWORKS = st.sampled_from(
    ["10.0.0.0/28", "10.0.0.16", "10.0.1.0/27", "192.0.2.0/24", "2001:db8::/64", "2001:db8:1::11"]
)
EXCLUDED = st.sampled_from(["10.0.0.1", "10.0.0.2/31", "203.0.113.4/30", "2001:db8:f::4/127", "2001:db8::2:0"])
OWN_ROW = st.fixed_dictionaries(
    {
        "source": SIDE,
        "destination": SIDE,
        "protocols": PROTOCOLS,
        "destination_ports": st.one_of(PORTS, st.sampled_from(["sip", "media", "any", ["psom", "https"]])),
        "bidirectional": st.booleans(),
    },
    optional={"source_ports": st.one_of(PORTS, st.just("ephemeral")), "group": st.just("strict_clients")},
)


@st.composite
def _overrides(draw: st.DrawFn) -> dict[str, dict[str, t.Any]]:
    overrides = {}
    for name in draw(st.lists(st.sampled_from(ENDPOINTS), max_size=2, unique=True)):
        override: dict[str, t.Any] = {}
        if draw(st.booleans()):
            override["groups"] = draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
        if draw(st.booleans()):
            override["interface"] = draw(st.sampled_from(["internal", "av_edge", "elsewhere"]))
        if draw(st.booleans()):
            override["networks"] = draw(st.lists(NETWORKS, min_size=1, max_size=2))
        if draw(st.booleans()):
            others = [other for other in ENDPOINTS if other != name]
            override["exclude"] = draw(st.lists(st.one_of(NETWORKS, EXCLUDED, st.sampled_from(others)), max_size=2))
        overrides[name] = override
    return overrides


@st.composite
def cases(draw: st.DrawFn) -> Case:
    hostvars = draw(_hostvars())
    members = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=3, unique=True)
    # Somebody may have no Web Conferencing servers, which is what the fallback is for.
    groups = {
        group: draw(st.just([]) if group == "sfb_web_conferencing" and draw(st.booleans()) else members)
        for group in GROUPS
    }
    strict = draw(st.booleans())
    own_rows = [{"id": f"own{number}", **row} for number, row in enumerate(draw(st.lists(OWN_ROW, max_size=2)))]
    disabled = draw(st.lists(st.sampled_from(TABLE), max_size=3, unique=True))
    ports, endpoints = draw(RANGES), draw(_overrides())
    groups_of_rows = ["all", "integration", "strict_clients", "custom", *TABLE]
    same_location = draw(st.one_of(st.just([]), st.lists(st.sampled_from(groups_of_rows), max_size=3, unique=True)))
    while True:
        rows = select_rows(own_rows, disabled, strict)
        try:
            core = build_site(hostvars, groups, rows, ports, endpoints, ENDPOINTS, same_location)
            break
        except PortMatrixError as e:
            lists = re.findall(r"^rows? ([\w, ]+): endpoint \w+ has only", str(e), re.MULTILINE)
            apart = {row for rows_apart in lists for row in rows_apart.split(", ")}
            undecided = re.findall(r"^host '(\w+)' port_matrix_view: names host", str(e), re.MULTILINE)
            lacking = re.findall(r"^host '(\w+)' port_matrix_interfaces: has no web_conf", str(e), re.MULTILINE)
            if not apart and not undecided and not lacking:
                raise
            for host in lacking:
                hostvars[host]["port_matrix_interfaces"]["web_conferencing"] = "x"
            for host in undecided:
                hostvars[host]["port_matrix_view"] = {"h1": "local"}
            disabled = [*disabled, *sorted(apart)]
    variables = {
        "port_matrix_ports": ports,
        "port_matrix_strict_clients": strict,
        "port_matrix_disabled_rows": disabled,
        "port_matrix_extra_rows": own_rows,
        "port_matrix_endpoints": endpoints,
        "port_matrix_same_location_rows": same_location,
    }
    return Case(core, build_oracle_site(groups, hostvars, variables), hostvars, groups, variables)


@st.composite
def packets(draw: st.DrawFn, case: Case, at: str | None) -> oracle.Packet:
    """A packet that a row of the site permits, or that is just outside the ends of what the row has."""
    flow = draw(st.sampled_from([flow for flow in oracle.flows(case.oracle) if flow.group in GROUPS_OF_ROWS]))
    source, destination = (
        _boundary(draw, [n for name in names for _owner, n in oracle.endpoint_networks(case.oracle, name, at)])
        for names in (flow.sources, flow.destinations)
    )
    protocol = draw(st.sampled_from([*flow.protocols * 4, "tcp", "udp"]))
    ports = [_port(draw, ranges) for ranges in (flow.source_ports, flow.destination_ports)]
    return oracle.Packet(source, destination, protocol, ports[0], ports[1])


def _boundary(draw: st.DrawFn, networks: list[Network]) -> Address:
    network = draw(st.sampled_from(networks or [ipaddress.ip_network("10.0.0.0/27")]))
    return network[draw(st.sampled_from([0, -1]))] + draw(st.sampled_from([0] * 8 + [1, -1]))


def _port(draw: st.DrawFn, ranges: tuple[oracle.Range, ...]) -> int:
    end = draw(st.sampled_from(draw(st.sampled_from(ranges))))
    return min(65535, max(1, end + draw(st.sampled_from([0] * 8 + [1, -1]))))


def matching_rows(rules: list[Rule], packet: oracle.Packet) -> set[str]:
    """The rows whose rules permit *packet*."""
    return {
        rule.row
        for rule in rules
        if rule.family == f"ipv{packet.source.version}" == f"ipv{packet.destination.version}"
        and rule.protocol == packet.protocol
        and int(packet.source) in rule.source
        and int(packet.destination) in rule.destination
        and packet.source_port in rule.source_ports
        and packet.destination_port in rule.destination_ports
    }


def _is_many(case: Case, owner: str, endpoints: tuple[str, ...], at: str | None) -> bool:
    """Tell whether an owner is more than one machine in *endpoints*: literal networks, or a host with a network."""
    if owner.startswith("network "):
        return True
    found = [
        network
        for name in endpoints
        for host, network in oracle.endpoint_networks(case.oracle, name, at)
        if host == owner
    ]
    return any(network.num_addresses > 1 for network in found)


def expected_rows(
    case: Case, packet: oracle.Packet, at: str | None, sender: str | None, receiver: str | None
) -> set[str]:
    """The rows that permit *packet* from *sender* to *receiver* (None: whoever it is) where *at* judges.

    The oracle says who holds an address. It takes a network for one party, which does not talk to itself. For the
    core it is many: two different machines of one network of clients may talk, as a row says.
    """
    found = set()
    for flow in oracle.flows(case.oracle):
        if not (
            flow.enabled
            and packet.protocol in flow.protocols
            and oracle.contains(flow.source_ports, packet.source_port)
            and oracle.contains(flow.destination_ports, packet.destination_port)
        ):
            continue
        sources = oracle.owners(case.oracle, flow.sources, packet.source, at)
        destinations = oracle.owners(case.oracle, flow.destinations, packet.destination, at)
        if any(
            one != other or _is_many(case, one, flow.sources, at) or _is_many(case, one, flow.destinations, at)
            for one in sources
            for other in destinations
            if sender in (None, one) and receiver in (None, other) and oracle.near(case.oracle, flow, one, other)
        ):
            found.add(flow.row)
    return found


def drawn_packets(data: st.DataObject, case: Case, at: str | None) -> list[oracle.Packet]:
    drawn = data.draw(st.lists(packets(case, at), min_size=8, max_size=8))
    return [p for p in drawn if p.source != p.destination and p.source.version == p.destination.version]
