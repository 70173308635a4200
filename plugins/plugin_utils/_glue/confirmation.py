# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Confirm or go back, the controller's half: a change counts only when a new connection to the host works.

The module of the same name arms a timer on the host and makes the change. An established connection proves nothing, it
survives a bad ruleset, so the connection is reset before the module is asked to confirm. Where no new connection comes
about, the host takes the change back by itself, and this waits for that to say what happened.
"""

from __future__ import annotations

import time
import typing as t
import uuid
from collections.abc import Mapping

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.checks import CONFIRM_SPEC, silent

Result = dict[str, t.Any]

# How long after the time of the change a host may take to be reachable again: TCP waits longer with each attempt.
_SECONDS_TO_RETURN = 120
_SECONDS_BETWEEN = 1

_display = Display()


class ConfirmedAction(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Runs the module of the action's own name, and confirms what it changed over a new connection."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Run the task; the result is the module's, or says what happened instead of the change."""
        result: Result = super().run(tmp, task_vars)
        self._vars = task_vars or {}
        self._identity = str(uuid.uuid4())
        given = {name: self._task.args[name] for name in CONFIRM_SPEC if name in self._task.args}
        checked = ArgumentSpecValidator(CONFIRM_SPEC).validate(given)
        if checked.error_messages:
            return {**result, "failed": True, "msg": "; ".join(checked.error_messages)}
        self._timeout: int = checked.validated_parameters["confirm_timeout"]
        self._checks: list[Mapping[str, t.Any]] = checked.validated_parameters["confirm_checks"]
        return {**result, **self._change()}

    def _change(self) -> Result:
        """Have the change made, and confirm it where there is time for that."""
        if self._task.check_mode or not self._timeout:
            return self._module("apply")
        return self._apply()

    def _apply(self) -> Result:
        """Make the change and confirm it, where the checks that are to prove it work without it."""
        failing = silent(self._checks, "controller", patient=False)
        if failing:
            return self._unchanged() or _failed(
                "Nothing was changed: a check that is to prove the change fails without it already: no answer from "
                + ", ".join(failing)
            )
        return self._apply_and_confirm()

    def _apply_and_confirm(self) -> Result:
        started = time.monotonic()
        try:
            applied = self._module("apply")
        except AnsibleConnectionFailure:
            # The change itself may have cut the connection.
            return self._confirm({}, started)
        return self._confirm(applied, time.monotonic()) if "pending" in applied else applied

    def _confirm(self, applied: Result, made_at: float) -> Result:
        """Confirm a change over a new connection; *applied* is what the host said of it, empty if that was lost."""
        deadline = made_at + applied.pop("pending", self._timeout)
        answer = self._until(deadline, "confirm") or self._until(deadline + _SECONDS_TO_RETURN, "outcome")
        if answer and answer["outcome"] == "confirmed":
            applied = applied or {**answer.get("about", {}), "changed": True}
            applied["confirmed_in"] = round(time.monotonic() - made_at, 1)
            return {**applied, **_failed(answer["msg"]), "changed": True} if answer.get("failed") else applied
        made = bool(applied)
        return {
            **_failed(self._went_back(answer) + _story(answer, self._timeout, made)),
            "outcome": answer["outcome"] if answer else "unreachable",
        }

    def _went_back(self, answer: Result | None) -> str:
        """Name the host that went back, as the line of the others that were changed names them."""
        back = answer is not None and answer["outcome"] == "taken_back" and not answer.get("error")
        return f"{self._vars.get('inventory_hostname')}: went back: " if back else ""

    def _unchanged(self) -> Result | None:
        """Return the module's result where it fails or has nothing to change, so that no check matters; else None."""
        self._task.check_mode = True
        try:
            looked = self._module("apply")
        finally:
            self._task.check_mode = False
        return None if looked.get("changed") else looked

    def _until(self, deadline: float, step: str) -> Result | None:
        """Try *step* over new connections until the change is decided; None where *deadline* is over before that."""
        while True:
            try:
                self._connection.reset()
                answer = self._step(step)
                if answer.get("outcome", "pending") != "pending":
                    return answer
                trouble = answer.get("msg", "the change is still pending")
            except AnsibleError as e:
                trouble = str(e)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            host = self._vars.get("inventory_hostname")
            _display.display(f"{host}: not confirmed yet, {round(left)} s left: {' '.join(trouble.split())[:200]}")
            time.sleep(_SECONDS_BETWEEN)

    def _step(self, step: str) -> Result:
        failing = silent(self._checks, "controller", patient=True) if step == "confirm" else []
        if not failing:
            return self._module(step)
        return {**self._module("take_back"), "reason": f"there was no answer from {', '.join(failing)}"}

    def _module(self, step: str) -> Result:
        return self._call(self._task.action, {**self._task.args, **self._of_step(step)})

    def _of_step(self, step: str) -> Result:
        """Return the options that tell a module which step of which change it is to take."""
        return {"step": step, "change_id": self._identity, "over_ssh": self._connection.transport == "ssh"}

    def _call(self, module: str, arguments: Result) -> Result:
        return t.cast(Result, self._execute_module(module_name=module, module_args=arguments, task_vars=self._vars))


def _failed(text: str) -> Result:
    return {"failed": True, "changed": False, "msg": text}


def _story(answer: Result | None, timeout: int, made: bool) -> str:
    """Say what became of a change that was not confirmed; *made* is whether the host said that it was made."""
    if answer is None:
        what = "The change was made" if made else "The connection broke, so whether the change was made is not known"
        return (
            f"{what}, and no new connection to the host worked afterwards. The host was to take it back by "
            f"itself after {timeout} s, and it still cannot be reached: look at it from its console."
        )
    if answer["outcome"] == "unknown":
        return (
            "The host knows nothing of the change: the connection broke before it was made, or the host was rebooted "
            "since. It has what was confirmed last."
        )
    if answer.get("error"):
        return f"The change was not confirmed, and taking it back failed: {answer['error']}"
    why = answer.get("reason") or f"no new connection to the host worked within {timeout} s"
    return (
        f"The change was made and taken back again, because {why}. "
        "The host's firewall is what it was before this task, in the kernel and for the next boot."
    )
