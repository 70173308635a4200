# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``boot_units`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

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


def link(module: AnsibleModule, units: list[Unit]) -> None:
    """Have *units* started by what should, and by nothing else, once systemd reads its files again."""
    for verb, names in (
        ("disable", [unit.name for unit in units if unit.links()]),
        ("enable", [unit.name for unit in units if unit.wanted_by]),
    ):
        if names:
            systemctl(module, "--no-reload", "--quiet", verb, *names)


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
        link(module, to_link)
        if to_write or to_link:
            # Once, and not by each "enable" again: it takes most of what a first run does on a host.
            systemctl(module, "daemon-reload")
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


SPEC: dict[str, t.Any] = {
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
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    directory = Path(module.params["directory"])
    units = [Unit(module, about, Path(module.params["unit_directory"])) for about in module.params["units"]]
    wanted = module.params["state"] == "present"
    if wanted and not all(unit.content for unit in units):
        module.fail_json(msg="content: missing for a unit; accepted: the whole unit")
    turn = PendingChange(module, "")
    if not module.check_mode:
        turn.lock_others_out()
    started_by = {unit.name: unit.starters() for unit in units}
    diff: list[dict[str, str]] = []
    try:
        diff = (present if wanted else absent)(module, units, directory)
    except OSError as e:
        module.fail_json(msg=f"{e.filename}: {e.strerror}")
    if not module.check_mode:
        turn.let_others_in()
        turn.close()
    return {"changed": bool(diff), "diff": diff, "started_by": started_by}
