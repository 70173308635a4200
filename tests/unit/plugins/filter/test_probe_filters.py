# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the verification as functions: what they take, what they return, and how they fail."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter import probe_results, probes, rows, site

GROUPS = {"pexip_conferencing_nodes": ["node1"], "sfb_front_ends": ["fe1"]}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "node1": {"port_matrix_addresses": ["192.0.2.11"]},
    "fe1": {"ansible_host": "198.51.100.21"},
    "fw": {"ansible_host": "fw.example"},
    "broken": {"port_matrix_addresses": ["nonsense"]},
    "unrelated": {"port_matrix_addresses": "nonsense"},
}
SITE = site.site(HOSTVARS, GROUPS, [row for row in rows.rows([]) if row["id"] == "sip_signaling"])


def test_each_file_has_the_filter_of_its_name() -> None:
    assert list(probes.FilterModule().filters()) == ["probes"]
    assert list(probe_results.FilterModule().filters()) == ["probe_results"]


def test_a_plan_and_its_results_are_plain_data() -> None:
    plan = probes.probes(SITE, HOSTVARS, hosts=("fe1", "fw"))
    assert [probe["destination"] for probe in plan["probes"]["fe1"]] == ["192.0.2.11"]
    assert plan["probes"]["fw"] == []
    answer = {"verdict": "filtered", "detail": "silence", "source": "198.51.100.21", "source_port": 50001}
    found = probe_results.probe_results(plan, {"fe1": {"answers": [answer]}}, generated="now")
    assert sorted(found) == ["document", "failing", "junit", "table"]
    assert found["document"]["generated"] == "now"
    assert found["document"]["summary"]["filtered"] == 1
    assert found["failing"] == [
        "filtered: sip_signaling: fe1 (198.51.100.21) port 50001 to node1 (192.0.2.11) port 5061 tcp ipv4: silence"
    ]
    assert found["junit"].startswith("<?xml")
    assert found["failing"][0] in " ".join(found["table"])


def test_wrong_input_is_an_error_of_the_filter() -> None:
    with pytest.raises(AnsibleFilterError, match=r"uc_firewall.pexip_sfb.probes:\nport_matrix_verify_limit: 0"):
        probes.probes(SITE, HOSTVARS, hosts=["fe1"], limit=0)
    with pytest.raises(AnsibleFilterError, match="host 'broken' port_matrix_addresses: 'nonsense'"):
        probes.probes(SITE, HOSTVARS, hosts=["fe1", "broken"])
    with pytest.raises(AnsibleFilterError, match="port_matrix_verify_accept"):
        probe_results.probe_results(probes.probes(SITE, HOSTVARS, hosts=[]), {}, accept=1)
