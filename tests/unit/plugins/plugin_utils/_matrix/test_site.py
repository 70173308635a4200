# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.views import ADVERTISED, LOCAL, View
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import ACCEPTED
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

ENDPOINTS = (
    "access_edge, administrator, client, conferencing_node, director, dns_server, edge, edge_av, edge_internal, "
    "edge_web_conferencing, front_end, ldap_server, management_node, ntp_server, pexip_machine, pexip_node, "
    "sfb_server, sfb_vip, snmp_manager, syslog_server, turn_server, video_endpoint, wac_server, web_conferencing"
)
GROUPS = {"pexip_conferencing_nodes": ["node1"], "sfb_front_ends": ["fe1"], "sfb_edges": ["edge1"]}
HOSTS: dict[str, dict[str, t.Any]] = {
    "node1": {"port_matrix_addresses": ["192.0.2.11"]},
    "fe1": {"port_matrix_addresses": ["198.51.100.21"]},
    "edge1": {"port_matrix_interfaces": {"internal": ["198.51.100.31"], "av_edge": ["192.0.2.131"]}},
}


def _row(row_id: str = "r1", **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": row_id, "source": "front_end", "destination": "conferencing_node", "protocols": "tcp",
        "destination_ports": "sip",
    }  # fmt: skip
    return {**row, **changes}


def _build(*rows: object, **changes: t.Any) -> Site:
    arguments: dict[str, t.Any] = {"hosts": HOSTS, "groups": GROUPS, "rows": list(rows or [_row()]), **changes}
    return build_site(**arguments)


def _seen(site: Site, endpoint: str) -> list[str]:
    seen = site.side((endpoint,)).seen()
    return seen.cidrs("ipv4") + seen.cidrs("ipv6")


def _problems(*rows: object, **changes: t.Any) -> list[str]:
    with pytest.raises(PortMatrixError) as caught:
        _build(*rows, **changes)
    return str(caught.value).splitlines()


