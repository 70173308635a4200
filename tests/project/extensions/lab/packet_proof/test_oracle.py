# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import typing as t

import pytest
from packet_proof.oracle import Packet, endpoint_networks, flows, permitted, port_ranges
from packet_proof.site import Site, SiteError, build_site, site_from_inventory

NODE, FE, INTERNAL, AV = "10.1.0.11", "10.2.0.21", "10.2.0.31", "10.4.0.31"
TURN, WAC, CLIENT, OUTSIDER = "10.2.0.41", "10.2.0.51", "10.3.0.20", "10.3.0.200"


def packet(source: str, destination: str, protocol: str, source_port: int, destination_port: int) -> Packet:
    return Packet(
        ipaddress.ip_address(source), ipaddress.ip_address(destination), protocol, source_port, destination_port
    )


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "source_port", "destination_port", "rows"),
    [
        (FE, NODE, "tcp", 1, 5061, "sip_signaling"),
        (NODE, FE, "tcp", 1, 5061, "sip_signaling"),
        (NODE, FE, "tcp", 5061, 50001, ""),
        (FE, NODE, "tcp", 1, 5062, ""),
        (FE, NODE, "udp", 1, 5061, ""),
        (CLIENT, NODE, "tcp", 1, 5061, ""),
        (CLIENT, NODE, "udp", 1, 40000, "media_to_nodes"),
        (FE, NODE, "udp", 65535, 49999, "media_to_nodes"),
        (INTERNAL, NODE, "udp", 1, 40000, ""),
        (OUTSIDER, NODE, "udp", 1, 40000, ""),
        (CLIENT, NODE, "udp", 1, 39999, ""),
        (CLIENT, NODE, "udp", 1, 50000, ""),
        (CLIENT, NODE, "tcp", 1, 40000, ""),
        (CLIENT, NODE, "tcp", 1, 80, "conference_avatar"),
        (FE, NODE, "tcp", 1, 80, ""),
        (NODE, AV, "udp", 40000, 50000, "media_nodes_to_edge"),
        (NODE, AV, "tcp", 49999, 59999, "media_nodes_to_edge"),
        (NODE, INTERNAL, "udp", 40000, 50000, ""),
        (NODE, AV, "udp", 39999, 50000, ""),
        (NODE, AV, "udp", 40000, 60000, ""),
        (AV, NODE, "udp", 50000, 40000, "media_edge_to_nodes"),
        (AV, NODE, "tcp", 59999, 49999, "media_edge_to_nodes"),
        (AV, NODE, "udp", 49999, 40000, ""),
        (NODE, CLIENT, "udp", 40000, 1, "media_from_nodes"),
        (NODE, FE, "tcp", 49999, 65535, "media_from_nodes"),
        (NODE, CLIENT, "tcp", 50000, 1, ""),
        (NODE, AV, "tcp", 40000, 1, ""),
        (NODE, TURN, "udp", 40000, 3478, "media_nodes_to_turn"),
        (NODE, TURN, "tcp", 40000, 3478, ""),
        (NODE, TURN, "udp", 50000, 3478, ""),
        (NODE, FE, "tcp", 55000, 8057, "psom_content"),
        (NODE, FE, "tcp", 55000, 443, "psom_content https_content"),
        (NODE, AV, "tcp", 65535, 443, "psom_content https_content"),
        (NODE, INTERNAL, "tcp", 65535, 8057, ""),
        (NODE, AV, "tcp", 65535, 8057, "psom_content"),
        (NODE, FE, "tcp", 54999, 443, ""),
        (NODE, WAC, "tcp", 55000, 443, "wac_content"),
        (NODE, WAC, "tcp", 55000, 8057, ""),
        (CLIENT, INTERNAL, "udp", 1, 3478, ""),
        (AV, NODE, "udp", 1, 40000, ""),
        (NODE, NODE, "tcp", 1, 5061, ""),
    ],
)
def test_table(
    site: Site, source: str, destination: str, protocol: str, source_port: int, destination_port: int, rows: str
) -> None:
    assert permitted(site, packet(source, destination, protocol, source_port, destination_port)) == tuple(rows.split())


def test_ipv6_and_never_across_families(site: Site) -> None:
    assert permitted(site, packet("2001:db8:2::21", "2001:db8:1::11", "tcp", 1, 5061)) == ("sip_signaling",)
    assert permitted(site, packet("2001:db8:3:0:8000::200", "2001:db8:1::11", "tcp", 1, 80)) == ()
    assert permitted(site, packet("10.2.0.21", "2001:db8:1::11", "tcp", 1, 5061)) == ()


