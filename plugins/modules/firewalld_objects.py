#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``firewalld_objects``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewalld_objects
short_description: All ipsets and policies of one name prefix in firewalld, applied as one state
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Makes the ipsets and policies of firewalld whose names begin with a prefix what O(objects) says, in the permanent
    and in the runtime configuration. Objects with the prefix that are not wanted go. Nothing else is touched.
  - The state is read once and compared in memory, and only differences are written.
  - Before anything is written, the permanent configuration as it is going to be is put together in a temporary
    directory and checked by C(firewall-offline-cmd --check-config).
  - Entries of ipsets and rules of policies change in the running firewalld, without a reload. firewalld reloads once
    where an ipset or a policy is new, goes, or changes its type, priority, target or zones, or where more than 1,000
    entries change, which would take it minutes. A running firewalld offers no other way. RV(reload) says why.
  - With O(confirm_timeout) only the runtime changes at first. The permanent configuration is written when the change is
    confirmed over a new connection, but for the seconds of a reload, which takes it from there. Without a confirmation
    the host reloads the permanent configuration that it had.
  - A reload makes firewalld forget what others have changed in its runtime configuration only. The module gives back
    such settings of zones, policies and ipsets, and leaves alone what others do meanwhile. Settings with a timeout go
    when that is over; of one that ended during the reload, the log C(/var/log/firewalld) tells. A warning names what
    opens something and came back. Direct rules do not come back.
