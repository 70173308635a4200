# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that part 1 times: reads an inventory as JSON, writes the ruleset of its transit firewall.

``python -m benchmark.compile_site INVENTORY.json RULESET.nft``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import select_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset


def main(source: str, target: str) -> None:
    """Compile the inventory in *source* into *target*."""
    inventory = json.loads(Path(source).read_text(encoding="utf-8"))
    site = build_site(inventory["hosts"], inventory["groups"], select_rows())
    policy = Policy(("forward",), expand(site, "fw", ["forward"]))
    Path(target).write_text(render_ruleset(policy), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
