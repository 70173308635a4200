# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the kernel, which takes any bytes for a name."""

from __future__ import annotations

import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import INET, rules_of


class Asked:
    """Stands for the kernel, and has nothing."""

    def dump(self, kind: int, question: bytes) -> t.Iterator[bytes]:
        self.question = question
        return iter(())


def test_a_chain_is_asked_for_by_the_bytes_of_its_name() -> None:
    kernel = Asked()
    assert rules_of(t.cast("t.Any", kernel), INET, "fil\udcfcter", "b\udcfcro") == []
    assert b"fil\xfcter\0" in kernel.question
    assert b"b\xfcro\0" in kernel.question
