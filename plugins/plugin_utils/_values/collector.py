# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The garbage collector of Python, which looks for cycles among all objects again and again while there are ever more.

A large site is hundreds of thousands of objects without a cycle. The search took a third of the time that it takes to
build it and to write its rules.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector from running; have it as it was afterwards. Of two threads that do so, none leaves it off."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            _make_old()
            gc.enable()


def _make_old() -> None:
    """Count what there is among what is old. That is looked at when it has grown by a quarter, and not thrice now."""
    if not gc.get_freeze_count():  # what somebody has frozen stays so
        gc.freeze()
        gc.unfreeze()
