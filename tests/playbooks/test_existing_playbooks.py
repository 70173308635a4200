# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages tell people to put into playbooks and inventories, docs/existing-playbooks.md above all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import examples, run_playbook, ten_line_inventory

PAGE = "docs/existing-playbooks.md"
PLAYBOOKS = examples(PAGE, "playbook")
BASE = "- {name: Base, hosts: localhost, gather_facts: false, tasks: []}\n"
RENDER = """
- name: Render
  hosts: fw
  gather_facts: false
  roles: [uc_firewall.pexip_sfb.port_matrix]
  tasks:
    - name: Show
      ansible.builtin.debug:
        msg: >-
          {{ port_matrix_site
          | uc_firewall.pexip_sfb.nftables_ruleset('turn1', extra_rules=linux_firewall_extra_rules) }}
"""


def inventory(**groups: Any) -> dict[str, Any]:
    """The inventory of the README, with other groups next to its own."""
    content: dict[str, Any] = yaml.safe_load(ten_line_inventory())
    content["all"]["children"].update(groups)
    return content


def flows(directory: Path, content: dict[str, Any], **variables: Any) -> list[dict[str, Any]]:
    """What the report of a site permits."""
    output = run_playbook(
        directory, json.dumps(content), "uc_firewall.pexip_sfb.report", port_matrix_report_formats=["json"], **variables
    )
    assert "failed=0" in output, output
    text = (directory / "port-matrix-report/port-matrix.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["flows"]
    return found


def variables(page: str, kind: str, title: str) -> dict[str, Any]:
    """The variables that an example of a page sets."""
    values: dict[str, Any] = yaml.safe_load(examples(page, kind)[title])
    return values


def test_all_playbooks_of_the_page_are_tried() -> None:
    assert set(PLAYBOOKS) == {"imported", "imported for other groups", "removed from other groups", "role"}


@pytest.mark.parametrize(
    ("title", "arguments"), [*((title, []) for title in PLAYBOOKS), ("role", ["--tags", "firewall"])]
)
def test_a_playbook_gets_as_far_as_the_hosts(title: str, arguments: list[str], tmp_path: Path) -> None:
    content = inventory(firewalls={"hosts": {"fw": {}}}, coturn={"hosts": {"turn1": {}}}, lync={"hosts": {"fe1": {}}})
    if "other groups" in title:
        del content["all"]["children"]["port_matrix_linux"]
    (tmp_path / "base.yml").write_text(BASE, encoding="utf-8")
    (tmp_path / "site.yml").write_text(PLAYBOOKS[title], encoding="utf-8")
    output = run_playbook(tmp_path, json.dumps(content), "site.yml", *arguments, ansible_connection="untouchable")
    validated = re.search(r"Validate the site.*\nok: ", output) is not None
    assert validated is not title.startswith("removed")
    assert "a host was touched" in output


@pytest.mark.parametrize("name", ["site", "verify", "remove"])
def test_the_hosts_of_a_playbook_are_given_to_the_play_and_not_to_the_inventory(name: str, tmp_path: Path) -> None:
    """The page says so, and that verify and remove need them, too."""
    content = inventory(firewalls={"hosts": {"fw": {}}})
    del content["all"]["children"]["port_matrix_linux"]
    chosen = {"port_matrix_linux_hosts": "firewalls", "port_matrix_windows_hosts": "none_of_them"}
    playbook = f"uc_firewall.pexip_sfb.{name}"
    assert "\n      fw\n" in run_playbook(tmp_path, json.dumps(content), playbook, "--list-hosts", **chosen)
    content["all"]["vars"] = chosen
    output = run_playbook(tmp_path, json.dumps(content), playbook, "--list-hosts")
    assert "hosts (0)" in output
    assert "\n      fw\n" not in output


def test_gateways_that_only_have_a_report_are_not_connected_to(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(IN_BATCHES["a canary first"], encoding="utf-8")
    content = examples("docs/inventories.md", "inventory")["DMZ nodes with static NAT"]
    assert "provider_router" in content
    for options in (["--list-hosts"], []):
        output = run_playbook(tmp_path, content, "site.yml", *options, ansible_connection="untouchable")
        assert "fw_outer" in output
        assert "provider_router" not in output
    assert "a host was touched" in output


def test_the_assertions_of_the_page_about_ci_hold_for_the_inventory_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / "assertions.yml").write_text(examples("docs/ci.md", "playbook")["assertions"], encoding="utf-8")
    output = run_playbook(tmp_path, ten_line_inventory(), "assertions.yml", ansible_connection="untouchable")
    assert "All assertions passed" in output


WRONG_OF_ONE = {
    "an extra rule with a port that there is none": (
        {"linux_firewall_extra_rules": [{"name": "ntp", "protocol": "udp", "destination_ports": [70000]}]},
        "linux_firewall_extra_rules ntp destination_ports: 70000: port 70000 is out of range",
    ),
    "an extra rule with a protocol that there is none": (
        {"linux_firewall_extra_rules": [{"name": "ntp", "protocol": "ntp"}]},
        "linux_firewall_extra_rules ntp protocol: unknown value 'ntp'; accepted: ah, esp",
    ),
    "an endpoint that no row has": (
        {"linux_firewall_judged_endpoints": ["conferencing_nodes"]},
        "linux_firewall_judged_endpoints: unknown value 'conferencing_nodes'",
    ),
    "a time that is too short": (
        {"linux_firewall_confirm_timeout": 5},
        "linux_firewall_confirm_timeout: 5; accepted: 0, or 10 to 3600 seconds.",
    ),
    "what firewalld cannot do": (
        {"linux_firewall_backend": "firewalld", "linux_firewall_enforce": False},
        "linux_firewall_enforce: is false, and with firewalld the zones decide",
    ),
}
IN_BATCHES = {
    "a canary first": examples("docs/scaling.md", "playbook")["a canary first"],
    "the playbook site": "- {ansible.builtin.import_playbook: uc_firewall.pexip_sfb.site}\n",
}


@pytest.mark.parametrize(
    ("playbook", "case"),
    [
        *(("a canary first", case) for case in WRONG_OF_ONE),
        *((playbook, next(iter(WRONG_OF_ONE))) for playbook in IN_BATCHES if playbook != "a canary first"),
    ],
)
def test_what_is_wrong_with_the_last_firewall_is_found_before_the_first_is_touched(
    playbook: str, case: str, tmp_path: Path
) -> None:
    wrong, message = WRONG_OF_ONE[case]
    content = inventory(port_matrix_gateways={"hosts": {"fw": {}, "fw2": {}, "fw3": wrong}})
    content["all"]["children"]["port_matrix_linux"] = {"hosts": {"fw": {}, "fw2": {}, "fw3": {}}}
    (tmp_path / "site.yml").write_text(IN_BATCHES[playbook], encoding="utf-8")
    output = run_playbook(tmp_path, json.dumps(content), "site.yml", ansible_connection="untouchable")
    assert message in output, output
    assert "a host was touched" not in output


@pytest.mark.parametrize("state", ["present", "absent"])
def test_good_input_gets_as_far_as_the_first_firewall(state: str, tmp_path: Path) -> None:
    """Also where no row has the endpoint that is judged by default, and where a firewall is taken off."""
    own = {"id": "own", "source": "front_end", "destination": "client", "protocols": "udp", "destination_ports": 123}
    content = inventory(port_matrix_gateways={"hosts": {"fw": {}, "fw2": {}, "fw3": {}}})
    if state == "absent":
        content["all"]["children"]["port_matrix_gateways"]["hosts"]["fw3"] = WRONG_OF_ONE["a time that is too short"][0]
    (tmp_path / "site.yml").write_text(IN_BATCHES["a canary first"], encoding="utf-8")
    output = run_playbook(
        tmp_path, json.dumps(content), "site.yml", ansible_connection="untouchable",
        linux_firewall_state=state, port_matrix_rows=[own],
    )  # fmt: skip
    assert "a host was touched" in output


def test_a_group_may_be_a_child(tmp_path: Path) -> None:
    content = inventory(**variables(PAGE, "inventory part", "child group"))
    content["all"]["children"]["video_nodes"] = {"hosts": {"node7": {"port_matrix_addresses": ["192.0.2.77"]}}}
    (avatar,) = [flow for flow in flows(tmp_path, content) if flow["row"] == "conference_avatar"]
    assert avatar["destination"] == ["192.0.2.77/32"]


def test_the_edge_of_the_page_about_windows_goes_next_to_the_other_groups(tmp_path: Path) -> None:
    content = inventory(**variables("docs/windows.md", "inventory part", "an Edge"))
    output = run_playbook(
        tmp_path,
        json.dumps(content),
        "uc_firewall.pexip_sfb.site",
        "--limit",
        "edge1",
        ansible_connection="untouchable",
    )
    assert "a host was touched" in output
    media = [flow for flow in flows(tmp_path, content) if flow["row"] == "media_nodes_to_edge"]
    assert {cidr for flow in media for cidr in flow["destination"]} == {"203.0.113.131/32"}


def test_an_endpoint_may_name_other_groups(tmp_path: Path) -> None:
    content = inventory(
        video_nodes={"hosts": {"node7": {"port_matrix_addresses": ["192.0.2.77"]}}},
        lync_pool_1={"hosts": {"fe7": {"port_matrix_addresses": ["198.51.100.70"]}}},
        lync_pool_2={"hosts": {"fe8": {"port_matrix_addresses": ["198.51.100.80"]}}},
    )
    found = flows(tmp_path, content, **variables(PAGE, "variables", "other groups"))
    (avatar,) = [flow for flow in found if flow["row"] == "conference_avatar"]
    assert (avatar["source"], avatar["destination"]) == (["10.30.0.0/16"], ["192.0.2.77/32"])
    signaling = {tuple(flow["source"]) for flow in found if flow["row"] == "sip_signaling"}
    assert ("198.51.100.70/32", "198.51.100.80/32") in signaling


def test_content_follows_the_front_ends_into_the_groups_of_the_page(tmp_path: Path) -> None:
    content = inventory(lync_pool_1={"hosts": {"fe7": {"port_matrix_addresses": ["198.51.100.70"]}}})
    content["all"]["children"]["video_nodes"] = content["all"]["children"].pop("pexip_conferencing_nodes")
    del content["all"]["children"]["sfb_front_ends"]
    found = flows(tmp_path, content, **variables(PAGE, "variables", "other groups"))
    for row in ("sip_signaling", "psom_content", "https_content"):
        reached = {cidr for flow in found if flow["row"] == row for cidr in flow["destination"]}
        assert "198.51.100.70/32" in reached, row


def test_row_6_may_be_narrower(tmp_path: Path) -> None:
    found = flows(tmp_path, inventory(), **variables("docs/rows.md", "example", "narrower row 6"))
    assert "media_from_nodes" not in {flow["row"] for flow in found}
    narrow = [flow for flow in found if flow["row"] == "media_from_nodes_narrow"]
    assert {flow["protocol"] for flow in narrow} == {"tcp", "udp"}
    assert all(flow["destination_ports"] == ["20000-29999", "49152-65535"] for flow in narrow)
    assert all(flow["source_ports"] == ["40000-49999"] for flow in narrow)


def test_the_extra_rules_of_the_page_become_rules(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(RENDER, encoding="utf-8")
    output = run_playbook(
        tmp_path, ten_line_inventory(), "site.yml", **variables("docs/tasks.md", "variables", "extra rules")
    )
    for comment in ("monitoring", "ping", "ping_v6"):
        assert f'comment \\"{comment}\\"' in output
    assert "tcp dport 9100 ip saddr 10.20.0.9" in output
