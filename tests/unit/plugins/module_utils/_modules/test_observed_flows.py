# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.observed_flows import changed_at


def test_the_file_for_the_next_boot_tells_since_when_the_rules_are_there(tmp_path: Path) -> None:
    path = tmp_path / "ruleset.nft"
    assert changed_at(str(path)) == ""
    path.touch()
    os.utime(path, (0, 1772438400.5))
    assert changed_at(str(path)) == "2026-03-02T08:00:00Z"
