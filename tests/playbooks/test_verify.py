# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``verify``: what it says, writes and refuses.

Its sources are simulated Windows hosts, as on a site where nothing but the Windows servers can be logged in to. Linux
sources are tried by the demo, with real packets.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from simulated_windows.host import SimulatedHost
from warm_ansible import ansible_playbook

TOP = Path(__file__).parent.parent.parent
MODULE = "uc_firewall.pexip_sfb.win_port_probe"
KEYS = [
    "row", "source_host", "source", "source_port", "destination_host", "destination", "destination_port", "protocol",
    "family", "probe", "verdict", "detail", "certificate", "accepted",
]  # fmt: skip


def inventory() -> dict[str, Any]:
    """A site with two managed Front Ends and two nodes, which are closed."""

    def group(**hosts: Any) -> dict[str, Any]:
        return {"hosts": hosts}

    return {
        "all": {
            "vars": {
                "ansible_connection": "simulated_windows",
                "port_matrix_allow_empty": ["client", "edge", "edge_av", "turn_server", "wac_server"],
            },
            "children": {
                "pexip_conferencing_nodes": group(
                    node1={"port_matrix_addresses": ["192.0.2.11"]}, node2={"port_matrix_addresses": ["192.0.2.12"]}
                ),
                "sfb_front_ends": group(
                    fe1={"port_matrix_addresses": ["198.51.100.21"]}, fe2={"port_matrix_addresses": ["198.51.100.22"]}
                ),
                "port_matrix_windows": group(fe1={}, fe2={}),
            },
        }
    }


class Lab:
    """A directory with an inventory, the simulated hosts, and the results."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.content = inventory()
        self.results = directory / "results"
        self.playbook = "uc_firewall.pexip_sfb.verify"

    def change(self, name: str, **state: Any) -> None:
        """Change the state of a host by hand."""
        host = SimulatedHost(self.directory, name)
        host.state.update(state)
        host.save()

    def play(self, **keywords: Any) -> None:
        """Have a play of the user's own run, with some keywords."""
        role = "uc_firewall.pexip_sfb.port_matrix_verify"
        play = {"hosts": "port_matrix_windows", "gather_facts": False, "roles": [role], **keywords}
        self.playbook = "own.yml"
        (self.directory / self.playbook).write_text(json.dumps([play]), encoding="utf-8")

    def run(self, *arguments: str, **variables: Any) -> tuple[int, str]:
        """Run the playbook; return its exit code and what it said, white space folded."""
        path = self.directory / "inventory.json"
        path.write_text(json.dumps(self.content), encoding="utf-8")
        plugins = ["extensions/lab/connection_plugins", "tests/playbooks/connection_plugins"]
        environment = {
            **os.environ,
            "ANSIBLE_CONNECTION_PLUGINS": os.pathsep.join(str(TOP / plugin) for plugin in plugins),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "COLUMNS": "10000",
        }
        given = {"port_matrix_verify_directory": str(self.results), **variables}
        command = ["-i", str(path), self.playbook, "-e", json.dumps(given)]
        command += ["-e", f"simulated_windows_directory={self.directory}", *arguments]
        done = ansible_playbook(command, cwd=self.directory, env=environment)
        return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)

    def document(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.results / "verify.json").read_text(encoding="utf-8"))
        return content

    def verdicts(self) -> dict[str, str]:
        """Source and destination → verdict, of what was probed."""
        probes = self.document()["probes"]
        return {
            f"{p['source_host']} {p['destination_host']}": p["verdict"] for p in probes if p["row"] == "sip_signaling"
        }

    def calls(self, name: str) -> list[dict[str, Any]]:
        return SimulatedHost(self.directory, name).calls(MODULE)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_what_is_open_passes_and_is_written_down(lab: Lab) -> None:
    code, output = lab.run()
    assert code == 0, output
    document = lab.document()
    assert document["version"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["generated"])
    assert all(list(probe) == sorted(KEYS) for probe in document["probes"])
    assert document["summary"]["open"] == 4
    assert lab.verdicts() == {
        "fe1 node1": "open", "fe1 node2": "open", "fe2 node1": "open", "fe2 node2": "open", " ": "not_probeable",
    }  # fmt: skip
    (idle, *_more) = [p for p in document["probes"] if p["row"] == "media_to_nodes"]
    assert idle["detail"] == "nobody listens there without a call, and Ansible does not manage the host"
    suites = ElementTree.parse(lab.results / "verify.xml").getroot()
    assert (suites.get("failures"), suites.get("errors")) == ("0", "0")
    assert int(suites.get("tests", 0)) == len(document["probes"])
    assert "sip_signaling tcp 4 1" in output
    assert (
        "fe1: probing 1 to 2 of 2, 0 left: sip_signaling to node1 tcp 5061, sip_signaling to node2 tcp 5061" in output
    )
    assert re.search(r"fe1 : ok=\d+ changed=0 unreachable=0 failed=0", output)


