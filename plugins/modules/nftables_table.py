#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``nftables_table``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: One nftables table, replaced in one transaction
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes one table of the running kernel's nftables what a ruleset says, or removes it. No other table is touched.
  - Whether anything has to change is judged against the kernel's live table and not against a file. The wanted ruleset
    is loaded into an empty network namespace first, so nft itself says what it comes to. A ruleset that nft does not
    take, or that holds another table, fails there, before the host is touched.
  - What this module loads is gone after a reboot. The role P(uc_firewall.pexip_sfb.linux_firewall#role) makes it stay.
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
    description: Returns the table as nft lists it, before and after, without counters.
    support: full
requirements:
  - nft (package nftables), 1.0.6 or later tested
  - unshare (package util-linux), and root
"""

EXAMPLES = r"""
- name: Put the table into the kernel
  uc_firewall.pexip_sfb.nftables_table:
    ruleset: "{{ port_matrix_site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname) }}"

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
"""

import re

from ansible.module_utils.basic import AnsibleModule

# Loads a ruleset from standard input into a new network namespace and shows what it came to.
_IN_SCRATCH_NAMESPACE = ("--net", "--", "/bin/sh", "-c", '"$1" -f - && "$1" -s list ruleset', "sh")


class NftablesTable:
    """One table of the kernel, read and written through nft."""

    def __init__(self, module: AnsibleModule, nft: str) -> None:
        self._module = module
        self._nft = nft
        self._family: str = module.params["family"]
        self._table: str = module.params["table"]

    def live(self) -> str:
        """Return the kernel's table as nft lists it, without counters; empty where there is none."""
        # Listing all tables, not this one, tells a missing table from a failing nft without reading error texts.
        if self._title() not in self._run("list", "tables").splitlines():
            return ""
        return self._run("-s", "list", "table", self._family, self._table)

    def normalised(self, ruleset: str) -> str:
        """Return what the kernel would show after *ruleset* was loaded. Fails the module where it would not load."""
        unshare = self._module.get_bin_path("unshare")
        if not unshare:
            self._module.fail_json(msg="unshare was not found on this host: install the package util-linux")
        rc, out, err = self._module.run_command([unshare, *_IN_SCRATCH_NAMESPACE, self._nft], data=ruleset)
        if rc:
            self._module.fail_json(
                msg=f"The ruleset was not applied: nft did not take it in a scratch network namespace: {err.strip()}"
            )
        tables = [line.split("{")[0].strip() for line in out.splitlines() if line.startswith("table ")]
        if tables != [self._title()]:
            self._module.fail_json(
                msg=f"The ruleset was not applied: it holds {tables}; accepted: only {self._title()}"
            )
        return str(out)

    def replace(self, ruleset: str) -> None:
        """Load *ruleset* in one transaction."""
        self._run("-f", "-", data=ruleset)

    def remove(self) -> None:
        """Remove the table."""
        self._run("delete", "table", self._family, self._table)

    def _title(self) -> str:
        return f"table {self._family} {self._table}"

    def _run(self, *arguments: str, data: str | None = None) -> str:
        rc, out, err = self._module.run_command([self._nft, *arguments], data=data)
        if rc:
            self._module.fail_json(msg=f"nft {' '.join(arguments)} failed: {err.strip()}", rc=rc)
        return str(out)


def run(module: AnsibleModule) -> None:
    """Bring the table to the wanted state and leave the module."""
    for option in ("family", "table"):
        if not re.match(r"[a-z][a-z0-9_]{0,62}\Z", module.params[option]):
            module.fail_json(msg=f"{option}: {module.params[option]!r} is not a plain nftables name")
    present = module.params["state"] == "present"
    nft = module.get_bin_path("nft")
    if not nft:
        if present:
            module.fail_json(msg="nft was not found on this host: install the package nftables")
        module.exit_json(changed=False, nft="")
    table = NftablesTable(module, nft)
    wanted = table.normalised(module.params["ruleset"]) if present else ""
    live = table.live()
    if live != wanted and not module.check_mode:
        if present:
            table.replace(module.params["ruleset"])
        else:
            table.remove()
        if table.live() != wanted:
            module.fail_json(msg="The kernel's table is not what was loaded; is something else changing it right now?")
    module.exit_json(changed=live != wanted, nft=nft, diff={"before": live, "after": wanted})


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "family": {"type": "str", "default": "inet"},
            "table": {"type": "str", "default": "pexip_sfb"},
            "ruleset": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["ruleset"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    run(module)


if __name__ == "__main__":
    main()
