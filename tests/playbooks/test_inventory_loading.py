# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both inventory plugins on the ansible-core that is there: loaded, documented, and run as far as needs no server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "sites"))  # tests/versions runs this without the settings of pytest
from known_systems import EVERYWHERE, PoolOf, builder_file, front_end_services

TOPOLOGY = """
plugin: uc_firewall.pexip_sfb.sfb_topology
path: topology.xml
addresses: {fe1.example: [10.1.0.31]}
compose:
  ansible_host: port_matrix_addresses | first
groups:
  here: sfb_site == 'Redmond'
keyed_groups:
  - prefix: site
    key: sfb_site
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: CACHE
"""
# What a report needs besides a Front End.
REST = """
all:
  vars: {port_matrix_allow_empty: [edge, edge_av, edge_internal, turn_server, wac_server]}
  children:
    pexip_conferencing_nodes: {hosts: {node1: {port_matrix_addresses: [192.0.2.11]}}}
    sfb_clients: {hosts: {lan: {port_matrix_addresses: [10.2.0.0/16]}}}
"""
NOBODY = """
plugin: uc_firewall.pexip_sfb.pexip_infinity
url: https://127.0.0.1:1
username: inventory
password: "{{ 'sec' ~ 'ret' }}"
"""


def ansible(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"}
    whole = [sys.executable, "-m", "ansible", command, *arguments]
    return subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_a_topology_is_read_and_read_again(tmp_path: Path) -> None:
    pools = [PoolOf("fe1.example", 1, {"fe1.example": EVERYWHERE}, front_end_services())]
    (tmp_path / "topology.xml").write_text(builder_file(pools, {1: "Redmond"}), encoding="utf-16")
    path = tmp_path / "x.sfb_topology.yml"
    path.write_text(TOPOLOGY.replace("CACHE", str(tmp_path / "cache")), encoding="utf-8")
    done = [ansible("inventory", "-i", str(path), "--list") for _run in range(2)]
    first, second = (json.loads(d.stdout, object_hook=lambda o: o.get("__ansible_unsafe", o)) for d in done)
    assert first == second  # with the time of the first
    assert done[0].stderr == ""
    variables = first["_meta"]["hostvars"]["fe1.example"]
    assert variables["ansible_host"] == "10.1.0.31"
    assert variables["port_matrix_ports"]["psom"] == ["8057"]
    assert {"here", "sfb_front_ends", "site_Redmond"} <= set(first)


def test_a_site_is_refused_where_a_file_could_not_be_read(tmp_path: Path) -> None:
    """Whether the plugin failed, or Ansible did not come to run it; also where a cache has an earlier answer."""
    pools = [PoolOf("fe1.example", 1, {"fe1.example": EVERYWHERE}, front_end_services())]
    (tmp_path / "topology.xml").write_text(builder_file(pools, {1: "Redmond"}), encoding="utf-8")
    text = TOPOLOGY.replace("CACHE", str(tmp_path / "cache"))
    (tmp_path / "x.sfb_topology.yml").write_text(text, encoding="utf-8")
    (tmp_path / "hosts.yml").write_text(REST, encoding="utf-8")
    play = ("playbook", "-i", str(tmp_path), "uc_firewall.pexip_sfb.report", "--check")
    done = ansible(*play)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "topology.xml").rename(tmp_path / "gone.xml")
    (tmp_path / "y.pexip_infinity.yml").write_text("plugin: [", encoding="utf-8")
    done = ansible(*play)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    for name in ("x.sfb_topology.yml", "y.pexip_infinity.yml"):
        assert f"inventory file {tmp_path / name}: could not be read, so its hosts are missing." in said
    assert "endpoint front_end" not in said


def test_a_management_node_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.pexip_infinity.yml"
    path.write_text(NOBODY, encoding="utf-8")
    done = ansible("inventory", "-i", str(path), "--list", "-vvv")
    said = "".join(done.stderr.split())  # before 2.19, warnings are in lines of 80 columns
    assert "uc_firewall.pexip_sfb.pexip_infinity" in said
    assert "https://127.0.0.1:1/api/admin/configuration/v1/worker_vm/?limit=100:noanswer:" in said
    assert "c2VjcmV0" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["pexip_infinity", "sfb_topology"])
def test_it_is_documented(name: str) -> None:
    done = ansible("doc", "-t", "inventory", f"uc_firewall.pexip_sfb.{name}")
    assert done.returncode == 0, done.stderr
    assert "took part in the tests" in " ".join(done.stdout.split())
