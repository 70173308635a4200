# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks ``report`` and ``query`` as a user runs them, on an inventory whose hosts cannot be reached."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from warm_ansible import ansible_playbook

HERE = Path(__file__).parent
NTP = {"id": "ntp", "purpose": "Time", "source": "conferencing_node", "destination": "ntp_server", "protocols": "udp",
       "destination_ports": 123}  # fmt: skip


def inventory(**variables: Any) -> dict[str, Any]:
    """A small site with static NAT. Whatever it says about connections is about its hosts, not about the controller."""

    def group(**hosts: Any) -> dict[str, Any]:
        return {"hosts": hosts}

    return {
        "all": {
            "vars": {"ansible_connection": "untouchable", "ansible_become": True, **variables},
            "children": {
                "pexip_conferencing_nodes": group(
                    node1={"port_matrix_addresses": ["192.0.2.11"]}, node2={"port_matrix_addresses": ["192.0.2.13"]}
                ),
                "sfb_front_ends": group(fe1={"port_matrix_addresses": ["198.51.100.21"]}),
                "sfb_edges": group(
                    edge1={
                        "port_matrix_interfaces": {
                            "internal": ["198.51.100.31"],
                            "av_edge": [{"address": "10.0.0.31", "advertised": "203.0.113.31"}],
                        }
                    }
                ),
                "turn_servers": group(turn1={"port_matrix_addresses": ["198.51.100.41"]}),
                "wac_servers": group(wac1={"port_matrix_addresses": ["198.51.100.51"]}),
                "sfb_clients": group(client_lan={"port_matrix_addresses": ["198.18.0.0/25"]}),
                "workstations": group(pc7={"ansible_host": "198.18.0.7"}),
                "port_matrix_gateways": group(fw={"port_matrix_view": "local"}),
                "port_matrix_linux": group(fw={}, turn1={}),
            },
        }
    }


class Controller:
    """A directory on the controller from which playbooks are run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.content = inventory()
        self.report = directory / "port-matrix-report"

    def run(self, playbook: str, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        path = self.directory / "inventory.json"
        path.write_text(json.dumps(self.content), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "COLUMNS": "10000",
        }
        name = playbook if playbook.endswith(".yml") else f"uc_firewall.pexip_sfb.{playbook}"
        command = ["-i", path, name, *arguments, "-e", json.dumps(variables)]
        done = ansible_playbook(command, cwd=self.directory, env=environment)
        assert "a host was touched" not in done.stdout + done.stderr
        return done

    def written(self) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.report.iterdir())}


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that the last message of a successful play has."""
    assert done.returncode == 0, done.stdout + done.stderr
    message = re.findall(r"^ok: \[localhost\] => (\{\n.*?^\})", done.stdout, re.DOTALL | re.MULTILINE)[-1]
    lines: list[str] = json.loads(message)["msg"]
    return lines


def changed(done: subprocess.CompletedProcess[str]) -> int:
    match = re.search(r"changed=(\d+)", done.stdout)
    assert match is not None, done.stdout + done.stderr
    return int(match[1])


def failed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    return re.sub(r"\s+", " ", done.stdout + done.stderr)


FILES = ["port-matrix-pairs.csv", *(f"port-matrix.{ending}" for ending in ("csv", "html", "json", "md", "mmd", "svg"))]


def test_a_report_is_written_and_a_second_run_changes_nothing(controller: Controller) -> None:
    preview = controller.run("report", "--check", "--diff")
    assert changed(preview) == 1
    assert not controller.report.exists()
    assert "+row,purpose,group,protocol,family,source_endpoint" in preview.stdout
    first = controller.run("report")
    assert changed(first) == 1
    assert said(first)[1:] == [f"Written to {controller.report}:", *(FILES[i] for i in (1, 3, 4, 2, 6, 5, 0))]
    before = controller.written()
    assert list(before) == FILES
    second = controller.run("report", "--diff")
    assert changed(second) == 0
    assert controller.written() == before
    assert "+++" not in second.stdout
    # What check mode says after a change of the inventory is what a run then does.
    nodes = controller.content["all"]["children"]["pexip_conferencing_nodes"]["hosts"]
    nodes["node2"] = {"port_matrix_addresses": ["192.0.2.14"]}
    preview = controller.run("report", "--check", "--diff")
    assert re.search(r"^\+sip_signaling,.*192\.0\.2\.14/32", preview.stdout, re.MULTILINE)
    assert controller.written() == before
    assert changed(controller.run("report")) == 1
    assert all(digest != before[name] for name, digest in controller.written().items())


