# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[4] / "plugins"
COLLECTION = "ansible_collections.uc_firewall.pexip_sfb.plugins"
LOADED = f"import sys, {COLLECTION}.action.evaluate; print(*sys.modules)"


def test_what_filters_import_is_loaded_once_for_all_hosts() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    texts = [
        path.read_text(encoding="utf-8") for folder in ("filter", "test") for path in (PLUGINS / folder).glob("*.py")
    ]
    wanted = {
        name
        for text in texts
        for name in re.findall(rf"^from ({COLLECTION}\.plugin_utils\.\S+) import", text, re.MULTILINE)
    }
    assert len(wanted) > 20
    assert wanted <= set(done.stdout.split())
