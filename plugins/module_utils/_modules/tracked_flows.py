# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``tracked_flows`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._flows.judgement import (
    Judged,
    addresses,
    judge_flows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._flows.tracked import FAMILIES, Flow, read_flows
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import read_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import read_ruleset

SPEC: dict[str, t.Any] = {"table": {"type": "str", "default": "inet pexip_sfb"}}

_MOST_EXAMPLES = 20
_MOST_IN_DIFF = 100
_PACKAGE = "conntrack (elsewhere conntrack-tools)"


class Host:
    """The host with the program that knows its flows."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._program = module.get_bin_path("conntrack", opt_dirs=["/usr/sbin", "/sbin"])
        if not self._program:
            module.fail_json(msg=f"conntrack was not found on this host: install the package {_PACKAGE}")

    def judged(self) -> Judged:
        """Judge the flows that the kernel tracks now."""
        flows = self._flows()
        try:
            return judge_flows(flows, self._module.params["table"], read_ruleset(), read_host(addresses(flows)))
        except OSError as e:
            self._module.fail_json(msg=f"Which flows nothing permits cannot be told: {e.strerror or e}")
            raise

    def end(self, flow: Flow) -> bool:
        """Have the kernel forget *flow*; False where it has ended by itself."""
        rc, _out, err = self._conntrack("-D", *flow.arguments())
        if rc and " 0 flow entries" not in err:
            self._module.fail_json(msg=f"{flow} could not be ended: {err.strip()}")
        return rc == 0

    def _flows(self) -> list[Flow]:
        found: list[Flow] = []
        for family in FAMILIES:
            # A helper of the kernel expected these, and the flow that they belong to is what permits them.
            expected = set(read_flows(family, self._listing("-f", family, "-u", "EXPECTED")))
            found += [flow for flow in read_flows(family, self._listing("-f", family)) if flow not in expected]
        return found

    def _listing(self, *arguments: str) -> str:
        rc, out, err = self._conntrack("-L", *arguments)
        if rc:
            self._module.fail_json(msg=f"The tracked flows could not be listed: {err.strip()}")
        return out

    def _conntrack(self, *arguments: str) -> tuple[int, str, str]:
        rc, out, err = self._module.run_command([self._program, *arguments])
        return int(rc), str(out), str(err)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    host = Host(module)
    judged = host.judged()
    ended = judged.refused if module.check_mode else [flow for flow in judged.refused if host.end(flow)]
    before = "".join(f"{flow}\n" for flow in ended[:_MOST_IN_DIFF])
    return {
        "changed": bool(ended),
        "ended": len(ended),
        "one_way": len(judged.one_way),
        "examples": [str(flow) for flow in ended[:_MOST_EXAMPLES]],
        "diff": {"before_header": "tracked flows", "after_header": "tracked flows", "before": before, "after": ""},
    }
