# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real firewalls that a copy is compared with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .firewall import Firewall, a_firewall
from .gateway import Gateway, a_gateway


@pytest.fixture(scope="session")
def firewall() -> Iterator[Firewall]:
    with a_firewall() as made:
        yield made


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with a_gateway() as made:
        yield made
