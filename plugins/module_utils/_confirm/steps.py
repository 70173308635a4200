# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a change that has to be confirmed, as the action plugin asks a module for them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.checks import CONFIRM_SPEC, silent
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange

SPEC: dict[str, t.Any] = {
    **CONFIRM_SPEC,
    "step": {"type": "str", "choices": ["look", "apply", "confirm", "take_back", "outcome"], "default": "apply"},
    "change_id": {"type": "str", "default": ""},
    # Somebody who is on the host over SSH and runs Ansible there has one connection only.
    "over_ssh": {"type": "bool", "default": False},
}

# Steps that come before there is a change. To look is to take turns with others, and to change nothing of the rules: in
# check mode nobody waits, and what a dead run left stays.
BEFORE = ("look", "apply")

_TIMEOUT = range(10, 3601)


def check_timeout(module: AnsibleModule) -> None:
    """Fail the module where the time for the confirmation is none that a new connection could be made in."""
    timeout = module.params["confirm_timeout"]
    if timeout and timeout not in _TIMEOUT:
        module.fail_json(msg=f"confirm_timeout: {timeout}; accepted: 0, or {_TIMEOUT[0]} to {_TIMEOUT[-1]} seconds")


class NotKeptError(Exception):
    """A change is in force and confirmed, and could not be made to last.

    :param why: what was in the way.
    :param left: what the next boot brings.
    """

    def __init__(self, why: str, left: str = "the next boot brings what was there before") -> None:
        super().__init__(f"{why}. {left[0].upper()}{left[1:]}.")


class Change(t.Protocol):
    """A change of the host, as a module knows it."""

    def way_back(self, directory: Path) -> str:
        """Do what :meth:`PendingChange.arm` wants of its parameter of this name."""

    def stage(self) -> None:
        """Prepare what is to last. It may raise OSError."""

    def make(self) -> None:
        """Make the change. Where this fails the module, the change is taken back."""

    def holds(self) -> bool:
        """Tell whether the host has what the change made."""

    def keep(self) -> None:
        """Make what was staged last, or raise :class:`NotKeptError`."""

    def forget(self) -> None:
        """Remove what was staged."""


def make_change(module: AnsibleModule, pending: PendingChange, change: Change, timeout: int) -> dict[str, float]:
    """Make a change that the host takes back after *timeout* seconds; with 0, make it for good.

    Returns what the action plugin has to know besides the module's own result.
    """
    failing = silent(module.params["confirm_checks"], "target", patient=False) if timeout else []
    if failing:
        module.fail_json(
            msg="Nothing was changed: a check that is to prove the change fails without it already: no answer from "
            + ", ".join(failing)
        )
    try:
        change.stage()
        if timeout:
            pending.arm(timeout, change.way_back)
    except OSError as e:
        change.forget()
        # A write that fails does not say where.
        module.fail_json(msg=f"Nothing was changed: {e.filename or 'a file'} could not be written: {e.strerror or e}")
    except BaseException:
        change.forget()
        raise
    try:
        change.make()
    except BaseException:
        pending.take_back()
        change.forget()
        raise
    if timeout and pending.outcome() != "pending":
        # The host went back while the change was being made, and may have part of it again since.
        pending.take_back()
        change.forget()
        text = f"The change took longer than confirm_timeout, {timeout} s, and was taken back. {pending.error()}"
        module.fail_json(msg=text.strip(), outcome=pending.outcome())
    if timeout:
        return {"pending": pending.seconds_left()}
    _keep(module, change)
    return {}


def answer(
    module: AnsibleModule, pending: PendingChange, change: Change, about: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Do the step that is not ``apply``, and return what became of the change.

    Nobody else may change the host meanwhile: see :meth:`PendingChange.hold`, which comes before *change* is read.

    :param about: what the module returns of the host, for an action plugin that has lost the answer to ``apply``.
    """
    reason = ""
    if module.params["step"] == "confirm":
        # Ansible only warns where it cannot close a connection, and uses it on.
        if module.params["over_ssh"] and pending.is_asked_over_old_connection():
            return {
                "changed": False,
                "outcome": "pending",
                "msg": "the confirmation came over the connection that was there before",
            }
        reason = _objection(module, change) if pending.outcome() == "pending" else ""
        # Once confirmed it is to last, also where an earlier confirmation did not get that far.
        if not reason and (pending.confirm() or (pending.outcome() == "confirmed" and change.holds())):
            _keep(module, change)
    # Only ours: the timer of a change that another run has made since has the same name.
    if (reason or module.params["step"] == "take_back") and pending.outcome() == "pending":
        pending.take_back()
    outcome = pending.outcome()
    if outcome == "taken_back":
        change.forget()
    return {"changed": False, "outcome": outcome, "reason": reason, "error": pending.error(), "about": about}


def _keep(module: AnsibleModule, change: Change) -> None:
    try:
        change.keep()
    except NotKeptError as e:
        module.fail_json(msg=f"The change is in force, and could not be made to last: {e}", outcome="confirmed")


def _objection(module: AnsibleModule, change: Change) -> str:
    failing = silent(module.params["confirm_checks"], "target", patient=True)
    if failing:
        return f"there was no answer from {', '.join(failing)}"
    return "" if change.holds() else "something else changed the host's firewall before the change was confirmed"
