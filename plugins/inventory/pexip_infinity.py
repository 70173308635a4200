# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin ``pexip_infinity``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pexip_infinity
short_description: The nodes and servers of a Pexip Infinity platform, from its Management Node
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Reads the Management API over HTTPS. It sends GET only, and with O(client_id) one POST for a token. Needed is an
    account that may read the platform's configuration.
  - Files with its options end in C(pexip_infinity.yml) or C(pexip_infinity.yaml).
  - Proxying nodes, and nodes that see endpoints themselves, are in the group C(pexip_conferencing_nodes). Those that
    only transcode for proxying nodes of other locations are in C(pexip_transcoding_nodes). Management Nodes are in
    C(pexip_management_nodes), and the nodes of a location in C(pexip_location_NAME), where NAME is in lower case and
    has C(_) for everything that is neither a letter nor a digit.
  - TURN servers that a location uses are in C(turn_servers). DNS, NTP and syslog servers are in C(dns_servers),
    C(ntp_servers) and C(syslog_servers). What locations have as their Skype for Business server is in
    C(pexip_mssip_proxies). Whether that is a Front End, a Director or a load balancer, Pexip does not know, so it is
    in no group of the port matrix.
  - Hosts have C(port_matrix_addresses) or C(port_matrix_interfaces), and C(port_matrix_location). The latter also names
    the locations that a node transcodes for. Nodes also have
    C(pexip_node_type), C(pexip_dns_names) and C(pexip_maintenance_mode). The group C(all) has C(port_matrix_ports),
    with the ranges C(media) and C(signalling), and C(turn) where there are TURN servers; C(pexip_ports) has the same
    alone.
  - No live Management Node took part in the tests of this plugin. The form of the API is that of public SDKs.
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - uc_firewall.pexip_sfb.system_inventory
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [uc_firewall.pexip_sfb.pexip_infinity]
  url:
    description: The address of the Management Node, such as V(https://manager.example.com).
    type: str
    required: true
    env:
      - name: PEXIP_URL
  username:
    description: The account, for HTTP Basic. Needs O(password).
    type: str
    env:
      - name: PEXIP_USERNAME
  password:
    description: Its password. It may be a vaulted value, or a template with a lookup.
    type: str
    env:
      - name: PEXIP_PASSWORD
  client_id:
    description: The OAuth2 client, in place of O(username). Needs O(private_key).
    type: str
    env:
      - name: PEXIP_CLIENT_ID
  private_key:
    description: The private key of the client, as PEM text. It may be a vaulted value, or a template with a lookup.
    type: str
    env:
      - name: PEXIP_PRIVATE_KEY
  validate_certs:
    description: Whether the certificate of the Management Node is checked. Without that, anybody in between has the
      password.
    type: bool
    default: true
  ca_path:
    description: A PEM file with the certificates of authorities to trust, where the system does not have them. A
      relative path begins at the file with these options.
    type: str
  timeout:
    description: How many seconds one answer may take.
    type: int
    default: 30
  locations:
    description:
      - Names of locations. Only their nodes, and the servers that these use, are taken, besides Management Nodes.
      - An empty list is all locations.
    type: list
    elements: str
    default: []
  node_groups:
    description:
      - Name of a location → the group of its nodes, V(pexip_conferencing_nodes) or V(pexip_transcoding_nodes), where it
        is to be another one than their types say.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# manager.pexip_infinity.yml, with an account whose password is in the environment: PEXIP_PASSWORD
plugin: uc_firewall.pexip_sfb.pexip_infinity
url: https://manager.example.com
username: inventory
ca_path: /etc/ssl/certs/example-ca.pem
---
# With OAuth2, and the key in a file that only the user may read
plugin: uc_firewall.pexip_sfb.pexip_infinity
url: https://manager.example.com
client_id: 5f0f4d6a-inventory
private_key: "{{ lookup('ansible.builtin.file', '~/.config/pexip/key.pem') }}"
---
# Two locations, kept for an hour; maintenance in a group of its own
plugin: uc_firewall.pexip_sfb.pexip_infinity
url: https://manager.example.com
username: inventory
password: "{{ lookup('ansible.builtin.env', 'PEXIP_PASSWORD') }}"
locations: [London DMZ, Oslo]
addresses:
  ntp.example.com: [192.0.2.123]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.ansible/pexip
cache_timeout: 3600
groups:
  in_maintenance: pexip_maintenance_mode | default(false)
keyed_groups:
  - prefix: node
    key: pexip_node_type | default('')
"""

import time
import uuid

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.https import Https
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory import (
    SystemInventory,
    from_file,
    look_up,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.client import Client, base_url
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.hosts import find_hosts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.oauth import basic, bearer
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.platform import read_platform
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.resources import read_resources
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import Found
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


class InventoryModule(SystemInventory):
    """Reads a Management Node."""

    NAME = "uc_firewall.pexip_sfb.pexip_infinity"

    def find(self, path: str, use_cache: bool) -> tuple[Found, str, str]:
        """Return what the Management Node knows, its address, and when it was read."""
        base = base_url(self.option("url"))
        client = self._client(base, path)
        identity = {"form": 1, "url": base, "account": self.option("username") or self.option("client_id")}
        resources, read = self.cached(path, use_cache, identity, lambda: read_resources(client))
        book = NameBook(self.option("addresses"), look_up if self.get_option("resolve") else None)
        found = find_hosts(read_platform(resources), book, self.option("locations"), self.option("node_groups"))
        book.check_all_used()
        self.tell(book)
        return found, base, read

    def _client(self, base: str, path: str) -> Client:
        ca_path = self.option("ca_path")
        send = Https(
            self.get_option("timeout"), self.get_option("validate_certs"), ca_path and from_file(path, ca_path)
        )
        username, password, client_id, private_key = (
            self.option(name) or "" for name in ("username", "password", "client_id", "private_key")
        )
        if bool(username and password) == bool(client_id and private_key):
            raise PortMatrixError.at(
                "credentials", "none, half of them, or two", "username and password, or client_id and private_key"
            )
        if username and password:
            return Client(base, send, lambda: basic(username, password), time.sleep, time.time)
        return Client(
            base,
            send,
            lambda: bearer(send, base, client_id, private_key, time.time(), str(uuid.uuid4())),
            time.sleep,
            time.time,
        )
