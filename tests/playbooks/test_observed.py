# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``observed``: what it says, writes and refuses. What the hosts remember is simulated."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import run_playbook
from remembered import answer, flow

PLAYBOOK = "uc_firewall.pexip_sfb.observed"
CLIENT, NODE, STRANGER, MONITOR = "10.9.0.7", "192.0.2.11", "203.0.113.66", "198.51.100.99"


FLOWS = [
    flow("192.0.2.12", NODE, "esp", packets=900),
    *(flow(CLIENT, NODE, "udp", 40000 + 2 * number, 20) for number in range(20)),
    flow(MONITOR, NODE, "tcp", 9100, 60),
    *(flow(STRANGER, NODE, "tcp", number) for number in range(1, 30)),
]


def inventory(**answers: Any) -> dict[str, Any]:
    """A site with a gateway for each answer."""

    def group(**hosts: str) -> dict[str, Any]:
        return {"hosts": {name: {"port_matrix_addresses": [address]} for name, address in hosts.items()}}

    gateways = {name: {"answer_of_module": said, "ansible_host": "192.0.2.1"} for name, said in answers.items()}
    return {
        "all": {
            "vars": {
                "ansible_connection": "remembering",
                "ansible_python_interpreter": sys.executable,
                "port_matrix_allow_empty": ["edge", "edge_av", "turn_server", "wac_server"],
            },
            "children": {
                "pexip_conferencing_nodes": group(node1=NODE, node2="192.0.2.12"),
                "sfb_front_ends": group(fe1="198.51.100.21"),
                "sfb_clients": group(lan="198.18.0.0/16"),
                "port_matrix_gateways": {"hosts": gateways},
                "port_matrix_linux": {"children": {"port_matrix_gateways": {}}},
            },
        }
    }


def play(directory: Path, content: dict[str, Any], *arguments: str, **variables: Any) -> str:
    content["all"]["children"].setdefault("ungrouped", {"hosts": {"localhost": {"ansible_connection": "local"}}})
    return " ".join(run_playbook(directory, json.dumps(content), PLAYBOOK, *arguments, **variables).split())


def test_what_was_observed_is_named_written_and_gone_with_what_is_proposed(tmp_path: Path) -> None:
    site = inventory(fw1=answer(FLOWS), fw2=answer([], enforcing=True))
    files = tmp_path / "port-matrix-observed"
    output = play(tmp_path, site, "--check", "--diff")
    assert "+port_matrix_row_groups: [integration, platform]" in output
    assert "Would be written to" in output
    assert not files.exists()
    metrics = tmp_path / "metrics.prom"
    output = play(tmp_path, site, port_matrix_observed_prometheus="metrics.prom")
    assert "failed=0" in output
    assert "UDP from 10.9.0.7 to node1 (192.0.2.11) port 40000-40038 (20 ports of these): 400 packets at fw1" in output
    assert "row group platform permits this (row node_esp)" in output
    assert "203.0.113.66 tried 29 ports of 192.0.2.11: 29 packets at fw1" in output
    assert 'port_matrix_observed_packets{gateway="fw1",kind="row_group_off",row="node_esp"} 900' in metrics.read_text()
    document = json.loads((files / "observed.json").read_text(encoding="utf-8"))
    assert [found["kind"] for found in document["flows"]] == ["row_group_off", "missing_host", "missing_row", "scan"]
    proposed = yaml.safe_load((files / "proposed.yml").read_text(encoding="utf-8"))
    assert proposed["port_matrix_endpoints"]["client"] == {"networks": [CLIENT]}
    (row,) = proposed["port_matrix_extra_rows"]
    assert (row["id"], row["destination_ports"]) == ("observed_tcp_9100_to_node1", ["9100"])
    baseline = tmp_path / "baseline.json"
    (files / "observed.json").rename(baseline)
    again = play(tmp_path, site, "-e", f"@{files}/proposed.yml", port_matrix_observed_baseline=str(baseline))
    assert "failed=0" in again
    assert {f["kind"] for f in json.loads((files / "observed.json").read_text(encoding="utf-8"))["flows"]} == {"scan"}


def test_a_night_in_which_something_new_was_seen_fails(tmp_path: Path) -> None:
    (tmp_path / "observed.json").write_text('{"flows": []}', encoding="utf-8")
    output = play(tmp_path, inventory(fw1=answer(FLOWS[:1])), "--check", port_matrix_observed_baseline="observed.json")
    assert "This was not seen before" in output
    assert "ESP from node2 (192.0.2.12) to node1 (192.0.2.11)" in output
    assert "failed=1" in output


def test_hosts_that_cannot_tell_are_said_and_fail_at_the_end(tmp_path: Path) -> None:
    full = answer(FLOWS[:1], full=True)
    failed = {"failed": True, "msg": "nft is missing"}
    output = play(tmp_path, inventory(fw1=full, fw2=failed, fw3="", fw4=answer([], remembering=False)))
    assert "[WARNING]: fw1: its memory is full (1 flows, 65,535 a set)" in output
    assert "[WARNING]: fw2: what it remembers is not in this: nft is missing" in output
    assert "[WARNING]: fw3: what it remembers is not in this: " in output
    assert "[WARNING]: fw4: it remembers nothing; accepted: linux_firewall_enforce: false" in output
    assert "Not everything was observed: these hosts could not be asked: fw2, fw3" in output
    assert (tmp_path / "port-matrix-observed" / "observed.csv").exists()


@pytest.mark.parametrize(
    ("site", "variables", "message"),
    [
        ({}, {}, "no host to ask: looked for the group port_matrix_linux"),
        ({"fw1": answer([], remembering=False)}, {}, "Nothing was observed: no host remembers flows"),
        (
            {"fw1": ""},
            {"port_matrix_observed_baseline": "none.json"},
            "port_matrix_observed_baseline: there is no file",
        ),
        ({"fw1": ""}, {"port_matrix_observed_prometheus": "metrics.txt"}, "metrics.txt does not end in .prom"),
        ({"fw1": answer([])}, {"port_matrix_observed_since": "now"}, "port_matrix_observed_since: 'now' is not a time"),
    ],
)
def test_what_cannot_be_observed_is_refused(tmp_path: Path, site: Any, variables: Any, message: str) -> None:
    output = play(tmp_path, inventory(**site), **variables)
    assert message in output
    assert "failed=1" in output
