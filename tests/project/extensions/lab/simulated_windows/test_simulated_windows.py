# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins behave as the source of win_firewall_rule and Microsoft's documents say."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from simulated_windows import rule_module
from simulated_windows.com import ComError, FirewallRule, RuleCollection
from simulated_windows.documented import checked_arguments
from simulated_windows.host import ConnectionLostError, SimulatedHost
from simulated_windows.payload import read_call

MODULE = "community.windows.win_firewall_rule"
SMTP = {"name": "SMTP", "protocol": "tcp", "localport": "25", "direction": "in", "action": "allow"}


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    return SimulatedHost(tmp_path, "h")


def call(host: SimulatedHost, check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
    return host.run(MODULE, {**arguments, "_ansible_check_mode": check, "_ansible_diff": True})


def rule(host: SimulatedHost, name: str) -> dict[str, t.Any]:
    (found,) = [rule.as_mapping() for rule in host.rules if str(rule["Name"]).lower() == name.lower()]
    return found


def test_arguments_are_held_against_the_documentation() -> None:
    assert "edge. Supported parameters include" in checked_arguments(MODULE, {"name": "x", "edge": "yes"})[1]
    assert "value of direction must be one of" in checked_arguments(MODULE, {"name": "x", "direction": "inbound"})[1]
    checked, problem = checked_arguments(MODULE, {"name": "x", "enabled": "no", "profiles": "domain,public"})
    assert (checked["enabled"], checked["profiles"], checked["state"], problem) == (
        False,
        ["domain", "public"],
        "present",
        "",
    )


def test_a_wrong_argument_fails_the_task_and_writes_nothing(host: SimulatedHost) -> None:
    before = len(host.rules)
    assert call(host, **SMTP, port=25)["failed"]
    assert len(host.rules) == before


def test_a_rule_is_made_once_and_matched_by_name_whatever_the_case(host: SimulatedHost) -> None:
    assert call(host, check=True, **SMTP)["changed"]
    assert all(r["Name"] != "SMTP" for r in host.rules)
    assert call(host, **SMTP)["changed"]
    assert not call(host, **{**SMTP, "name": "smtp"})["changed"]
    assert rule(host, "SMTP")["Enabled"]


def test_only_what_is_given_is_compared(host: SimulatedHost) -> None:
    call(host, **SMTP, remoteip="192.0.2.1")
    assert not call(host, **SMTP)["changed"]
    assert rule(host, "SMTP")["RemoteAddresses"] == "192.0.2.1/255.255.255.255"


def test_addresses_are_compared_as_sets_and_ports_as_text(host: SimulatedHost) -> None:
    call(host, **{**SMTP, "localport": "443,8057"}, remoteip="10.0.0.1,10.1.0.0/25,2001:db8::/64")
    assert rule(host, "SMTP")["RemoteAddresses"].count("/255.255.255") == 2
    assert not call(host, name="SMTP", remoteip="2001:db8::/64,10.1.0.0/255.255.255.128,10.0.0.1/32")["changed"]
    assert call(host, name="SMTP", protocol="tcp", localport="8057,443")["changed"]


def test_absent_removes_every_rule_of_the_name_whatever_the_group(host: SimulatedHost) -> None:
    call(host, **SMTP, group="ours")
    host.rules.append(FirewallRule({"Name": "smtp", "Grouping": "theirs"}))
    assert call(host, name="SMTP", state="absent", group="ours")["changed"]
    assert all(str(r["Name"]).lower() != "smtp" for r in host.rules)
    assert not call(host, name="SMTP", state="absent")["changed"]


def test_without_a_name_the_group_is_edited(host: SimulatedHost) -> None:
    call(host, **SMTP, group="ours")
    assert call(host, group="ours", enabled=False)["changed"]
    assert not rule(host, "SMTP")["Enabled"]
    assert call(host)["failed"]


def test_a_live_rule_is_edited_property_by_property(host: SimulatedHost) -> None:
    call(host, **SMTP)
    host.state["refuse"] = {"SMTP": "LocalPorts"}
    result = call(host, **{**SMTP, "localport": "26"}, remoteip="192.0.2.1")
    assert result["failed"]
    assert rule(host, "SMTP")["RemoteAddresses"] == "192.0.2.1/255.255.255.255"
    assert rule(host, "SMTP")["LocalPorts"] == "25"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Name", "a|b"),
        ("Name", "ALL"),
        ("Name", ""),
        ("Description", "a|b"),
        ("LocalAddresses", "10.0.0.256"),
        ("LocalAddresses", "10.0.0.1/24"),
        ("RemoteAddresses", "0.0.0.0/0"),
        ("RemoteAddresses", ",".join(f"10.{n // 250}.{n % 250}.1" for n in range(1001))),
        ("LocalPorts", "25"),
        ("ServiceName", None),
    ],
)
def test_what_com_refuses(name: str, value: t.Any) -> None:
    with pytest.raises(ComError, match="expected range"):
        FirewallRule()[name] = value