def test_the_collector_does_not_look_at_a_site_again_and_again_while_it_is_built() -> None:
    running = []

    class Host(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            running.append(gc.isenabled())
            return super().get(key, default)

    _build(hosts={host: Host(variables) for host, variables in HOSTS.items()})
    assert running
    assert not any(running)
    assert gc.isenabled()


def test_only_endpoints_of_the_rows_are_resolved() -> None:
    assert list(_build().endpoints) == ["conferencing_node", "front_end"]


@pytest.mark.parametrize(
    ("endpoint", "addresses"),
    [
        ("edge", ["192.0.2.131/32", "198.51.100.31/32"]),
        ("edge_av", ["192.0.2.131/32"]),
        ("edge_internal", ["198.51.100.31/32"]),
        ("sfb_server", ["198.51.100.21/32"]),
        ("web_conferencing", ["192.0.2.131/32", "198.51.100.21/32", "198.51.100.31/32"]),
    ],
)
def test_who_is_who(endpoint: str, addresses: list[str]) -> None:
    assert _seen(_build(_row(source=endpoint)), endpoint) == addresses


@pytest.mark.parametrize(
    ("override", "addresses"),
    [
        ({"groups": ["sfb_front_ends"]}, ["198.51.100.21/32"]),
        ({"groups": "sfb_front_ends"}, ["198.51.100.21/32"]),
        ({"interface": "internal"}, ["198.51.100.31/32"]),
        ({"interface": None}, ["192.0.2.131/32", "198.51.100.31/32"]),
        ({"interface": "*"}, ["192.0.2.131/32", "198.51.100.31/32"]),
        ({"networks": ["203.0.113.0/24", "2001:db8::1"]}, ["192.0.2.131/32", "203.0.113.0/24", "2001:db8::1/128"]),
        ({"groups": [], "networks": ["203.0.113.5"]}, ["203.0.113.5/32"]),
    ],
)
def test_an_endpoint_can_be_overridden(override: dict[str, object], addresses: list[str]) -> None:
    row = _row(source="edge_av", destination="edge_av")
    assert _seen(_build(row, endpoints={"edge_av": override}), "edge_av") == addresses


@pytest.mark.parametrize(
    "override",
    [{"groups": ["sfb_web_conferencing"]}, {"groups": ["elsewhere"]}],
    ids=["the default group, said explicitly", "another group"],
)
def test_groups_of_the_user_have_no_fallback(override: dict[str, object]) -> None:
    (problem,) = _problems(_row(source="web_conferencing"), endpoints={"web_conferencing": override})
    assert problem.startswith("endpoint web_conferencing: has no addresses, and row r1 needs them")


def test_the_web_conferencing_servers_take_the_place_of_front_ends_and_edges() -> None:
    site = _build(
        _row(source="web_conferencing"),
        hosts={**HOSTS, "web1": {"port_matrix_addresses": ["198.51.100.61"]}},
        groups={**GROUPS, "sfb_web_conferencing": ["web1"]},
    )
    assert _seen(site, "web_conferencing") == ["198.51.100.61/32"]


def test_web_conferencing_follows_the_front_ends_and_edges_of_the_user() -> None:
    """PSOM on 8057 is what people forget, and a pool in a group of another name must not make the rules forget it."""
    site = _build(
        _row(source="web_conferencing"),
        groups={"pexip_conferencing_nodes": ["node1"], "lync_pool": ["fe1"], "perimeter": ["edge1"]},
        endpoints={
            "front_end": {"groups": ["lync_pool"], "networks": ["198.51.100.192/28"]},
            "edge": {"groups": ["perimeter"], "interface": "internal"},
        },
    )
    assert _seen(site, "web_conferencing") == ["198.51.100.21/32", "198.51.100.31/32", "198.51.100.192/28"]


def test_a_row_of_the_user_can_have_an_endpoint_of_the_user() -> None:
    site = _build(_row(source="ntp"), endpoints={"ntp": {"groups": ["sfb_front_ends"]}})
    assert _seen(site, "ntp") == ["198.51.100.21/32"]


def test_the_rows_are_in_canonical_order_with_resolved_ports() -> None:
    site = _build(_row("b"), _row("sip_signaling"), _row("a"), ports={"sip": 5062})
    assert [row.id for row in site.rows] == ["sip_signaling", "a", "b"]
    assert site.rows[0].as_mapping()["destination_ports"] == ["5062"]


def test_an_endpoint_may_be_empty_where_the_user_says_so() -> None:
    site = _build(_row(source=["front_end", "client"]), allow_empty=["client"])
    assert site.endpoints["client"] == ()
    assert site.endpoints["front_end"] != ()


def test_a_view_is_that_of_the_host() -> None:
    site = _build(hosts={**HOSTS, "fw": {"port_matrix_view": "local"}, "fw2": {"port_matrix_view": "advertised"}})
    assert [site.view_of(host) for host in ("fw", "fw2", "fe1", None)] == [LOCAL, *[ADVERTISED] * 3]
    assert site.views == {"fw": LOCAL}


def test_a_view_may_name_whoever_is_in_the_inventory() -> None:
    """Also a host in no group of an endpoint, and what the Web Conferencing service is on while it has no host."""
    groups = {**GROUPS, "all": ["node1", "fe1", "edge1", "printer"]}
    view = {"printer": "local", "web_conferencing": "local", "sfb_edges": "advertised"}
    site = _build(hosts={**HOSTS, "fw": {"port_matrix_view": view}}, groups=groups)
    assert site.views == {"fw": View("advertised", frozenset({"fe1", "printer"}))}


JUDGED = {
    "node1": {
        "port_matrix_interfaces": {
            "media": [{"address": "10.0.10.11", "advertised": "203.0.113.11"}],
            "internal": ["10.0.40.11", {"address": "10.0.41.11", "advertised": "203.0.113.12"}],
        }
    },
    "fe1": {"port_matrix_addresses": [{"address": "10.0.10.21", "advertised": "203.0.113.21"}]},
    "lan": {"port_matrix_addresses": ["198.18.0.0/30"]},
}


@pytest.mark.parametrize("view", ["local", "advertised", {"conferencing_node": "local"}])
@pytest.mark.parametrize(
    ("endpoints", "addresses"),
    [
        (
            ("conferencing_node",),
            ["10.0.10.11/32", "10.0.40.11/32", "10.0.41.11/32", "203.0.113.11/32", "203.0.113.12/32"],
        ),
        (("front_end",), ["10.0.10.21/32", "203.0.113.21/32"]),
        (("client",), ["198.18.0.0/31", "198.18.0.3/32", "198.18.1.0/24"]),
    ],
)
def test_all_addresses_of_hosts_are_those_that_anybody_sees(
    endpoints: tuple[str, ...], addresses: list[str], view: object
) -> None:
    site = _build(
        _row(source=["front_end", "client"]),
        hosts={**JUDGED, "fw": {"port_matrix_view": view}},
        groups={**GROUPS, "sfb_clients": ["lan"]},
        endpoints={"client": {"networks": ["198.18.1.0/24"], "exclude": ["198.18.0.2"]}},
    )
    assert site.all_addresses(endpoints).cidrs("ipv4") == addresses


def test_endpoints_of_a_host() -> None:
    site = _build(_row(source=["edge", "edge_av", "front_end"]))
    assert site.endpoints_of("edge1") == ["edge", "edge_av"]
    assert site.endpoints_of("fw") == []


def test_notes_are_sorted_and_stand_once() -> None:
    hosts = {**HOSTS, "fe1": {"port_matrix_addresses": ["198.51.100.21/24"]}}
    site = _build(_row(source=["sfb_server", "front_end", "web_conferencing"]), hosts=hosts)
    assert site.notes == (
        "host 'fe1': '198.51.100.21/24' is an interface address and counts as the one address 198.51.100.21",
    )


def test_a_site_knows_no_endpoint_that_its_rows_do_not_use() -> None:
    with pytest.raises(PortMatrixError) as caught:
        _build().side(("edge",))
    assert str(caught.value) == "endpoint: unknown value 'edge'; accepted: conferencing_node, front_end"


@pytest.mark.parametrize(
    ("row", "changes", "problem"),
    [
        (
            _row(),
            {"ports": {"sip": 0}},
            "port_matrix_ports.sip: 0: port 0 is out of range; accepted: a port 1-65535, a range first-last, or any",
        ),
        (
            _row(source="fe"),
            {},
            "port_matrix_rows row 'r1': unknown endpoint 'fe'"
            f"; accepted: {ENDPOINTS}, or one that port_matrix_endpoints defines",
        ),
        (
            _row(),
            {"endpoints": {"egde": {}}},
            "port_matrix_endpoints: unknown endpoint 'egde', which no row uses, the nearest is edge; "
            f"accepted: {ENDPOINTS}",
        ),
        (
            _row(),
            {"endpoints": {'e"; }\n': {}}},
            f"port_matrix_endpoints: unknown endpoint 'e\"; }}\\n', which no row uses; accepted: {ENDPOINTS}",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"group": "x"}}},
            "port_matrix_endpoints.edge: unknown key 'group', the nearest is groups; "
            "accepted: exclude, groups, interface, networks",
        ),
        (
            _row(),
            {"endpoints": {"edge": ["x"]}},
            "port_matrix_endpoints.edge: ['x'] is not a mapping"
            "; accepted: a mapping with the keys exclude, groups, interface, networks",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"groups": True}}},
            "port_matrix_endpoints.edge.groups: True is not a list; accepted: a list",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"interface": True}}},
            "port_matrix_endpoints.edge.interface: True is not a string; accepted: one line of text",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"networks": 5}}},
            "port_matrix_endpoints.edge.networks: 5 is not a list; accepted: a list",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"networks": ["198.51.100.99/24"]}}},
            "port_matrix_endpoints.edge.networks: '198.51.100.99/24' may be one address or a network"
            "; accepted: 198.51.100.99 or 198.51.100.99/32 for the address, 198.51.100.0/24 for the network",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"networks": ["lan"]}}},
            "port_matrix_endpoints.edge.networks: 'lan' is a host name, and the rules need an address"
            f"; accepted: {ACCEPTED}",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"exclude": ["198.51.100.99/24"]}}},
            "port_matrix_endpoints.edge.exclude: '198.51.100.99/24' may be one address or a network"
            "; accepted: 198.51.100.99 or 198.51.100.99/32 for the address, 198.51.100.0/24 for the network",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"exclude": ["front_ends"]}}},
            "port_matrix_endpoints.edge.exclude: 'front_ends' is not known, the nearest is front_end; accepted: "
            "addresses, networks, or the endpoints access_edge, administrator, client, conferencing_node, director, "
            "dns_server, edge_av, edge_internal, edge_web_conferencing, front_end, ldap_server, management_node, "
            "ntp_server, pexip_machine, pexip_node, sfb_server, sfb_vip, snmp_manager, syslog_server, turn_server, "
            "video_endpoint, wac_server, web_conferencing",
        ),
        (
            _row(),
            {"endpoints": {"edge": {"exclude": ["edge"]}}},
            "port_matrix_endpoints.edge.exclude: edge would exclude itself"
            "; accepted: other endpoints, addresses and networks",
        ),
        (
            _row(),
            {"same_location_rows": ["r2"]},
            "port_matrix_same_location_rows: 'r2' is not known; accepted: ids of rows, groups of rows, or all: all, "
            "conference_avatar, custom, endpoint_media_in, endpoint_media_out, federation, federation_sip, h323_call,"
            " h323_ras, https_content, integration, management_ldap, management_ssh, management_web, "
            "media_edge_to_nodes, media_from_nodes, media_nodes_to_edge, media_nodes_to_turn, media_to_nodes, "
            "node_esp, node_ike, platform, platform_dns, platform_ntp, platform_syslog, psom_content, r1, "
            "signalling_in, signalling_out, sip_endpoints and 9 more",
        ),
        (_row(), {"endpoints": 5}, "port_matrix_endpoints: 5 is not a mapping; accepted: a mapping"),
        (_row(), {"endpoints": [{}]}, "port_matrix_endpoints: [{}] is not a mapping; accepted: a mapping"),
        (
            _row(),
            {"allow_empty": ["egde"]},
            f"port_matrix_allow_empty: unknown endpoint 'egde', the nearest is edge; accepted: {ENDPOINTS}",
        ),
        (_row(), {"allow_empty": True}, "port_matrix_allow_empty: True is not a list; accepted: a list"),
        (
            _row(),
            {"hosts": {**HOSTS, "fw": {"port_matrix_view": "inside"}}},
            "host 'fw' port_matrix_view: unknown value 'inside'; accepted: advertised, local",
        ),
        (
            _row(),
            {"hosts": {**HOSTS, "fe1": {"ansible_host": "fe1.example"}}},
            "host 'fe1': ansible_host 'fe1.example' is a name, and the rules need an address"
            "; accepted: set port_matrix_addresses for this host",
        ),
    ],
)
def test_refuses_with_variable_value_and_what_is_accepted(row: object, changes: dict[str, t.Any], problem: str) -> None:
    assert problem in _problems(row, **changes)


