#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``boot_units``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_units
short_description: The units of systemd that load a ruleset at boot, together with the directory that it is in
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Writes units of systemd, has exactly what they name start them, and keeps the directory of what they load to root;
    or takes all of it off.
  - To systemd a unit is enabled as soon as anything starts it. This module looks at each link instead, so it sees one
    that somebody removed, and one of an earlier version of the unit that should be gone.
  - It does in one call what takes a task for each file, each unit and each state otherwise.
  - Two runs at once take turns.
options:
  directory:
    description: The directory of what the units load. It belongs to root, with mode 0750. With O(state=absent) it goes.
    type: path
    required: true
  units:
    description: The units, in the order in which they are started.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name, with C(.service) at the end.
        type: str
        required: true
      content:
        description: The whole unit. Required if O(state=present).
        type: str
      wanted_by:
        description: What starts it, as its section C([Install]) says.
        type: list
        elements: str
        default: []
      started:
        description: Whether it is started, where it is not active.
        type: bool
        default: false
      in_place:
        description:
          - A file that is there while this module starts the unit, and at no other time. It says to the unit that what
            it loads is in place already, so that the unit can leave that as it is.
        type: path
  unit_directory:
    description: Where the units are.
    type: path
    default: /etc/systemd/system
  remove:
    description: Files of O(directory) that nothing needs once the units are as they should be.
    type: list
    elements: path
    default: []
  state:
    description: Whether the units are to be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Returns files, what starts the units, and which are active, before and after.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - systemd, and root
"""

EXAMPLES = r"""
- name: Have the ruleset loaded at boot
  uc_firewall.pexip_sfb.boot_units:
    directory: /etc/pexip_sfb
    units:
      - name: pexip-sfb-firewall.service
        content: |
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          ExecStart=/usr/sbin/nft -f /etc/pexip_sfb/ruleset.nft
          [Install]
          WantedBy=sysinit.target
        wanted_by: [sysinit.target]
        started: true

- name: Take all of it off
  uc_firewall.pexip_sfb.boot_units:
    directory: /etc/pexip_sfb
    units: [{name: pexip-sfb-firewall.service}]
    state: absent
"""

RETURN = r"""
started_by:
  description: What started each unit before, as its links were found.
  returned: success
  type: dict
  sample: {"pexip-sfb-firewall.service": ["nftables.service", "sysinit.target"]}