options:
  objects:
    description:
      - C(ipsets) and C(policies), as the filter P(uc_firewall.pexip_sfb.firewalld_objects#filter) returns them.
      - Required if O(state=present).
    type: dict
  prefix:
    description: How the names begin of the objects that this module owns.
    type: str
    default: pexip_sfb_
  state:
    description: Whether the objects are to be there. With V(absent) firewalld need not be running, nor installed.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns what is added and what is removed, for the permanent and for the runtime configuration.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - uc_firewall.pexip_sfb.confirm
requirements:
  - systemd, with O(confirm_timeout)
  - firewalld 1.0 or later with the back end nftables, and its Python library (Debian package python3-firewall)
  - root
"""

EXAMPLES = r"""
- name: Put the objects into firewalld
  uc_firewall.pexip_sfb.firewalld_objects:
    objects: "{{ port_matrix_site | uc_firewall.pexip_sfb.firewalld_objects(inventory_hostname) }}"

- name: Take them out again
  uc_firewall.pexip_sfb.firewalld_objects:
    state: absent
"""

RETURN = r"""
reload:
  description: Why firewalld had to reload, or in check mode would have to; empty where it had not.
  returned: success
  type: list
  elements: str
  sample: [pexip_sfb_input is new]
reads:
  description: How many times the state was read. It is read again after a change, to see that the change is there.
  returned: success
  type: int
  sample: 1
narrowed:
  description:
    - Whether a rule or an entry of an ipset goes from the runtime, so that something may be refused that was permitted.
      What is tracked already goes on; M(uc_firewall.pexip_sfb.tracked_flows) ends it.
  returned: success, where firewalld runs
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

import typing as t
from types import SimpleNamespace

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import (
    SPEC,
    answer,
    check_timeout,
    make_change,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.change import ObjectsChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import (
    BUS_NAME,
    Firewalld,
    FirewalldError,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import KINDS, Objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.reload import CONFIGURATION, patient
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.zones import open_zones

_INTERPRETERS = ("/usr/bin/python3", "/usr/libexec/platform-python")
_NOTHING: Objects = {"ipsets": {}, "policies": {}}


def load_library() -> t.Any:
    """Return what is used of firewalld's Python library; ImportError where it is not there."""
    import dbus
    from firewall.client import FirewallClient, FirewallClientIPSetSettings, FirewallClientPolicySettings
    from firewall.core.io.ipset import IPSet, ipset_writer
    from firewall.core.io.policy import Policy, policy_writer
    from firewall.core.rich import Rich_Rule
    from firewall.errors import FirewallError

    dbus.connection.Connection.call_blocking = patient(dbus.connection.Connection.call_blocking)
    return SimpleNamespace(
        SystemBus=dbus.SystemBus,
        DBusException=dbus.exceptions.DBusException,
        FirewallClient=FirewallClient,
        FirewallClientIPSetSettings=FirewallClientIPSetSettings,
        FirewallClientPolicySettings=FirewallClientPolicySettings,
        IPSet=IPSet,
        ipset_writer=ipset_writer,
        Policy=Policy,
        policy_writer=policy_writer,
        Rich_Rule=Rich_Rule,
        FirewallError=FirewallError,
    )


def library_or_respawn() -> t.Any:
    """Return firewalld's library, if need be by starting over with the Python that has it; None: no Python has it."""
    try:
        return load_library()
    except ImportError:
        interpreter = None if has_respawned() else probe_interpreters_for_module(_INTERPRETERS, "firewall.client")
        if interpreter:
            respawn_module(interpreter)  # does not return
        return None


def is_running(library: t.Any) -> bool:
    """Tell whether firewalld runs. That is asked of the bus itself: a call to firewalld would start it."""
    try:
        return bool(library.SystemBus(private=True).name_has_owner(BUS_NAME))
    except library.DBusException:  # there is no bus, which firewalld needs
        return False


def remove_files(module: AnsibleModule) -> None:
    """Remove our objects from a firewalld that is not running, or too old to have them; leave the module."""
    pending = PendingChange(module, "")
    if not module.check_mode:
        pending.take_turn()
    found = [path for kind in KINDS for path in sorted(CONFIGURATION.glob(f"{kind}/{module.params['prefix']}*.xml*"))]
    if not module.check_mode:
        for path in found:
            path.unlink()
        pending.forget()
    diff = {"before": {"removed": [str(path) for path in found]}, "after": {"removed": []}}
    module.exit_json(changed=bool(found), reload=[], reads=1, diff=diff)


def run(module: AnsibleModule, firewalld: Firewalld) -> None:
    """Bring our objects to the wanted state, or do what the action plugin asks of that change, and leave the module."""
    present = module.params["state"] == "present"
    if present:
        firewalld.check()
    elif not firewalld.has_policies:
        remove_files(module)
    pending = PendingChange(module, module.params["change_id"])
    wanted = firewalld.normalised(module.params["objects"]) if present else _NOTHING
    if module.params["step"] != "apply":
        pending.hold()
    elif not module.check_mode:
        pending.take_turn()
    change = ObjectsChange(module, firewalld, wanted)
    if module.params["step"] != "apply":
        answer(module, pending, change, {"reload": change.plan.reload, "reads": change.reads})
    for warning in open_zones(firewalld.client, wanted):
        module.warn(warning)
    plan = change.plan
    result = {"changed": plan.changed, "reload": plan.reload, "diff": change.diff(), "narrowed": change.narrowed()}
    if plan.changed and not module.check_mode:
        # What is permanent only, and in the runtime already, can cut nothing off.
        timeout = module.params["confirm_timeout"] if plan.runtime else 0
        result.update(make_change(module, pending, change, timeout))
    module.exit_json(**result, reads=change.reads)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "objects": {"type": "dict"},
            "prefix": {"type": "str", "default": "pexip_sfb_"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **SPEC,
        },
        required_if=[("state", "present", ["objects"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    check_timeout(module)
    present = module.params["state"] == "present"
    library = library_or_respawn()
    if library is None or not is_running(library):
        if not present:
            remove_files(module)
        if library is None:
            module.fail_json(msg="firewalld's Python library was not found on this host: install python3-firewall")
        module.fail_json(
            msg="firewalld is not running on this host, and nothing was changed; start it, or unmask it first"
        )
    try:
        run(module, Firewalld(library.FirewallClient(), library, module.params["prefix"]))
    except FirewalldError as e:
        module.fail_json(msg=str(e))
    except (library.DBusException, library.FirewallError) as e:
        module.fail_json(msg=f"firewalld refused: {e}")


if __name__ == "__main__":
    main()