def test_an_empty_endpoint_is_reported_with_the_rows_that_need_it() -> None:
    assert _problems(_row("b", source="wac_server"), _row("a", destination=["wac_server", "front_end"])) == [
        "endpoint wac_server: has no addresses, and row a, b needs them (its groups: 'wac_servers'); accepted: "
        "hosts in those groups, networks in port_matrix_endpoints.wac_server, "
        "wac_server in port_matrix_allow_empty, or the rows in port_matrix_disabled_rows"
    ]


def test_what_may_be_empty_is_absent_without_a_host_and_there_with_one() -> None:
    row = _row(source=["director", "front_end", "sfb_vip"])
    site = _build(row)
    assert site.rows[0].source == ("front_end",)
    assert sorted(site.endpoints) == ["conferencing_node", "front_end"]
    assert site == _build(_row())
    hosts = {**HOSTS, "vip": {"port_matrix_addresses": ["198.51.100.20"]}}
    site = _build(row, hosts=hosts, groups={**GROUPS, "sfb_vips": ["vip"]})
    assert site.rows[0].source == ("front_end", "sfb_vip")


def test_what_may_be_empty_is_an_error_where_nobody_else_is_on_its_side() -> None:
    row = _row(source=["director", "sfb_vip"])
    assert [problem.partition(",")[0] for problem in _problems(row)] == [
        "endpoint director: has no addresses",
        "endpoint sfb_vip: has no addresses",
    ]
    assert _build(row, allow_empty=["director", "sfb_vip"]).rows[0].source == ("director", "sfb_vip")