"""

import contextlib
import os
import shutil
import stat
import tempfile
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.boot_file import BootFile
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.pending_change import PendingChange

_DIRECTORY_MODE = 0o750
_UNIT_MODE = 0o644
_ACTIVE = ("active", "activating", "reloading")


class Unit:
    """One unit on this host: its file, what starts it, and whether it is active."""

    def __init__(self, module: AnsibleModule, about: dict[str, t.Any], directory: Path) -> None:
        self._module = module
        self._directory = directory
        self.name: str = about["name"]
        self.path = directory / self.name
        self.wanted_by = sorted(about["wanted_by"])
        self.started: bool = about["started"]
        self.content: str = about["content"] or ""
        self._in_place: str = about["in_place"] or ""

    @property
    def file(self) -> BootFile:
        """Its file, to be compared."""
        return BootFile(self.path, self.content, _UNIT_MODE)

    def links(self) -> list[Path]:
        """What starts it, as links."""
        # Not by a pattern with the name at its end: that finds no link whose unit somebody has removed.
        links = (directory / self.name for directory in self._directory.glob("*.*/"))
        return sorted(path for path in links if path.is_symlink())

    def starters(self) -> list[str]:
        """What starts it, by name."""
        return [path.parent.name.removesuffix(".wants") for path in self.links()]

    def is_active(self) -> bool:
        """Tell whether systemd has started it, also where its file is gone."""
        _rc, state, _err = self._module.run_command(
            ["systemctl", "show", "--property", "ActiveState", "--value", self.name]
        )
        return state.strip().removeprefix("ActiveState=") in _ACTIVE

    def systemctl(self, *arguments: str) -> None:
        """Do something with it, or fail the module."""
        systemctl(self._module, *arguments, self.name)

    def write(self) -> None:
        """Write its file as a whole."""
        with tempfile.NamedTemporaryFile("w", dir=self._module.tmpdir, delete=False, encoding="utf-8") as file:
            file.write(self.content)
        self._module.atomic_move(file.name, str(self.path))
        self.path.chmod(_UNIT_MODE)

    def start(self) -> None:
        """Start it, and tell it that what it loads is in place."""
        if not self._in_place:
            self.systemctl("start")
            return
        sign = Path(self._in_place)
        sign.touch()
        try:
            self.systemctl("start")
        finally:
            sign.unlink()

    def start_by(self) -> None:
        """Have it started by what should, and by nothing else."""
        if self.links():
            self.systemctl("--quiet", "disable")
        if self.wanted_by:
            self.systemctl("--quiet", "enable")

    def state(self) -> str:
        """Describe it for a diff."""
        return f"{self.name}: started by {', '.join(self.starters()) or 'nothing'}\n"

    def wanted_state(self) -> str:
        """Describe in the same way how it should be."""
        return f"{self.name}: started by {', '.join(self.wanted_by) or 'nothing'}\n"


def systemctl(module: AnsibleModule, *arguments: str) -> None:
    """Call systemctl, and fail the module where it fails."""
    rc, out, err = module.run_command(["systemctl", *arguments])
    if rc:
        module.fail_json(msg=f"systemctl {' '.join(arguments)} failed: {(err or out).strip()}")


def change(what: str, before: str, after: str) -> dict[str, str]:
    """Return one entry of a diff."""
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def described(directory: Path) -> str:
    """Describe mode and owner of a directory; empty where there is none."""
    try:
        about = directory.stat()
    except FileNotFoundError:
        return ""
    return f"mode {stat.S_IMODE(about.st_mode):04o}, owner {about.st_uid}:{about.st_gid}\n"


def present(module: AnsibleModule, units: list[Unit], directory: Path) -> list[dict[str, str]]:
    """Make everything what it should be, unless in check mode; return what differed."""
    kept = f"mode {_DIRECTORY_MODE:04o}, owner {os.geteuid()}:{os.getegid()}\n"
    needless = [path for path in map(Path, module.params["remove"]) if path.exists()]
    to_write = [unit for unit in units if unit.file.current() != unit.file.wanted()]
    to_link = [unit for unit in units if unit.starters() != unit.wanted_by]
    to_start = [unit for unit in units if unit.started and not unit.is_active()]
    diff = [change(str(directory), described(directory), kept)]
    diff += [change(str(unit.path), unit.file.current(), unit.file.wanted()) for unit in to_write]
    diff += [change("units of systemd", unit.state(), unit.wanted_state()) for unit in to_link]
    diff += [change("units of systemd", f"{unit.name}: not active\n", f"{unit.name}: active\n") for unit in to_start]
    diff += [change(str(path), "a file\n", "") for path in needless]
    if not module.check_mode:
        directory.mkdir(exist_ok=True)
        directory.chmod(_DIRECTORY_MODE)
        os.chown(directory, os.geteuid(), os.getegid())
        for unit in to_write:
            unit.write()
        if to_write:
            systemctl(module, "daemon-reload")
        for unit in to_link:
            unit.start_by()
        for unit in to_start:
            unit.start()
        for path in needless:  # the units needed them until now
            path.unlink()
    return [one for one in diff if one["before"] != one["after"]]


def absent(module: AnsibleModule, units: list[Unit], directory: Path) -> list[dict[str, str]]:
    """Take everything off, unless in check mode; return what was there."""
    files = [unit.path for unit in units if unit.path.exists()]
    linked = [unit for unit in units if unit.links()]
    active = [unit for unit in units if unit.is_active()]
    diff = [change("units of systemd", unit.state(), f"{unit.name}: started by nothing\n") for unit in linked]
    diff += [change("units of systemd", f"{unit.name}: active\n", f"{unit.name}: not active\n") for unit in active]
    diff += [change(str(path), "a file\n", "") for path in files]
    diff += [change(str(directory), described(directory), "")] if directory.exists() else []
    if not module.check_mode:
        for unit in active:
            unit.systemctl("stop")
        # Not by "disable", which takes no unit whose file somebody has removed.
        for path in (path for unit in linked for path in unit.links()):
            path.unlink()
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # as "disable" does where it leaves nothing in it
        for path in files:
            path.unlink()
        if diff and directory.exists():
            shutil.rmtree(directory)
        if linked or files:
            systemctl(module, "daemon-reload")
    return diff


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "units": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "content": {"type": "str"},
                    "wanted_by": {"type": "list", "elements": "str", "default": []},
                    "started": {"type": "bool", "default": False},
                    "in_place": {"type": "path"},
                },
            },
            "unit_directory": {"type": "path", "default": "/etc/systemd/system"},
            "remove": {"type": "list", "elements": "path", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    directory = Path(module.params["directory"])
    units = [Unit(module, about, Path(module.params["unit_directory"])) for about in module.params["units"]]
    wanted = module.params["state"] == "present"
    if wanted and not all(unit.content for unit in units):
        module.fail_json(msg="content: missing for a unit; accepted: the whole unit")
    turn = PendingChange(module, "")
    if not module.check_mode:
        turn.lock_others_out()
    started_by = {unit.name: unit.starters() for unit in units}
    try:
        diff = (present if wanted else absent)(module, units, directory)
    except OSError as e:
        module.fail_json(msg=f"{e.filename}: {e.strerror}")
    if not module.check_mode:
        turn.let_others_in()
    module.exit_json(changed=bool(diff), diff=diff, started_by=started_by)


if __name__ == "__main__":
    main()