def test_what_is_not_open_is_named_and_fails_at_the_end(lab: Lab) -> None:
    lab.change("fe1", network={"192.0.2.11 5061": "refused", "192.0.2.12 5061": "filtered"})
    code, output = lab.run()
    assert code == 2
    assert lab.verdicts() == {
        "fe1 node1": "refused", "fe1 node2": "filtered", "fe2 node1": "open", "fe2 node2": "open", " ": "not_probeable",
    }  # fmt: skip
    assert "2 probes are not open, although the matrix permits them." in output
    named = (
        r"filtered: sip_signaling: fe1 \(198.51.100.21\) port \d+ to node2 \(192.0.2.12\) port 5061 tcp ipv4: no answer"
    )
    assert re.search(named, output)
    suites = ElementTree.parse(lab.results / "verify.xml").getroot()
    assert suites.get("failures") == "2"
    assert lab.run(port_matrix_verify_fail=False)[0] == 0


def test_what_is_accepted_does_not_fail(lab: Lab) -> None:
    lab.change("fe1", network={"192.0.2.11 5061": "refused"})
    accept = [{"destination_host": "node1", "destination_port": 5061}]
    code, output = lab.run(port_matrix_verify_accept=accept)
    assert code == 0, output
    assert "Not open, and accepted:" in output
    assert lab.document()["summary"]["refused"] == 1


def test_a_host_that_is_out_of_reach_is_an_error_and_the_others_are_told(lab: Lab) -> None:
    lab.change("fe1", is_lost=True)
    code, output = lab.run()
    assert code == 2
    assert lab.verdicts() == {
        "fe1 node1": "error", "fe1 node2": "error", "fe2 node1": "open", "fe2 node2": "open", " ": "not_probeable",
    }  # fmt: skip
    assert "the host did not probe: the simulated connection is lost" in output


def test_batches_and_the_limit(lab: Lab) -> None:
    nodes = {f"node{n}": {"port_matrix_addresses": [f"192.0.2.{n}"]} for n in range(1, 31)}
    lab.content["all"]["children"]["pexip_conferencing_nodes"] = {"hosts": nodes}
    code, output = lab.run(port_matrix_verify_limit=25, port_matrix_verify_batch=10)
    assert code == 0, output
    assert [len(call["arguments"]["probes"]) for call in lab.calls("fe1")] == [10, 10, 5]
    assert "fe1: probing 11 to 20 of 25, 5 left:" in output
    assert "sip_signaling: 10 probes" in output
    # Together they reach every node, as each begins at another one.
    assert len({p["destination_host"] for p in lab.document()["probes"] if p["verdict"] == "open"}) == 26


def test_rows_of_the_user_are_probed(lab: Lab) -> None:
    row = {
        "id": "api", "source": "front_end", "destination": "conferencing_node", "protocols": ["tcp", "udp"],
        "destination_ports": [8443, 3478], "source_ports": "30000-30009",
    }  # fmt: skip
    code, output = lab.run(port_matrix_extra_rows=[row])
    assert code == 0, output
    found = {
        (p["protocol"], p["destination_port"], p["probe"]): p for p in lab.document()["probes"] if p["row"] == "api"
    }
    assert found["tcp", 8443, "tcp_connect"]["verdict"] == "open"
    assert found["tcp", 8443, "tcp_connect"]["source_port"] == 30000
    assert found["udp", 3478, "stun"]["detail"] == "only TCP services are probed from a Windows host"
    assert found["udp", None, "responder"]["verdict"] == "not_probeable"


def test_check_mode_probes_and_writes_nothing(lab: Lab) -> None:
    lab.change("fe1", network={"192.0.2.11 5061": "refused"})
    code, output = lab.run("--check")
    assert code == 2
    assert "1 probes are not open" in output
    assert not lab.results.exists()


def test_without_a_directory_nothing_is_written(lab: Lab) -> None:
    code, output = lab.run(port_matrix_verify_directory="")
    assert code == 0, output
    assert not lab.results.exists()


def test_a_relative_directory_counts_from_where_the_command_was_given_and_keeps_its_mode(lab: Lab) -> None:
    lab.results.mkdir(mode=0o700)
    code, output = lab.run(port_matrix_verify_directory="results", port_matrix_verify_mode="0604")
    assert code == 0, output
    assert stat.S_IMODE((lab.results / "verify.json").stat().st_mode) == 0o604
    assert stat.S_IMODE(lab.results.stat().st_mode) == 0o700


def test_the_controller_becomes_nobody_else_whatever_the_inventory_says(lab: Lab) -> None:
    # The hosts do not mind, as they are simulated; on the controller there is no such way to become somebody.
    lab.content["all"]["vars"]["ansible_become"] = True
    for group in ("port_matrix_windows", "sfb_front_ends"):
        lab.content["all"]["children"][group]["vars"] = {"ansible_become": False}
    lab.content["all"]["vars"]["ansible_become_exe"] = "/nowhere/sudo"
    lab.content["all"]["vars"]["ansible_become_user"] = "nobody"
    code, output = lab.run()
    assert code == 0, output
    assert (lab.results / "verify.json").exists()


