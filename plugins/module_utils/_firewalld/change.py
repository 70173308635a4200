# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of our objects in firewalld, that can be confirmed or taken back.

Until it is confirmed, the runtime has the new objects and the permanent configuration the old ones. So a reboot, a
restart and a reload of firewalld all go back.
"""

from __future__ import annotations

import inspect
import json
import shlex
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import NotKeptError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import reload
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import Firewalld, FirewalldError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import (
    CONTENT,
    Objects,
    difference,
    make_plan,
)


class ObjectsChange:
    """What brings firewalld to the *wanted* objects. The host's objects are read when this is made."""

    def __init__(self, module: AnsibleModule, firewalld: Firewalld, wanted: Objects) -> None:
        self._module = module
        self._firewalld = firewalld
        self._wanted = wanted
        self._permanent, self._runtime = firewalld.permanent(), firewalld.runtime()
        self.plan = make_plan(wanted, self._permanent, self._runtime)
        self.reads = 1

    def diff(self) -> dict[str, t.Any]:
        """Return what is added and what is removed."""
        changes = difference(self._wanted, self._permanent, self._runtime)
        return {
            "before": {where: {"removed": lines["removed"]} for where, lines in changes.items()},
            "after": {where: {"added": lines["added"]} for where, lines in changes.items()},
        }

    def narrowed(self) -> bool:
        """Tell whether a rule or an entry goes from the runtime."""
        lines = self.diff()["before"].get("runtime", {"removed": []})["removed"]
        return any(f" {member}: " in line for line in lines for member in CONTENT.values())

    def stage(self) -> None:
        """Have firewalld check the permanent configuration as it is going to be; fail where it is not sound."""
        program = self._module.get_bin_path("firewall-offline-cmd")
        if not program:
            self._module.fail_json(
                msg="firewall-offline-cmd was not found on this host: it checks the configuration beforehand"
            )
        with tempfile.TemporaryDirectory(dir=self._module.tmpdir) as parent:
            staged = Path(parent) / "firewalld"
            self._firewalld.stage(staged, self.plan, self._wanted)
            rc, out, err = self._module.run_command([program, "--check-config", "--system-config", str(staged)])
        if rc:
            self._module.fail_json(
                msg=f"Nothing was changed: firewalld does not take the configuration: {(err or out).strip()}"
            )

    def way_back(self, directory: Path) -> str:
        """Save our permanent objects, and the program that reloads them."""
        reload.save(directory, self._firewalld.prefix)
        (directory / "reload.py").write_text(inspect.getsource(reload), encoding="utf-8")
        return f"exec {shlex.join([sys.executable, 'taken_back/reload.py', 'taken_back', self._firewalld.prefix])}\n"

    def make(self) -> None:
        """Change the runtime. What takes a reload is in the permanent configuration for as long as that lasts."""
        if self.plan.reload:
            before = self._firewalld.raw_permanent()
            self._firewalld.write_permanent(self.plan, self._wanted)
            try:
                given_back = self._firewalld.reload()
            finally:
                self._firewalld.restore_permanent(before)
            if given_back:
                self._module.warn(
                    "firewalld has reloaded, and what it had in its runtime only was given back. What was there for a "
                    f"time (--timeout) that ended meanwhile is open for good where there is no {reload.LOG}. Look at: "
                    + "; ".join(given_back)
                )
        else:
            self._firewalld.change_runtime(self.plan, self._wanted)
        self.reads += 1
        self._check(self._wanted, self._firewalld.runtime())

    def holds(self) -> bool:
        """Tell whether the runtime was what is wanted when it was read."""
        return not self.plan.runtime

    def keep(self) -> None:
        """Write the permanent configuration, all of it or nothing."""
        refusals = self._firewalld.refusals
        try:
            before = self._firewalld.raw_permanent()
        except refusals as e:
            raise NotKeptError(str(e)) from e
        try:
            self._firewalld.write_permanent(self.plan, self._wanted)
            self._check(self._firewalld.permanent(), self._wanted)
        except refusals as e:
            try:
                self._firewalld.restore_permanent(before)
            except refusals as again:
                left = "the permanent configuration has a part of it; run this again"
                raise NotKeptError(f"{e}; undoing that failed, too: {again}", left) from e
            raise NotKeptError(str(e)) from e

    def forget(self) -> None:
        """Do nothing: what was staged was only checked."""

    def _check(self, permanent: Objects, runtime: Objects) -> None:
        plan = make_plan(self._wanted, permanent, runtime)
        if plan.changed:
            left = json.dumps(difference(self._wanted, permanent, runtime))
            raise FirewalldError(
                f"firewalld does not have what was written; is something else changing it right now? {left[:2000]}"
            )
