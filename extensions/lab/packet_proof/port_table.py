# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows and endpoints that the vendors name, written out by hand from their pages, for the oracle.

It shares nothing with the data of the collection. Rows 1 to 12: docs.pexip.com, "Firewall ports for Skype for Business
integrations". The others: "Pexip Infinity port usage and firewall guidance" and its older editions, "Configuring Azure
network security groups", the management API's `global` and `system_location`, and Microsoft's page "Edge Server
environmental requirements".
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

DEFAULT_PORTS: Mapping[str, t.Any] = {
    "sip": 5061,
    "media": "40000-49999",
    "edge_media": "50000-59999",
    "ephemeral": "55000-65535",
    "avatar": 80,
    "turn": 3478,
    "psom": [443, 8057],
    "https": 443,
    "edge_relay": 3478,
    "signalling": "33000-39999",
}

# A row that applies where a site names it among its groups, and not with its group: where SIP over UDP is enabled.
ONLY_BY_NAME = ("sip_udp",)
# Groups that most sites have not all servers of: a row of theirs whose endpoint has no hosts is left out.
GROUPS_WITH_GAPS = ("platform", "video_endpoints", "federation")

_CN, _CLIENT, _SERVER, _EDGE_AV = "conferencing_node", "client", "sfb_server", "edge_av"
_POOL, _NODE, _MACHINE, _VIDEO = "front_end director sfb_vip", "pexip_node", "pexip_machine", "video_endpoint"
# id, sources, destinations, protocols, source ports, destination ports, both directions, group
ROWS: tuple[tuple[str, str, str, str, t.Any, t.Any, bool, str], ...] = (
    ("sip_signaling", _POOL, _CN, "tcp", "any", "sip", True, "integration"),
    ("media_to_nodes", f"{_CLIENT} {_SERVER}", _CN, "udp", "any", "media", False, "integration"),
    ("conference_avatar", _CLIENT, _CN, "tcp", "any", "avatar", False, "integration"),
    ("media_nodes_to_edge", _CN, _EDGE_AV, "udp tcp", "media", "edge_media", False, "integration"),
    ("media_edge_to_nodes", _EDGE_AV, _CN, "udp tcp", "edge_media", "media", False, "integration"),
    ("media_from_nodes", _CN, f"{_CLIENT} {_SERVER}", "udp tcp", "media", "any", False, "integration"),
    ("media_nodes_to_turn", _CN, "turn_server", "udp", "media", "turn", False, "integration"),
    ("psom_content", _CN, "web_conferencing", "tcp", "ephemeral", "psom", False, "integration"),
    ("https_content", _CN, "front_end edge sfb_vip", "tcp", "ephemeral", "https", False, "integration"),
    ("wac_content", _CN, "wac_server", "tcp", "ephemeral", "https", False, "integration"),
    ("strict_client_relay", _CLIENT, "edge_internal", "udp", "any", "edge_relay", False, "strict_clients"),
    ("strict_edge_media", _EDGE_AV, _CN, "tcp udp", "any", "media", False, "strict_clients"),
    ("node_ike", _NODE, _NODE, "udp", 500, 500, False, "platform"),
    ("node_esp", _NODE, _NODE, "esp", "any", "any", False, "platform"),
    ("management_web", "administrator", "management_node", "tcp", "any", [80, 443], False, "platform"),
    ("management_ssh", "administrator", _NODE, "tcp", "any", 22, False, "platform"),
    ("platform_dns", _MACHINE, "dns_server", "tcp udp", "ephemeral", 53, False, "platform"),
    ("platform_ntp", _MACHINE, "ntp_server", "udp", "any", 123, False, "platform"),
    ("platform_syslog", _MACHINE, "syslog_server", "udp tcp", "any", [514, 6514], False, "platform"),
    ("snmp_poll", "snmp_manager", _MACHINE, "udp", "any", 161, False, "platform"),
    ("management_ldap", "management_node", "ldap_server", "tcp", "ephemeral", [389, 636], False, "platform"),
    ("web_app", _VIDEO, _CN, "tcp", "any", [80, 443], False, "video_endpoints"),
    ("h323_ras", _VIDEO, _CN, "udp", "any", 1719, False, "video_endpoints"),
    ("h323_call", _VIDEO, _CN, "tcp", "any", 1720, False, "video_endpoints"),
    ("sip_endpoints", _VIDEO, _CN, "tcp", "any", [5060, 5061], False, "video_endpoints"),
    ("sip_udp", _VIDEO, _CN, "udp", "any", 5060, False, "video_endpoints"),
    ("signalling_in", _VIDEO, _CN, "tcp udp", "any", "signalling", False, "video_endpoints"),
    ("endpoint_media_in", _VIDEO, _CN, "tcp udp", "any", "media", False, "video_endpoints"),
    ("signalling_out", _CN, _VIDEO, "tcp udp", "signalling", "any", False, "video_endpoints"),
    ("endpoint_media_out", _CN, _VIDEO, "tcp udp", "media", "any", False, "video_endpoints"),
    ("federation_sip", "access_edge", _CN, "tcp", "any", "sip", True, "federation"),
)

# What `port_matrix_psom_split` puts in the place of psom_content: 8057 belongs to Front Ends, the other ports to Edges.
SPLIT_ROW = "psom_content"
FRONT_END_PSOM = 8057
SPLIT: Mapping[str, str] = {"psom_content": "front_end", "psom_content_edge": "edge_web_conferencing"}

_NODES = ("pexip_conferencing_nodes", "pexip_transcoding_nodes", "pexip_management_nodes")
# endpoint → its inventory groups
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "conferencing_node": ("pexip_conferencing_nodes",),
    "front_end": ("sfb_front_ends",),
    "edge": ("sfb_edges",),
    "edge_av": ("sfb_edges",),
    "edge_internal": ("sfb_edges",),
    "client": ("sfb_clients",),
    "sfb_server": ("sfb_front_ends", "sfb_servers"),
    "web_conferencing": ("sfb_web_conferencing",),
    "edge_web_conferencing": ("sfb_edges",),
    "turn_server": ("turn_servers",),
    "wac_server": ("wac_servers",),
    "pexip_node": _NODES,
    "pexip_machine": _NODES,
    "management_node": ("pexip_management_nodes",),
    "administrator": ("pexip_administrators",),
    "dns_server": ("dns_servers",),
    "ntp_server": ("ntp_servers",),
    "syslog_server": ("syslog_servers",),
    "snmp_manager": ("snmp_managers",),
    "ldap_server": ("ldap_servers",),
    "video_endpoint": ("pexip_video_endpoints",),
    "director": ("sfb_directors",),
    "sfb_vip": ("sfb_vips",),
    "access_edge": ("sfb_edges", "sfb_federated_edges"),
}
EVERY_INTERFACE = "*"
# endpoint → the interface that its addresses are on; the others: the host's own addresses
INTERFACES: Mapping[str, str] = {
    "conferencing_node": "media",
    "edge": EVERY_INTERFACE,
    "edge_av": "av_edge",
    "edge_internal": "internal",
    "web_conferencing": "web_conferencing",
    "edge_web_conferencing": "web_conferencing",
    "pexip_node": "internode",
    "pexip_machine": EVERY_INTERFACE,
    "access_edge": "access_edge",
}
# Endpoints of whom a row may have none, as the others on the same side are enough.
MAY_BE_EMPTY = ("director", "sfb_vip")
# Who has the Web Conferencing service where no hosts are named for it.
WEB_CONFERENCING_ELSEWHERE = ("front_end", "edge")