def test_what_the_command_line_gives_as_text_is_understood(lab: Lab) -> None:
    lab.change("fe1", network={"192.0.2.11 5061": "refused"})
    given = {"fail": "false", "tls": "false", "limit": "1", "batch": "1", "timeout": "2"}
    code, output = lab.run(
        *(part for name, text in given.items() for part in ("-e", f"port_matrix_verify_{name}={text}"))
    )
    assert code == 0, output
    probes = [p for p in lab.document()["probes"] if p["verdict"] != "not_probeable"]
    assert [p["probe"] for p in probes] == ["tcp_connect", "tcp_connect"]


@pytest.mark.parametrize("hosts", [{}, {"port_matrix_verify_hosts": "nobody"}])
def test_a_site_without_a_host_that_probes_has_verified_nothing(lab: Lab, hosts: dict[str, str]) -> None:
    if not hosts:
        del lab.content["all"]["children"]["port_matrix_windows"]
    code, output = lab.run(**hosts)
    assert code == 2
    assert "no host to verify from: looked for " in output


def test_a_play_that_could_probe_nothing_has_verified_nothing(lab: Lab) -> None:
    lab.content["all"]["children"]["others"] = {"hosts": {"database": {}}}
    code, output = lab.run(port_matrix_verify_hosts="others")
    assert code == 2
    assert "Nothing was probed, so nothing is verified" in output


def test_the_hosts_are_those_that_the_site_is_applied_to_whatever_their_groups_are_called(lab: Lab) -> None:
    del lab.content["all"]["children"]["port_matrix_windows"]
    code, output = lab.run(port_matrix_windows_hosts="sfb_front_ends:!fe2")
    assert code == 0, output
    assert lab.verdicts() == {"fe1 node1": "open", "fe1 node2": "open", " ": "not_probeable"}


def test_a_responder_that_an_earlier_task_has_lost_is_told_like_any_other(lab: Lab) -> None:
    lost = {"ansible.builtin.fail": {"msg": "as if it were lost"}, "when": "inventory_hostname == 'fe2'"}
    lab.play(pre_tasks=[lost])
    code, output = lab.run(port_matrix_verify_responders=["fe2"])
    assert code == 2
    assert lab.verdicts() == {
        "fe1 node1": "open", "fe1 node2": "open", "fe2 node1": "error", "fe2 node2": "error", " ": "not_probeable",
    }  # fmt: skip
    assert "the host did not probe: it was not asked" in output


def test_a_strategy_that_does_not_wait_for_all_hosts_is_refused(lab: Lab) -> None:
    """One host begins when the other one has come to the end, whatever that was."""
    ended = {"path": str(lab.directory / "ended")}
    here = {"delegate_to": "localhost", "vars": {"ansible_connection": "local"}}
    later = {"ansible.builtin.wait_for": {**ended, "timeout": 600}, "when": "inventory_hostname == 'fe2'", **here}
    verify = {"ansible.builtin.include_role": {"name": "uc_firewall.pexip_sfb.port_matrix_verify"}}
    end = {"ansible.builtin.file": {**ended, "state": "touch"}, **here}
    lab.play(strategy="free", roles=[], tasks=[later, {"block": [verify], "always": [end]}])
    code, output = lab.run()
    assert code == 2
    assert "strategy: some hosts of the play have not come to their probes yet" in output


def test_a_play_that_takes_its_hosts_in_parts_is_refused(lab: Lab) -> None:
    lab.play(serial=1)
    code, output = lab.run()
    assert code == 2
    assert "serial: the play takes its hosts in parts" in output
    assert not lab.calls("fe1")


def test_a_name_that_holds_markup_stays_text(lab: Lab) -> None:
    children = lab.content["all"]["children"]
    children["pexip_conferencing_nodes"]["hosts"] = {"no<de>&\"'\x1b1": {"port_matrix_addresses": ["192.0.2.11"]}}
    code, output = lab.run()
    assert code == 0, output
    assert "\x1b" not in output
    suites = ElementTree.parse(lab.results / "verify.xml").getroot()
    assert len([case for case in suites.iter("testcase") if "no<de>&\"'\ufffd1" in case.get("name", "")]) == 4


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"port_matrix_verify_limit": 0}, "port_matrix_verify_limit: 0 is not a limit; accepted: a number from 1 on"),
        (
            {"port_matrix_verify_responders": ["node1"]},
            "port_matrix_verify_responders: 'node1' is not a host of this play; accepted: 'fe1', 'fe2'",
        ),
        (
            {"port_matrix_verify_accept": [{"port": 443}]},
            "port_matrix_verify_accept: unknown key 'port', the nearest is ",
        ),
        ({"port_matrix_verify_accept": [{}]}, "port_matrix_verify_accept: {} would accept everything"),
        ({"port_matrix_ports": {"sip": 0}}, "port_matrix_ports.sip: 0: port 0 is out of range"),
        ({"port_matrix_verify_batch": "ten"}, "cannot be converted to an int"),
    ],
)
def test_wrong_input_ends_before_a_host_is_touched(lab: Lab, variables: dict[str, Any], message: str) -> None:
    lab.content["all"]["vars"]["ansible_connection"] = "untouchable"
    code, output = lab.run(**variables)
    assert code != 0
    assert message in output
    assert "a host was touched" not in output
    assert not lab.results.exists()
