# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``linux_firewall_backend``, which the module of that name documents."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.backend import (
    Wish,
    chosen,
    objections,
)

Result = dict[str, t.Any]

_INFO = "linux_firewall_info"
_SPEC: Result = {
    "backend": {"type": "str", "choices": ["auto", "nftables", "firewalld"], "default": "auto"},
    "observe_only": {"type": "bool", "default": False},
    "end_flows": {"type": "bool", "default": False},
    "join": {"type": "dict", "default": {}},
    "management": {"type": "list", "elements": "raw", "default": []},
}


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Asks the host by the module ``linux_firewall_info``.

    It is a part of the module that the next task calls, so that Ansible builds one module for both and not two.
    """

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task."""
        result: Result = super().run(tmp, task_vars)
        _validation, wanted = self.validate_argument_spec(argument_spec=_SPEC)
        asked: Result = self._execute_module(
            module_name="uc_firewall.pexip_sfb.in_one_call",
            module_args={"parts": [{"name": _INFO}]},
            task_vars=task_vars,
        )
        if asked.get("failed") or asked.get("unreachable"):
            return {**result, **asked}
        host: Result = asked["parts"][_INFO]
        del host["warnings"]  # it has none
        wish = Wish(
            wanted["backend"],
            wanted["observe_only"],
            wanted["end_flows"],
            bool(wanted["management"]),
            wanted["join"],
            self._connection.transport,
        )
        against = objections(host, wish)
        if against:
            raise AnsibleActionFail(" ".join(against))
        return {**result, **host, "changed": False, "backend": chosen(host, wish)}
