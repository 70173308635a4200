#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``nftables_table``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: One nftables table, replaced while traffic flows
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes one table of the running kernel's nftables what a ruleset says, or removes it. No other table is touched.
  - Whether anything has to change is judged against the kernel's live table and not against a file. The wanted ruleset
    is loaded into an empty network namespace first, so nft itself says what it comes to. A ruleset that nft does not
    take, or that holds another table, fails there, before the host is touched.
  - The rules change in one transaction, and a flow that the rules before and after it permit is never refused. For that
    a set that stays is kept, and a new one is there before the rules that use it.
  - What this module loads is gone after a reboot. The role P(uc_firewall.pexip_sfb.linux_firewall#role) installs a unit
    that loads O(path) again.
  - With O(confirm_timeout) the change is taken back by the host itself unless a new connection works after it.
options:
  family:
    description: Family of the table.
    type: str
    default: inet
  table:
    description: Name of the table.
    type: str
    default: pexip_sfb
  ruleset:
    description:
      - The ruleset for C(nft -f). It must replace the table whether or not that exists, as the filter
        P(uc_firewall.pexip_sfb.nftables_ruleset#filter) renders it.
      - Required if O(state=present).
    type: str
  path:
    description:
      - A file that is to hold the ruleset, for the next boot, with mode 0640. It is replaced as a whole, after the
        change is confirmed. The content is written beside it beforehand, so that a full disk stops the change.
      - Without it no file is written.
    type: path
  state:
    description: Whether the table is to be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Can run in check mode and return changed status without modifying the target.
    support: full
  diff_mode:
    description: Returns the table as nft lists it, before and after, without counters, and the file.
    support: full
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.confirm
requirements:
  - nft (package nftables), 1.0.6 or later tested
  - unshare (package util-linux), and root
  - systemd, with O(confirm_timeout)
"""

EXAMPLES = r"""
- name: Put the table into the kernel
  uc_firewall.pexip_sfb.nftables_table:
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"

- name: Put it into the kernel, and have the host take it back unless SSH and the monitoring still work
  uc_firewall.pexip_sfb.nftables_table:
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"
    path: /etc/pexip_sfb/ruleset.nft
    confirm_timeout: 90
    confirm_checks: [{host: 192.0.2.9, port: 443, from: target}]

- name: Take it out again
  uc_firewall.pexip_sfb.nftables_table:
    state: absent
"""

RETURN = r"""
nft:
  description: Path of the nft program; empty where there is none and the table is to be absent.
  returned: success
  type: str
  sample: /usr/sbin/nft
counters:
  description:
    - What the rules of the table have counted, as it was found, those with the same comment together.
    - Loading another ruleset begins again at 0.
  returned: success
  type: list
  elements: dict
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
outcome:
  description: What became of a change that was not confirmed. With V(taken_back) the host is what it was before.
  returned: when the change was not confirmed
  type: str
  sample: taken_back
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._boot_file import BootFile
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm_steps import (
    SPEC,
    answer,
    check_timeout,
    make_change,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import Nft, Table
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._pending_change import PendingChange

_DISTURBED = "The kernel's table is not what was loaded; is something else changing it right now?"


class RulesetChange:
    """The ruleset that the kernel is to have now, and its file for the next boot."""

    def __init__(self, module: AnsibleModule, table: Table) -> None:
        self._module = module
        self._table = table
        self._ruleset: str = module.params["ruleset"]
        self.listing = table.normalised(self._ruleset)
        path = module.params["path"]
        self._files = [BootFile(Path(path), self._ruleset)] if path else []

    def holds(self) -> bool:
        """Tell whether the kernel has it."""
        return self._table.live() == self.listing

    def diff(self, live: str) -> list[dict[str, str]]:
        """Return what changes, in the kernel and in the file."""
        changes = [_change(f"{self._table.title} in the kernel", live, self.listing)]
        changes += [_change(str(file.path), file.current(), file.wanted()) for file in self._files]
        return [change for change in changes if change["before"] != change["after"]]

    def stage(self) -> None:
        """Write the file beside its place, where it differs."""
        for file in self._files:
            file.forget()
            if file.current() != file.wanted():
                file.stage()

    def make(self) -> None:
        """Give the kernel the ruleset, unless it has it and only the file differs."""
        if self.holds():
            return
        self._table.load(self._ruleset, self.listing)
        if not self.holds():
            self._module.fail_json(msg=_DISTURBED)

    def keep(self) -> None:
        """Put the file into its place."""
        for file in self._files:
            file.settle()

    def forget(self) -> None:
        """Remove what was staged."""
        for file in self._files:
            file.forget()

    def way_back(self, directory: Path) -> str:
        """Write what the table is now into *directory*, for :meth:`PendingChange.arm`."""
        (directory / "before.nft").write_text(self._table.way_back(), encoding="utf-8")
        return f"exec {self._table.nft.program} -f taken_back/before.nft\n"


def _change(what: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def present(module: AnsibleModule, table: Table) -> None:
    """Make the table what it should be, or do what the action plugin asks of that change, and leave the module."""
    pending = PendingChange(module, module.params["change_id"])
    change = RulesetChange(module, table)
    if module.params["step"] != "apply":
        answer(module, pending, change)
    if not module.check_mode:
        pending.take_turn()
    live = table.live()
    diff = change.diff(live)
    found = table.counters() if live else []
    result = {"changed": bool(diff), "nft": table.nft.program, "counters": found, "diff": diff}
    if diff and not module.check_mode:
        # Where the file alone differs, nothing can be cut off.
        timeout = 0 if live == change.listing else module.params["confirm_timeout"]
        result.update(make_change(module, pending, change, timeout))
    module.exit_json(**result)


def absent(module: AnsibleModule, table: Table) -> None:
    """Remove the table and leave the module. That only ever opens, so it needs no confirmation."""
    live = table.live()
    found = table.counters() if live else []
    if not module.check_mode:
        pending = PendingChange(module, "")
        pending.take_turn()
        if live:
            table.remove()
        if table.live():
            module.fail_json(msg=_DISTURBED)
        pending.forget()
    diff = [_change(f"{table.title} in the kernel", live, "")] if live else []
    module.exit_json(changed=bool(live), nft=table.nft.program, counters=found, diff=diff)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "family": {"type": "str", "default": "inet"},
            "table": {"type": "str", "default": "pexip_sfb"},
            "ruleset": {"type": "str"},
            "path": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **SPEC,
        },
        required_if=[("state", "present", ["ruleset"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    wanted = module.params["state"] == "present"
    nft = module.get_bin_path("nft")
    if not nft:
        if wanted:
            module.fail_json(msg="nft was not found on this host: install the package nftables")
        module.exit_json(changed=False, nft="", counters=[])
    table = Table(Nft(module, nft), module.params["family"], module.params["table"])
    check_timeout(module)
    if wanted:
        present(module, table)
    absent(module, table)


if __name__ == "__main__":
    main()