@pytest.mark.parametrize("ports", ["65536", "2-1", "a", "1,,2", ",".join(["1"] * 1001)])
def test_ports_that_com_refuses(ports: str) -> None:
    rule = FirewallRule()
    rule["Protocol"] = 6
    with pytest.raises(ComError):
        rule["LocalPorts"] = ports


def test_a_rule_whose_protocol_changes_loses_its_ports() -> None:
    rule = FirewallRule()
    rule["Protocol"] = 6
    rule["LocalPorts"] = "25"
    rule["Protocol"] = 17
    assert rule["LocalPorts"] == "*"


def test_unknown_words_fail_as_in_the_source() -> None:
    for wrong in ({"protocol": "sctp"}, {"profiles": ["home"]}):
        arguments = {"name": "x", "state": "present", **wrong}
        assert rule_module.run(arguments, RuleCollection([]), False, False, lambda rule, name: None)["failed"]


def test_a_lost_connection_stays_lost_and_what_was_done_stays_done(host: SimulatedHost, tmp_path: Path) -> None:
    host.state["lose_connection_at"] = 1
    with pytest.raises(ConnectionLostError):
        call(host, **SMTP)
    again = SimulatedHost(tmp_path, "h")
    with pytest.raises(ConnectionLostError):
        call(again, **SMTP)
    assert rule(again, "SMTP")
    assert len(again.calls(MODULE)) == 1


def test_a_module_without_a_stand_in_is_an_error(host: SimulatedHost) -> None:
    with pytest.raises(NotImplementedError):
        host.run("community.windows.win_mapped_drive", {"letter": "Z"})


@pytest.mark.parametrize("arguments", [{"_ansible_module_name": "a.b.c", "x": 1}])
def test_both_forms_of_what_ansible_sends_are_read(arguments: dict[str, t.Any]) -> None:
    older = b"text\0\0\0\0" + json.dumps({"module_args": arguments, "module_entry": ""}).encode()
    action = {"name": "module_wrapper.ps1", "params": {"Variables": [{"Name": "complex_args", "Value": arguments}]}}
    newer = b"{}\n\0\0\0\0\n" + json.dumps({"actions": [{"name": "other"}, action]}).encode()
    assert read_call(older) == read_call(newer) == ("a.b.c", arguments)
    for wrong in (b"whoami", b'{}\n\0\0\0\0\n{"actions": []}'):
        with pytest.raises(ValueError, match="no module"):
            read_call(wrong)
    setup = {"module_args": {"_ansible_module_name": "setup"}}
    assert read_call(b"\0\0\0\0" + json.dumps(setup).encode())[0] == "ansible.legacy.setup"


def test_probes_find_what_the_network_has_and_only_over_tcp(host: SimulatedHost) -> None:
    host.state["network"] = {"192.0.2.11 5061": "refused", "192.0.2.12 5061": "filtered"}
    probe = {"probe": "tcp_connect", "protocol": "tcp", "source": "192.0.2.1", "source_ports": ["40000-40009"]}
    probes = [{**probe, "destination": f"192.0.2.{number}", "destination_port": 5061} for number in (11, 12, 13)]
    probes.append({**probes[0], "probe": "stun", "protocol": "udp"})
    result = host.run("uc_firewall.pexip_sfb.win_port_probe", {"probes": probes, "_ansible_check_mode": True})
    assert [answer["verdict"] for answer in result["answers"]] == ["refused", "filtered", "open", "not_probeable"]
    assert [answer["source_port"] for answer in result["answers"]] == [40000, 40000, 40000, None]
    assert not result["changed"]
    assert host.run("uc_firewall.pexip_sfb.win_port_probe", {"_ansible_check_mode": False})["failed"]


def test_source_ports_have_conflicts(host: SimulatedHost) -> None:
    host.state["taken_ports"] = [40600]
    probe = {"probe": "tcp_connect", "protocol": "tcp", "source": "192.0.2.1", "source_ports": ["40600-40602"]}
    probe |= {"destination": "192.0.2.11", "destination_port": 5061}
    probes = [probe, {**probe, "destination_port": 5062}, probe, probe, {**probe, "source_ports": None}]
    answers = host.run("uc_firewall.pexip_sfb.win_port_probe", {"probes": probes})["answers"]
    assert [answer["source_port"] for answer in answers] == [40601, 40601, 40602, None, 49152]
    assert answers[3]["detail"] == "no permitted source port is free, of 3 that were tried"


@pytest.mark.parametrize("spelling", ["any", "Any", "ANY"])
def test_any_leaves_a_property_as_it_is_whatever_its_case(host: SimulatedHost, spelling: str) -> None:
    options = ("program", "service", "localip", "remoteip", "localport", "remoteport")
    assert call(host, **{**SMTP, **dict.fromkeys(options, spelling)})["changed"]
    made = rule(host, "SMTP")
    assert [made[name] for name in ("ApplicationName", "ServiceName", "LocalPorts")] == [None, None, "*"]
    assert call(host, name="all", protocol=spelling, icmp_type_code=[spelling])["failed"]  # for its name alone
    assert call(host, name="everything", protocol=spelling, icmp_type_code=[spelling])["changed"]
    assert rule(host, "everything")["IcmpTypesAndCodes"] is None


