# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several modules of this collection in one call to a host, one after the other in one process."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import (
    boot_units,
    firewalld_objects,
    nftables_table,
    observed_flows,
    packet_trial,
    tracked_flows,
)

Result = dict[str, t.Any]


class Kind(t.NamedTuple):
    """What is known of a module: its options, which of them it needs in which state, and what it does."""

    spec: Mapping[str, t.Any]
    required_if: Sequence[t.Any]
    run: Callable[[AnsibleModule], Result]


KINDS = {
    "boot_units": Kind(boot_units.SPEC, (), boot_units.run),
    "firewalld_objects": Kind(firewalld_objects.SPEC, firewalld_objects.REQUIRED_IF, firewalld_objects.run),
    "nftables_table": Kind(nftables_table.SPEC, nftables_table.REQUIRED_IF, nftables_table.run),
    "observed_flows": Kind(observed_flows.SPEC, (), observed_flows.run),
    "packet_trial": Kind(packet_trial.SPEC, (), packet_trial.run),
    "tracked_flows": Kind(tracked_flows.SPEC, (), tracked_flows.run),
}

SPEC: dict[str, t.Any] = {
    "parts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True, "choices": sorted(KINDS)},
            "options": {"type": "dict", "default": {}},
            "check_mode": {"type": "bool", "default": False},
        },
    }
}


class Part:
    """A module within the call: its own options and warnings, and everything else of the *module* that was called.

    *done* are the results of the parts before it.
    """

    def __init__(
        self, module: AnsibleModule, params: Mapping[str, t.Any], check_mode: bool, done: Mapping[str, Result]
    ) -> None:
        self._module = module
        self._done = done
        self.params = params
        self.check_mode = module.check_mode or check_mode
        self.warnings: list[str] = []

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._module, name)

    def warn(self, text: str) -> None:
        """Keep a warning: who asked for the parts decides which of their results counts."""
        self.warnings.append(text)

    def fail_json(self, msg: str, **more: t.Any) -> None:
        """Fail all of it, and say what the parts before have done all the same: it stays."""
        if not self.check_mode:
            if any(done["changed"] for done in self._done.values()):
                more["changed"] = True
            if any(done.get("outcome") == "confirmed" for done in self._done.values()):
                more["outcome"] = "confirmed"
        self._module.fail_json(msg=msg, **more)


def run(module: AnsibleModule) -> Result:
    """Do all parts, up to one whose change is pending, or was not confirmed."""
    results: dict[str, Result] = {}
    parts = [
        (part["name"], Part(module, _params(module, part["name"], part["options"]), part["check_mode"], results))
        for part in module.params["parts"]
    ]
    if any(name == "firewalld_objects" for name, _part in parts):
        firewalld_objects.library_or_respawn()  # that starts all over, so it comes before anything is done
    for name, part in parts:
        done = KINDS[name].run(t.cast("AnsibleModule", part))
        results[name] = {**done, "warnings": part.warnings}
        if "pending" in done or done.get("outcome", "confirmed") != "confirmed":
            break
    return {"changed": any(done["changed"] for done in results.values()), "parts": results}


def _params(module: AnsibleModule, name: str, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    kind = KINDS[name]
    validated = ArgumentSpecValidator(kind.spec, required_if=kind.required_if).validate(options)
    if validated.error_messages:
        module.fail_json(msg=f"{name}: {'; '.join(validated.error_messages)}")
    return dict(validated.validated_parameters)
