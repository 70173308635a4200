# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks ``site`` and ``remove`` on simulated Windows hosts: calls are counted, and hosts misbehave."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from simulated_windows.com import FirewallRule
from simulated_windows.host import SimulatedHost
from warm_ansible import ansible_playbook

TOP = Path(__file__).parent.parent.parent
RULE_MODULE = "community.windows.win_firewall_rule"
STATE_MODULE = "uc_firewall.pexip_sfb.win_firewall_state"
SAID_AGAIN = "TASK [Say again what is likely to be wrong with the site, and the answer for all hosts]"
EDGE_RULE = "Pexip SfB media_nodes_to_edge in udp ipv4 1"


def inventory(nodes: int = 2) -> dict[str, Any]:
    """A small site with one Windows server."""

    def group(**hosts: Any) -> dict[str, Any]:
        return {"hosts": hosts}

    node = {f"node{n}": {"port_matrix_addresses": [f"192.0.{n // 120}.{n % 120 * 2 + 1}"]} for n in range(nodes)}
    empty = ["front_end", "client", "sfb_server", "turn_server", "wac_server"]
    return {
        "all": {
            "vars": {"ansible_connection": "simulated_windows", "port_matrix_allow_empty": empty},
            "children": {
                "pexip_conferencing_nodes": group(**node),
                "sfb_edges": group(
                    edge1={"port_matrix_interfaces": {"internal": ["198.51.100.31"], "av_edge": ["192.0.2.255"]}}
                ),
                "port_matrix_windows": group(edge1={}),
            },
        }
    }


def validate(**variables: Any) -> dict[str, Any]:
    """The play that validates a site, with variables of its own."""
    role = {"name": "uc_firewall.pexip_sfb.port_matrix", "rolespec_validate": False}
    return {
        "hosts": "port_matrix_windows",
        "gather_facts": False,
        "vars": variables,
        "tasks": [{"ansible.builtin.import_role": role}],
    }


# The play that takes the site of the last one.
APPLY = {
    "hosts": "port_matrix_windows",
    "gather_facts": False,
    "roles": [{"role": "uc_firewall.pexip_sfb.windows_firewall", "vars": {"port_matrix_reuse_site": True}}],
}


