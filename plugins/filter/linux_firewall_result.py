# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``linux_firewall_result``."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.answer import (
    Answer,
    revision_of_text,
    rules_in_objects,
    rules_in_ruleset,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import (
    as_flag,
    as_mapping,
    as_strings,
)

DOCUMENTATION = r"""
name: linux_firewall_result
short_description: What a run did on a Linux host, in one line and as data
version_added: 1.1.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - The role P(uc_firewall.pexip_sfb.linux_firewall#role) ends with the same, and keeps it as C(linux_firewall_result).
positional: _input, host
options:
  _input:
    description:
      - What the host was given. That is the text that P(uc_firewall.pexip_sfb.nftables_ruleset#filter) returned, or
        objects of P(uc_firewall.pexip_sfb.firewalld_objects#filter).
    type: raw
    required: true
  row_ids:
    description: Ids of the rows of the site.
    type: list
    elements: str
    default: []
  applied:
    description:
      - Result of the module that applied it, M(uc_firewall.pexip_sfb.nftables_table) or
        M(uc_firewall.pexip_sfb.firewalld_objects).
    type: dict
    default: {}
  also_changed:
    description: Whether something else was changed for it, such as a unit.
    type: bool
    default: false
  enforce:
    description: Whether what is not permitted is dropped.
    type: bool
    default: true
  flows:
    description: Number of flows that would have been dropped, where somebody counted them.
    type: int
  check:
    description: Whether this is check mode.
    type: bool
    default: false
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.host
"""

EXAMPLES = r"""
- name: Say what was done
  ansible.builtin.debug:
    msg: >-
      {{ (port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname)
      | uc_firewall.pexip_sfb.linux_firewall_result(inventory_hostname,
      row_ids=port_matrix_site.rows | map(attribute='id') | list, applied=applied)).text }}
"""

RETURN = r"""
_value:
  description: What was done.
  type: dict
  contains:
    text:
      description: All of it, in one line.
      type: str
      sample: "fw: 24 rules of 12 rows, revision b18813ab0e1b, changed, confirmed over a new connection in 0.8 s"
    rules:
      description: Number of rules of the port matrix.
      type: int
    rows:
      description: Number of their rows. None with firewalld, whose rules do not tell.
      type: int
    revision:
      description:
        - Digest of what the host was given. With nftables, M(uc_firewall.pexip_sfb.linux_firewall_info) finds it there.
      type: str
    changed:
      description: Whether something was changed, or would be in check mode.
      type: bool
    confirmed_in:
      description: Seconds until a new connection confirmed the change. None where nothing was to be confirmed.
      type: float
    flows:
      description: Number of flows that would have been dropped. None where nobody counted them.
      type: int
"""


@as_filter("linux_firewall_result")
def linux_firewall_result(
    given: object,
    host: str,
    row_ids: object = (),
    applied: object = None,
    also_changed: object = False,
    enforce: object = True,
    flows: int | None = None,
    check: object = False,
) -> dict[str, t.Any]:
    """Return what was done on *host*, in a line and as data.

    :raises AnsibleFilterError: for inputs of a wrong type.
    """
    plain = to_plain(given)
    result = as_mapping({} if applied is None else to_plain(applied), "applied")
    if isinstance(plain, str):
        text, rules, rows = plain, *rules_in_ruleset(plain, as_strings(to_plain(row_ids), "row_ids"))
    else:
        text, rules, rows = json.dumps(plain, sort_keys=True), rules_in_objects(as_mapping(plain, "objects")), None
    confirmed = result.get("confirmed_in")
    return Answer(
        host=to_plain(host),
        rules=rules,
        rows=rows,
        revision=revision_of_text(text),
        changed=bool(result.get("changed")) or as_flag(also_changed, "also_changed"),
        check=as_flag(check, "check"),
        confirmed_in=t.cast("float | None", confirmed),
        observing=not as_flag(enforce, "linux_firewall_enforce"),
        flows=flows,
    ).as_mapping()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"linux_firewall_result": linux_firewall_result}
