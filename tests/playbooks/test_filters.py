# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters in a real run of ansible-playbook: templated variables, lazy containers, tagged strings, error texts."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

ROOT = Path(__file__).parents[2]
VAULT = VaultLib([("default", VaultSecret(b"secret"))])
SECRETS = ("hunter.example", "203.0.113.99/24", "70007")


def vaulted(text: str) -> str:
    """What an inventory has in the place of *text*."""
    return "!vault " + json.dumps(VAULT.encrypt(text).decode())


INVENTORY = f"""
all:
  vars:
    secret_name: {vaulted(SECRETS[0])}
    secret_address: {vaulted(SECRETS[1])}
    secret_port: {vaulted(SECRETS[2])}
"""
INVENTORY += """
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    prefix: 192.0.2
    media_start: 20000
    port_matrix_ports: {media: "{{ media_start }}-{{ media_start + 999 }}"}
    own_rows:
      - id: ntp
        source: conferencing_node
        destination: ["{{ 'front' ~ '_end' }}"]
        protocols: udp
        destination_ports: "{{ 100 + 23 }}"
  children:
    nodes_of_the_site:
      children:
        pexip_conferencing_nodes:
          hosts:
            node1: {port_matrix_addresses: ["{{ prefix }}.11", "2001:db8:1::{{ 11 }}"]}
            node2: {last: 13, port_matrix_addresses: "{{ [prefix ~ '.' ~ last] }}"}
    sfb_front_ends:
      hosts:
        fe1: {ansible_host: "198.51.{{ 50 + 50 }}.21", port_matrix_view: VAULTED_VIEW}
    sfb_edges:
      hosts:
        edge1:
          port_matrix_interfaces:
            internal: ["198.51.100.31/24"]
            av_edge: [{address: "{{ inside }}", advertised: VAULTED_ADDRESS}]
          inside: VAULTED_INSIDE
    unrelated:
      hosts:
        broken: {port_matrix_addresses: "{{ not_defined_anywhere }}"}
"""
for name, text in {"VIEW": "local", "ADDRESS": "203.0.113.31", "INSIDE": "10.0.0.31"}.items():
    INVENTORY = INVENTORY.replace(f"VAULTED_{name}", vaulted(text))

