# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that never had the role."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.faults.conftest import AnyTarget, Controller


def test_a_first_run_that_locks_everybody_out_leaves_nothing(untouched: AnyTarget, controller: Controller) -> None:
    before = untouched.firewall()
    assert "pexip_sfb" not in str(before)
    run = controller.lock_out(untouched, untouched.lockout)
    assert not run.succeeded
    assert "The change was made and taken back again, because no new connection to the host worked" in run.output()
    assert untouched.firewall() == before
    untouched.wait(untouched.answers)
