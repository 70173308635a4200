# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``linux_firewall_info`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.interpreter import stable_python

SPEC: dict[str, t.Any] = {"rules": {"type": "bool", "default": False}}

RULESET = Path("/etc/pexip_sfb/ruleset.nft")
# Comments of rules that every host has, whatever its rows are.
OF_EVERY_HOST = frozenset({
    "default_deny", "dhcp", "established", "icmp", "igmp", "invalid", "loopback", "not_remembered", "would_drop",
})  # fmt: skip
# Where root looks for programs, and others may not. These come first: what a unit starts is not in a home directory.
_OF_ROOT = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
_PROPERTIES = {"LoadState": "load_state", "ActiveState": "active_state", "UnitFileState": "unit_file_state"}


def service_manager(run: Path = Path("/run"), proc: Path = Path("/proc")) -> str:
    """Return ``systemd`` where it is in charge (sd_booted(3)), else the name of the first process."""
    if (run / "systemd/system").is_dir():
        return "systemd"
    try:
        return (proc / "1/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "an unknown program"


def firewalld_states(shown: str) -> dict[str, str]:
    """Return the states of the unit from what ``systemctl show`` says, which is about units that are not there, too."""
    said = dict(line.partition("=")[::2] for line in shown.splitlines())
    absent = {"LoadState": "not-found", "ActiveState": "inactive"}
    return {name: said.get(word) or absent.get(word, "") for word, name in _PROPERTIES.items()}


def firewalld_version(module: AnsibleModule) -> str:
    """Ask the daemon itself, as everybody may, and never have the bus start it; return ``""`` where it does not say.

    The files of the package can be newer than what runs.
    """
    busctl = module.get_bin_path("busctl")  # of systemd
    if not busctl:
        return ""
    bus_name = "org.fedoraproject.FirewallD1"
    question = ["get-property", bus_name, "/org/fedoraproject/FirewallD1", bus_name, "version"]
    _rc, out, _err = module.run_command([busctl, "--system", "--auto-start=no", *question])
    answer = re.fullmatch(r's "(.*)"\s*', out)
    return answer[1] if answer else ""


def revision_of(path: Path) -> str:
    """Return the digest of the ruleset in the file; empty without one."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        return ""


def ours(module: AnsibleModule, path: Path = RULESET) -> dict[str, t.Any]:
    """Return what is ours on the host."""
    # The role asks each host without this, and what a host imports costs it time.
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
    from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

    if os.geteuid():
        module.fail_json(msg="rules: true, and only root can read the ruleset; accepted: become: true, or false")
    nft = module.get_bin_path("nft")
    counters = OwnedRules(Nft(module, nft)).counters() if nft else []
    return {
        "revision": revision_of(path),
        "rows": sorted({counter["comment"] for counter in counters} - OF_EVERY_HOST - {""}),
        "counters": counters,
        "pending": PendingChange(module, "").waiting(),
    }


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    manager, shown = service_manager(), ""
    if manager == "systemd":
        command = ["systemctl", "show", "firewalld.service", f"--property={','.join(_PROPERTIES)}"]
        shown = module.run_command(command, check_rc=True)[1]
    firewalld = firewalld_states(shown)
    runs = firewalld["active_state"] in ("active", "reloading")
    found: dict[str, t.Any] = {
        "changed": False,
        "ssh_connection": os.environ.get("SSH_CONNECTION", "").split(),
        "service_manager": manager,
        "firewalld": {**firewalld, "version": firewalld_version(module) if runs else ""},
        "nft": module.get_bin_path("nft", opt_dirs=_OF_ROOT) or "",
        "python": stable_python(),
        "conntrack": module.get_bin_path("conntrack", opt_dirs=["/usr/sbin", "/sbin"]) or "",
    }
    return {**found, **(ours(module) if module.params["rules"] else {})}
