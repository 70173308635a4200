# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small site that has what is special: static NAT, two Edge interfaces, both families, literal networks."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site, build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import read_scope

HOSTVARS: dict[str, dict[str, t.Any]] = {
    "node1": {"port_matrix_addresses": ["192.0.2.11", "2001:db8:1::11"]},
    "node2": {"port_matrix_addresses": ["192.0.2.13"]},
    "fe1": {"port_matrix_addresses": ["198.51.100.21", "2001:db8:2::21"]},
    "edge1": {
        "port_matrix_interfaces": {
            "internal": ["198.51.100.31"],
            "av_edge": [{"address": "10.0.0.31", "advertised": "203.0.113.31"}],
        }
    },
    "lan": {"port_matrix_addresses": ["198.18.0.0/16"]},
    "turn1": {"port_matrix_addresses": ["198.51.100.41"]},
    "wac1": {"port_matrix_addresses": ["198.51.100.51"]},
    "fw": {"port_matrix_view": "local"},
}
# The groups that the rows of the table are about.
TABLE_GROUPS = (
    "pexip_conferencing_nodes",
    "sfb_front_ends",
    "turn_servers",
    "wac_servers",
    "sfb_clients",
    "sfb_edges",
)
GROUPS = {
    "pexip_conferencing_nodes": ["node1", "node2"],
    "sfb_front_ends": ["fe1"],
    "sfb_edges": ["edge1"],
    "sfb_clients": ["lan"],
    "turn_servers": ["turn1"],
    "wac_servers": ["wac1"],
    "port_matrix_gateways": ["fw"],
}
NTP = {
    "id": "ntp",
    "purpose": "Time",
    "source": ["conferencing_node", "turn_server"],
    "destination": "ntp_server",
    "protocols": "udp",
    "destination_ports": 123,
}
MESH = {"id": "mesh", "source": "conferencing_node", "destination": "conferencing_node", "protocols": "udp",
        "source_ports": 500, "destination_ports": 500}  # fmt: skip
NTP_SERVER = {"ntp_server": {"networks": ["192.0.2.123"]}}
# Texts that would do harm where they were taken for something else than text.
HOSTILE_TEXTS = [
    "=HYPERLINK(\"http://x\",\"y\")", "+1", "-1", "@SUM(A1)", "\uff1d1", "</td></tr></table><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)", "' x='", "| a | b |", "`code` [link](javascript:alert(1)) ![i](x)", "<!-- x", "]]>",
    "{{ 1 + 1 }} {% raw %}", "&lt;b&gt; &amp;", "$(id) ; rm", "# h", "\\", "\u00fc\u4e2d",
]  # fmt: skip
HOSTILE_NAMES = [*HOSTILE_TEXTS, "a\nb", "a\r\n=1", "\u202eevil", "\x1b[31mred", "\t=1"]


HOSTILE = list(zip(itertools.cycle(HOSTILE_TEXTS), HOSTILE_NAMES))


def example_site(
    extra_rows: t.Any = (), strict: bool = True, hostvars: dict[str, t.Any] | None = None, **options: t.Any
) -> Site:
    """The site, with own rows and other host variables where a test needs them."""
    rows = select_rows(list(extra_rows), options.pop("disabled", ()), strict)
    return build_site({**HOSTVARS, **(hostvars or {})}, options.pop("groups", GROUPS), rows, **options)


def example_report(scope: str = "site", title: str = "Port matrix", site: Site | None = None) -> Report:
    """The report on the site."""
    built = site or example_site()
    return build_report(built, read_scope(scope, "scope", built, ["fw"]), title)


def hostile_site(text: str, name: str) -> Site:
    """A site with *text* as a purpose and reference, and a node called *name*, from a system that says *text*."""
    row = {**NTP, "purpose": text, "reference": text}
    source = {"system": text, "record": text, "name": text, "read": text, "addresses": ["192.0.2.99"]}
    hostvars = {name: {"port_matrix_addresses": ["192.0.2.99"], "pexip_sfb_sources": [source]}}
    groups = {**GROUPS, "pexip_conferencing_nodes": ["node1", name]}
    return example_site([row], hostvars=hostvars, groups=groups, endpoints=NTP_SERVER)
