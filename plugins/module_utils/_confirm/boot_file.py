# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that the next boot loads. Its new content is written next to it beforehand, and takes its place at once."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
from pathlib import Path

_MODE = 0o640


class BootFile:
    """A file of root's, kept whole: whoever reads it finds the old content or the new one."""

    def __init__(self, path: Path, content: str, mode: int = _MODE) -> None:
        self.path = path
        self._content = content
        self._mode = mode
        self._staged = path.with_name(f"{path.name}.pending")

    def current(self) -> str:
        """Describe what is there: mode and owner in the first line, then the content; empty where there is nothing."""
        try:
            about = self.path.stat()
            content = self.path.read_text(encoding="utf-8", errors="backslashreplace")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except IsADirectoryError:
            return "a directory\n"
        return _described(stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, content)

    def wanted(self) -> str:
        """Describe what should be there, in the same way."""
        return _described(self._mode, os.geteuid(), os.getegid(), self._content)

    def stage(self) -> None:
        """Write the content to disk, next to the file. Raises OSError where that fails, and leaves nothing then."""
        self.forget()
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.path))
        try:
            self.path.parent.mkdir(mode=0o750, exist_ok=True)
            descriptor = os.open(self._staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._mode)
            with open(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, self._mode)
                file.write(self._content)
                file.flush()
                os.fsync(descriptor)
        except OSError as e:
            self.forget()
            # A write that fails does not say where.
            raise OSError(e.errno, e.strerror, e.filename or str(self._staged)) from e

    def settle(self) -> None:
        """Put what was staged into the place of the file, unless that has it. Raises OSError where that fails."""
        if self._staged.exists() or self.current() != self.wanted():
            os.replace(self._staged, self.path)

    def forget(self) -> None:
        """Remove what was staged, by this run or by one that died."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._staged.unlink()
        # On a first run there is nothing else in it.
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def forgetting(self) -> str:
        """Return shell commands that do the same as :meth:`forget`."""
        directory = shlex.quote(str(self.path.parent))
        return f"rm -f {shlex.quote(str(self._staged))}\nrmdir {directory} 2>/dev/null\n"


def _described(mode: int, user: int, group: int, content: str) -> str:
    return f"mode {mode:04o}, owner {user}:{group}\n{content}"
