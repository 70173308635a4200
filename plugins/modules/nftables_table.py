#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``nftables_table``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: The nftables table inet pexip_sfb, or chains in a table of others, replaced while traffic flows
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes what is ours in the running kernel's nftables what a ruleset says, or takes it out. Ours is the table
    C(inet pexip_sfb). In other tables of the family C(inet), ours are sets and chains whose names begin with
    C(pexip_sfb_), and rules that jump to these. Nothing else is touched.
  - Whether anything has to change is judged against the kernel and not against a file. The wanted ruleset is loaded
    into an empty network namespace first, so nft itself says what it comes to. A ruleset that nft does not take, that
    holds another table, or that joins a chain which the host does not have, fails there, before the host is touched.
  - The rules change in one transaction, and a flow that the rules before and after it permit is never refused. For that
    a set that stays is kept, and a new one is there before the rules that use it.
  - What this module loads is gone after a reboot. The role P(uc_firewall.pexip_sfb.linux_firewall#role) installs a unit
    that loads O(path) again.
  - With O(confirm_timeout) the change is taken back by the host itself unless a new connection works after it.
options:
  ruleset:
    description:
      - The ruleset for C(nft -f), as the filter P(uc_firewall.pexip_sfb.nftables_ruleset#filter) renders it.
      - Required if O(state=present).
    type: str
  path:
    description:
      - A file that is to hold the ruleset, for the next boot, with mode 0640. It is replaced as a whole, after the
        change is confirmed. The content is written next to it beforehand, so that a full disk stops the change.
      - Without it no file is written.
    type: path
  program:
    description:
      - A file that is to hold a program which takes all that is ours out of the kernel and loads the files that it is
        given, without Ansible. Whatever joins O(path) to a table of others at boot needs it. It is replaced together
        with O(path).
      - Without it no such file is written.
    type: path
  older_flows:
    description:
      - For how many seconds (0 to 300) flows of UDP count as possibly older than connection tracking, where nothing of
        ours was in the kernel before. Answers in them pass for that time, so that the kernel learns about them.
        Nothing was refused until then, so nothing is let through that was not before.
      - It has no meaning for a ruleset without the set C(older_flows), such as one that joins a table of others.
    type: int
    default: 0
  state:
    description: Whether the rules are to be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns what is ours as nft lists it, before and after, without counters, and the file.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - uc_firewall.pexip_sfb.confirm
requirements:
  - nft (package nftables); 0.9.8, 1.0.6 and 1.1.3 tested. With 0.9.8 rules cannot join a table of others.
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
  description: Path of the nft program; empty where there is none and the rules are to be absent.
  returned: success
  type: str
  sample: /usr/sbin/nft
python:
  description:
    - Path of the Python that the module runs with. Where that is C(/usr/bin/python3) it is this path, whatever version
      is behind it, so that it can be written into a unit.
  returned: success
  type: str
  sample: /usr/bin/python3
counters:
  description:
    - What our rules have counted, as they were found, those with the same comment together.
    - Loading another ruleset begins again at 0.
  returned: success
  type: list
  elements: dict
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
first:
  description:
    - Whether nothing that is ours was in the kernel before, so that flows are older than its rules. For the answers in
      these, see O(older_flows).
  returned: success, where the rules are to be there
  type: bool
  sample: false
narrowed:
  description:
    - Whether an accepting rule or an element of a set that were there before are not there any more, so that something
      may be refused that was permitted. What is tracked already goes on; M(uc_firewall.pexip_sfb.tracked_flows)
      ends it.
  returned: success, where the rules are to be there
  type: bool
  sample: false
confirmed_in:
  description: Seconds from the change to the new connection that confirmed it.
  returned: when the change was confirmed
  type: float
  sample: 0.8
outcome:
  description: What became of a change that was not confirmed. With V(taken_back) the host is what it was before.
  returned: when the change was not confirmed
  type: str
  sample: taken_back
"""

import inspect
import os
import re
import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.boot_file import BootFile
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import (
    SPEC,
    NotKeptError,
    answer,
    check_timeout,
    make_change,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import TABLE
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

_IN_THE_KERNEL = "nftables in the kernel"
_PYTHON = "/usr/bin/python3"
_OLDER_FLOWS = "older_flows"
_MOST_SECONDS = 300
_DISTURBED = "The kernel does not have what was loaded; is something else changing it right now?"


class RulesetChange:
    """The ruleset that the kernel is to have now, and its file for the next boot."""

    def __init__(self, module: AnsibleModule, rules: OwnedRules) -> None:
        self._module = module
        self._rules = rules
        self._ruleset: str = module.params["ruleset"]
        self._wanted = rules.normalised(self._ruleset)
        self._seconds: int = module.params["older_flows"] if _OLDER_FLOWS in self._wanted.sets() else 0
        self.listing = self._wanted.owned()
        contents = {module.params["path"]: self._ruleset, module.params["program"]: inspect.getsource(owned_rules)}
        self._files = [BootFile(Path(path), content) for path, content in contents.items() if path]

    def holds(self) -> bool:
        """Tell whether the kernel has it."""
        return owned(self._rules.live("-s")) == self.listing

    def diff(self, live: str) -> list[dict[str, str]]:
        """Return what changes, in the kernel and in the file."""
        changes = [_change(_IN_THE_KERNEL, live, self.listing)]
        changes += [_change(str(file.path), file.current(), file.wanted()) for file in self._files]
        return [change for change in changes if change["before"] != change["after"]]

    def stage(self) -> None:
        """Write the file next to its place, where it differs."""
        for file in self._files:
            if file.current() != file.wanted():
                file.stage()

    def make(self) -> None:
        """Give the kernel the ruleset, unless it has it and only the file differs."""
        if self.holds():
            return
        udp = f"add element inet {TABLE} {_OLDER_FLOWS} {{ udp timeout {self._seconds}s }}\n" if self._seconds else ""
        self._rules.replace(self._ruleset, self._wanted, first=udp)
        if not self.holds():
            self._module.fail_json(msg=_DISTURBED)

    def keep(self) -> None:
        """Put the file into its place."""
        try:
            for file in self._files:
                file.settle()
        except OSError as e:
            raise NotKeptError(f"{e.filename}: {e.strerror}") from e

    def forget(self) -> None:
        """Remove what was staged."""
        for file in self._files:
            file.forget()

    def way_back(self, directory: Path) -> str:
        """Write what is ours now into *directory*, for :meth:`PendingChange.arm`."""
        return "".join(file.forgetting() for file in self._files) + self._rules.save(directory)


def _change(what: str, before: str, after: str) -> dict[str, str]:
    # What somebody else wrote into the kernel can be of any encoding, and a result of a module cannot.
    before = before.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def _permits(listing: str) -> set[tuple[str, str]]:
    """Return what our listing permits, by set or chain, and element or rule; not what only counts or drops."""
    found: set[tuple[str, str]] = set()
    for block in re.split(r"^\t(?=set |chain )", listing, flags=re.MULTILINE)[1:]:
        head, _brace, body = block.partition(" {")
        elements = body.partition("elements = {")[2].partition("}")[0].split(",") if head.startswith("set ") else []
        lines = [re.sub(r"priority [^;]+;", "", line) for line in body.splitlines()]
        rules = [line for line in lines if " accept" in line and head.startswith("chain ")]
        found |= {(head, item.strip()) for item in [*elements, *rules]}
    return found


def stable_python() -> str:
    """Return the Python of this module, by the name that it keeps when the host gets a newer one, where it has that."""
    kept = os.path.realpath(_PYTHON) == os.path.realpath(sys.executable)
    return _PYTHON if kept else sys.executable


def _programs(nft: str) -> dict[str, str]:
    return {"nft": nft, "python": stable_python()}


def present(module: AnsibleModule, rules: OwnedRules) -> None:
    """Make the kernel what it should be, or do what the action plugin asks of that change, and leave the module."""
    pending = PendingChange(module, module.params["change_id"])
    if module.params["step"] != "apply":
        pending.hold()
    change = RulesetChange(module, rules)
    if module.params["step"] != "apply":
        answer(module, pending, change, {**_programs(rules.nft.program), "counters": rules.counters()})
    if not module.check_mode:
        pending.take_turn()
        change.forget()  # of a run that died
    live = owned(rules.live("-s"))
    diff = change.diff(live)
    result = {**_programs(rules.nft.program), "changed": bool(diff), "counters": rules.counters(), "diff": diff}
    result["first"] = not live
    result["narrowed"] = bool(_permits(live) - _permits(change.listing))
    if diff and not module.check_mode:
        # Where the file alone differs, nothing can be cut off.
        timeout = 0 if live == change.listing else module.params["confirm_timeout"]
        result.update(make_change(module, pending, change, timeout))
    module.exit_json(**result)


def absent(module: AnsibleModule, rules: OwnedRules) -> None:
    """Take out what is ours and leave the module. That only ever opens, so it needs no confirmation."""
    pending = PendingChange(module, "")
    if not module.check_mode:
        pending.take_turn()
    live = owned(rules.live("-s"))
    found = rules.counters()
    if not module.check_mode:
        if live:
            rules.remove()
        if rules.tables():
            module.fail_json(msg=_DISTURBED)
        pending.forget()
    diff = [_change(_IN_THE_KERNEL, live, "")] if live else []
    module.exit_json(changed=bool(live), counters=found, diff=diff, **_programs(rules.nft.program))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "ruleset": {"type": "str"},
            "path": {"type": "path"},
            "program": {"type": "path"},
            "older_flows": {"type": "int", "default": 0},
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
        module.exit_json(changed=False, counters=[], **_programs(""))
    rules = OwnedRules(Nft(module, nft))
    check_timeout(module)
    if not 0 <= module.params["older_flows"] <= _MOST_SECONDS:
        module.fail_json(msg=f"older_flows: {module.params['older_flows']}; accepted: 0 to {_MOST_SECONDS} seconds")
    if wanted:
        present(module, rules)
    absent(module, rules)


if __name__ == "__main__":
    main()
