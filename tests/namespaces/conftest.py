# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A network namespace of its own for each test that stands a host up in one."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator

import pytest


@pytest.fixture
def namespace() -> Iterator[str]:
    """The name of an empty network namespace, which is gone after the test, however that ends."""
    name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(
            f"no network namespace ({made.stderr.strip()}); run as root, with the packages iproute2 and nftables"
        )
    try:
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
