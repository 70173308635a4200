# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``evaluate``, which the module of that name documents."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.problems import failure, problems_of

Result = dict[str, t.Any]


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Works out a variable itself: before a task runs, Ansible wraps what a filter says in words of its own."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task."""
        result: Result = super().run(tmp, task_vars)
        _validation, wanted = self.validate_argument_spec(
            argument_spec={
                "variable": {"type": "str", "required": True},
                "problems": {"type": "list", "elements": "str", "default": []},
            }
        )
        variables = task_vars or {}
        if wanted["variable"] not in variables:
            raise AnsibleActionFail(f"variable: there is no variable {wanted['variable']}; accepted: the name of one")
        try:
            value = self._templar.template(variables[wanted["variable"]])
        except AnsibleError as e:
            problems = problems_of(e)
            if not problems:
                raise
            return {**result, **failure(problems)}
        if wanted["problems"]:
            return {**result, **failure(wanted["problems"])}
        return {**result, "changed": False, "value": value}
