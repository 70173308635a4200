# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``evaluate``, which the module of that name documents."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.problems import failure, problems_of

Result = dict[str, t.Any]

# What the filters import when they are loaded. Ansible loads an action before it starts a process for each host, and
# all filters in each of these, which would load all of it again.
_OF_FILTERS = """
    _firewalld.objects _glue.filters _glue.inventory_files _glue.warnings _matrix.expand _matrix.inventory
    _matrix.rows_off _matrix.site _nftables.connection _nftables.joined _nftables.sample_packets
    _observed.documents _observed.linux_host _observed.observation _observed.prometheus
    _observed.proposed_file _observed.table _observed.variables _probes.junit _probes.plan _probes.results
    _probes.table _query.question _rules.answer _windows.changes _windows.comparison
    _windows.preflight _windows.rules
"""
for _name in _OF_FILTERS.split():
    importlib.import_module(f"ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils.{_name}")


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
                "validate_role": {"type": "bool", "default": False},
            }
        )
        variables = task_vars or {}
        if wanted["variable"] not in variables:
            raise AnsibleActionFail(f"variable: there is no variable {wanted['variable']}; accepted: the name of one")
        wrong = self._wrong_arguments(variables) if wanted["validate_role"] else []
        if wrong:
            return {**result, **failure(wrong)}
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

    def _wrong_arguments(self, variables: Result) -> list[str]:
        """Return what Ansible has to say of the arguments of the role, which would be a task of its own."""
        path = Path(self._task._role._role_path) / "meta/argument_specs.yml"
        # Ansible has read it, and would copy all of it for each host: "unsafe" is what it calls to take it as it is.
        spec = self._loader.load_from_file(str(path), unsafe=True)["argument_specs"]["main"]["options"]
        given = self._templar.template({name: variables[name] for name in spec if name in variables})
        found = ArgumentSpecValidator(spec).validate(given, validate_role_argument_spec=True)
        return [str(message) for message in found.error_messages]
