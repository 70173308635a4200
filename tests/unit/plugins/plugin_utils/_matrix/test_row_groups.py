# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What row groups, and what stands in front of a pool, open at sites as people have them."""

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_transit
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._query.question import ask
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import format_ports

EMPTY = ["turn_server", "wac_server"]
DMZ = {
    "pexip_conferencing_nodes": {"proxy1": "192.0.2.11", "proxy2": "192.0.2.13"},
    "pexip_transcoding_nodes": {"transcoder1": "10.1.0.21", "transcoder2": "10.1.0.23"},
    "pexip_management_nodes": {"manager": "10.1.0.10"},
    "sfb_front_ends": {"fe1": "10.1.1.21"},
    "sfb_edges": {"edge1": "203.0.113.33"},
    "sfb_clients": {"lan": "10.2.0.0/16"},
}
NODES = {"proxy1", "proxy2", "transcoder1", "transcoder2", "manager"}
POOL = {
    "pexip_conferencing_nodes": {"node1": "192.0.2.11"},
    "sfb_front_ends": {"fe1": "10.1.0.21", "fe2": "10.1.0.23"},
    "sfb_vips": {"vip": "10.1.0.20"},
    "sfb_directors": {"director1": "10.1.0.15"},
    "sfb_servers": {"branch1": "10.5.0.5"},
    "sfb_edges": {"edge1": "203.0.113.33"},
    "sfb_clients": {"lan": "10.2.0.0/16"},
}


def _site(groups: dict[str, dict[str, str]], *row_groups: str, psom_split: bool = False) -> Site:
    """A site of group → host → address."""
    hosts = {host: {"port_matrix_addresses": [one]} for members in groups.values() for host, one in members.items()}
    rows = select_rows(row_groups=["integration", *row_groups], psom_split=psom_split)
    return build_site(hosts, {group: list(members) for group, members in groups.items()}, rows, allow_empty=EMPTY)


def _opened(site: Site, address: str) -> set[tuple[str, str, str]]:
    """Row, protocol and destination ports of what may be sent to *address*."""
    value = int.from_bytes(bytes(map(int, address.split("."))), "big")
    return {
        (rule.row, rule.protocol, ",".join(format_ports(rule.destination_ports)))
        for rule in expand_transit(site, "fw")
        if value in rule.destination
    }


def test_ipsec_is_between_all_pexip_nodes_and_nobody_else() -> None:
    site = _site(DMZ, "platform")
    everybody = {host for members in DMZ.values() for host in members if host != "lan"}
    for protocol, port in (("esp", None), ("udp", 500)):
        found = {
            (one, other)
            for one in everybody
            for other in everybody
            if one != other and ask(site, one, other, protocol, port, port).matches
        }
        assert found == {(one, other) for one in NODES for other in NODES if one != other}


def test_transcoding_nodes_behind_proxying_nodes_have_the_rows_of_the_platform_alone() -> None:
    site = _site(DMZ, "platform", "video_endpoints", "federation")
    assert {row for row, _protocol, _ports in _opened(site, "10.1.0.21")} == {"node_ike", "node_esp"}


def test_the_groups_leave_out_what_the_site_lacks_and_say_so() -> None:
    notes = _site(DMZ, "platform", "video_endpoints").notes
    assert [note.split()[1] for note in notes] == [
        "administrator", "dns_server", "ldap_server", "ntp_server", "snmp_manager", "syslog_server", "video_endpoint",
    ]  # fmt: skip


def test_a_virtual_address_has_sip_and_https_and_no_media_and_a_director_has_sip() -> None:
    site = _site(POOL)
    assert _opened(site, "10.1.0.20") == {("sip_signaling", "tcp", "5061"), ("https_content", "tcp", "443")}
    assert _opened(site, "10.1.0.15") == {("sip_signaling", "tcp", "5061")}
    assert {row for row, _protocol, _ports in _opened(site, "10.5.0.5")} == {"media_from_nodes"}
    assert ask(site, "vip", "node1", "tcp", destination_port=5061).matches
    assert ask(site, "director1", "node1", "tcp", destination_port=5061).matches
    assert not ask(site, "vip", "node1", "udp", 40000, 40000).matches


def test_a_split_psom_opens_8057_to_front_ends_and_443_to_edges_only() -> None:
    psom = {"psom_content", "psom_content_edge"}
    for split, front_end, edge in ((False, "443,8057", "443,8057"), (True, "8057", "443")):
        site = _site(POOL, psom_split=split)
        assert {ports for row, _protocol, ports in _opened(site, "10.1.0.21") if row in psom} == {front_end}
        assert {ports for row, _protocol, ports in _opened(site, "203.0.113.33") if row in psom} == {edge}
