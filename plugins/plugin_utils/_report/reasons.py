# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a row is needed, said for the people who are asked to open it."""

from __future__ import annotations

from collections.abc import Sequence

from .._matrix.port_matrix import load_port_matrix
from .report import Flow

# Row group → its title, and what is said of each of its rows.
GROUP_TITLES = {
    "integration": "Skype for Business",
    "strict_clients": "Clients behind strict firewalls",
    "platform": "The Pexip platform itself",
    "video_endpoints": "Calls that are not Skype for Business",
    "federation": "Federation",
    "custom": "Rows of this site",
}
_GROUPS = {
    "integration": "A row of the vendor's port table for Skype for Business integrations.",
    "strict_clients": "A row of the vendor's port table for clients behind strict firewalls, switched on here.",
    "platform": "What Pexip's nodes need from each other and of the network, switched on here.",
    "video_endpoints": "What Pexip's nodes need for calls that are not Skype for Business, switched on here.",
    "federation": "What federation with the nodes needs, switched on here.",
    "custom": "A row of this site, in addition to the vendor's port table.",
}

_DISPUTED = (
    "Microsoft describes this range as the Edge's source range. It is needed as the destination too, because the nodes "
    "send their media to the relay ports that the A/V Edge hands out."
)

# Row id → what stops working without it. Kept apart from the table, which restates facts of the vendor's page.
REASONS = {
    "sip_signaling": "Calls are set up over it. Each side opens connections to the other: both directions are needed.",
    "media_to_nodes": "Audio, video and content from clients and servers inside the network to the conference.",
    "conference_avatar": "Clients fetch the picture that they show for the conference.",
    "media_nodes_to_edge": f"Audio, video and content to remote and federated users by way of the Edge. {_DISPUTED}",
    "media_edge_to_nodes": "Audio, video and content from remote and federated users, by way of the A/V Edge.",
    "media_from_nodes": (
        "Audio, video and content from the conference to clients and servers inside the network, which choose the port "
        "that they receive on. Configured port ranges of clients and servers can narrow it down."
    ),
    "media_nodes_to_turn": "The nodes ask the TURN server for relay addresses, where remote media reaches them.",
    "psom_content_edge": "The nodes fetch PowerPoint presentations of users who come in by way of the Edge.",
    "psom_content": "The nodes fetch PowerPoint presentations that Skype for Business users show.",
    "https_content": "The nodes fetch PowerPoint presentations that Skype for Business users show.",
    "wac_content": "The nodes have PowerPoint presentations of Skype for Business users rendered.",
    "strict_client_relay": "Clients that cannot reach the nodes directly relay their media through the Edge.",
    "strict_edge_media": "HD video and content of relayed clients, from whatever port the A/V Edge takes.",
    "node_ike": "The nodes and the Management Node agree on the keys of IPsec. There must be no NAT between them.",
    "node_esp": "Everything that nodes and Management Node tell each other, including conferences across nodes.",
    "management_web": "Administrators and programs configure the platform.",
    "management_ssh": "Administrators reach the command line of a node, on its primary address.",
    "platform_dns": (
        "The nodes look up names. The vendor's table has it for the Management Node. That the others ask in the "
        "same way is inferred."
    ),
    "platform_ntp": "The nodes keep their time, without which certificates and conferences across nodes fail.",
    "platform_syslog": "The nodes send their logs to the site's servers. 6514 is for TLS.",
    "snmp_poll": "The site's monitoring asks the nodes.",
    "management_ldap": "The Management Node checks administrators, and looks people up, in the directory.",
    "web_app": "People join with a browser or the vendor's apps. 80 leads to 443.",
    "h323_ras": "H.323 endpoints register, and ask how a call gets there.",
    "h323_call": "H.323 calls are set up over it.",
    "sip_endpoints": "SIP calls are set up over it. 5061 is for TLS.",
    "sip_udp": "SIP calls over UDP, which the nodes accept only if it is switched on in their global settings.",
    "signalling_in": "The rest of the signaling of a call, such as H.245, at ports that the node chooses.",
    "endpoint_media_in": "Audio, video and content from endpoints to the conference.",
    "signalling_out": "The nodes call endpoints, and answer their signaling, from the ports of their signaling range.",
    "endpoint_media_out": "Audio, video and content from the conference to endpoints, which choose their ports.",
    "federation_sip": "Calls with federated partners, and by way of the site's own Access Edge, in both directions.",
}


def reason(flow: Flow) -> str:
    """Return why *flow* is needed, as far as is known: a site may have another row under an id of the table.

    The flow may be between some of the endpoints of its row only, as in the report on a pair of them.
    """
    here, there = set(flow.source.endpoints), set(flow.destination.endpoints)
    for row in load_port_matrix().variants():
        source, destination = set(row["source"]), set(row["destination"])
        forth, back = here <= source and there <= destination, here <= destination and there <= source
        if row["id"] == flow.row and (forth or back):
            return REASONS[flow.row]
    return ""


def sections(flows: Sequence[Flow]) -> list[tuple[str, list[Flow]]]:
    """Return *flows* by row group, each with the title of the group.

    With the rows of the numbered table and the site's own alone, all are one section without a title.
    """
    by_group: dict[str, list[Flow]] = {group: [] for group in GROUP_TITLES}
    for flow in flows:
        by_group[flow.group].append(flow)
    if not any(by_group[group] for group in load_port_matrix().left_out_when_empty):
        return [("", list(flows))]
    return [(GROUP_TITLES[group], found) for group, found in by_group.items() if found]


def origin(flow: Flow) -> str:
    """Return where *flow* comes from."""
    return _GROUPS[flow.group]
