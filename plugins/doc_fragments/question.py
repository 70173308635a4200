# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that the filter and the test share which answer a question."""

from __future__ import annotations


class ModuleDocFragment:
    """Who wants to talk to whom, over what, and where that is judged."""

    DOCUMENTATION = r"""
options:
  source:
    description:
      - Who sends the first packet. The name of a host, an endpoint or a group, an address, or a network. All its
        addresses count. Without it, anybody.
    type: str
  destination:
    description: Who receives it, named in the same ways. Without it, anybody. One of the two is required.
    type: str
  protocol:
    description:
      - The protocol, by its name (V(tcp), V(udp), V(sctp), V(esp), V(ah), V(gre), V(icmp), V(icmpv6), V(vrrp)) or its
        number, in small letters or capitals. Without it, any is enough.
    type: str
  source_port:
    description:
      - The source port, a range such as V(40000-40999), or the name of one, such as V(media). Without it, any port is
        enough, and the answer says which.
    type: raw
  destination_port:
    description: The destination port, in the same ways.
    type: raw
  at:
    description:
      - The host or gateway that judges, which matters with static NAT. It knows itself by its own addresses, and of the
        addresses of others it sees the side that its C(port_matrix_view) names.
      - Without it, everybody has the address that is advertised.
    type: str
  gateways:
    description: The hosts that O(at) may name besides those that are endpoints.
    type: list
    elements: str
    default: []
  hostvars:
    description: C(hostvars), where O(source) or O(destination) may be a host that no row names.
    type: dict
    default: {}
"""