def test_a_row_of_the_other_groups_is_left_out_with_a_note_where_an_endpoint_has_no_host() -> None:
    rows = [_row(name, source="dns_server", group="platform") for name in ("a", "b")]
    site = _build(_row("c", source="ntp_server", group="federation"), _row(), *rows)
    assert [row.id for row in site.rows] == ["r1"]
    assert sorted(site.endpoints) == ["conferencing_node", "front_end"]
    assert site.notes == (
        "endpoint dns_server has no addresses (its groups: 'dns_servers'), so rows a, b are left out",
        "endpoint ntp_server has no addresses (its groups: 'ntp_servers'), so row c is left out",
    )


def test_a_row_of_the_other_groups_stays_where_an_endpoint_may_be_empty() -> None:
    site = _build(_row(), _row("a", source="dns_server", group="platform"), allow_empty=["dns_server"])
    assert ([row.id for row in site.rows], site.notes) == (["a", "r1"], ())


def test_a_custom_row_is_not_left_out() -> None:
    assert _problems(_row(source="dns_server"))[0].startswith("endpoint dns_server: has no addresses, and row r1")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_what_an_endpoint_of_every_address_opens_is_a_warning(network: str) -> None:
    hosts = {**HOSTS, "node1": {"port_matrix_addresses": ["192.0.2.11", "2001:db8::11"]}}
    rows = [_row(source="access_edge", group="federation", bidirectional=True), _row("a", source="client")]
    networks = {"groups": [], "networks": [network]}
    site = _build(*rows, hosts=hosts, endpoints={"access_edge": networks, "client": networks})
    assert site.warnings[:2] == (
        "endpoint client is every address or almost, so everybody may send what a permits",
        "endpoint access_edge is every address or almost, so everybody may send what r1 permits",
    )
    # Strangers are usual for the second one, so no hosts of the site are named that are among its addresses.
    assert [warning.split(":")[0] for warning in site.warnings[2:]] == ["endpoint client"]


