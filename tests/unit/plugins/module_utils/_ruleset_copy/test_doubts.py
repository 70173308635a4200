# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many variants of a ruleset are tried. What they tell of packets: tests/namespaces/module_utils/_packet_trial."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.doubts import _answers


@pytest.mark.parametrize("count", range(2, 40))
def test_any_two_rules_have_all_four_pairs_of_answers(count: int) -> None:
    for first, second in itertools.combinations(zip(*_answers(count)), 2):  # Python 3.9
        assert set(zip(first, second)) == {(True, True), (True, False), (False, True), (False, False)}


@pytest.mark.parametrize(("count", "tried"), [(1, 2), (2, 4), (4, 6), (16, 10), (1000, 22)])
def test_many_rules_in_doubt_are_few_variants(count: int, tried: int) -> None:
    assert len(list(_answers(count))) == tried
