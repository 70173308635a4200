# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example site as its variables, with a Management Node, and what its gateway may remember of it."""

from __future__ import annotations

import dataclasses
import typing as t

import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import Observation, observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.proposed_file import proposed_yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.variables import Variables
from example_site import GROUPS, HOSTVARS
from remembered import answer, flow

HOSTS = {**HOSTVARS, "manager": {"port_matrix_addresses": ["192.0.2.10"]}}
SITE_GROUPS = {**GROUPS, "pexip_management_nodes": ["manager"]}
NODE, SECOND, MANAGER, TURN = "192.0.2.11", "192.0.2.13", "192.0.2.10", "198.51.100.41"
CLIENT, MONITOR, SCANNER = "10.9.0.7", "198.51.100.99", "203.0.113.66"
MEDIA = [flow(CLIENT, NODE, "udp", 40000 + 2 * number, 3) for number in range(100)]
SCAN = [flow(SCANNER, NODE, "tcp", port) for port in range(1, 40)]
EVERYTHING = [
    flow(MANAGER, NODE, "esp", packets=900),
    *MEDIA,
    flow(NODE, CLIENT, "udp", 5000, 2),
    flow(MONITOR, NODE, "udp", 161, 60),
    flow(MONITOR, NODE, "tcp", 9100, 50),
    flow(MONITOR, SECOND, "tcp", 9100, 40),
    flow(NODE, TURN, "udp", 3478, 30),
    flow("2001:db8:9::1", "2001:db8:1::11", "tcp", 80, 20),
    *SCAN,
]


def variables(**changed: t.Any) -> Variables:
    """The variables of the site."""
    return Variables(**{"hosts": HOSTS, "groups": SITE_GROUPS, **changed})


def observed(flows: list[t.Any], site: Variables | None = None, gateway: str = "fw", **options: t.Any) -> Observation:
    """What is made of *flows*, which *gateway* remembers."""
    return observe(site or variables(), {gateway: answer(flows)}, **options)


def found(observation: Observation) -> list[tuple[str, str, str, str, str]]:
    """Kind, source, destination, nearest row and differences of each finding."""
    kept = []
    for finding in observation.findings:
        data = finding.as_mapping()
        differs = ", ".join(data["differs_in"])
        kept.append((data["kind"], data["source"], data["destination"], data["nearest_row"], differs))
    return kept


def applied(observation: Observation) -> Variables:
    """The variables of the site with what the file proposes, read as Ansible reads it."""
    before = observation.proposal.before
    data = yaml.load(proposed_yaml(observation), Loader=_Loader)
    known = {"row_groups", "endpoints", "extra_rows", "rows"}
    given = {name.removeprefix("port_matrix_"): value for name, value in data.items()}
    assert set(given) <= known
    return dataclasses.replace(before, **given)


class _Loader(yaml.SafeLoader):
    """Reads what Ansible marks as no template."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