def test_strict_clients_turn_on_rows_11_and_12(inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(inventory, {"port_matrix_strict_clients": True})
    assert permitted(site, packet(CLIENT, INTERNAL, "udp", 1, 3478)) == ("strict_client_relay",)
    assert permitted(site, packet(CLIENT, AV, "udp", 1, 3478)) == ()
    assert permitted(site, packet(AV, NODE, "tcp", 1, 49999)) == ("strict_edge_media",)
    assert permitted(site, packet(INTERNAL, NODE, "tcp", 1, 49999)) == ()


MGR, TRANS, INFRA, ADMIN, ROOM, PARTNER = "10.6.0.11", "10.6.0.12", "10.2.0.61", "10.3.0.130", "10.3.0.140", "10.4.0.51"
INTERNODE, NODE2 = "10.5.0.11", "10.1.0.12"


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "source_port", "destination_port", "rows"),
    [
        (MGR, INTERNODE, "udp", 500, 500, "node_ike"),
        (INTERNODE, MGR, "udp", 500, 500, "node_ike"),
        (MGR, INTERNODE, "udp", 501, 500, ""),
        (MGR, NODE, "udp", 500, 500, ""),
        (MGR, INTERNODE, "esp", 0, 0, "node_esp"),
        (MGR, NODE, "esp", 0, 0, ""),
        (MGR, INTERNODE, "ah", 0, 0, ""),
        (TRANS, INTERNODE, "esp", 0, 0, "node_esp"),
        (TRANS, NODE2, "esp", 0, 0, ""),
        (NODE2, MGR, "esp", 0, 0, "node_esp"),
        (FE, NODE2, "esp", 0, 0, ""),
        (ADMIN, MGR, "tcp", 1, 443, "management_web"),
        (ADMIN, MGR, "tcp", 1, 80, "management_web"),
        (ADMIN, TRANS, "tcp", 1, 443, ""),
        (ADMIN, TRANS, "tcp", 1, 22, "management_ssh"),
        (ADMIN, INTERNODE, "tcp", 1, 22, "management_ssh"),
        (ADMIN, NODE, "tcp", 1, 22, ""),
        (ROOM, MGR, "tcp", 1, 443, ""),
        (NODE, INFRA, "udp", 55000, 53, "platform_dns"),
        (INTERNODE, INFRA, "tcp", 65535, 53, "platform_dns"),
        (TRANS, INFRA, "udp", 54999, 53, ""),
        (MGR, INFRA, "udp", 1, 123, "platform_ntp"),
        (MGR, INFRA, "tcp", 1, 123, ""),
        (TRANS, INFRA, "udp", 1, 514, "platform_syslog"),
        (TRANS, INFRA, "tcp", 1, 6514, "platform_syslog"),
        (INFRA, NODE, "udp", 1, 161, "snmp_poll"),
        (NODE, INFRA, "udp", 1, 161, ""),
        (MGR, INFRA, "tcp", 55000, 389, "management_ldap"),
        (MGR, INFRA, "tcp", 55000, 636, "management_ldap"),
        (TRANS, INFRA, "tcp", 55000, 389, ""),
        (ROOM, NODE, "tcp", 1, 443, "web_app"),
        (ROOM, TRANS, "tcp", 1, 443, ""),
        (ROOM, NODE, "udp", 1, 1719, "h323_ras"),
        (ROOM, NODE, "tcp", 1, 1720, "h323_call"),
        (ROOM, NODE, "tcp", 1, 5060, "sip_endpoints"),
        (ROOM, NODE, "tcp", 1, 5061, "sip_endpoints"),
        (ROOM, NODE, "udp", 1, 5060, "sip_udp"),
        (ROOM, NODE, "tcp", 1, 33000, "signalling_in"),
        (ROOM, NODE, "udp", 1, 39999, "signalling_in"),
        (ROOM, NODE, "udp", 1, 40000, "endpoint_media_in"),
        (ROOM, INTERNODE, "udp", 1, 40000, ""),
        (NODE, ROOM, "tcp", 33000, 1, "signalling_out"),
        (NODE, ROOM, "udp", 49999, 1, "endpoint_media_out"),
        (NODE, ROOM, "udp", 50000, 1, ""),
        (PARTNER, NODE, "tcp", 1, 5061, "federation_sip"),
        (NODE, PARTNER, "tcp", 1, 5061, "federation_sip"),
        (AV, NODE, "tcp", 1, 5061, "federation_sip"),
        (PARTNER, NODE, "udp", 1, 5061, ""),
    ],
)
def test_groups_of_rows(
    whole_site: Site, source: str, destination: str, protocol: str, source_port: int, destination_port: int, rows: str
) -> None:
    probe = packet(source, destination, protocol, source_port, destination_port)
    assert permitted(whole_site, probe) == tuple(rows.split())