def test_what_almost_every_address_opens_is_a_warning_too() -> None:
    networks = {"networks": ["0.0.0.0/0"], "exclude": ["conferencing_node", "10.0.0.0/8"]}
    site = _build(_row("a", source="client"), endpoints={"client": {"groups": [], **networks}})
    assert site.warnings[0].startswith("endpoint client is every address or almost")
    most = {"groups": [], "networks": ["0.0.0.0/2", "64.0.0.0/3"]}
    assert "every address" not in str(_build(_row("a", source="client"), endpoints={"client": most}).warnings)


def test_a_protocol_of_one_family_between_others_is_reported() -> None:
    hosts = {
        "node1": {"port_matrix_addresses": ["2001:db8::11"]},
        "fe1": {"port_matrix_addresses": ["198.51.100.21", "2001:db8::21"]},
    }
    ping = {"id": "ping", "source": "front_end", "destination": "conferencing_node", "protocols": "icmp"}
    assert _problems(ping, hosts=hosts) == [
        "row ping: endpoint conferencing_node has only ipv6, and icmp is ipv4 only; "
        "accepted: the protocol of a family that it has, or the row in port_matrix_disabled_rows"
    ]
    assert _build({**ping, "protocols": ["icmpv6"]}, hosts=hosts).notes == ()
    assert _build({**ping, "protocols": ["icmp", "icmpv6"]}, hosts=hosts).notes == ()


