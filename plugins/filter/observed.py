# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``observed``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.warnings import warn
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import (
    ReadOnce,
    collect_hosts,
    to_plain,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.documents import (
    as_csv,
    as_json,
    new_since,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.flows import read_time
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.prometheus import as_prometheus
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.proposed_file import proposed_yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.table import (
    finding_lines,
    table_lines,
    warnings,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.variables import Variables

DOCUMENTATION = r"""
name: observed
short_description: Say what hosts would drop, why, and what would permit it
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Takes the flows that hosts remember, and says of each that is not permitted by now who it is, and why it is not
    permitted, in the words of the filter P(uc_firewall.pexip_sfb.query#filter).
  - Proposes variables of the role P(uc_firewall.pexip_sfb.port_matrix#role) that would permit it. Where these permit
    more than what was seen, it says so. For a stranger who tries many ports or addresses, nothing is proposed.
  - A host that could not be asked, one that remembers nothing, and one whose memory is full are warnings of Ansible.
positional: _input, hostvars, groups
options:
  _input:
    description: Host to the result of M(uc_firewall.pexip_sfb.observed_flows), also of one that failed.
    type: dict
    required: true
  hostvars:
    description: C(hostvars).
    type: dict
    required: true
  groups:
    description: C(groups), group name to host names.
    type: dict
    required: true
  rows:
    description: C(port_matrix_rows), the rows that apply.
    type: list
    elements: dict
    required: true
  variables:
    description:
      - The other variables of the site without the prefix C(port_matrix_). C(ports), C(endpoints), C(allow_empty),
        C(same_location_rows), C(row_groups), C(strict_clients), C(disabled_rows), C(extra_rows) and C(psom_split).
    type: dict
    default: {}
  since:
    description: A time in UTC, as ISO 8601. Flows last seen before it are left out. Empty is none.
    type: str
    default: ""
  scan:
    description: A stranger who tries so many ports that no row has, or so many addresses that nobody has, scans.
    type: int
    default: 10
  baseline:
    description: The C(json) of an earlier run, as text or parsed, to compare with.
    type: raw
"""

EXAMPLES = r"""
- name: Show what would be dropped, of what hosts answered to the module observed_flows
  ansible.builtin.debug:
    msg: >-
      {{ (answers | uc_firewall.pexip_sfb.observed(hostvars, groups, rows=[] | uc_firewall.pexip_sfb.rows)).table }}
"""

RETURN = r"""
_value:
  description: The observation in its forms.
  type: dict
  contains:
    table: {description: "Lines for a screen.", type: list, elements: str}
    json: {description: "Everything for programs. docs/enforce.md describes it.", type: str}
    csv: {description: "The same flows for spreadsheets.", type: str}
    proposed: {description: "YAML with the variables that are proposed.", type: str}
    prometheus: {description: "Metrics in the text format of Prometheus.", type: str}
    new:
      description: Lines for what the baseline does not have. Empty without one.
      type: list
      elements: str
    not_asked: {description: "Hosts that could not be asked.", type: list, elements: str}
    remembering: {description: "Hosts that remember flows.", type: list, elements: str}
"""

_VARIABLES = (
    "ports", "endpoints", "allow_empty", "same_location_rows", "row_groups", "strict_clients", "disabled_rows",
    "extra_rows", "psom_split",
)  # fmt: skip


@as_filter("observed")
def observed(
    answers: Mapping[str, object],
    hostvars: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Iterable[str]],
    rows: object,
    variables: Mapping[str, object] | None = None,
    since: object = "",
    scan: object = 10,
    baseline: object = None,
) -> dict[str, t.Any]:
    """Return the observation in its forms.

    :raises AnsibleFilterError: if an input is not what it should be.
    """
    asked = to_plain(answers)
    of_hosts = ReadOnce(hostvars)
    given = {name: to_plain(value) for name, value in (variables or {}).items() if name in _VARIABLES}
    judging = [*asked, *(host for host in groups.get("port_matrix_gateways", ()))]
    hosts = collect_hosts(of_hosts, groups, given.get("endpoints", {}), judging)
    site = Variables(hosts, to_plain(groups), **given)
    wanted = to_plain(rows)
    if site.selected() != wanted:
        site = Variables(hosts, to_plain(groups), **given, rows=wanted)
    time = to_plain(since)
    observation = observe(
        site,
        asked,
        further_hosts=collect_hosts(of_hosts, {}, {}, [host for host in of_hosts if host not in hosts]),
        extra_rules={host: _extra_rules(of_hosts, host) for host in asked},
        since=read_time(time, "port_matrix_observed_since") if time else "",
        scan=to_plain(scan),
    )
    earlier = to_plain(baseline)
    new = [] if earlier is None else new_since(earlier, observation.findings, "port_matrix_observed_baseline")
    warn(warnings(observation))
    return {
        "table": table_lines(observation),
        "json": as_json(observation),
        "csv": as_csv(observation.findings),
        "proposed": proposed_yaml(observation),
        "prometheus": as_prometheus(observation),
        "new": [line for finding in new for line in finding_lines(finding)],
        "not_asked": [memory.gateway for memory in observation.memories if memory.problem],
        "remembering": [memory.gateway for memory in observation.memories if memory.remembering],
    }


def _extra_rules(hostvars: Mapping[str, Mapping[str, object]], host: str) -> object:
    return to_plain(hostvars[host].get("linux_firewall_extra_rules", ())) if host in hostvars else ()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"observed": observed}