PLAYBOOK = """
- hosts: fe1
  gather_facts: false
  vars:
    rows: >-
      {{ own_rows | uc_firewall.pexip_sfb.rows(
      disabled=['media_nodes_to_turn', 'wac_content', 'media_to_nodes', 'media_from_nodes', 'conference_avatar']) }}
    site: >-
      {{ hostvars | uc_firewall.pexip_sfb.site(groups, rows=rows, ports=port_matrix_ports,
      play_hosts=ansible_play_hosts_all) }}
  tasks:
    - block:
        - ansible.builtin.set_fact:
            wrong: >-
              {{ hostvars | uc_firewall.pexip_sfb.site(groups, rows=rows, ports={'sip': 0, 'media': '49999-40000'},
              endpoints={'edge': {'networks': ['fe1.example']}}) }}
      rescue:
        - ansible.builtin.set_fact:
            error: "{{ ansible_failed_result.msg }}"
    - block:
        - ansible.builtin.set_fact:
            wrong: >-
              {{ {'fe1': {'port_matrix_addresses': [secret_name, secret_address], 'port_matrix_view': secret_name}}
              | uc_firewall.pexip_sfb.site({'sfb_front_ends': ['fe1']}, rows=rows, ports={'sip': secret_port},
              endpoints={'edge': {'networks': [secret_address]}}) }}
      rescue:
        - ansible.builtin.set_fact:
            error_of_secrets: "{{ ansible_failed_result.msg }}"
    - ansible.builtin.copy:
        dest: "{{ result }}"
        mode: "0600"
        content: "{{ content | to_json }}"
      vars:
        content:
          site: "{{ site }}"
          rules: "{{ site | uc_firewall.pexip_sfb.expand }}"
          of_host: "{{ site | uc_firewall.pexip_sfb.expand(inventory_hostname, hooks=['input']) }}"
          ruleset: "{{ site | uc_firewall.pexip_sfb.nftables_ruleset(inventory_hostname, egress=true) }}"
          error: "{{ error }}"
          error_of_secrets: "{{ error_of_secrets }}"
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """What the playbook wrote."""
    directory = tmp_path_factory.mktemp("play")
    (directory / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
    (directory / "play.yml").write_text(PLAYBOOK, encoding="utf-8")
    (directory / "password").write_text("secret", encoding="utf-8")
    written = directory / "result.json"
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            "inventory.yml",
            "--vault-password-file",
            "password",
            "-e",
            f"result={written}",
            "play.yml",
        ],
        cwd=directory,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    content: dict[str, t.Any] = json.loads(written.read_text(encoding="utf-8"))
    return content


def test_templated_addresses_are_read(result: dict[str, t.Any]) -> None:
    assert result["site"]["endpoints"]["conferencing_node"] == [
        {"host": "node1", "local": ["192.0.2.11/32", "2001:db8:1::11/128"]},
        {"host": "node2", "local": ["192.0.2.13/32"]},
    ]
    assert result["site"]["endpoints"]["front_end"] == [{"host": "fe1", "local": ["198.51.100.21/32"]}]
    assert result["site"]["endpoints"]["edge_av"] == [
        {
            "host": "edge1",
            "local": ["10.0.0.31/32"],
            "advertised": ["203.0.113.31/32"],
            "translated": [["10.0.0.31/32", "203.0.113.31/32"]],
        }
    ]


def test_notes_name_hosts_and_values(result: dict[str, t.Any]) -> None:
    assert result["site"]["notes"] == [
        "host 'edge1': '198.51.100.31/24' is an interface address and counts as the one address 198.51.100.31"
    ]


def test_templated_ports_and_own_rows_are_read(result: dict[str, t.Any]) -> None:
    rows = {row["id"]: row for row in result["site"]["rows"]}
    assert rows["media_edge_to_nodes"]["destination_ports"] == ["20000-20999"]
    assert rows["ntp"]["destination"] == ["front_end"]
    assert rows["ntp"]["destination_ports"] == ["123"]


def test_rules_are_expanded(result: dict[str, t.Any]) -> None:
    of_host = [(rule["row"], rule["hook"], rule["source"], rule["destination"]) for rule in result["of_host"]]
    nodes, front_end = ["192.0.2.11/32", "192.0.2.13/32"], ["198.51.100.21/32"]
    assert of_host == [
        (row, "input", nodes, front_end) for row in ("sip_signaling", "psom_content", "https_content", "ntp")
    ]
    assert {rule["row"] for rule in result["rules"]} == {row["id"] for row in result["site"]["rows"]}


def test_the_ruleset_is_rendered(result: dict[str, t.Any]) -> None:
    assert (
        'udp dport 123 ip saddr @conferencing_node_v4 ip daddr 198.51.100.21 counter accept comment "ntp"'
        in (result["ruleset"])
    )
    assert "chain output" in result["ruleset"]


def test_the_text_of_an_error_reaches_the_user_with_every_problem(result: dict[str, t.Any]) -> None:
    for text in (
        "uc_firewall.pexip_sfb.site:",
        "port_matrix_ports.sip: 0: port 0 is out of range; accepted: a port 1-65535",
        "port_matrix_ports.media: '49999-40000' ends before it begins; accepted: a port 1-65535",
        "port_matrix_endpoints.edge.networks: 'fe1.example' is a host name, and the rules need an address"
        "; accepted: an",
    ):
        assert text in result["error"]


def test_vaulted_values_are_read_like_any_other(result: dict[str, t.Any]) -> None:
    # The addresses of the Edge are vaulted, too: see what is asserted of them above.
    assert result["site"]["views"] == {"fe1": {"default": "local", "others": []}}


def test_no_error_shows_what_is_vaulted(result: dict[str, t.Any]) -> None:
    for text in (
        "host 'fe1' port_matrix_addresses: a vaulted value is a host name, and the rules need an address",
        "port_matrix_ports.sip: a vaulted value: port is out of range",
        "port_matrix_endpoints.edge.networks: a vaulted value may be one address or a network; accepted: one without",
    ):
        assert text in result["error_of_secrets"]
    assert not [secret for secret in SECRETS if secret.partition("/")[0] in result["error_of_secrets"]]
