# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``controller_files``, which the module of that name documents."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

Result = dict[str, t.Any]

_SPEC: Result = {
    "directory": {"type": "path", "required": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "content": {"type": "str", "required": True}},
    },
    "absent": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Writes files itself: a module for each would take half a second of the controller, and copy two of them."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task."""
        result: Result = super().run(tmp, task_vars)
        _validation, wanted = self.validate_argument_spec(argument_spec=_SPEC)
        directory = Path(wanted["directory"])
        files = {one["name"]: one["content"].encode() for one in wanted["files"]}
        after: dict[str, bytes | None] = {**files, **dict.fromkeys(wanted["absent"])}
        for name in after:
            if name in ("", "..") or Path(name).name != name:
                raise AnsibleActionFail(f"{name} is no name of a file; accepted: one without a directory")
        try:
            before = {name: _read(directory / name) for name in after}
            changed = {name: content for name, content in after.items() if content != before[name]}
            directory_differs = not directory.is_dir() or directory.stat().st_mode & 0o777 != 0o755
            if not self._task.check_mode:
                _write(directory, changed, directory_differs)
        except OSError as e:
            raise AnsibleActionFail(f"Files of the controller could not be written: {e}") from e
        return {
            **result,
            "changed": bool(changed) or directory_differs,
            "written": [name for name, content in changed.items() if content is not None],
            "removed": [name for name, content in changed.items() if content is None],
            "diff": [_difference(directory / name, before[name], content) for name, content in changed.items()],
        }


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(directory: Path, changed: dict[str, bytes | None], directory_differs: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if directory_differs:
        directory.chmod(0o755)
    for name, content in changed.items():
        if content is None:
            (directory / name).unlink()
        else:
            _replace(directory / name, content)


def _replace(path: Path, content: bytes) -> None:
    """Write the file beside *path*, and have it take its place only where all of it is on the disk."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _difference(path: Path, before: bytes | None, after: bytes | None) -> Result:
    shown: Result = {}
    for side, content in (("before", before), ("after", after)):
        if len(content or b"") > constants.MAX_FILE_SIZE_FOR_DIFF:
            return {"src_larger" if side == "after" else "dst_larger": constants.MAX_FILE_SIZE_FOR_DIFF}
        shown[side] = (content or b"").decode(errors="replace")
        shown[f"{side}_header"] = str(path) if content is not None else f"{path} (absent)"
    return shown
