# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``windows_firewall_changes``, which the module of that name documents."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.answer import answer
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.changes import read_state
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.comparison import Comparison, compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._windows.preflight import MANAGEMENT_PORT

Result = dict[str, t.Any]

_READ = "uc_firewall.pexip_sfb.win_firewall_state"


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Reads the host through the module ``win_firewall_state``, and compares on the controller."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task; the result is what differs, or why it may not be written."""
        result: Result = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            argument_spec={
                "rules": {"type": "list", "elements": "dict"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "management_ports": {"type": "list", "elements": "int", "default": [22, 5985, 5986]},
                "fail_on_preflight": {"type": "bool", "default": True},
                "written": {"type": "bool", "default": False},
            }
        )
        if given["rules"] is None and given["state"] == "present":
            raise AnsibleActionFail(
                "rules: there are none, so what renders them was skipped, perhaps by a tag; accepted: what the filter "
                "windows_rules returns"
            )
        read = self._execute_module(module_name=_READ, module_args={}, task_vars=task_vars)
        if read.get("failed"):
            return {**result, **read}
        wanted = to_plain(given["rules"]) if given["state"] == "present" else []
        try:
            found = compare(wanted, read_state(to_plain(read)), given["management_ports"])
        except PortMatrixError as e:
            raise AnsibleActionFail(str(e)) from e
        if given["written"]:
            return {**result, **_confirmed(found)}
        host = str((task_vars or {}).get("inventory_hostname"))
        return {**result, **self._found(host, wanted, found, given), **_warnings(read, found.block_warnings(host))}

    def _found(self, host: str, wanted: list[t.Any], found: Comparison, given: Result) -> Result:
        absent = given["state"] == "absent"
        if absent:
            # Nothing is wanted that could be void. Ansible's own way in can be among what goes.
            found = replace(found, findings=tuple(one for one in found.findings if one.check == MANAGEMENT_PORT))
        refusal = found.refusal(given["fail_on_preflight"])
        if refusal:
            return _failure(refusal)
        differs = bool(found.changes.calls)
        told = answer(host, wanted, differs=differs, absent=absent, check=bool(self._task.check_mode))
        # A role says the notes of many hosts together.
        notes = [f"{host}: {note}" for note in found.changes.notes]
        # Names come from the managed host: no template in them may ever be run here.
        return t.cast("Result", wrap_var({**found.as_mapping(), "notes": notes, **told}))


def _warnings(read: Result, of_blocks: list[str]) -> Result:
    said = [*read.get("warnings", []), *of_blocks]
    return {"warnings": said} if said else {}


def _confirmed(found: Comparison) -> Result:
    left = [str(call["name"]) for call in found.changes.calls]
    first = "The rules were written, and the host shows others. Is something else changing them right now?"
    return _failure([first, *left]) if left else {"changed": False}


def _failure(lines: list[str]) -> Result:
    """Return the result of a task that fails, with each of *lines* on one of its own."""
    return {"failed": True, "changed": False, "msg": lines, "_ansible_verbose_always": True}
