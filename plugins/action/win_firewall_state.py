# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module ``win_firewall_state``, which documents both."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import as_list, as_mapping
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import read_state
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.preflight import find_blocks

Result = dict[str, t.Any]

_MOST_WARNINGS = 5


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Runs the module, and warns of rules that block what the wanted ones allow. Those are not sent to the host."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task; the result is that of the module, and what stands against the wanted rules."""
        result: Result = super().run(tmp, task_vars)
        arguments = {name: value for name, value in self._task.args.items() if name != "wanted"}
        result |= self._execute_module(module_args=arguments, task_vars=task_vars)
        if result.get("failed") or result.get("unreachable"):
            return result
        try:
            given = as_list(to_plain(self._task.args.get("wanted") or []), "wanted")
            wanted = [dict(as_mapping(rule, "wanted")) for rule in given]
            blocks = find_blocks(wanted, read_state(to_plain(result)))
        except PortMatrixError as e:
            raise AnsibleActionFail(str(e)) from e
        host = (task_vars or {}).get("inventory_hostname")
        warnings = [f"{host}: {block.message()}" for block in blocks[:_MOST_WARNINGS]]
        if len(blocks) > _MOST_WARNINGS:
            left = len(blocks) - _MOST_WARNINGS
            warnings.append(f"{host}: rules of others that block what rules of ours allow, or may: {left} more")
        if warnings:
            result["warnings"] = [*result.get("warnings", []), *warnings]
        return {**result, "blocks": [block.as_mapping() for block in blocks]}
