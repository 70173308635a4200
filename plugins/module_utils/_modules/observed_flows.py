# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``observed_flows`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import remembered
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import OUTLINE, UnreadableError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

SPEC: dict[str, t.Any] = {"path": {"type": "path", "default": "/etc/pexip_sfb/ruleset.nft"}}


def found(nft: Nft) -> remembered.Remembered:
    """Read what the kernel remembers.

    :raises UnreadableError: if nft does not print what it is known to print
    """
    # By number, as names are up to the host's /etc/protocols.
    outputs = [nft.run("-j", "-n", *command) for command in remembered.commands(nft.run(*OUTLINE))]
    return remembered.read(outputs, datetime.datetime.now(datetime.timezone.utc))


def changed_at(path: str) -> str:
    """Return when the file at *path* became what it is; empty where there is none."""
    try:
        seconds = os.stat(path).st_mtime
    except OSError:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(remembered.TIME)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    program = module.get_bin_path("nft")
    try:
        one = found(Nft(module, program)) if program else remembered.read([], datetime.datetime.now())
        counters = OwnedRules(Nft(module, program)).counters() if program else []
    except UnreadableError as e:
        module.fail_json(msg=f"What the kernel remembers cannot be read: {e}")
        raise
    return {
        "changed": False,
        "flows": one.flows,
        "full": one.full,
        "missed": one.missed,
        "rules_since": changed_at(module.params["path"]),
        "remembering": bool(one.kinds),
        "enforcing": "dropped" in one.kinds,
        "entries": len(one.flows),
        "counters": counters,
        "limit": one.limit,
    }
