# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reloads firewalld, and gives everybody else back what they have only in the runtime and a reload takes.

Also a program of its own, without Ansible: ``python3 FILE DIRECTORY PREFIX`` puts the permanent objects of ours back
that are in DIRECTORY, and reloads. That is the way back of a change that nobody confirmed.
"""

from __future__ import annotations

import functools
import re
import shutil
import sys
import typing as t
from pathlib import Path

KINDS = ("ipsets", "policies")
CONFIGURATION = Path("/etc/firewalld")
SECONDS_FOR_AN_ANSWER = 300.0


def patient(call: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return *call*, a call over D-Bus, with a time-out that suits firewalld.

    Its client waits 25 s for each answer, and a busy machine takes longer for a set of thousands of entries.
    """

    @functools.wraps(call)
    def patient_call(*args: t.Any, **options: t.Any) -> t.Any:
        return call(*args, **{"timeout": SECONDS_FOR_AN_ANSWER, **options})

    return patient_call


def ipsets_of(policy: str) -> set[str]:
    """Return the names of the ipsets that the rich rules of a policy use, as text or as XML."""
    return set(re.findall(r'\bipset="([^"]+)"', policy))


def save(directory: Path, prefix: str, configuration: Path = CONFIGURATION) -> None:
    """Copy our permanent objects into *directory*.

    Policies whose ipsets somebody has removed are left out: with one of them, firewalld would fail to reload.
    """
    for kind in KINDS:
        (directory / kind).mkdir()
        for path in configuration.glob(f"{kind}/{prefix}*.xml"):
            shutil.copy2(path, directory / kind)
    sets = {path.stem for path in (directory / "ipsets").iterdir()}
    for path in (directory / "policies").iterdir():
        if not {name for name in ipsets_of(path.read_text(encoding="utf-8")) if name.startswith(prefix)} <= sets:
            path.unlink()


def put_back(directory: Path, prefix: str, configuration: Path = CONFIGURATION) -> None:
    """Make our permanent objects what :func:`save` found. What is in the place of one is replaced as a whole.

    ipsets come before the policies that use them, and go after them.
    """
    for kind in KINDS:
        for path in (directory / kind).iterdir():
            beside = configuration / kind / f".{path.name}"
            shutil.copy2(path, beside)
            beside.replace(configuration / kind / path.name)
    for kind in reversed(KINDS):
        for path in configuration.glob(f"{kind}/{prefix}*.xml"):
            if not (directory / kind / path.name).exists():
                path.unlink()


def reload_for_all(client: t.Any, prefix: str) -> None:
    """Reload, and give back the runtime settings of zones, policies and ipsets that are not ours."""
    before = _of_others(client, prefix)
    client.reload()
    after = _of_others(client, prefix)
    give_back = {"zone": client.setZoneSettings, "policy": client.setPolicySettings}
    for (kind, name), settings in before.items():
        now = after.get((kind, name))
        if now is None or now.settings == settings.settings:
            continue
        if kind == "ipset":
            client.setEntries(name, settings.getEntries())
        else:
            give_back[kind](name, settings)


def _of_others(client: t.Any, prefix: str) -> dict[tuple[str, str], t.Any]:
    kinds = (
        ("zone", client.getZones(), client.getZoneSettings),
        ("policy", client.getPolicies(), client.getPolicySettings),
        ("ipset", client.getIPSets(), client.getIPSetSettings),
    )
    return {
        (kind, name): settings(name)
        for kind, names, settings in kinds
        for name in names
        if kind == "zone" or not name.startswith(prefix)
    }


if __name__ == "__main__":
    import dbus
    from firewall.client import FirewallClient

    dbus.connection.Connection.call_blocking = patient(dbus.connection.Connection.call_blocking)
    put_back(Path(sys.argv[1]), sys.argv[2])
    reload_for_all(FirewallClient(), sys.argv[2])
