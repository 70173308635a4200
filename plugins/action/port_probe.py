# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module ``port_probe``, which documents both."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.progress import batches

Result = dict[str, t.Any]

_MODULES = {False: "uc_firewall.pexip_sfb.port_probe", True: "uc_firewall.pexip_sfb.win_port_probe"}
_display = Display()


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Runs the module batch by batch, and says before each what is being probed and how much is left.

    Where a batch fails, the answers of those before it are kept.
    """

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Run the task; the result is that of the module for all batches."""
        result: Result = super().run(tmp, task_vars)
        self._vars = task_vars
        probes, batch = self._task.args.get("probes"), self._task.args.get("batch", 40)
        if not probes or not isinstance(probes, list) or not str(batch).isdigit() or int(batch) < 1:
            return {**result, **self._module({})}  # the module says what is wrong
        answers: list[Result] = []
        host = (task_vars or {}).get("inventory_hostname")
        for part, progress in batches(probes, int(batch)):
            _display.display(f"{host}: {progress}")
            try:
                done = self._module({"probes": part})
            except AnsibleConnectionFailure as e:
                done = {"unreachable": True, "msg": str(e)}
            answers += done.get("answers", [])
            if done.get("failed") or done.get("unreachable") or "answers" not in done:
                return {**result, "failed": True, **done, "answers": answers}
        return {**result, "changed": False, "answers": answers}

    def _module(self, arguments: Result) -> Result:
        module = _MODULES[bool(getattr(self._connection._shell, "_IS_WINDOWS", False))]
        return t.cast(
            Result,
            self._execute_module(
                module_name=module, module_args={**self._task.args, **arguments}, task_vars=self._vars
            ),
        )
