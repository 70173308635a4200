# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``probe_results``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.junit import junit_xml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.results import join_results, one_line
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.table import table_lines

DOCUMENTATION = r"""
name: probe_results
short_description: Join a plan of probes with what the hosts answered
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Gives the results of a verification as data for programs, as lines for people, and as JUnit XML for CI.
  - What a host did not answer, because it could not be reached or the module failed, has the verdict V(error).
positional: _input, answers
options:
  _input:
    description: The plan, as the filter P(uc_firewall.pexip_sfb.probes#filter) returns it.
    type: dict
    required: true
  answers:
    description: Host to the result of M(uc_firewall.pexip_sfb.port_probe) for its C(probes).
    type: dict
    required: true
  responder_answers:
    description: Host to the result of M(uc_firewall.pexip_sfb.port_probe) for its C(responder_probes).
    type: dict
    default: {}
  ended:
    description: Hosts whose responder ended before it was stopped. Silence of it counts as V(error).
    type: list
    elements: str
    default: []
  accept:
    description:
      - What is known not to be open. An item has some of the keys C(row), C(source_host), C(destination_host),
        C(destination), C(destination_port), C(protocol) and C(family), and means every probe that agrees with all of
        them.
    type: list
    elements: dict
    default: []
  generated:
    description: The time, as text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Put it together
  ansible.builtin.set_fact:
    results: "{{ plan | uc_firewall.pexip_sfb.probe_results(answers, generated=now(utc=true).isoformat()) }}"
"""

RETURN = r"""
_value:
  description: The results in their forms.
  type: dict
  contains:
    document:
      description: Everything for programs. docs/verify.md describes it.
      type: dict
    table:
      description: The lines of the table.
      type: list
      elements: str
    junit:
      description: JUnit XML.
      type: str
    failing:
      description: A line for each probe that is not open although the matrix permits it, and that is not accepted.
      type: list
      elements: str
"""


@as_filter("probe_results")
def probe_results(
    plan: object,
    answers: object,
    responder_answers: object = None,
    ended: Iterable[str] = (),
    accept: object = (),
    generated: str = "",
) -> dict[str, t.Any]:
    """Return the results in their forms.

    :raises AnsibleFilterError: if *accept* is no list of such mappings.
    """
    planned = to_plain(plan)
    results = join_results(
        planned, to_plain(answers), to_plain(responder_answers or {}), to_plain(ended), to_plain(accept)
    )
    time = to_plain(generated)
    return {
        "document": results.as_document(time),
        "table": table_lines(results, planned["left_out"]),
        "junit": junit_xml(results, time),
        "failing": [one_line(probe) for probe in results.failing],
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"probe_results": probe_results}
