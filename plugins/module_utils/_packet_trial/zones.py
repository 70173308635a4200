# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do where firewalld drops a packet because an interface is bound to none of its zones."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.report import Group

_TABLE = "inet firewalld"


class Zones:
    """What firewalld says of its zones. Each answer is a program written in Python, so a question is asked once."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._answers: dict[str, str] = {}

    def advice(self, group: Group) -> str:
        """Name the interfaces in no zone, and what binds them; empty where firewalld does not drop the packets."""
        program = self._module.get_bin_path("firewall-cmd") if group.table == _TABLE else None
        if not program:
            return ""
        unbound = [name for name in group.interfaces if not self._answer(program, f"--get-zone-of-interface={name}")]
        if not unbound:
            return ""
        zone = self._answer(program, "--get-default-zone") or "ZONE"
        bind = " and ".join(f"firewall-cmd --permanent --zone={zone} --add-interface={name}" for name in unbound)
        one = len(unbound) == 1
        return (
            f"{' and '.join(unbound)} {'is' if one else 'are'} in no zone of firewalld, so what passes through "
            f"{'it' if one else 'them'} may reach none of its forward policies. To bind {'it' if one else 'them'}, run "
            f"{bind}, and the same again without --permanent"
        )

    def _answer(self, program: str, question: str) -> str:
        """Return what it says; empty where there is none, such as the zone of an interface in none."""
        if question not in self._answers:
            rc, out, _err = self._module.run_command([program, question])
            answer = out.strip() if rc == 0 else ""
            self._answers[question] = "" if answer == "no zone" else answer
        return self._answers[question]
