# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``firewalld_objects`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import contextlib
import typing as t
from types import SimpleNamespace

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import (
    BEFORE,
    answer,
    check_timeout,
    make_change,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import SPEC as CONFIRMED
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.change import ObjectsChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import (
    BUS_NAME,
    Firewalld,
    FirewalldError,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import KINDS, Objects
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.reload import CONFIGURATION, patient
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.zones import open_zones

SPEC: dict[str, t.Any] = {
    "objects": {"type": "dict"},
    "prefix": {"type": "str", "default": "pexip_sfb_"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **CONFIRMED,
}
REQUIRED_IF = [("state", "present", ["objects"])]

_INTERPRETERS = ("/usr/bin/python3", "/usr/libexec/platform-python")
_NOTHING: Objects = {"ipsets": {}, "policies": {}}


def load_library() -> t.Any:
    """Return what is used of firewalld's Python library; ImportError where it is not there."""
    import dbus
    from firewall.client import FirewallClient, FirewallClientIPSetSettings, FirewallClientPolicySettings
    from firewall.core.io.ipset import IPSet, ipset_reader, ipset_writer
    from firewall.core.io.policy import Policy, policy_reader, policy_writer
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
        ipset_reader=ipset_reader,
        ipset_writer=ipset_writer,
        Policy=Policy,
        policy_reader=policy_reader,
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


def prepare(module: AnsibleModule, present: bool) -> None:
    """Have the library where it will be needed: once something is done, nothing can start over.

    :param present: whether objects are to be there, and not only away
    """
    if present or may_run(module):
        library_or_respawn()


def may_run(module: AnsibleModule) -> bool:
    """Tell whether firewalld may run, without the library, which takes longer to load than all else takes here."""
    busctl = module.get_bin_path("busctl")  # of systemd
    if not busctl:
        return True
    of_bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"]
    answer = module.run_command([busctl, "--system", "call", *of_bus, "NameHasOwner", "s", BUS_NAME])[1]
    return str(answer).strip() != "b false"


def is_running(library: t.Any) -> bool:
    """Tell whether firewalld runs. That is asked of the bus itself: a call to firewalld would start it."""
    try:
        return bool(library.SystemBus(private=True).name_has_owner(BUS_NAME))
    except library.DBusException:  # there is no bus, which firewalld needs
        return False


def remove_files(module: AnsibleModule) -> dict[str, t.Any]:
    """Remove our objects from a firewalld that is not running, or too old to have them."""
    with contextlib.closing(PendingChange(module, "")) as pending:
        if not module.check_mode:
            pending.take_turn()
        files = f"{module.params['prefix']}*.xml*"
        found = [path for kind in KINDS for path in sorted(CONFIGURATION.glob(f"{kind}/{files}"))]
        if not module.check_mode and module.params["step"] == "apply":
            for path in found:
                path.unlink()
            pending.forget()
        elif not module.check_mode:
            pending.let_others_in()  # who only looks leaves nothing on a host that is to have nothing
    diff = {"before": {"removed": [str(path) for path in found]}, "after": {"removed": []}}
    return {"changed": bool(found), "reload": [], "reads": 1, "diff": diff}


def bring_about(module: AnsibleModule, firewalld: Firewalld) -> dict[str, t.Any]:
    """Bring our objects to the wanted state, or do what the action plugin asks of that change."""
    present = module.params["state"] == "present"
    if present:
        firewalld.check()
    elif not firewalld.has_policies:
        return remove_files(module)
    with contextlib.closing(PendingChange(module, module.params["change_id"])) as pending:
        return _change(module, firewalld, pending)


def _change(module: AnsibleModule, firewalld: Firewalld, pending: PendingChange) -> dict[str, t.Any]:
    present = module.params["state"] == "present"
    wanted = firewalld.normalised(module.params["objects"]) if present else _NOTHING
    if module.params["step"] not in BEFORE:
        pending.hold()
    elif not module.check_mode:
        pending.take_turn()
    change = ObjectsChange(module, firewalld, wanted)
    if module.params["step"] not in BEFORE:
        return answer(module, pending, change, {"reload": change.plan.reload, "reads": change.reads})
    for warning in open_zones(firewalld.client, wanted):
        module.warn(warning)
    plan = change.plan
    result = {"changed": plan.changed, "reload": plan.reload, "diff": change.diff(), "narrowed": change.narrowed()}
    if plan.changed and not module.check_mode and module.params["step"] == "apply":
        # What is permanent only, and in the runtime already, can cut nothing off.
        timeout = module.params["confirm_timeout"] if plan.runtime else 0
        result.update(make_change(module, pending, change, timeout))
    return {**result, "reads": change.reads}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    check_timeout(module)
    present = module.params["state"] == "present"
    if not present and not may_run(module):
        return remove_files(module)
    library = library_or_respawn()
    if library is None or not is_running(library):
        if not present:
            return remove_files(module)
        if library is None:
            module.fail_json(msg="firewalld's Python library was not found on this host: install python3-firewall")
        module.fail_json(
            msg="firewalld is not running on this host, and nothing was changed; start it, or unmask it first"
        )
    try:
        return bring_about(module, Firewalld(library.FirewallClient(), library, module.params["prefix"]))
    except FirewalldError as e:
        module.fail_json(msg=str(e))
        raise
    except (library.DBusException, library.FirewallError) as e:
        module.fail_json(msg=f"firewalld refused: {e}")
        raise