def test_choices_and_profiles_may_be_in_any_case(host: SimulatedHost) -> None:
    spelt = {"direction": "Out", "action": "BLOCK", "protocol": "TCP", "state": "Present"}
    assert call(host, **{**SMTP, **spelt}, profiles="Domain, PUBLIC")["changed"]
    made = rule(host, "SMTP")
    assert [made[name] for name in ("Direction", "Action", "Protocol", "Profiles")] == [2, 0, 6, 5]
    assert call(host, name="SMTP", state="ABSENT")["changed"]
    assert "direction must be one of" in call(host, name="x", direction="inbound")["msg"]


@pytest.mark.parametrize(
    ("profiles", "bits"),
    [
        (["Domain", "domain"], 2),  # which is private: the module adds up what it takes for different
        (["domain", "domain"], 1),
        (["public", "domain", "Domain", "DOMAIN"], 0x7FFFFFFF),
        (None, 0x7FFFFFFF),
    ],
)
def test_profiles_are_added_up_as_the_module_does_it(host: SimulatedHost, profiles: object, bits: int) -> None:
    call(host, **SMTP, profiles=profiles)
    assert rule(host, "SMTP")["Profiles"] == bits


def test_null_is_not_given(host: SimulatedHost) -> None:
    call(host, **SMTP, group="ours", profiles=["domain"])
    assert not call(host, name="SMTP", group=None, profiles=None, enabled=None, localip=None)["changed"]
    assert rule(host, "SMTP")["Grouping"] == "ours"


@pytest.mark.parametrize(
    ("program", "written"),
    [
        (r"%SystemRoot%\system32\svchost.exe", r"C:\Windows\system32\svchost.exe"),
        (r"%PROGRAMFILES%\x.exe", r"C:\Program Files\x.exe"),
        (r"%nobody%\x.exe", r"%nobody%\x.exe"),
    ],
)
def test_variables_in_a_program_are_expanded(host: SimulatedHost, program: str, written: str) -> None:
    call(host, **SMTP, program=program)
    assert rule(host, "SMTP")["ApplicationName"] == written
    assert not call(host, name="SMTP", program=program)["changed"]


def test_words_for_addresses_are_written_back_in_their_own_case(host: SimulatedHost) -> None:
    call(host, **SMTP, remoteip="localsubnet,DEFAULTGATEWAY")
    assert set(rule(host, "SMTP")["RemoteAddresses"].split(",")) == {"LocalSubnet", "DefaultGateway"}
    assert not call(host, name="SMTP", remoteip="DefaultGateway,LOCALSUBNET")["changed"]


@pytest.mark.parametrize(("protocol", "number"), [("ICMPv4", 1), ("icmpv6-x", 58), ("47", 47), ("6.4", 6)])
def test_protocols_are_read_as_the_module_does_it(host: SimulatedHost, protocol: str, number: int) -> None:
    call(host, name="x", protocol=protocol)
    assert rule(host, "x")["Protocol"] == number


def test_messages_and_diff_are_those_of_the_module(host: SimulatedHost) -> None:
    call(host, **SMTP, group="ours")
    call(host, **{**SMTP, "name": "SMTP 2"}, group="ours")
    result = call(host, group="ours", enabled=False)
    assert result["msg"] == "Firewall rule(s) changed 'SMTP 2', 'SMTP' - unchanged ''"
    change = "-Enabled='True'\n+Enabled='False'\n"
    assert result["diff"]["prepared"] == f"[SMTP 2]\n{change}[SMTP]\n{change}"
    removed = call(host, group="ours", state="absent")
    assert removed["msg"] == "Firewall rule(s) 'SMTP 2', 'SMTP' removed."
    assert "-ServiceName=''\n" in removed["diff"]["prepared"]
    assert removed["diff"]["prepared"].count("-SecureFlags='0'\n") == 2
    assert call(host, group="ours", state="absent")["msg"] == "No firewall rules in group 'ours' exist."


def test_a_state_has_every_property_that_the_read_module_asks_for(host: SimulatedHost) -> None:
    names = ["Interfaces", "EdgeTraversal", "LocalAppPackageId", "LocalUserOwner", "LocalUserAuthorizedList"]
    names += ["RemoteUserAuthorizedList", "RemoteMachineAuthorizedList"]
    others = {name: True if name == "EdgeTraversal" else "x" for name in names}
    host.rules = [FirewallRule({"Name": "Pexip SfB x", "Grouping": None, "Profiles": None, **others})]
    read = "uc_firewall.pexip_sfb.win_firewall_state"
    for group in ("", None):
        assert host.run(read, {"group": group})["rules"] == []  # a rule in no group is in no group of no name
    (found,) = host.run(read, {})["foreign_rules"]
    assert found["other"] == {name: str(value) for name, value in others.items()}
    assert found["profiles"] == []
