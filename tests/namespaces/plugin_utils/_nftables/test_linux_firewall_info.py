# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module says of a host that has rules of ours, and of one that has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.linux_firewall_info import (
    OF_EVERY_HOST,
    revision_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import load_port_matrix
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy, render_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.answer import revision_of_text
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Hook
from module_host import ModuleHost

GOLDEN = Path(__file__).parents[3] / "golden"


@pytest.fixture
def host(namespace: str) -> ModuleHost:
    return ModuleHost(namespace, "linux_firewall_info")


def test_a_host_tells_its_rows_and_what_they_counted(host: ModuleHost) -> None:
    assert "counters" not in host.module()
    found = host.module(rules=True)
    assert (found["rows"], found["counters"], found["pending"]) == ([], [], {})
    host.nft("-f", str(GOLDEN / "transit_extra_rules/ruleset.nft"))
    found = host.module(rules=True)
    assert found["rows"] == [
        "any_port", "conference_avatar", "https_content", "media_edge_to_nodes", "media_from_nodes",
        "media_nodes_to_edge", "media_nodes_to_turn", "media_to_nodes", "node_ntp", "ntp", "ping", "ping6",
        "psom_content", "sip_signaling", "snmp",
    ]  # fmt: skip
    assert {"chain": "forward_judged", "comment": "default_deny", "packets": 0, "bytes": 0} in found["counters"]
    assert found["changed"] is False


def test_what_every_host_has_is_no_row() -> None:
    hooks: tuple[Hook, ...] = ("input", "output", "forward")
    texts = [render_ruleset(Policy(hooks, (), enforce=enforce)) for enforce in (True, False)]
    comments = set(re.findall(r' counter \w+ comment "(\w+)"', "".join(texts)))
    assert comments <= OF_EVERY_HOST
    assert not {row["id"] for row in load_port_matrix().variants()} & OF_EVERY_HOST


def test_the_revision_is_that_of_the_run_that_applied_it(tmp_path: Path) -> None:
    text = (GOLDEN / "transit_mesh/ruleset.nft").read_text(encoding="utf-8")
    (tmp_path / "ruleset.nft").write_text(text, encoding="utf-8")
    assert revision_of(tmp_path / "ruleset.nft") == revision_of_text(text)
    assert revision_of(tmp_path / "missing.nft") == ""