def test_groups_are_off_unless_a_site_names_them(whole_inventory: dict[str, t.Any]) -> None:
    federation = packet(PARTNER, NODE, "tcp", 1, 5061)
    sip = packet(FE, NODE, "tcp", 1, 5061)
    for groups, expected in (([], (0, 0)), (["integration"], (0, 1)), (["federation"], (1, 0))):
        site = site_from_inventory(whole_inventory, {"port_matrix_row_groups": groups})
        assert (len(permitted(site, federation)), len(permitted(site, sip))) == expected
    assert permitted(site_from_inventory(whole_inventory), federation) == ()


def test_a_row_that_applies_only_by_name(whole_inventory: dict[str, t.Any]) -> None:
    sip = packet(ROOM, NODE, "udp", 1, 5060)
    for groups, rows in ((["video_endpoints"], ()), (["sip_udp"], ("sip_udp",))):
        assert permitted(site_from_inventory(whole_inventory, {"port_matrix_row_groups": groups}), sip) == rows


def test_psom_may_be_split(inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(
        inventory, {"port_matrix_psom_split": True, "port_matrix_disabled_rows": ["https_content"]}
    )
    found = {
        (address, port): permitted(site, packet(NODE, address, "tcp", 55000, port))
        for address in (FE, AV, INTERNAL)
        for port in (443, 8057)
    }
    assert {key: rows for key, rows in found.items() if rows} == {
        (FE, 8057): ("psom_content",),
        (AV, 443): ("psom_content_edge",),
    }


def test_a_pool_has_a_director_and_virtual_addresses_in_front(whole_inventory: dict[str, t.Any]) -> None:
    hostvars = whole_inventory["_meta"]["hostvars"]
    for group, name, address in (("sfb_vips", "vip", "10.2.0.90"), ("sfb_directors", "director", "10.2.0.91")):
        hostvars[name] = {"port_matrix_addresses": [address]}
        whole_inventory[group] = {"hosts": [name]}
    site = site_from_inventory(whole_inventory)
    for address, sip, https in (("10.2.0.90", 1, 1), ("10.2.0.91", 1, 0)):
        assert len(permitted(site, packet(address, NODE, "tcp", 1, 5061))) == sip
        assert len(permitted(site, packet(NODE, address, "tcp", 1, 5061))) == sip
        assert len(permitted(site, packet(NODE, address, "tcp", 55000, 443))) == https
        assert not permitted(site, packet(address, NODE, "udp", 1, 40000))


def test_protocols_without_ports(inventory: dict[str, t.Any]) -> None:
    row: dict[str, t.Any] = {"id": "own", "source": "wac_server", "destination": ["client"]}
    row["protocols"] = ["gre", 51, "89", "icmp", "icmpv6", "sctp"]
    row["destination_ports"] = [2000]
    site = site_from_inventory(inventory, {"port_matrix_extra_rows": [row]})
    ends = {4: (WAC, CLIENT), 6: ("2001:db8:2::51", "2001:db8:3::20")}
    for protocol, families in (("gre", [4, 6]), ("ah", [4, 6]), ("89", [4, 6]), ("icmp", [4]), ("icmpv6", [6])):
        assert [v for v in ends if permitted(site, packet(*ends[v], protocol, 0, 0))] == families
    assert permitted(site, packet(WAC, CLIENT, "esp", 0, 0)) == ()
    assert [bool(permitted(site, packet(WAC, CLIENT, "sctp", 1, port))) for port in (1999, 2000)] == [False, True]


def test_what_is_excluded_from_an_endpoint(whole_inventory: dict[str, t.Any]) -> None:
    def client_may(address: str, *exclude: str) -> bool:
        endpoints = {"client": {"networks": ["10.3.0.0/24"], "exclude": list(exclude)}}
        site = site_from_inventory(whole_inventory, {"port_matrix_endpoints": endpoints})
        return bool(permitted(site, packet(address, NODE, "tcp", 1, 80)))

    assert client_may(ROOM)
    assert not client_may(ROOM, ROOM)
    assert not client_may(ROOM, "10.3.0.136/29")
    assert not client_may(ROOM, "administrator", "video_endpoint")
    assert client_may("10.3.0.141", "administrator", "video_endpoint")
    assert not client_may("10.3.0.141", "10.0.0.0/8")
    assert client_may(ROOM, "2001:db8::/32")


def test_an_interface_may_be_the_name_of_another() -> None:
    interfaces = {"a": ["10.0.0.1"], "b": "a", "c": "b"}
    assert build_site({}, {"h": {"port_matrix_interfaces": interfaces}}).hosts["h"].on("c")[
        0
    ].local.network_address == (ipaddress.ip_address("10.0.0.1"))
    with pytest.raises(SiteError, match="host h: interface b is only another name of itself"):
        build_site({}, {"h": {"port_matrix_interfaces": {"b": "c", "c": "b"}}})


def test_a_view_of_hosts_goes_before_groups_before_endpoints() -> None:
    pair = {"address": "10.0.0.2", "advertised": "198.51.100.2"}
    hostvars: dict[str, dict[str, t.Any]] = {
        "n": {"ansible_host": "10.0.0.1"},
        "e": {"port_matrix_interfaces": {"av_edge": [pair]}},
        "fw": {},
    }
    groups = {"pexip_conferencing_nodes": ["n"], "sfb_edges": ["e"]}
    local = packet("10.0.0.1", "10.0.0.2", "udp", 40000, 50000)
    for view, sees_local in (
        ({"default": "local"}, True),
        ({"default": "local", "edge": "advertised"}, False),
        ({"edge": "advertised", "sfb_edges": "local"}, True),
        ({"sfb_edges": "local", "e": "advertised"}, False),
        ({"conferencing_node": "local"}, False),
    ):
        hostvars["fw"]["port_matrix_view"] = view
        assert bool(permitted(build_site(groups, hostvars), local, "fw")) is sees_local, view


def test_disabled_and_extra_rows(inventory: dict[str, t.Any]) -> None:
    row: dict[str, t.Any] = {"id": "own", "source": "wac_server", "destination": ["client"], "protocols": ["tcp"]}
    row |= {"source_ports": "any", "destination_ports": [25, "sip"]}
    variables = {"port_matrix_disabled_rows": ["conference_avatar"], "port_matrix_extra_rows": [row]}
    site = site_from_inventory(inventory, variables)
    assert permitted(site, packet(CLIENT, NODE, "tcp", 1, 80)) == ()
    assert permitted(site, packet(WAC, CLIENT, "tcp", 1, 25)) == ("own",)
    assert permitted(site, packet(WAC, CLIENT, "tcp", 1, 5061)) == ("own",)


def test_one_changed_range_keeps_the_other_defaults(inventory: dict[str, t.Any]) -> None:
    site = site_from_inventory(inventory, {"port_matrix_ports": {"media": "33000-33999"}})
    assert permitted(site, packet(CLIENT, NODE, "udp", 1, 33000)) == ("media_to_nodes",)
    assert permitted(site, packet(CLIENT, NODE, "udp", 1, 40000)) == ()
    assert permitted(site, packet(FE, NODE, "tcp", 1, 5061)) == ("sip_signaling",)


def test_web_conferencing_group_replaces_front_ends_and_edges() -> None:
    groups = {"pexip_conferencing_nodes": ["n"], "sfb_front_ends": ["f"], "sfb_web_conferencing": ["w"]}
    interfaces = {"port_matrix_interfaces": {"internal": ["10.0.0.3"], "web_conferencing": ["10.0.0.4"]}}
    node, front_end = {"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.2"}
    site = build_site(groups, {"n": node, "f": front_end, "w": interfaces})
    assert permitted(site, packet("10.0.0.1", "10.0.0.4", "tcp", 60000, 8057)) == ("psom_content",)
    assert permitted(site, packet("10.0.0.1", "10.0.0.3", "tcp", 60000, 8057)) == ()
    assert permitted(site, packet("10.0.0.1", "10.0.0.2", "tcp", 60000, 8057)) == ()


def test_web_conferencing_is_where_the_overridden_front_ends_and_edges_are() -> None:
    groups = {"pexip_conferencing_nodes": ["n"], "pool": ["f"], "sfb_edges": ["e"]}
    hostvars: dict[str, dict[str, t.Any]] = {
        "n": {"ansible_host": "10.0.0.1"},
        "f": {"port_matrix_interfaces": {"lan": ["10.0.0.2"], "backup": ["10.0.0.3"]}},
        "e": {"port_matrix_interfaces": {"internal": ["10.0.0.4"], "web_conferencing": ["10.0.0.5"]}},
    }
    overrides = {"front_end": {"groups": ["pool"], "interface": "lan", "networks": ["10.0.0.6"]}}
    site = build_site(groups, hostvars, {"port_matrix_endpoints": overrides})
    found = [
        address
        for address in range(1, 8)
        if permitted(site, packet("10.0.0.1", f"10.0.0.{address}", "tcp", 60000, 8057)) == ("psom_content",)
    ]
    assert found == [2, 5, 6]


@pytest.mark.parametrize(
    ("variables", "rows"),
    [
        ({"port_matrix_addresses": ["10.0.0.2"]}, ("media_nodes_to_edge",)),
        ({"port_matrix_interfaces": {"av-edge": ["10.0.0.2"]}}, ()),
    ],
)
def test_a_host_without_interfaces_has_its_addresses_on_each(variables: dict[str, t.Any], rows: tuple[str]) -> None:
    groups = {"pexip_conferencing_nodes": ["n"], "sfb_edges": ["e"]}
    site = build_site(groups, {"n": {"ansible_host": "10.0.0.1"}, "e": variables})
    assert permitted(site, packet("10.0.0.1", "10.0.0.2", "udp", 40000, 50000)) == rows


def test_nat_depends_on_who_judges() -> None:
    pair = {"address": "10.0.0.2", "advertised": "198.51.100.2"}
    groups = {"pexip_conferencing_nodes": ["n"], "sfb_edges": ["e"], "port_matrix_gateways": ["inside", "outside"]}
    hostvars: dict[str, dict[str, t.Any]] = {
        "n": {"ansible_host": "10.0.0.1"},
        "e": {"port_matrix_interfaces": {"av_edge": [pair]}},
        "inside": {"port_matrix_view": "local"},
        "outside": {},
    }
    site = build_site(groups, hostvars)
    local = packet("10.0.0.1", "10.0.0.2", "udp", 40000, 50000)
    advertised = packet("10.0.0.1", "198.51.100.2", "udp", 40000, 50000)
    assert [bool(permitted(site, local, at)) for at in (None, "outside", "inside", "e")] == [False, False, True, True]
    assert [bool(permitted(site, advertised, at)) for at in (None, "outside", "inside", "e")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_host_never_talks_to_itself() -> None:
    groups = {"pexip_conferencing_nodes": ["both", "n"], "sfb_front_ends": ["both"]}
    site = build_site(groups, {"both": {"port_matrix_addresses": ["10.0.0.1", "10.0.0.2"]}, "n": {}})
    assert permitted(site, packet("10.0.0.1", "10.0.0.2", "tcp", 1, 5061)) == ()


def test_endpoint_overrides(inventory: dict[str, t.Any]) -> None:
    override = {
        "sfb_server": {"groups": ["sfb_front_ends", "sfb_edges"]},
        "edge_av": {"interface": "internal"},
        "client": {"networks": ["172.16.0.0/12"]},
    }
    site = site_from_inventory(inventory, {"port_matrix_endpoints": override})
    assert permitted(site, packet(INTERNAL, NODE, "udp", 1, 40000)) == ("media_to_nodes",)
    assert permitted(site, packet(NODE, INTERNAL, "udp", 40000, 50000)) == ("media_nodes_to_edge", "media_from_nodes")
    assert permitted(site, packet("172.16.9.9", NODE, "tcp", 1, 80)) == ("conference_avatar",)
    assert permitted(site, packet(CLIENT, NODE, "tcp", 1, 80)) == ("conference_avatar",)


def test_every_row_of_the_table_is_there(site: Site) -> None:
    assert len({flow.row for flow in flows(site)}) == 31
    assert len(flows(site)) == 33
    assert {flow.group for flow in flows(site) if flow.enabled} == {"integration"}


def test_errors(site: Site) -> None:
    with pytest.raises(SiteError, match="'nobody' is not an endpoint"):
        endpoint_networks(site, "nobody")
    with pytest.raises(SiteError, match="'media' is not a port"):
        port_ranges("media", {})
    with pytest.raises(SiteError, match=r"host h.*'x\.y' is not an address"):
        build_site({}, {"host h": {"port_matrix_addresses": ["x.y"]}})
    literal = site_from_inventory({}, {"port_matrix_endpoints": {"client": {"networks": ["10.0.0.5/24"]}}})
    with pytest.raises(SiteError, match=r"client: '10\.0\.0\.5/24' is not an address or network: .* host bits"):
        endpoint_networks(literal, "client")
    with pytest.raises(SiteError, match="host b: port_matrix_ports differs"):
        build_site({}, {"a": {"port_matrix_ports": {}}, "b": {"port_matrix_ports": {"sip": 1}}})
    with pytest.raises(SiteError, match="port_matrix_ports is a template"):
        build_site({}, {"a": {"port_matrix_ports": "{{ ports }}"}})
