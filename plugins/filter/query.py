# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``query``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import collect_hosts, to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import resolve_ranges
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows_off import RowsOff, rows_off
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._query.question import Answer, ask

DOCUMENTATION = r"""
name: query
short_description: Say whether the port matrix permits a flow, and why
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Takes who wants to talk to whom, over which protocol and ports, and says which rows permit it.
  - With only O(source) or only O(destination) it says what that may reach, or what may reach it.
  - Where none does, it says which row comes nearest, and which part of the question does not match that row.
  - The test P(uc_firewall.pexip_sfb.permitted#test) answers with yes or no.
positional: _input, source, destination, protocol, source_port, destination_port
options:
  groups:
    description:
      - C(groups). With it and C(hostvars), O(source) and O(destination) may be groups, and a note tells whether a row
        that is off would permit it, such as one of a row group that does not apply.
    type: dict
    default: {}
  ports:
    description: Port range name to ports, as for the filter P(uc_firewall.pexip_sfb.site#filter).
    type: dict
    default: {}
  endpoints:
    description: Endpoint name to C(groups), C(interface) and C(networks), as for that filter.
    type: dict
    default: {}
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
  - uc_firewall.pexip_sfb.question
"""

EXAMPLES = r"""
- name: Ask whether a node may reach the TURN server
  ansible.builtin.debug:
    msg: "{{ (port_matrix_site | uc_firewall.pexip_sfb.query('node1', 'turn1', 'udp', destination_port=3478)).text }}"

- name: Ask what may reach a Front End
  ansible.builtin.debug:
    msg: "{{ (port_matrix_site | uc_firewall.pexip_sfb.query(destination='fe1')).text }}"
"""

RETURN = r"""
_value:
  description: The answer.
  type: dict
  contains:
    permitted: {description: "Whether a row permits it, or some of it.", type: bool}
    in_part:
      description: Whether no row permits all of it, as may be with a group or a network. Then C(matches) say what is.
      type: bool
    rows: {description: "Ids of the rows that permit it.", type: list, elements: str}
    matches:
      description: The rules that permit it, narrowed down to the question.
      type: list
      elements: dict
    nearest: {description: "The rule that comes nearest, where none permits it.", type: dict}
    mismatches:
      description:
        - What does not match that rule, among C(source address), C(destination address), C(protocol), C(source port)
          and C(destination port).
      type: list
      elements: str
    notes:
      description: What may explain it, such as static NAT, or a row that would permit it and is off.
      type: list
      elements: str
    text: {description: "All of it as lines for people.", type: list, elements: str}
"""


def answer(
    site: object,
    source: object = None,
    destination: object = None,
    protocol: object = None,
    source_port: object = None,
    destination_port: object = None,
    at: object = None,
    gateways: object = (),
    hostvars: Mapping[str, Mapping[str, object]] | None = None,
    groups: Mapping[str, Iterable[str]] | None = None,
    ports: object = None,
    endpoints: object = None,
) -> Answer:
    """Return the answer of the core.

    :raises PortMatrixError: if an input is not what it should be.
    """
    ends = [to_plain(source), to_plain(destination)]
    of_groups = {
        name: to_plain((groups or {})[name]) for name in ends if isinstance(name, str) and name in (groups or {})
    }
    asked_for = [name for name in ends if isinstance(name, str)] + [host for of in of_groups.values() for host in of]
    named = [name for name in asked_for if hostvars and name in hostvars]
    asked = read_site(to_plain(site))

    def off() -> RowsOff:
        members, overrides = to_plain(groups or {}), to_plain(endpoints or {})
        hosts = collect_hosts(hostvars or {}, members, overrides, named)
        return rows_off(asked, hosts, members, to_plain(ports or {}), overrides)

    return ask(
        asked,
        ends[0],
        ends[1],
        to_plain(protocol),
        to_plain(source_port),
        to_plain(destination_port),
        to_plain(at),
        to_plain(gateways),
        collect_hosts(hostvars or {}, {}, {}, named),
        off if groups else None,
        # The names of all of them are for messages, as nothing is read of groups that the question does not name.
        {**dict.fromkeys(groups or {}, ()), **of_groups},
        resolve_ranges(to_plain(ports or {}), "port_matrix_ports"),
    )


@as_filter("query")
def query(*args: t.Any, **kwargs: t.Any) -> dict[str, t.Any]:
    """Return the answer as plain data.

    :raises AnsibleFilterError: if an input is not what it should be.
    """
    return answer(*args, **kwargs).as_mapping()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"query": query}
