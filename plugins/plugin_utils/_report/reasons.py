# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a row is needed, said for the people who are asked to open it."""

from __future__ import annotations

from .._matrix.port_matrix import load_port_matrix
from .report import Flow

_GROUPS = {
    "integration": "A row of the vendor's port table for Skype for Business integrations.",
    "strict_clients": "A row of the vendor's port table for clients behind strict firewalls, switched on here.",
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
    "media_nodes_to_turn": "The nodes ask the TURN server for relay addresses, by which remote media reaches them.",
    "psom_content": "The nodes fetch PowerPoint presentations that Skype for Business users show.",
    "https_content": "The nodes fetch PowerPoint presentations that Skype for Business users show.",
    "wac_content": "The nodes have PowerPoint presentations of Skype for Business users rendered.",
    "strict_client_relay": "Clients that cannot reach the nodes directly relay their media through the Edge.",
    "strict_edge_media": "HD video and content of relayed clients, from whatever port the A/V Edge takes.",
}


def reason(flow: Flow) -> str:
    """Return why *flow* is needed, as far as is known: a site may have another row under an id of the table.

    The flow may be between some of the endpoints of its row only, as in the report on a pair of them.
    """
    here, there = set(flow.source.endpoints), set(flow.destination.endpoints)
    for row in load_port_matrix().rows:
        source, destination = set(row["source"]), set(row["destination"])
        forth, back = here <= source and there <= destination, here <= destination and there <= source
        if row["id"] == flow.row and (forth or back):
            return REASONS[flow.row]
    return ""


def origin(flow: Flow) -> str:
    """Return where *flow* comes from."""
    return _GROUPS[flow.group]