def test_the_files_get_the_mode_that_is_asked_for_and_the_directory_keeps_its_own(controller: Controller) -> None:
    controller.report.mkdir()
    controller.report.chmod(0o1777)
    assert controller.run("report", port_matrix_report_mode="0644").returncode == 0
    assert stat.S_IMODE(controller.report.stat().st_mode) == 0o1777
    assert {stat.S_IMODE(path.stat().st_mode) for path in controller.report.iterdir()} == {0o644}


def test_every_scope_has_files_of_its_own(controller: Controller) -> None:
    for scope in ("host:edge1", "gateway:fw", "pair:client:conferencing_node"):
        assert said(controller.run("report", port_matrix_report_scope=scope, port_matrix_report_formats=["csv"]))
    assert list(controller.written()) == [
        "port-matrix-gateway-fw-pairs.csv", "port-matrix-gateway-fw.csv", "port-matrix-host-edge1-pairs.csv",
        "port-matrix-host-edge1.csv", "port-matrix-pair-client-conferencing_node-pairs.csv",
        "port-matrix-pair-client-conferencing_node.csv",
    ]  # fmt: skip
    # The gateway is in no play, and its view counts all the same.
    for name, seen, unseen in (
        ("gateway-fw", "10.0.0.31/32", "203.0.113.31/32"),
        ("host-edge1", "10.0.0.31/32", "203.0.113.31/32"),
    ):
        text = (controller.report / f"port-matrix-{name}.csv").read_text(encoding="utf-8")
        assert seen in text
        assert unseen not in text
    site = said(controller.run("report", port_matrix_report_formats=["csv"]))
    assert site[0].startswith("What must be open for the whole site. 10 rows, 11 flows, 14 rules; revision ")
    assert "203.0.113.31/32" in (controller.report / "port-matrix.csv").read_text(encoding="utf-8")


def test_a_flow_removed_from_the_inventory_shows_in_the_comparison(controller: Controller) -> None:
    controller.run("report")
    (controller.report / "port-matrix.json").rename(controller.directory / "handed-over.json")
    del controller.content["all"]["children"]["turn_servers"]
    del controller.content["all"]["children"]["port_matrix_linux"]["hosts"]["turn1"]
    controller.content["all"]["children"]["pexip_conferencing_nodes"]["hosts"]["node3"] = {
        "port_matrix_addresses": ["192.0.2.15"]
    }
    options = {
        "port_matrix_allow_empty": ["turn_server"],
        "port_matrix_report_baseline": "handed-over.json",
    }
    lines = said(controller.run("report", **options))
    removed = "media_nodes_to_turn: UDP from 192.0.2.11, 192.0.2.13 port 40000-49999 to 198.51.100.41 port 3478"
    assert f"removed: {removed}" in lines
    assert "widened: wac_content: TCP from 192.0.2.15 port 55000-65535 to 198.51.100.51 port 443" in lines
    assert re.fullmatch(r"Changes since revision [0-9a-f]{12}: 1 removed, 13 widened\.", lines[1])
    assert changed(controller.run("report", **options)) == 0
    with (controller.report / "port-matrix-changes.csv").open(encoding="utf-8", newline="") as file:
        kinds = [(line["change"], line["row"]) for line in csv.DictReader(file)]
    assert ("removed", "media_nodes_to_turn") in kinds
    assert ("widened", "wac_content") in kinds
    document = json.loads((controller.report / "port-matrix.json").read_text(encoding="utf-8"))
    assert [flow["row"] for flow in document["changes"]["removed"]] == ["media_nodes_to_turn"]
    for name in ("port-matrix.md", "port-matrix.html"):
        assert "1 removed, 13 widened" in (controller.report / name).read_text(encoding="utf-8")
    # Without a baseline the list of changes would be out of date.
    assert changed(controller.run("report", port_matrix_allow_empty=["turn_server"])) == 1
    assert list(controller.written()) == FILES


