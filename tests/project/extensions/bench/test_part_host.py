# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark renders the rules of a host as the roles do."""

from __future__ import annotations

import pytest
from benchmark.measure import FailedError
from benchmark.part_host import MANAGED, Managed, role_expressions


@pytest.mark.parametrize("managed", MANAGED.values(), ids=MANAGED)
def test_the_templates_are_those_of_the_role(managed: Managed) -> None:
    found = role_expressions(managed)
    assert len(found) == len(managed.filters)
    for name, text in zip(managed.filters, found, strict=True):
        assert text.startswith("{{")
        assert f"| uc_firewall.pexip_sfb.{name}(inventory_hostname" in text


def test_a_role_that_does_not_call_the_filter_any_more_is_not_measured() -> None:
    with pytest.raises(FailedError, match="gone"):
        role_expressions(Managed("gateway", "linux_firewall", ("gone",)))
