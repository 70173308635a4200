#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``linux_firewall_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: linux_firewall_info
short_description: What a Linux host has of ours, who connects to it, and whether firewalld is in charge
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - The role P(uc_firewall.pexip_sfb.linux_firewall#role) asks this once, before it chooses a back end.
  - Nothing is changed. The connection is told without root only, as C(sudo) would hide it. What is ours, only root can
    read.
options:
  rules:
    description:
      - Whether to read what is ours on the host, too - the revision, the rows, what they counted, and a change that
        waits for its confirmation. It needs root.
      - Of a host with firewalld, only that change is told. M(uc_firewall.pexip_sfb.firewalld_objects) in check mode
        tells what differs there.
    type: bool
    default: false
    version_added: 1.1.0
attributes:
  check_mode:
    support: full
  diff_mode:
    details: Nothing is changed, so there is no difference.
    support: none
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
seealso:
  - module: uc_firewall.pexip_sfb.nftables_table
  - module: uc_firewall.pexip_sfb.firewalld_objects
"""

EXAMPLES = r"""
- name: Ask the host who connects to it, and whether firewalld is in charge
  uc_firewall.pexip_sfb.linux_firewall_info:
  become: false
  register: host

- name: Ask which revision it has, and what its rules have counted
  uc_firewall.pexip_sfb.linux_firewall_info:
    rules: true
  become: true
  register: firewall
"""

RETURN = r"""
ssh_connection:
  description:
    - The connection that Ansible uses, in the words of C(SSH_CONNECTION), client, its port, server, its port.
    - Empty without an SSH server that tells.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.9, "50000", 192.0.2.11, "22"]
service_manager:
  description: What starts the services of the host, V(systemd) or the name of its first process.
  returned: success
  type: str
  sample: systemd
firewalld:
  description:
    - What systemd says of C(firewalld.service), and the version of one that runs.
    - Of a host without systemd, that it is not there.
  returned: success
  type: dict
  contains:
    load_state:
      description: V(loaded), V(masked), V(not-found) and others.
      type: str
    active_state:
      description: V(active), V(inactive), V(activating) and others.
      type: str
    unit_file_state:
      description: V(enabled), V(disabled) and others. Empty where there is no such file.
      type: str
    version:
      description: The version of a firewalld that runs. Empty where it does not, or does not say.
      type: str
  sample: {load_state: loaded, active_state: active, unit_file_state: enabled, version: 1.3.3}
nft:
  description: Path of the nft program. Empty where it is not there.
  returned: success
  type: str
  sample: /usr/sbin/nft
  version_added: 1.1.0
python:
  description:
    - Path of the Python that the module runs with, so that it can be written into a unit. It is C(/usr/bin/python3)
      where that is the same one.
  returned: success
  type: str
  sample: /usr/bin/python3
  version_added: 1.1.0
conntrack:
  description: Path of the program that lists and ends tracked flows. Empty where it is not there.
  returned: success
  type: str
  sample: /usr/sbin/conntrack
revision:
  description:
    - Digest of the ruleset that was confirmed last and is loaded at boot, as C(linux_firewall_result.revision) of the
      run that applied it. Empty where there is none.
  returned: O(rules) is true
  type: str
  sample: b18813ab0e1b
rows:
  description: Names of the rows and extra rules that the kernel has rules for.
  returned: O(rules) is true
  type: list
  elements: str
  sample: [media_nodes_to_turn, sip_signaling]
counters:
  description: What our rules have counted, those of a chain with the same comment together.
  returned: O(rules) is true
  type: list
  elements: dict
  sample: [{"chain": "forward", "comment": "sip_signaling", "packets": 12, "bytes": 720}]
pending:
  description: The change that goes back unless it is confirmed. Empty where none is pending.
  returned: O(rules) is true
  type: dict
  contains:
    seconds_left:
      description: Seconds until it goes back.
      type: int
    timeout:
      description: Seconds that it had.
      type: int
  sample: {seconds_left: 71, timeout: 90}
"""

import hashlib
import os
import re
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.nftables_table import stable_python
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

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


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"rules": {"type": "bool", "default": False}}, supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    manager, shown = service_manager(), ""
    if manager == "systemd":
        command = ["systemctl", "show", "firewalld.service", f"--property={','.join(_PROPERTIES)}"]
        shown = module.run_command(command, check_rc=True)[1]
    firewalld = firewalld_states(shown)
    runs = firewalld["active_state"] in ("active", "reloading")
    found: dict[str, t.Any] = {
        "ssh_connection": os.environ.get("SSH_CONNECTION", "").split(),
        "service_manager": manager,
        "firewalld": {**firewalld, "version": firewalld_version(module) if runs else ""},
        "nft": module.get_bin_path("nft", opt_dirs=_OF_ROOT) or "",
        "python": stable_python(),
        "conntrack": module.get_bin_path("conntrack", opt_dirs=["/usr/sbin", "/sbin"]) or "",
    }
    if module.params["rules"]:
        found.update(ours(module))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