def test_a_machine_that_has_not_the_family_of_the_protocol_is_a_warning() -> None:
    hosts = {
        "node1": {"port_matrix_addresses": ["2001:db8::11", "192.0.2.11"]},
        "fe1": {"port_matrix_addresses": ["198.51.100.21"]},
        "fe2": {"port_matrix_addresses": ["2001:db8::22"]},
    }
    ping = {"id": "ping", "source": "front_end", "destination": "conferencing_node", "protocols": "icmp"}
    site = _build(ping, hosts=hosts, groups={**GROUPS, "sfb_front_ends": ["fe1", "fe2"]})
    assert site.warnings == ("host 'fe2': only ipv6, so row ping opens nothing for it",)


def test_families_that_do_not_meet_are_reported_once_with_all_rows() -> None:
    hosts = {**HOSTS, "edge1": {"port_matrix_addresses": ["2001:db8::1"]}}
    assert _problems(_row(source=["edge", "front_end"]), hosts=hosts) == [
        "row r1: endpoint edge has only ipv6, and conferencing_node has only ipv4; "
        "accepted: a family that both have, or the row in port_matrix_disabled_rows"
    ]
    back = _row("back", source="conferencing_node", destination="edge")
    assert _problems(_row(source="edge"), back, hosts=hosts) == [
        "rows back, r1: endpoint conferencing_node has only ipv4, and edge has only ipv6; "
        "accepted: a family that both have, or the row in port_matrix_disabled_rows",
    ]


def test_families_that_meet_in_one_pass() -> None:
    hosts = {**HOSTS, "edge1": {"port_matrix_addresses": ["2001:db8::1", "192.0.2.131"]}}
    assert _seen(_build(_row(source="edge"), hosts=hosts), "edge") == ["192.0.2.131/32", "2001:db8::1/128"]


def test_a_machine_that_meets_nobody_is_warned_of() -> None:
    hosts = {**HOSTS, "fe2": {"port_matrix_addresses": ["2001:db8::22"]}}
    groups = {**GROUPS, "sfb_front_ends": ["fe1", "fe2"]}
    site = _build(hosts=hosts, groups=groups)
    assert site.warnings == ("host 'fe2': only ipv6, so row r1 opens nothing for it",)
    assert site.notes == ()


def test_all_problems_of_the_variables_are_reported_at_once() -> None:
    problems = _problems(_row(source="fe"), endpoints={"egde": {}, "edge": 5})
    assert [problem.partition(";")[0] for problem in problems] == [
        "port_matrix_endpoints: unknown endpoint 'egde', which no row uses, the nearest is edge",
        "port_matrix_endpoints.edge: 5 is not a mapping",
        "port_matrix_rows row 'r1': unknown endpoint 'fe'",
    ]


def test_all_problems_of_the_hosts_are_reported_at_once() -> None:
    problems = _problems(
        _row(source=["front_end", "wac_server"]),
        hosts={"node1": {"port_matrix_addresses": ["x!"]}, "fe1": {}, "fw": {"port_matrix_view": 1}},
        allow_empty=["nobody"],
    )
    assert [problem.partition(";")[0] for problem in problems][:3] == [
        "host 'node1' port_matrix_addresses: 'x!' is not an address",
        "host 'fe1': has no address",
        "port_matrix_allow_empty: unknown endpoint 'nobody'",
    ]
    assert problems[-1] == "host 'fw' port_matrix_view: unknown value 1; accepted: advertised, local"


def test_a_wrong_range_and_a_wrong_endpoint_are_reported_at_once() -> None:
    problems = _problems(_row(), ports={"sip": 0}, endpoints={"egde": {}})
    assert [problem.partition(":")[0] for problem in problems] == ["port_matrix_ports.sip", "port_matrix_endpoints"]


