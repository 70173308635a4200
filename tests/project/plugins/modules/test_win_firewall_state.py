# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script win_firewall_state.ps1, run by simulated_windows.powershell on the COM objects of the simulated host."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_windows import state_module
from simulated_windows.com import FirewallRule, RuleCollection
from simulated_windows.powershell import Exit, Script
from simulated_windows.powershell_values import DotNetError

CODE = (Path(__file__).parents[4] / "plugins/modules/win_firewall_state.ps1").read_bytes()
GROUP = "Pexip SfB port matrix"
OURS = {"Name": "Pexip SfB r1 in udp ipv4 1", "Grouping": GROUP, "Enabled": True, "Protocol": 17, "LocalPorts": "443"}
PROFILE = {
    "Name": "Domain",
    "Enabled": "True",
    "AllowLocalFirewallRules": "NotConfigured",
    "AllowInboundRules": "True",
    "DefaultInboundAction": "NotConfigured",
    "DefaultOutboundAction": "Block",
}


class ComObject:
    """An object of COM: what is in *broken* throws. PowerShell's own way to read a property makes nothing of that."""

    def __init__(self, properties: dict[str, t.Any], broken: tuple[str, ...] = ()) -> None:
        self._properties, self._broken = properties, broken

    def GetType(self) -> ComObject:  # noqa: N802
        return self

    def InvokeMember(self, name: str, flag: str, binder: None, target: ComObject, arguments: None) -> t.Any:  # noqa: N802
        assert flag == "GetProperty"
        return target.read(name)

    def read(self, name: str) -> t.Any:
        if name in self._broken:
            raise DotNetError("The remote procedure call failed.")
        return self._properties[name]

    def __getattr__(self, name: str) -> t.Any:
        if name == "Properties":
            return dict.fromkeys(self._properties, True)
        if name not in self._properties and name not in self._broken:
            raise AttributeError(name)
        return self.read(name)

    @property
    def PSObject(self) -> ComObject:  # noqa: N802
        return self


class ComCollection:
    """A collection of COM, which PowerShell takes apart like a list."""

    _NewEnum = True

    def __init__(self, items: list[ComObject], is_broken: bool = False) -> None:
        self._items, self._is_broken = items, is_broken

    def __iter__(self) -> Iterator[ComObject]:
        yield from self._items
        if self._is_broken:
            raise DotNetError("The object invoked has disconnected from its clients.")


class HashSet:
    """A set of names whatever their case."""

    def __init__(self, _comparer: str) -> None:
        self._names: set[str] = set()

    def Add(self, name: str) -> bool:  # noqa: N802
        self._names.add(name.lower())
        return True

    def Contains(self, name: str) -> bool:  # noqa: N802
        return name.lower() in self._names


class List:
    """A list."""

    def __init__(self, items: list[t.Any]) -> None:
        self._items = list(items)
        self._NewEnum = True

    def __iter__(self) -> Iterator[t.Any]:
        return iter(self._items)

    def Add(self, item: t.Any) -> None:  # noqa: N802
        self._items.append(item)

    def ToArray(self) -> list[t.Any]:  # noqa: N802
        return self._items


class Names:
    """An enumeration, whose values are their names."""

    def __getattr__(self, name: str) -> str:
        return name


def run(policy: ComObject, profiles: list[dict[str, str]], **params: t.Any) -> dict[str, t.Any]:
    """Run the script; return its result."""

    class Module:
        """Ansible.Basic.AnsibleModule."""

        Result: t.ClassVar[dict[str, t.Any]] = {"changed": False}

        @classmethod
        def Create(cls, arguments: list[str], spec: dict[str, t.Any]) -> type[Module]:  # noqa: N802
            cls.Params = {name: option.get("default") for name, option in spec["options"].items()} | params
            return cls

        @classmethod
        def FailJson(cls, message: str, record: object) -> None:  # noqa: N802
            cls.Result.update(failed=True, msg=message)
            raise Exit

        @staticmethod
        def ExitJson() -> None:  # noqa: N802
            raise Exit

    def new_object(_script: Script, _given: object, _positional: object, named: dict[str, t.Any]) -> list[t.Any]:
        assert named == {"comobject": "HNetCfg.FwPolicy2"}
        return [policy]

    def get_profiles(_script: Script, _given: object, _positional: object, named: dict[str, t.Any]) -> list[t.Any]:
        assert named == {"policystore": "ActiveStore", "erroraction": "Stop"}
        return [ComObject(dict(profile)) for profile in profiles]

    types = {
        "Ansible.Basic.AnsibleModule": Module,
        "System.Reflection.BindingFlags": Names(),
        "System.StringComparer": Names(),
        "System.StringComparison": Names(),
        "System.Collections.Generic.List": List,
        "System.Collections.Generic.HashSet": HashSet,
    }
    Script(CODE, types, {"New-Object": new_object, "Get-NetFirewallProfile": get_profiles}).run()
    return Module.Result


def read(*rules: dict[str, t.Any], broken: tuple[str, ...] = (), **params: t.Any) -> dict[str, t.Any]:
    """Run the script on rules; the getters in *broken* throw for the last of them."""
    made = [FirewallRule(rule).as_mapping() for rule in rules]
    objects = [ComObject(rule, broken if rule is made[-1] else ()) for rule in made]
    return run(ComObject({"Rules": ComCollection(objects), "CurrentProfileTypes": 1}), [PROFILE], **params)


def names(rules: list[dict[str, t.Any]]) -> list[str]:
    return [rule["name"] for rule in rules]