def test_hostile_strings_do_no_harm_in_any_file(controller: Controller) -> None:
    hostile = "=cmd|' /C calc'!A0\"><script>alert(1)</script>{{ 1 + 1 }}`x`|y"
    unsafe = {"__ansible_unsafe": hostile}
    controller.content = inventory(
        port_matrix_extra_rows=[{**NTP, "purpose": unsafe, "reference": unsafe}],
        port_matrix_endpoints={"ntp_server": {"networks": ["192.0.2.123"]}},
    )
    name = "=1<img src=x onerror=alert(1)>\n|"
    controller.content["all"]["children"]["wac_servers"]["hosts"][name] = {"port_matrix_addresses": ["198.51.100.52"]}
    title = {"__ansible_unsafe": "<h1>{{ x }}"}
    assert said(controller.run("report", port_matrix_report_title=title))
    with (controller.report / "port-matrix.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))]
    assert {line[1] for line in lines if line[0] == "ntp"} == {f"'{hostile}"}
    page = (controller.report / "port-matrix.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<h1>&lt;h1&gt;{{ x }}</h1>" in page
    assert "{{ 1 + 1 }}" in page
    markdown = (controller.report / "port-matrix.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown
    assert "# &lt;h1&gt;{{ x }}\n" in markdown


def test_a_change_request_for_another_firewall(controller: Controller) -> None:
    # In YAML a day is not text.
    (controller.directory / "group_vars").mkdir()
    (controller.directory / "group_vars/all.yml").write_text(
        "port_matrix_extra_rows:\n"
        "  - {id: ntp, source: conferencing_node, destination: ntp_server, protocols: udp, destination_ports: 123,\n"
        "     owner: UC team, ticket: CHG-4711, expires: 2020-01-31}\n"
        "port_matrix_endpoints: {ntp_server: {networks: [192.0.2.123]}}\n"
        "port_matrix_report_change: {ticket: CHG-4712, valid_until: 2027-12-31, test_plan: [Call, Share]}\n"
        "port_matrix_report_formats: [csv, json, xlsx]\n"
        "port_matrix_report_platforms: [ciscoasa, fortigate]\n",
        encoding="utf-8",
    )
    # A protocol that one of the two platforms cannot have.
    controller.content["all"]["vars"]["port_matrix_row_groups"] = ["integration", "platform"]
    controller.content["all"]["children"]["pexip_management_nodes"] = {
        "hosts": {"manager": {"port_matrix_addresses": ["192.0.2.10"]}}
    }
    done = controller.run("report")
    lines = said(done)
    warnings = " ".join(re.sub(r"\s+", " ", done.stdout + done.stderr).split())
    assert "port_matrix_rows row ntp: expired on 2020-01-31, and is still open; accepted: a later day" in warnings
    assert re.search(r"\[WARNING\]: fortigate: aerleon cannot write \d+ rules for it", warnings)
    assert list(controller.written()) == [
        "port-matrix-aerleon-definitions.yaml", "port-matrix-aerleon-policy.yaml", "port-matrix-ciscoasa.txt",
        "port-matrix-fortigate.txt", "port-matrix-pairs.csv", "port-matrix.csv", "port-matrix.json", "port-matrix.xlsx",
    ]  # fmt: skip
    assert "port-matrix-ciscoasa.txt" in lines
    assert "eq ntp" in (controller.report / "port-matrix-ciscoasa.txt").read_text(encoding="utf-8")
    document = json.loads((controller.report / "port-matrix.json").read_text(encoding="utf-8"))
    assert document["change_request"]["valid_until"] == "2027-12-31"
    assert document["change_request"]["test_plan"] == "Call\nShare"
    assert (controller.report / "port-matrix.xlsx").read_bytes().startswith(b"PK")
    with (controller.report / "port-matrix-pairs.csv").open(encoding="utf-8", newline="") as file:
        (ntp, _other) = [line for line in csv.DictReader(file) if line["row"] == "ntp"]
    assert (ntp["source_host"], ntp["owner"], ntp["expires"]) == ("node1", "UC team", "2020-01-31")
    assert changed(controller.run("report", "--diff")) == 0
    # What is not asked for any more is gone, and what has expired can be refused.
    controller.run("report", port_matrix_report_platforms=[])
    assert [name for name in controller.written() if "ciscoasa" in name or "aerleon" in name] == []
    refused = failed(controller.run("report", port_matrix_expired="refuse"))
    assert "port_matrix_rows row ntp: expired on 2020-01-31, and port_matrix_expired is refuse" in refused


def test_a_host_as_its_scope_may_have_any_name(controller: Controller) -> None:
    controller.content["all"]["children"]["wac_servers"]["hosts"]["../../etc/x"] = {
        "port_matrix_addresses": ["198.51.100.52"]
    }
    assert said(
        controller.run("report", port_matrix_report_scope="host:../../etc/x", port_matrix_report_formats=["csv"])
    )
    for name in controller.written():
        assert re.fullmatch(r"port-matrix-host-\.\._\.\._etc_x-[0-9a-f]{8}(-pairs)?\.csv", name)


def test_a_play_with_many_hosts_renders_once_and_on_the_controller(controller: Controller) -> None:
    play = {
        "hosts": "port_matrix_linux", "gather_facts": False, "become": True,
        "roles": [{"role": "uc_firewall.pexip_sfb.port_matrix_report"}],
    }  # fmt: skip
    (controller.directory / "own.yml").write_text(json.dumps([play]), encoding="utf-8")
    # The site says become, and the controller has no such way to become somebody.
    controller.content["all"]["vars"] |= {"ansible_become_exe": "/nowhere/sudo", "ansible_become_user": "nobody"}
    done = controller.run("own.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^changed: \[(.*)\]$", done.stdout, re.MULTILINE) == ["fw -> localhost"]
    assert list(controller.written()) == FILES


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"port_matrix_report_scope": "host:fe9"},
            "port_matrix_report_scope: there is no host that is an endpoint of an enabled row 'fe9'; accepted: 'clie",
        ),
        ({"port_matrix_report_formats": ["pdf"]}, "port_matrix_report_formats"),
        (
            {"port_matrix_report_baseline": "nowhere.json"},
            "nowhere.json; accepted: the JSON file of an earlier report",
        ),
        (
            {"port_matrix_report_baseline": "inventory.json"},
            "port_matrix_report_baseline: is not a report, or one of another",
        ),
        (
            {"port_matrix_report_verification": "inventory.json"},
            "port_matrix_report_verification: has the version None",
        ),
    ],
)
def test_a_wrong_input_is_named_before_anything_is_written(
    controller: Controller, variables: dict[str, Any], message: str
) -> None:
    assert message in failed(controller.run("report", **variables))
    assert not controller.report.exists()


