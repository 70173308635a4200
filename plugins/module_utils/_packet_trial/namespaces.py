# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces that nobody else knows, and work that is done in them, in a thread of its own.

A thread can be in another network namespace than the rest of its process, and takes what it starts along. So whatever
goes wrong in there, the module itself stays where it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import typing as t
from collections.abc import Callable, Iterator

_NEW_NET, _NEW_MOUNTS = 0x40000000, 0x00020000
# MS_REC and MS_PRIVATE; MS_REMOUNT, MS_BIND, MS_NOSUID, MS_NODEV and MS_NOEXEC (mount(2)).
_PRIVATE, _WRITABLE = 0x4000 | 0x40000, 0x20 | 0x1000 | 2 | 4 | 8
_SETTINGS = "/proc/sys"
_HERE = "/proc/thread-self/ns/net"

Made = t.TypeVar("Made")


class NoNamespaceError(OSError):
    """A process may not have a network namespace of its own."""


class Namespace:
    """A network namespace, which is there until it is closed and nothing is in it any more."""

    def __init__(self) -> None:
        with _staying() as stay:
            try:
                _call("unshare", _NEW_NET)
            except OSError as e:
                stay.pop_all()
                raise NoNamespaceError(e.errno, f"no network namespace can be made ({e.strerror})") from e
            self.descriptor = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Have the thread in it, and what it starts."""
        with _staying():
            _call("setns", self.descriptor, _NEW_NET)
            yield


def make_settings_writable() -> None:
    """Have the thread write below /proc/sys where that is mounted read-only, as in most containers.

    It gets a mount namespace for that, so nobody else can. Raises OSError where it may not have one.
    """
    if os.access(_SETTINGS, os.W_OK):
        return
    _call("unshare", _NEW_MOUNTS)
    _call("mount", None, b"/", None, _PRIVATE, None)
    _call("mount", None, _SETTINGS.encode(), None, _WRITABLE, None)


def in_thread(work: Callable[[], Made]) -> Made:
    """Do *work* in a thread of its own, and return or raise what it does."""
    made: list[Made] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            made.append(work())
        except BaseException as e:
            raised.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return made[0]


@contextlib.contextmanager
def _staying() -> Iterator[contextlib.ExitStack]:
    """Have the thread back where it is now afterwards, unless what is yielded is emptied."""
    here = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.ExitStack() as stay:
            stay.callback(_call, "setns", here, _NEW_NET)
            yield stay
    finally:
        os.close(here)


def _call(name: str, *arguments: int | bytes | None) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