class Lab:
    """A directory with an inventory and the simulated hosts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.content = inventory()

    def host(self, name: str = "edge1") -> SimulatedHost:
        return SimulatedHost(self.directory, name)

    def change(self, **state: Any) -> None:
        """Change the state of the host by hand."""
        self.host().save()
        host = self.host()
        host.rules = [FirewallRule(rule) for rule in state.pop("rules", host.state["rules"])]
        host.state.update(state)
        host.save()

    def run(self, *arguments: str, playbook: str = "site") -> subprocess.CompletedProcess[str]:
        """Run a playbook as a user does, with a new log of calls."""
        for log in self.directory.glob("*.calls.jsonl"):
            log.unlink()
        path = self.directory / "inventory.json"
        path.write_text(json.dumps(self.content), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CONNECTION_PLUGINS": os.pathsep.join(
                [str(TOP / "extensions/lab/connection_plugins"), str(TOP / "tests/playbooks/connection_plugins")]
            ),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_ROLES_PATH": str(TOP / "tests/integration/targets"),
            "COLUMNS": "10000",
        }
        command = ["-i", str(path)]
        command += [playbook if "/" in playbook else f"uc_firewall.pexip_sfb.{playbook}"]
        command += ["-e", f"simulated_windows_directory={self.directory}", *arguments]
        return ansible_playbook(command, env=environment)

    def apply(self, *arguments: str, playbook: str = "site") -> str:
        """Run a playbook that must succeed."""
        result = self.run(*arguments, playbook=playbook)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def apply_plays(self, *plays: dict[str, Any]) -> str:
        """Run plays that must succeed, all in one run."""
        path = self.directory / "plays.yml"
        path.write_text(json.dumps(plays), encoding="utf-8")
        return self.apply(playbook=str(path))

    def refused(self, *arguments: str, playbook: str = "site") -> str:
        """Run a playbook that must fail; return what it said, white space folded."""
        result = self.run(*arguments, playbook=playbook)
        assert result.returncode != 0, result.stdout
        return re.sub(r"\s+", " ", result.stdout + result.stderr)

    def counts(self) -> tuple[int, int]:
        """How often the state was read, and how often win_firewall_rule was called."""
        return len(self.host().calls(STATE_MODULE)), len(self.host().calls(RULE_MODULE))

    def names(self) -> list[str]:
        return sorted(str(rule["Name"]) for rule in self.host().rules)

    def ours(self) -> list[str]:
        return [rule["Name"] for rule in self.host().rules if rule["Grouping"] == "Pexip SfB port matrix"]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_what_is_likely_to_be_wrong_is_said_once_for_all_and_again_in_the_end(lab: Lab) -> None:
    lab.content["all"]["children"]["port_matrix_windows"]["hosts"] = {"edge1": {}, "node1": {}}
    result = lab.run()
    assert result.returncode == 0, result.stdout + result.stderr
    warning = (
        "host 'edge1' port_matrix_interfaces: no web_conferencing, so psom_content is open for all addresses of it"
    )
    assert (result.stdout + result.stderr).count(f"[WARNING]: {warning}") == 1
    before, again = result.stdout.split(SAID_AGAIN)
    assert again.count(warning) == 1
    assert "PLAY [" not in again.replace("PLAY RECAP", "")
    assert "PLAY [Windows servers]" in before


def test_without_anything_wrong_nothing_is_said_again(lab: Lab) -> None:
    edge = lab.content["all"]["children"]["sfb_edges"]["hosts"]["edge1"]
    edge["port_matrix_interfaces"]["web_conferencing"] = "av_edge"
    lab.change(profiles=[{**profile, "default_outbound": "block"} for profile in lab.host().state["profiles"]])
    result = lab.run()
    assert "port_matrix_interfaces" not in result.stdout + result.stderr
    said = result.stdout.split(SAID_AGAIN)[1]
    assert '"msg": "1 host: 1 changed, 0 unchanged, 0 failed"' in said


ANSWER = r"edge1: 6 rules of 4 rows, revision [0-9a-f]{12}, "


def test_what_it_costs_and_what_it_says(lab: Lab) -> None:
    assert re.search(ANSWER + 'changed"', lab.apply())
    rules = len(lab.ours())
    assert rules == 6  # rows 4, 5 with two protocols each; 8 and 9
    assert lab.counts() == (2, rules)
    assert re.search(ANSWER + 'unchanged"', lab.apply())
    assert lab.counts() == (1, 0)
    lab.content = inventory(3)
    lab.apply()
    assert lab.counts() == (2, rules)
    assert len(lab.ours()) == rules


def test_500_nodes_cost_what_5_cost_and_the_chunks(lab: Lab) -> None:
    lab.content = inventory(5)
    lab.apply()
    _reads, of_five = lab.counts()
    lab.apply(playbook="remove")
    lab.content = inventory(500)
    lab.apply()
    assert lab.counts() == (2, of_five * 5)  # chunks of at most 200, cut where networks are
    lab.apply()
    assert lab.counts() == (1, 0)
    lab.content = inventory(501)
    lab.apply()
    assert lab.counts() == (2, of_five)


def test_check_mode_tells_what_would_change_and_changes_nothing(lab: Lab) -> None:
    before = lab.names()
    output = lab.apply("--check", "--diff")
    assert lab.counts() == (1, 6)
    assert re.search(ANSWER + 'would change"', output)
    assert "1 host: 1 would change, 0 unchanged, 0 failed" in output
    assert lab.names() == before
    assert f"+[{EDGE_RULE}]" in output
    assert re.search(r"edge1 +: .*changed=1", output)
    lab.apply()
    assert "changed=0" in lab.apply("--check", "--diff")
    assert lab.counts() == (1, 0)


def test_a_rule_edited_by_hand_is_mended_and_nothing_else_is_called(lab: Lab) -> None:
    lab.apply()
    rule = next(rule for rule in lab.host().state["rules"] if rule["Name"] == EDGE_RULE)
    others = [other for other in lab.host().state["rules"] if other["Name"] != EDGE_RULE]
    for edit, calls in (({"RemoteAddresses": "*"}, 1), ({"InterfaceTypes": "Wireless"}, 4), ({"Direction": 2}, 2)):
        lab.change(rules=[*others, {**rule, **edit}])
        lab.apply()
        assert lab.counts() == (2, calls)
        assert next(r for r in lab.host().state["rules"] if r["Name"] == EDGE_RULE) == rule
    lab.apply()
    assert lab.counts() == (1, 0)


def test_duplicates_become_one_and_stale_rules_go(lab: Lab) -> None:
    lab.apply()
    rules = lab.host().state["rules"]
    rule = next(rule for rule in rules if rule["Name"] == EDGE_RULE)
    expected = lab.names()
    lab.change(
        rules=[*rules, rule, {**rule, "Name": "somebody's own"}, {**rule, "Name": "Pexip SfB old in udp ipv4 1"}]
    )
    lab.apply()
    assert lab.counts() == (2, 6)  # away and anew with a second one meanwhile, and two stale ones
    assert lab.names() == expected


def test_a_row_that_is_switched_off_is_closed(lab: Lab) -> None:
    lab.apply()
    lab.content["all"]["vars"]["port_matrix_disabled_rows"] = ["media_nodes_to_edge"]
    lab.apply()
    assert lab.counts() == (2, 2)
    assert EDGE_RULE not in lab.ours()


def test_foreign_rules_stay(lab: Lab) -> None:
    """Rules of SfB, WinRM, and rules named like ours outside of our group; one of SfB even inside it."""
    lab.change(rules=[*lab.host().state["rules"], {"Name": "CS RTCSRV", "Grouping": "Pexip SfB port matrix"}])
    before = lab.host().state["rules"]
    assert len(before) == 4
    assert "rule 'CS RTCSRV' is in the group" in lab.apply()
    assert [rule for rule in lab.host().state["rules"] if rule in before] == before
    lab.apply()
    assert lab.counts() == (1, 0)
    assert "edge1: would be taken off" in lab.apply("--check", playbook="remove")
    assert "edge1: taken off" in lab.apply(playbook="remove")
    assert lab.host().state["rules"] == before
    assert "edge1: unchanged, nothing of ours was there" in lab.apply(playbook="remove")
    assert lab.counts() == (1, 0)


@pytest.mark.parametrize("playbook", ["site", "remove"])
def test_a_foreign_rule_of_the_same_name_stops_it_before_anything_changes(lab: Lab, playbook: str) -> None:
    lab.apply()
    rules = lab.host().state["rules"]
    rule = next(rule for rule in rules if rule["Name"] == EDGE_RULE)
    lab.change(rules=[*rules, {**rule, "Name": EDGE_RULE.upper(), "Grouping": "theirs"}])
    before = lab.host().state["rules"]
    output = lab.refused(playbook=playbook)
    assert "No rule of this host was changed." in output
    assert "another rule of this name exists that is not ours (its group: 'theirs')" in output
    assert lab.counts() == (1, 0)
    assert lab.host().state["rules"] == before


def test_a_connection_lost_in_the_middle_is_made_up_for_by_the_next_run(lab: Lab) -> None:
    lab.change(lose_connection_at=3)
    assert "the simulated connection was lost" in lab.refused()
    assert len(lab.ours()) == 3
    lab.change(lose_connection_at=None, is_lost=False)
    lab.apply()
    assert lab.counts() == (2, 3)
    assert len(lab.ours()) == 6


def test_a_rule_that_com_refuses_is_said_and_mended_later(lab: Lab) -> None:
    lab.apply()
    rules = lab.host().state["rules"]
    expected = lab.names()
    spoilt = [
        {**rule, "LocalPorts": "1", "LocalAddresses": "*"} if rule["Name"] == EDGE_RULE else rule for rule in rules
    ]
    lab.change(rules=spoilt, refuse={EDGE_RULE: "LocalPorts"})
    output = lab.refused()
    assert "Exception from HRESULT" in output
    half = next(rule for rule in lab.host().state["rules"] if rule["Name"] == EDGE_RULE)
    assert half["LocalAddresses"] == "192.0.2.255/255.255.255.255"  # written before the ports
    assert half["LocalPorts"] == "1"
    lab.change(refuse={})
    lab.apply()
    assert lab.counts() == (2, 1)
    assert (lab.names(), lab.host().state["rules"]) == (expected, rules)


AS_TEXT = "windows_firewall_fail_on_preflight=false"
AS_YAML = "{windows_firewall_fail_on_preflight: false}"


@pytest.mark.parametrize(
    ("profile", "message", "told"),
    [
        ({"enabled": False}, "profile public (in use now): the firewall is off", AS_TEXT),
        ({"enabled": False}, "profile public (in use now): the firewall is off", AS_YAML),
        (
            {"local_rules_apply": False},
            "a policy has switched off the merging of local rules",
            AS_TEXT,
        ),
        ({"inbound_blocked": True}, "all inbound traffic is blocked", AS_YAML),
    ],
)
def test_where_rules_would_be_void_it_fails_or_warns(
    lab: Lab, profile: dict[str, Any], message: str, told: str
) -> None:
    profiles = lab.host().state["profiles"]
    lab.change(profiles=[*profiles[:2], {**profiles[2], **profile}])
    output = lab.refused()
    assert message in output
    assert lab.counts() == (1, 0)
    result = lab.run("-e", told)
    assert message in warnings_of(result)
    assert message in result.stdout.split(SAID_AGAIN)[1]
    assert len(lab.ours()) == 6


def test_outbound_traffic_that_is_allowed_anyway_is_warned_of_once_for_all_hosts_and_no_failure(lab: Lab) -> None:
    lab.content["all"]["children"]["port_matrix_windows"]["hosts"] = {"edge1": {}, "node1": {}}
    result = lab.run()
    warnings = re.sub(r"\s+", " ", warnings_of(result))
    for profile in ("domain (in use now)", "private (not in use now)", "public (in use now)"):
        warning = f"hosts 'edge1', 'node1': profile {profile}: outbound traffic is allowed by default"
        assert warnings.count(f"[WARNING]: {warning}") == 1
        assert result.stdout.split(SAID_AGAIN)[1].count(warning) == 1
    assert "WARNING" not in result.stdout


def test_a_rule_of_others_that_blocks_what_ours_allow_is_warned_of(lab: Lab) -> None:
    block = {"Name": "Hardening", "Grouping": "theirs", "Enabled": True, "Action": 0, "Protocol": 17}
    elsewhere = {**block, "Name": "elsewhere", "LocalPorts": "53"}
    lab.change(rules=[*lab.host().state["rules"], {**block, "RemoteAddresses": "192.0.0.0/255.255.0.0"}, elsewhere])
    for arguments in (["--check"], [], []):  # also where nothing has to be changed
        output = re.sub(r"\s+", " ", warnings_of(lab.run(*arguments)))
        assert "edge1: rule 'Hardening' (group 'theirs') blocks what rules of ours allow" in output
        assert f"beats all that allow: '{EDGE_RULE}', for example udp from 192.0.0.1 port" in output
        assert "elsewhere" not in output
    others = [rule for rule in lab.host().state["rules"] if rule["Name"] != "Hardening"]
    lab.change(rules=others)
    assert "block" not in warnings_of(lab.run())
    lab.change(rules=[*others, *({**block, "Name": f"Hardening {number}"} for number in range(7))])
    output = re.sub(r"\s+", " ", warnings_of(lab.run("--check")))
    assert output.count("blocks what rules of ours allow") == 5
    assert "edge1: rules of others that block what rules of ours allow, or may: 2 more" in output


def warnings_of(result: subprocess.CompletedProcess[str]) -> str:
    """What a run that succeeds warned of, to which Ansible has an output of its own."""
    assert result.returncode == 0, result.stdout + result.stderr
    return "".join(re.findall(r"^\[WARNING\]:.*?(?=^\S|\Z)", result.stderr, re.MULTILINE | re.DOTALL))


def test_the_way_in_is_not_taken_away(lab: Lab) -> None:
    rule = {"Grouping": "Pexip SfB port matrix", "Name": "Pexip SfB winrm in tcp ipv4 1", "Enabled": True}
    lab.change(rules=[*lab.host().state["rules"], {**rule, "Protocol": 6, "LocalPorts": "5986", "RemotePorts": "*"}])
    assert "which is to be removed or changed, lets TCP port 5986 in" in lab.refused()
    assert lab.counts() == (1, 0)
    assert rule["Name"] in lab.ours()


def test_a_template_in_a_name_on_the_host_is_not_run(lab: Lab) -> None:
    name = "{{ lookup('pipe', 'touch " + str(lab.directory / "run") + "') }}"
    lab.change(rules=[*lab.host().state["rules"], {"Name": name, "Grouping": "Pexip SfB port matrix"}])
    lab.apply()
    assert not (lab.directory / "run").exists()
    assert name not in lab.names()


def test_a_windows_host_that_is_no_endpoint_stops_it_before_a_host_of_either_kind_is_touched(lab: Lab) -> None:
    children = lab.content["all"]["children"]
    children["port_matrix_windows"]["hosts"]["dc1"] = {"port_matrix_addresses": ["198.51.100.9"]}
    children["port_matrix_linux"] = {"hosts": {"fw": {"ansible_connection": "untouchable"}}}
    children["port_matrix_gateways"] = {"hosts": {"fw": {"ansible_host": "198.51.100.2"}}}
    output = lab.refused()
    assert "host 'dc1': is not an endpoint of an enabled row" in output.replace("\\'", "'")
    assert "a host was touched" not in output
    assert lab.counts() == (0, 0)


def test_the_site_of_both_kinds_must_agree(lab: Lab) -> None:
    children = lab.content["all"]["children"]
    children["port_matrix_linux"] = {
        "hosts": {"fw": {"ansible_connection": "untouchable", "port_matrix_strict_clients": True}}
    }
    children["port_matrix_gateways"] = {"hosts": {"fw": {"ansible_host": "198.51.100.2"}}}
    output = lab.refused()
    assert "port_matrix_strict_clients: differs between the hosts" in output
    assert "a host was touched" not in output
    assert lab.counts() == (0, 0)


def test_the_group_can_have_another_name(lab: Lab) -> None:
    children = lab.content["all"]["children"]
    children["edges_of_ours"] = children.pop("port_matrix_windows")
    lab.apply("-e", "port_matrix_windows_hosts=edges_of_ours")
    assert len(lab.ours()) == 6


def test_rules_that_were_removed_come_back_in_the_same_run(lab: Lab) -> None:
    lab.apply()
    expected = lab.host().state["rules"]
    lab.apply_plays({"import_playbook": "uc_firewall.pexip_sfb.remove"}, validate(), APPLY)
    assert lab.host().state["rules"] == expected


def test_a_play_gives_the_role_to_some_of_its_hosts_and_others_of_them_lose_their_rules(lab: Lab) -> None:
    """Each of the tasks that run once for all is on a host that is none of them, or that has no site."""
    hosts = {"node0": {"windows_firewall_state": "absent"}, "edge1": {}, "fe1": {}}
    lab.content["all"]["children"]["port_matrix_windows"]["hosts"] = hosts
    role = {"name": "uc_firewall.pexip_sfb.windows_firewall"}
    task = {"ansible.builtin.include_role": role, "when": "inventory_hostname != 'fe1'"}
    play = {"hosts": "port_matrix_windows", "order": "reverse_sorted", "gather_facts": False, "tasks": [task]}
    output = lab.apply_plays(play)
    assert re.search(ANSWER + 'changed"', output)
    assert "node0: unchanged, nothing of ours was there" in output
    assert len(lab.ours()) == 6


def test_bad_input_of_one_host_stops_a_play_of_the_role_before_another_is_changed(lab: Lab) -> None:
    lab.content["all"]["children"]["port_matrix_windows"]["hosts"] = {"edge1": {}, "dc1": {}}
    path = lab.directory / "plays.yml"
    path.write_text(json.dumps([{**APPLY, "roles": ["uc_firewall.pexip_sfb.windows_firewall"]}]), encoding="utf-8")
    assert "is not an endpoint of an enabled row" in lab.refused(playbook=str(path))
    assert lab.counts() == (0, 0)


def test_the_tags_of_the_role(lab: Lab) -> None:
    path = lab.directory / "plays.yml"
    path.write_text(json.dumps([{**APPLY, "roles": ["uc_firewall.pexip_sfb.windows_firewall"]}]), encoding="utf-8")
    for tag, rendered, counts in (("validate", False, (0, 0)), ("render", True, (0, 0)), ("apply", True, (2, 6))):
        output = lab.apply("--tags", tag, playbook=str(path))
        assert (": Render the rules" in output) == rendered
        assert lab.counts() == counts
    assert "what renders them was skipped" in lab.refused("--skip-tags", "render")
    assert lab.counts() == (0, 0)


def test_a_second_site_of_a_run_has_rules_of_its_own(lab: Lab) -> None:
    fewer = {"port_matrix_disabled_rows": ["media_nodes_to_edge"]}
    output = lab.apply_plays(validate(), APPLY, validate(**fewer), {**APPLY, "vars": fewer})
    assert re.search(r"edge1 +: .*changed=2", output)
    assert len(lab.ours()) == 4
    assert not [name for name in lab.ours() if "media_nodes_to_edge" in name]


@pytest.mark.parametrize("target", ["win_firewall_state", "windows_firewall"])
def test_the_integration_targets_themselves_are_sound(lab: Lab, target: str) -> None:
    """They are written for real servers. That they pass here shows that the tests are right, not that Windows is."""
    playbook = [{"hosts": "port_matrix_windows", "gather_facts": False, "roles": [target]}]
    (lab.directory / "target.yml").write_text(json.dumps(playbook), encoding="utf-8")
    lab.change()
    before = lab.host().state["rules"]
    lab.apply(playbook=str(lab.directory / "target.yml"))
    assert lab.host().state["rules"] == before
    assert lab.counts()[1] > 0