def test_a_baseline_is_not_written_over(controller: Controller) -> None:
    controller.run("report")
    before = controller.written()
    done = controller.run("report", port_matrix_report_baseline="port-matrix-report/port-matrix.json")
    assert "port-matrix.json is a file that this run writes; accepted: a copy of it under another name" in failed(done)
    assert controller.written() == before


def test_a_verification_becomes_a_section_of_the_page(controller: Controller) -> None:
    probe = {"row": "sip_signaling", "source_host": "fe1", "verdict": "filtered", "detail": "no answer {{ x }}"}
    document = {"version": 1, "generated": "2026-01-01T00:00:00Z", "probes": [probe], "summary": {"filtered": 1}}
    (controller.directory / "verify.json").write_text(json.dumps(document), encoding="utf-8")
    assert said(controller.run("report", port_matrix_report_verification="verify.json"))
    page = (controller.report / "port-matrix.html").read_text(encoding="utf-8")
    assert "1 probe: 1 filtered (no answer)." in page
    assert "no answer {{ x }}" in page


@pytest.mark.parametrize("playbook", ["report", "query"])
def test_what_the_managed_hosts_believe_must_be_what_is_said(controller: Controller, playbook: str) -> None:
    controller.content["all"]["children"]["port_matrix_linux"]["vars"] = {"port_matrix_strict_clients": True}
    done = controller.run(playbook, query_source="node1", query_destination="turn1")
    assert (
        "port_matrix_strict_clients: differs between the hosts 'fw', 'localhost'; accepted: one value for all"
        in failed(done)
    )


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            {"source": "node1", "destination": "turn1", "protocol": "udp", "destination_port": "3478"},
            [
                "Permitted: UDP from node1 (192.0.2.11) to turn1 (198.51.100.41) port 3478",
                "  by row media_nodes_to_turn: UDP from 192.0.2.11 port 40000-49999 to 198.51.100.41 port 3478",
            ],
        ),
        (
            {"source": "192.0.2.11", "destination": "turn1", "protocol": "tcp", "destination_port": 3478},
            [
                "Not permitted: TCP from 192.0.2.11 to turn1 (198.51.100.41) port 3478",
                "  nearest is row media_nodes_to_turn: UDP from 192.0.2.11, 192.0.2.13 port 40000-49999"
                " to 198.51.100.41 port 3478",
                "  what does not match: protocol",
            ],
        ),
        (
            {"source": "pc7", "destination": "node1", "protocol": "tcp", "destination_port": 80},
            [
                "Permitted: TCP from pc7 (198.18.0.7) to node1 (192.0.2.11) port 80",
                "  by row conference_avatar: TCP from 198.18.0.7 port any to 192.0.2.11 port 80",
            ],
        ),
        (
            {"source": "node1", "destination": "edge1", "protocol": "udp", "source_port": 40000, "at": "fw"},
            [
                "Permitted: UDP from node1 (192.0.2.11) port 40000 to edge1 (10.0.0.31, 198.51.100.31)",
                "  by row media_nodes_to_edge: UDP from 192.0.2.11 port 40000 to 10.0.0.31 port 50000-59999",
            ],
        ),
        (
            {"destination": "turn_servers", "protocol": "UDP", "source_port": "media"},
            [
                "What is permitted: UDP from anybody port media (40000-49999) to turn_servers (198.51.100.41)",
                "  by row media_nodes_to_turn: UDP from 192.0.2.11, 192.0.2.13 port 40000-49999"
                " to 198.51.100.41 port 3478",
            ],
        ),
    ],
)
def test_a_question_is_answered(controller: Controller, question: dict[str, Any], answer: list[str]) -> None:
    done = controller.run("query", **{f"query_{name}": value for name, value in question.items()})
    assert said(done) == answer
    assert changed(done) == 0


