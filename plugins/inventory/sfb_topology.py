# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin ``sfb_topology``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sfb_topology
short_description: The servers of Skype for Business, from its topology
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads a file of Topology Builder (C(.tbxml)), or what C(Get-CsTopology -AsXml) printed, in UTF-8 or UTF-16. It
    talks to no server, but to DNS where O(resolve) is true. For machines that have C(0.0.0.0) in it, their names are
    looked up.
  - Files with its options end in C(sfb_topology.yml) or C(sfb_topology.yaml).
  - Front Ends are in the group C(sfb_front_ends), Directors in C(sfb_directors), Mediation Servers and Survivable
    Branch Appliances in C(sfb_servers), Edge Servers in C(sfb_edges). Office Online Server is in C(wac_servers), by
    the name in its discovery address. Hosts have their machines' names, in lower case.
  - An Edge Server has C(port_matrix_interfaces), with C(internal), C(access_edge), C(web_conferencing) and
    C(av_edge), and the public address where the topology has one for static NAT. All others have
    C(port_matrix_addresses).
  - All have C(sfb_pool) and C(sfb_site). The group C(all) has C(port_matrix_ports), with the ranges C(edge_media),
    C(psom) and C(https) that the topology sets; C(sfb_ports) has the same alone.
  - A trusted application pool gives no hosts, as its machines are Conferencing Nodes. Where the inventory
    P(uc_firewall.pexip_sfb.pexip_infinity#inventory) is read too, each pool with one of its nodes is compared with
    them.
  - No live Skype for Business Server took part in the tests of this plugin. The form of the files is that of public
    samples.
requirements:
  - defusedxml, on the controller
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - uc_firewall.pexip_sfb.system_inventory
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [uc_firewall.pexip_sfb.sfb_topology]
  path:
    description: The file with the topology. A relative path begins at the file with these options.
    type: str
    required: true
  locations:
    description: Names of sites in the topology. Only their pools are taken. An empty list is all sites.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# site.sfb_topology.yml, next to a file that Topology Builder saved
plugin: uc_firewall.pexip_sfb.sfb_topology
path: contoso.tbxml
addresses:
  fe1.contoso.example: [10.1.0.21]
  fe2.contoso.example: [10.1.0.22]
  oos.contoso.example: [10.1.0.51]
---
# Addresses from DNS, and a group for each pool
plugin: uc_firewall.pexip_sfb.sfb_topology
path: topology.xml
resolve: true
keyed_groups:
  - prefix: pool
    key: sfb_pool | regex_replace('[^a-z0-9]', '_')
---
# The servers of one site only, reached by Ansible at their internal addresses
plugin: uc_firewall.pexip_sfb.sfb_topology
path: topology.xml
resolve: true
locations: [Redmond]
compose:
  ansible_host: port_matrix_interfaces.internal[0]
"""

import hashlib

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory import (
    SystemInventory,
    from_file,
    look_up,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.document import parse_xml, read_bytes
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.hosts import find_hosts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.topology import read_topology
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import Found
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook


class InventoryModule(SystemInventory):
    """Reads a file with a topology."""

    NAME = "uc_firewall.pexip_sfb.sfb_topology"

    def find(self, path: str, use_cache: bool) -> tuple[Found, str, str]:
        """Return what is in the topology, its file, and when its names were looked up."""
        file = from_file(path, self.option("path"))
        data = read_bytes(file)
        pools = read_topology(parse_xml(data, file), file)
        given, resolve, locations = self.option("addresses"), self.get_option("resolve"), self.option("locations")

        # Of an offline file only the answers of DNS are worth to be kept.
        def ask() -> dict[str, list[str]]:
            book = NameBook(given, look_up if resolve else None)
            find_hosts(pools, book, locations)
            self.tell(book)
            return {name: list(addresses) for name, addresses in book.looked_up.items()}

        identity = {"form": 1, "file": hashlib.sha256(data).hexdigest(), "options": [given, resolve, locations]}
        answers, read = self.cached(path, use_cache, identity, ask)
        book = NameBook(given, lambda name: answers.get(name, ()))
        found = find_hosts(pools, book, locations)
        book.check_all_used()
        return found, file, read