# --- one cause, one line ------------------------------------------------------------------------------------------


def test_a_row_of_the_sites_own_is_named_by_the_variable_that_it_is_in() -> None:
    own = {**_row(protocols="x"), "id": "own"}
    unused = {"own_endpoint": {"networks": ["192.0.2.1"]}}  # which of the rows uses it, nobody can tell
    problems = _problems(*select_rows(), own, extra_rows=[own], endpoints=unused)
    assert [problem.partition(";")[0] for problem in problems] == [
        "port_matrix_extra_rows row 'own' protocols: unknown value 'x'"
    ]
    problems = _problems({**own, "id": "r1"}, extra_rows=[own])
    assert problems[0].startswith("port_matrix_rows row 'r1' protocols:")
    problems = _problems(_row("own", source="egde"), extra_rows=[{"id": "own"}])
    assert problems[0].startswith("port_matrix_extra_rows row 'own': unknown endpoint 'egde', the nearest is edge;")
    problems = _problems(_row("own"), _row("own"), extra_rows=[{"id": "own"}])
    assert problems == ["port_matrix_extra_rows: row id own occurs twice; accepted: an id of its own for each row"]
    assert _problems(_row(), extra_rows=True)[0] == "port_matrix_extra_rows: True is not a list; accepted: a list"


def test_rows_are_checked_although_a_range_is_wrong() -> None:
    problems = _problems(_row(destination_ports=["sip", "sap"]), ports={"sip": 0})
    assert [problem.partition(";")[0] for problem in problems] == [
        "port_matrix_ports.sip: 0: port 0 is out of range",
        "port_matrix_rows row 'r1' destination_ports: the range name 'sap' is not defined",
    ]


def test_an_endpoint_that_may_be_empty_by_a_misspelt_name_is_not_missing_too() -> None:
    problems = _problems(_row(source="wac_server"), allow_empty=["wac_servr"])
    assert [problem.partition(";")[0] for problem in problems] == [
        "port_matrix_allow_empty: unknown endpoint 'wac_servr', the nearest is wac_server"
    ]


def test_an_address_that_is_none_does_not_make_its_endpoint_empty() -> None:
    hosts = {**HOSTS, "fe1": {"port_matrix_addresses": ["192.0.2.256"]}}
    assert [problem.partition(";")[0] for problem in _problems(_row(), hosts=hosts)] == [
        "host 'fe1' port_matrix_addresses: '192.0.2.256' is not an address"
    ]


def test_the_group_that_an_empty_endpoint_may_mean_is_named() -> None:
    groups = {**GROUPS, "wac_srevers": ["fe1"]}
    (problem,) = _problems(_row(source="wac_server"), groups=groups)
    assert "(its groups: 'wac_servers'; there is a group 'wac_srevers', which is the nearest)" in problem


def test_what_may_be_there_under_a_wrong_name_is_not_missing() -> None:
    rows = [_row(), _row("r2", source="wac_server")]
    lacking = {**HOSTS, "fe1": {}}
    assert len(_problems(*rows, hosts=lacking)) == 2
    wrong = {**lacking, "node1": {"port_matrix_addresses": ["x!"]}}
    assert [problem.partition(";")[0] for problem in _problems(*rows, hosts=wrong, misnamed=True)] == [
        "host 'node1' port_matrix_addresses: 'x!' is not an address"
    ]


def test_a_group_with_almost_the_name_of_one_is_warned_of() -> None:
    near = {"pexip_transcoding_node": ["fe1"], "sfb_front_end": ["fe1"], "my_servers": ["fe1"]}
    site = _build(_row(destination="pexip_node"), groups={**GROUPS, **near})
    assert site.warnings == (
        "group 'pexip_transcoding_node': no endpoint takes hosts of it, and there is no group pexip_transcoding_nodes, "
        "which is almost the same name",
    )