def test_a_question_without_its_ends_says_what_is_missing(controller: Controller) -> None:
    message = (
        "query_source and query_destination: not set; accepted: at least one of them: the name of a host, an endpoint"
    )
    assert message in failed(controller.run("query", query_protocol="tcp"))
    assert "destination: 'node9' is not a host with an address" in failed(
        controller.run("query", query_source="node1", query_destination="node9")
    )


def test_a_play_can_assert_what_it_relies_on(controller: Controller) -> None:
    test = "port_matrix_site is {}uc_firewall.pexip_sfb.permitted({})"
    tasks = [
        {"ansible.builtin.import_role": {"name": "uc_firewall.pexip_sfb.port_matrix"}},
        {
            "ansible.builtin.assert": {
                "that": [
                    test.format("", "'node1', 'turn1', 'udp', destination_port=3478"),
                    test.format("not ", "'node1', 'turn1', 'tcp'"),
                    test.format("", "source='node1', destination='10.0.0.31', at='edge1'"),
                ]
            }
        },
        {"ansible.builtin.assert": {"that": test.format("", "'node1', 'turn1', 'h323'")}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (controller.directory / "own.yml").write_text(json.dumps([play]), encoding="utf-8")
    output = failed(controller.run("own.yml"))
    assert "All assertions passed" in output
    assert "uc_firewall.pexip_sfb.permitted: protocol: unknown value 'h323'; accepted: ah, esp" in output