def test_the_rules_of_the_group_and_what_matters_to_it() -> None:
    others = [
        {"Name": OURS["Name"].upper(), "Grouping": "theirs"},
        {"Name": "pexip sfb reverse proxy"},
        {"Name": "Something else", "Enabled": True},
    ]
    result = read(OURS, *others)
    assert names(result["rules"]) == [OURS["Name"]]
    assert names(result["foreign_rules"]) == [OURS["Name"].upper(), "pexip sfb reverse proxy"]
    assert result["blocking_rules"] == []
    assert result["rules"][0]["protocol"] == "udp"
    assert result["rules"][0]["other"] == {}


def test_enabled_rules_of_others_that_block_are_returned() -> None:
    block = {"Name": "Hardening", "Enabled": True, "Action": 0, "ApplicationName": r"C:\x.exe"}
    result = read(OURS, block, {**block, "Name": "off", "Enabled": False}, {**block, "Name": "allows", "Action": 1})
    (found,) = result["blocking_rules"]
    assert (found["name"], found["action"], found["program"]) == ("Hardening", "block", r"C:\x.exe")
    assert names(read({**OURS, "Action": 0})["blocking_rules"]) == []  # ours is compared, and mended


def test_a_rule_for_one_user_is_no_rule_of_ours() -> None:
    (rule,) = read({**OURS, "LocalUserOwner": "S-1-5-21-1-2-3-1001"})["rules"]
    assert rule["other"] == {"LocalUserOwner": "S-1-5-21-1-2-3-1001"}


@pytest.mark.parametrize("name", ["Grouping", "Action", "Enabled", "Protocol", "LocalAddresses", "LocalUserOwner"])
def test_a_property_of_ours_that_cannot_be_read_fails(name: str) -> None:
    result = read(OURS, broken=(name,))
    assert result["failed"]
    assert result["msg"] == f"The Windows Firewall could not be read: {name}: The remote procedure call failed."


@pytest.mark.parametrize("name", ["Grouping", "Name", "Enabled", "Action"])
def test_a_property_of_another_rule_that_decides_whether_it_matters_fails_as_well(name: str) -> None:
    assert read(OURS, {"Name": "theirs", "Enabled": True}, broken=(name,))["failed"]


def test_rules_that_cannot_be_read_are_not_no_rules() -> None:
    rules = ComCollection([ComObject(FirewallRule(OURS).as_mapping())], is_broken=True)
    for policy in (
        ComObject({"CurrentProfileTypes": 1}, ("Rules",)),
        ComObject({"Rules": ComCollection([])}, ("CurrentProfileTypes",)),
        ComObject({"Rules": rules, "CurrentProfileTypes": 1}),
    ):
        result = run(policy, [PROFILE])
        assert result["failed"]
        assert "rules" not in result or "profiles" not in result


def test_no_profile_at_all_is_no_firewall_that_is_fine() -> None:
    result = run(ComObject({"Rules": ComCollection([]), "CurrentProfileTypes": 1}), [])
    assert (result["failed"], result["msg"]) == (
        True,
        "The Windows Firewall could not be read: it has no profiles",
    )


def test_profiles_as_they_are_in_effect() -> None:
    (profile,) = read()["profiles"]
    assert profile == {
        "name": "domain",
        "active": True,
        "enabled": True,
        "local_rules_apply": True,
        "inbound_blocked": False,
        "default_inbound": "block",
        "default_outbound": "block",
    }


def test_an_older_windows_has_fewer_properties() -> None:
    rule = FirewallRule(OURS).as_mapping()
    del rule["LocalUserOwner"]
    policy = ComObject({"Rules": ComCollection([ComObject(rule)]), "CurrentProfileTypes": 1})
    assert run(policy, [PROFILE])["rules"][0]["other"] == {}


TEXT = st.sampled_from([None, "", "x", "X"])
PROPERTIES = {
    "Name": st.sampled_from(["Pexip SfB a", "PEXIP sfb A", "b", "B", "cs rtcsrv"]),
    "Grouping": st.sampled_from([None, "", GROUP, GROUP.upper(), "theirs"]),
    "Enabled": st.booleans(),
    "Action": st.sampled_from([0, 1]),
    "Direction": st.sampled_from([1, 2]),
    "Protocol": st.sampled_from([1, 6, 17, 256]),
    "Profiles": st.sampled_from([0, 1, 5, 7, 0x7FFFFFFF, None]),
    **dict.fromkeys(("Description", "ApplicationName", "ServiceName", "LocalPorts", "RemoteAddresses"), TEXT),
    "Interfaces": st.sampled_from([None, ["Ethernet"], ["Ethernet", "Wi-Fi"]]),
    "InterfaceTypes": st.sampled_from([None, "All", "all", "Lan"]),
    "EdgeTraversal": st.booleans(),
    **dict.fromkeys(("EdgeTraversalOptions", "SecureFlags"), st.sampled_from([0, 1])),
    **dict.fromkeys(("LocalAppPackageId", "LocalUserOwner", "RemoteMachineAuthorizedList"), TEXT),
}


@settings(derandomize=True, deadline=None)
@given(st.lists(st.fixed_dictionaries(PROPERTIES), max_size=5), st.sampled_from([GROUP, "", "theirs"]))
def test_the_stand_in_of_the_simulated_host_returns_the_same(rules: list[dict[str, t.Any]], group: str) -> None:
    found = read(*rules, group=group)
    arguments = {"group": group, "name_prefix": "Pexip SfB "}
    expected = state_module.run(arguments, RuleCollection([FirewallRule(rule) for rule in rules]), [])
    for key in ("rules", "foreign_rules", "blocking_rules"):
        assert sorted(found[key], key=repr) == sorted(expected[key], key=repr)
