# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``controller_files``, which the module of that name documents."""

from __future__ import annotations

import base64
import os
import re
import stat
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
        "options": {
            "name": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
            "encoding": {"type": "str", "choices": ["text", "base64"], "default": "text"},
        },
    },
    "absent": {"type": "list", "elements": "str", "default": []},
    "mode": {"type": "str", "default": "0640"},
}
# With the zero, because YAML makes another number of one without quotes.
_MODE = re.compile(r"0[0-7]{3}", re.ASCII)


class _File(t.NamedTuple):
    content: bytes
    mode: int


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Writes files itself: a module for each would take half a second of the controller, and copy two of them."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the task."""
        result: Result = super().run(tmp, task_vars)
        _validation, wanted = self.validate_argument_spec(argument_spec=_SPEC)
        directory = Path(wanted["directory"])
        mode = _mode(wanted["mode"])
        files = {one["name"]: _File(_content(one), mode) for one in wanted["files"]}
        after: dict[str, _File | None] = {**files, **dict.fromkeys(wanted["absent"])}
        for name in after:
            if name in ("", "..") or Path(name).name != name:
                raise AnsibleActionFail(f"{name} is not the name of a file; accepted: one without a directory")
        try:
            before = {name: _read(directory / name) for name in after}
            changed = {name: file for name, file in after.items() if file != before[name]}
            missing = not directory.is_dir()
            if not self._task.check_mode:
                if missing:
                    _make(directory, mode)
                _write(directory, changed)
        except OSError as e:
            raise AnsibleActionFail(f"Files of the controller could not be written: {e}") from e
        return {
            **result,
            "changed": bool(changed) or missing,
            "written": [name for name, file in changed.items() if file],
            "removed": [name for name, file in changed.items() if not file],
            "diff": [_difference(directory / name, before[name], file) for name, file in changed.items()],
        }


def _content(file: Result) -> bytes:
    text: str = file["content"]
    if file["encoding"] == "text":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as e:
        raise AnsibleActionFail(f"the content of {file['name']} is not base64: {e}") from e


def _mode(text: str) -> int:
    if not _MODE.fullmatch(text):
        raise AnsibleActionFail(f'mode: {text!r} is not a file mode; accepted: as in "0640", in quotes')
    return int(text, 8)


def _read(path: Path) -> _File | None:
    try:
        return _File(path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    except FileNotFoundError:
        return None


def _make(directory: Path, mode: int) -> None:
    """Make the directory, for those to enter who may read its files."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700 | mode | (mode & 0o444) >> 2)


def _write(directory: Path, changed: dict[str, _File | None]) -> None:
    for name, file in changed.items():
        if file:
            _replace(directory / name, file)
        else:
            (directory / name).unlink()


def _replace(path: Path, wanted: _File) -> None:
    """Write the file next to *path*, and have it take its place only where all of it is on the disk."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(wanted.content)
            os.fchmod(file.fileno(), wanted.mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _difference(path: Path, before: _File | None, after: _File | None) -> Result:
    shown: Result = {}
    only_mode = before and after and before.content == after.content
    for side, file in (("before", before), ("after", after)):
        text = f"mode {file.mode:04o}\n".encode() if only_mode and file else file.content if file else b""
        if len(text) > constants.MAX_FILE_SIZE_FOR_DIFF:
            return {"src_larger" if side == "after" else "dst_larger": constants.MAX_FILE_SIZE_FOR_DIFF}
        if b"\0" in text:
            return {"src_binary" if side == "after" else "dst_binary": 1}
        shown[side] = text.decode(errors="replace")
        shown[f"{side}_header"] = str(path) if file else f"{path} (absent)"
    return shown
