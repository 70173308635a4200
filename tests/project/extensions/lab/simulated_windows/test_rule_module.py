# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in of win_firewall_rule held against its source, which simulated_windows.powershell runs.

Both work on the simulated COM objects. So this is about what the module does, and not about what COM does.
"""

from __future__ import annotations

import copy
import importlib
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_windows import rule_module
from simulated_windows.com import ComError, FirewallRule, RuleCollection
from simulated_windows.documented import checked_arguments
from simulated_windows.powershell import Exit, Script
from simulated_windows.powershell_values import DotNetError

MODULE = "community.windows.win_firewall_rule"
FOLDER, *_OTHERS = importlib.import_module("ansible_collections.community.windows").__path__
CODE = (Path(FOLDER) / "plugins/modules/win_firewall_rule.ps1").read_bytes()
CHOICES = {"direction": ["in", "out"], "action": ["allow", "block"], "state": ["present", "absent"]}
ENVIRONMENT = {"%systemroot%": r"C:\Windows"}


class ComRule:
    """HNetCfg.FWRule."""

    def __init__(self, rule: FirewallRule | None = None) -> None:
        self.__dict__["rule"] = rule or FirewallRule()

    def __getattr__(self, name: str) -> t.Any:
        try:
            return self.rule[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: t.Any) -> None:
        try:
            self.rule[name] = value
        except ComError as e:
            raise DotNetError(str(e)) from e


class ComRules:
    """The rules of HNetCfg.FwPolicy2."""

    _NewEnum = True

    def __init__(self, rules: RuleCollection) -> None:
        self._rules = rules

    def __iter__(self) -> Iterator[ComRule]:
        return (ComRule(rule) for rule in self._rules)

    def Add(self, rule: ComRule) -> None:  # noqa: N802
        self._rules.add(rule.rule)

    def Remove(self, name: str) -> None:  # noqa: N802
        self._rules.remove(name)


class Legacy:
    """Ansible.ModuleUtils.Legacy."""

    def __init__(self, rules: RuleCollection, params: dict[str, t.Any]) -> None:
        self._policy = type("Policy", (), {"Rules": ComRules(rules)})
        self._params = params
        self.result: dict[str, t.Any] = {}

    def run(self) -> dict[str, t.Any]:
        """Run the module; return its result."""
        nothing = type(
            "Nothing", (), {"PutApplicationName": lambda rule, value: setattr(rule, "ApplicationName", value)}
        )
        types = {
            "System.Net.Sockets.ProtocolType": type("Protocol", (), {"Tcp": 6, "Udp": 17, "Icmp": 1, "IcmpV6": 58}),
            "System.Environment": type("E", (), {"ExpandEnvironmentVariables": staticmethod(expanded)}),
            "System.Collections.Generic.List": List,
            "Community.Windows.WinFirewallRule.NetFwRule": nothing,
        }
        commands = {
            "Parse-Args": lambda *_: [self._params],
            "Get-AnsibleParam": self._param,
            "Add-CSharpType": lambda *_: [],
            "New-Object": lambda *call: [self._policy if call[3]["comobject"] == "HNetCfg.FwPolicy2" else ComRule()],
            "Fail-Json": self._fail,
            "Exit-Json": self._exit,
            "Out-String": lambda *_: ["a trace"],
        }
        Script(CODE, types, commands, {"env:tmp": "C:\\Temp"}).run()
        return self.result

    def _param(self, _script: Script, _given: object, positional: list[t.Any], named: dict[str, t.Any]) -> list[t.Any]:
        name = named["name"] if "name" in named else positional[1]
        names = [name, *([named["aliases"]] if "aliases" in named else [])]
        found = next((alias for alias in names if alias in self._params), None)
        if found is None:
            return [named.get("default")]
        value = self._params[found]
        permitted = named.get("validateset")
        if permitted and str(value).lower() not in permitted:
            self.result = {"failed": True}
            raise Exit
        if named.get("type") == "list" and isinstance(value, str):
            value = [item.strip() for item in value.split(",")]
        return [value]

    def _fail(self, _script: Script, _given: object, positional: list[t.Any], named: dict[str, t.Any]) -> list[t.Any]:
        result, message = positional or (named["obj"], named["message"])
        self.result = {**result, "failed": True, "msg": message}
        raise Exit

    def _exit(self, _script: Script, _given: object, positional: list[t.Any], _named: object) -> list[t.Any]:
        self.result = positional[0]
        raise Exit


class List(list[t.Any]):
    """A list."""

    Add = list.append


def expanded(text: str) -> str:
    return re.sub("%[^%]+%", lambda found: ENVIRONMENT.get(found[0].lower(), found[0]), text)


def spellings(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from([spelt for word in words for spelt in (word, word.upper(), word.capitalize())])


ADDRESSES = st.sampled_from(
    ["any", "Any", "10.0.0.1", "10.0.0.1/32,10.1.0.0/25", "10.1.0.0/255.255.255.128,10.0.0.1", "localsubnet", "x", None]
)
PORTS = st.sampled_from(["any", "ANY", "443", "443,50000-59999", "50000-59999,443", "0-99999", None])
ARGUMENTS: dict[str, st.SearchStrategy[t.Any]] = {
    "name": st.sampled_from(["a", "A", "b", "all", "", None]),
    "group": st.sampled_from(["ours", "OURS", "theirs", None]),
    "state": st.one_of(st.just("present"), spellings(*CHOICES["state"])),
    "description": st.sampled_from(["x", "X", "a|b", None]),
    "enabled": st.sampled_from([True, False, None]),
    "direction": spellings(*CHOICES["direction"]),
    "action": spellings(*CHOICES["action"]),
    "protocol": st.one_of(
        spellings("tcp", "udp", "any", "icmpv4", "icmpv4:0", "icmpv6:8"), st.sampled_from(["47", "6.4", "sctp", None])
    ),
    "profiles": st.one_of(
        st.lists(spellings("domain", "private", "public"), max_size=4),
        st.sampled_from(["domain, Public", ["Domain", "domain"], ["home"], None]),
    ),
    "localip": ADDRESSES,
    "remoteip": ADDRESSES,
    "localport": PORTS,
    "remoteport": PORTS,
    "program": st.sampled_from(["any", "ANY", r"C:\x.exe", r"%SystemRoot%\x.exe", r"%nobody%\x.exe", None]),
    "service": st.sampled_from(["any", "Any", "Dnscache", None]),
    "icmp_type_code": st.sampled_from([["any"], ["ANY"], ["8:*", "0:0"], "8:*, 0:0", None]),
}
RULES = st.lists(
    st.fixed_dictionaries(
        {"Name": st.sampled_from(["a", "A", "b"])},
        optional={
            "Grouping": st.sampled_from([None, "ours", "Theirs"]),
            "Description": st.sampled_from(["x", "X"]),
            "Enabled": st.booleans(),
            "Direction": st.sampled_from([1, 2]),
            "Action": st.sampled_from([0, 1]),
            "Protocol": st.sampled_from([6, 17, 256]),
            "LocalPorts": st.sampled_from([None, "443"]),
            "LocalAddresses": st.sampled_from(
                ["*", "10.1.0.0/255.255.255.128,10.0.0.1/255.255.255.255", "LOCALSUBNET"]
            ),
            "ApplicationName": st.sampled_from([r"C:\X.EXE", r"C:\Windows\x.exe"]),
            "Profiles": st.sampled_from([1, 5, 0x7FFFFFFF]),
        },
    ),
    max_size=3,
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(RULES, st.fixed_dictionaries({}, optional=ARGUMENTS), st.booleans(), st.booleans())
def test_the_stand_in_does_what_the_source_does(
    properties: list[dict[str, t.Any]], arguments: dict[str, t.Any], check_mode: bool, diff: bool
) -> None:
    by_source = [FirewallRule(copy.deepcopy(rule)) for rule in properties]
    by_stand_in = [FirewallRule(copy.deepcopy(rule)) for rule in properties]
    mode = {"_ansible_check_mode": check_mode, "_ansible_diff": diff}
    expected = Legacy(RuleCollection(by_source), {**arguments, **mode}).run()
    checked, problem = checked_arguments(MODULE, rule_module.as_the_host_reads_them(arguments))
    assert bool(problem) == (expected == {"failed": True})
    if problem:
        return
    found = rule_module.run(checked, RuleCollection(by_stand_in), check_mode, diff, lambda _rule, _name: None)
    assert found == {key: value for key, value in expected.items() if key != "exception"}
    assert [rule.as_mapping() for rule in by_stand_in] == [rule.as_mapping() for rule in by_source]
