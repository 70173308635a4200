# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change that could not begin says. What hosts do is in the scenario ``faults``."""

from __future__ import annotations

import errno
import shutil
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import make_change


class EndError(Exception):
    """The module ended."""


class Module:
    params: t.ClassVar[dict[str, t.Any]] = {"confirm_checks": []}

    def fail_json(self, msg: str) -> t.NoReturn:
        raise EndError(msg)


class Change:
    """One that cannot be staged."""

    def __init__(self, error: OSError) -> None:
        self._error = error
        self.forgotten = False

    def stage(self) -> None:
        raise self._error

    def forget(self) -> None:
        self.forgotten = True


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/etc/x"),
            "/etc/x could not be written: No space left on device",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "a file could not be written: No space left on device"),
        (shutil.Error([("/a", "/b", "gone")]), "a file could not be written: [('/a', '/b', 'gone')]"),
    ],
    ids=["with its name", "in the middle of a file", "of several files"],
)
def test_what_could_not_be_written_is_never_nothing(error: OSError, told: str) -> None:
    change = Change(error)
    with pytest.raises(EndError) as ended:
        make_change(t.cast("t.Any", Module()), t.cast("t.Any", None), t.cast("t.Any", change), 0)
    assert str(ended.value) == f"Nothing was changed: {told}"
    assert change.forgotten
