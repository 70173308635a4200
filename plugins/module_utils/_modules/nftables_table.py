# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``nftables_table`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import contextlib
import inspect
import re
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.boot_file import BootFile
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import (
    BEFORE,
    NotKeptError,
    answer,
    check_timeout,
    make_change,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import SPEC as CONFIRMED
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.interpreter import stable_python
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import TABLE
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

_IN_THE_KERNEL = "nftables in the kernel"
_OLDER_FLOWS = "older_flows"
_MOST_SECONDS = 300
SPEC: dict[str, t.Any] = {
    "ruleset": {"type": "str"},
    "path": {"type": "path"},
    "program": {"type": "path"},
    "older_flows": {"type": "int", "default": 0},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **CONFIRMED,
}
REQUIRED_IF = [("state", "present", ["ruleset"])]

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
        live = self._rules.live("-s")
        if owned(live) == self.listing:
            return
        udp = f"add element inet {TABLE} {_OLDER_FLOWS} {{ udp timeout {self._seconds}s }}\n" if self._seconds else ""
        self._rules.replace(self._ruleset, self._wanted, live, first=udp)
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


def _programs(nft: str) -> dict[str, str]:
    return {"nft": nft, "python": stable_python()}


def present(module: AnsibleModule, rules: OwnedRules, pending: PendingChange) -> dict[str, t.Any]:
    """Make the kernel what it should be, or do what the action plugin asks of that change."""
    if module.params["step"] not in BEFORE:
        pending.hold()
    change = RulesetChange(module, rules)
    if module.params["step"] not in BEFORE:
        return answer(module, pending, change, {**_programs(rules.nft.program), "counters": rules.counters()})
    if not module.check_mode:
        pending.take_turn()
        change.forget()  # of a run that died
    outline = rules.outline()
    live, counters = owned(rules.live("-s", outline=outline)), rules.counters(outline)
    diff = change.diff(live)
    result = {**_programs(rules.nft.program), "changed": bool(diff), "counters": counters, "diff": diff}
    result["first"] = not live
    result["narrowed"] = bool(_permits(live) - _permits(change.listing))
    if diff and not module.check_mode and module.params["step"] == "apply":
        # Where the file alone differs, nothing can be cut off.
        timeout = 0 if live == change.listing else module.params["confirm_timeout"]
        result.update(make_change(module, pending, change, timeout))
    return result


def absent(module: AnsibleModule, rules: OwnedRules, pending: PendingChange) -> dict[str, t.Any]:
    """Take out what is ours. That only ever opens, so it needs no confirmation."""
    if not module.check_mode:
        pending.take_turn()
    outline = rules.outline()
    live, found = owned(rules.live("-s", outline=outline)), rules.counters(outline)
    if not module.check_mode:
        if live:
            rules.remove()
        if rules.tables():
            module.fail_json(msg=_DISTURBED)
        pending.forget()
    diff = [_change(_IN_THE_KERNEL, live, "")] if live else []
    return {"changed": bool(live), "counters": found, "diff": diff, **_programs(rules.nft.program)}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    wanted = module.params["state"] == "present"
    nft = module.get_bin_path("nft")
    if not nft:
        if wanted:
            module.fail_json(msg="nft was not found on this host: install the package nftables")
        return {"changed": False, "counters": [], **_programs("")}
    rules = OwnedRules(Nft(module, nft))
    check_timeout(module)
    if not 0 <= module.params["older_flows"] <= _MOST_SECONDS:
        module.fail_json(msg=f"older_flows: {module.params['older_flows']}; accepted: 0 to {_MOST_SECONDS} seconds")
    with contextlib.closing(PendingChange(module, module.params["change_id"] if wanted else "")) as pending:
        return (present if wanted else absent)(module, rules, pending)
