# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark renders the rules of a host as the role does."""

from __future__ import annotations

from benchmark.part_host import FILTERS, role_expressions


def test_the_templates_are_those_of_the_role() -> None:
    found = role_expressions()
    assert tuple(found) == FILTERS
    for name, text in found.items():
        assert text.startswith("{{")
        assert f"| uc_firewall.pexip_sfb.{name}(inventory_hostname" in text
