# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import os
import subprocess
import sys
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import reload
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.reload import (
    put_back,
    reload_for_all,
    save,
)

pytestmark = pytest.mark.operating_system

POLICY = '<policy><rule><source ipset="pexip_sfb_a"/><destination ipset="{}"/><accept/></rule></policy>'
OURS = {
    "ipsets/pexip_sfb_a.xml": "<ipset>a</ipset>",
    "ipsets/pexip_sfb_b.xml": "<ipset>b</ipset>",
    "policies/pexip_sfb_input.xml": POLICY.format("pexip_sfb_b"),
}
THEIRS = {"ipsets/other.xml": "<ipset/>", "policies/mine.xml": "<policy/>"}


def _write(configuration: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (configuration / name).parent.mkdir(parents=True, exist_ok=True)
        (configuration / name).write_text(content, encoding="utf-8")


def _read(configuration: Path) -> dict[str, str]:
    return {
        str(path.relative_to(configuration)): path.read_text(encoding="utf-8")
        for path in configuration.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    _write(tmp_path / "etc", {**OURS, **THEIRS})
    (tmp_path / "saved").mkdir()
    return tmp_path / "etc"


def test_ours_is_what_it_was_and_others_are_left_alone(configuration: Path, tmp_path: Path) -> None:
    save(tmp_path / "saved", "pexip_sfb_", configuration)
    _write(
        configuration,
        {
            "ipsets/pexip_sfb_a.xml": "<ipset>other</ipset>",
            "ipsets/pexip_sfb_new.xml": "<ipset/>",
            "policies/pexip_sfb_new.xml": "<policy/>",
            "policies/mine.xml": "<policy>changed meanwhile</policy>",
        },
    )
    (configuration / "ipsets/pexip_sfb_b.xml").unlink()
    put_back(tmp_path / "saved", "pexip_sfb_", configuration)
    assert _read(configuration) == {**OURS, **THEIRS, "policies/mine.xml": "<policy>changed meanwhile</policy>"}


def test_nothing_was_there_on_a_first_run(tmp_path: Path) -> None:
    _write(tmp_path / "etc", THEIRS)
    (tmp_path / "saved").mkdir()
    save(tmp_path / "saved", "pexip_sfb_", tmp_path / "etc")
    _write(tmp_path / "etc", OURS)
    put_back(tmp_path / "saved", "pexip_sfb_", tmp_path / "etc")
    assert _read(tmp_path / "etc") == THEIRS


def test_a_policy_whose_ipset_is_gone_is_not_put_back(configuration: Path, tmp_path: Path) -> None:
    (configuration / "ipsets/pexip_sfb_b.xml").unlink()
    save(tmp_path / "saved", "pexip_sfb_", configuration)
    put_back(tmp_path / "saved", "pexip_sfb_", configuration)
    assert _read(configuration) == {"ipsets/pexip_sfb_a.xml": OURS["ipsets/pexip_sfb_a.xml"], **THEIRS}


def test_a_link_of_ours_that_leads_nowhere_does_not_stop_a_change(configuration: Path, tmp_path: Path) -> None:
    for kind in ("ipsets", "policies"):
        (configuration / kind / "pexip_sfb_gone.xml").symlink_to("/nowhere/gone.xml")
    save(tmp_path / "saved", "pexip_sfb_", configuration)
    put_back(tmp_path / "saved", "pexip_sfb_", configuration)
    assert _read(configuration) == {**OURS, **THEIRS}


DBUS = """
class connection:
    class Connection:
        def call_blocking(self, *arguments, timeout=25.0):
            print(*arguments, timeout)
"""
CLIENT = """
import dbus
class FirewallClient:
    def config(self):
        return self
    def __getattr__(self, name):
        return lambda *arguments: dbus.connection.Connection().call_blocking(name) or []
"""


def test_the_program_waits_as_long_for_firewalld_as_the_module_does(tmp_path: Path) -> None:
    # With an __init__.py, or the real one of a machine that has firewalld would come first.
    library = {"dbus.py": DBUS, "firewall/__init__.py": "", "firewall/client.py": CLIENT}
    _write(tmp_path / "library", library)
    for kind in reload.KINDS:
        (tmp_path / "saved" / kind).mkdir(parents=True)
    command = [sys.executable, str(reload.__file__), str(tmp_path / "saved"), "pexip_sfb_of_no_host_"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "library")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "reload 300.0\n" in done.stdout, done.stderr


class Settings:
    """Settings of a zone or a policy, as firewalld's client has them."""

    def __init__(self, values: dict[str, t.Any]) -> None:
        self.values = copy.deepcopy(values)

    def getSettingsDict(self) -> dict[str, t.Any]:  # noqa: N802 # firewalld's names, here and below
        return self.values

    def setSettingsDict(self, values: dict[str, t.Any]) -> None:  # noqa: N802
        self.values.update(values)


class Entries:
    """Settings of an ipset."""

    def __init__(self, entries: list[str]) -> None:
        self._entries = list(entries)

    def getEntries(self) -> list[str]:  # noqa: N802
        return self._entries


class Objects:
    """Either configuration of a firewalld: zones, policies and ipsets by name."""

    def __init__(self, **kinds: dict[str, t.Any]) -> None:
        self.zones, self.policies, self.ipsets = (kinds.get(kind, {}) for kind in ("zones", "policies", "ipsets"))


class Config:
    """The permanent configuration."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> Callable[..., t.Any]:
        kind, make = {"Zone": ("zones", Settings), "Poli": ("policies", Settings), "IPSe": ("ipsets", Entries)}[
            name[3:7]
        ]
        objects = getattr(self._objects, kind)
        if name.endswith("Names"):
            return lambda: list(objects)
        return lambda one: type("Object", (), {"getSettings": lambda _self: make(objects[one])})()


class Client:
    """A firewalld, of which others do something *meanwhile*: after it has reloaded, before the next call."""

    zone_settings: t.ClassVar = {
        "Port": "ports",
        "Service": "services",
        "RichRule": "rules_str",
        "Masquerade": "masquerade",
    }

    def __init__(self, permanent: Objects, runtime: Objects, meanwhile: Callable[[Client], None]) -> None:
        self._permanent, self.runtime, self._meanwhile = permanent, runtime, meanwhile
        self.calls: list[str] = []
        self.before_call: Callable[[str], None] = lambda _name: None

    def config(self) -> Config:
        return Config(self._permanent)

    def reload(self) -> None:
        self.runtime = copy.deepcopy(self._permanent)
        self._meanwhile(self)

    def getZones(self) -> list[str]:  # noqa: N802
        return list(self.runtime.zones)

    def getPolicies(self) -> list[str]:  # noqa: N802
        return list(self.runtime.policies)

    def getIPSets(self) -> list[str]:  # noqa: N802
        return list(self.runtime.ipsets)

    def getZoneSettings(self, name: str) -> Settings:  # noqa: N802
        return Settings(self.runtime.zones[name])

    def getPolicySettings(self, name: str) -> Settings:  # noqa: N802
        return Settings(self.runtime.policies[name])

    def getIPSetSettings(self, name: str) -> Entries:  # noqa: N802
        return Entries(self.runtime.ipsets[name])

    def getEntries(self, name: str) -> list[str]:  # noqa: N802
        return list(self.runtime.ipsets[name])

    def setZoneSettings(self, name: str, settings: Settings) -> None:  # noqa: N802
        self._note("setZoneSettings")
        self.runtime.zones[name] = settings.values

    def setPolicySettings(self, name: str, settings: Settings) -> None:  # noqa: N802
        self._note("setPolicySettings")
        self.runtime.policies[name] = settings.values

    def setEntries(self, name: str, entries: list[str]) -> None:  # noqa: N802
        self._note("setEntries")
        self.runtime.ipsets[name] = entries

    def addEntry(self, name: str, entry: str) -> None:  # noqa: N802
        self._note("addEntry")
        self.runtime.ipsets[name].append(entry)

    def removeEntry(self, name: str, entry: str) -> None:  # noqa: N802
        self._note("removeEntry")
        self.runtime.ipsets[name].remove(entry)

    def __getattr__(self, name: str) -> Callable[..., None]:
        do, what = ("add", name[3:]) if name.startswith("add") else ("remove", name[6:])
        return lambda zone, *value: self._change(name, do == "add", zone, self.zone_settings[what], value)

    def _change(self, name: str, adds: bool, zone: str, key: str, value: tuple[str, ...]) -> None:
        self._note(name)
        values = self.runtime.zones[zone]
        one = value if len(value) > 1 else next(iter(value), True)
        if one is True:
            values[key] = adds
        elif (one in values[key]) == adds:
            raise FirewalldSaysNoError(f"{'ALREADY' if adds else 'NOT'}_ENABLED: {one}")
        else:
            (values[key].append if adds else values[key].remove)(one)

    def _note(self, name: str) -> None:
        self.calls.append(name)
        self.before_call(name)


class FirewalldSaysNoError(Exception):
    """As firewalld's own."""


BAN = 'rule family="ipv4" source address="203.0.113.9" reject'
ZONE: dict[str, t.Any] = {
    "target": "default", "services": ["ssh"], "ports": [("8443", "tcp")], "rules_str": [], "forward": True,
    "masquerade": False, "ingress_priority": 0,
}  # fmt: skip
POLICY: dict[str, t.Any] = {"ports": [], "rich_rules": ["rule accept"], "masquerade": True, "priority": -1}


def permanent() -> Objects:
    return copy.deepcopy(
        Objects(
            zones={"public": ZONE},
            policies={"theirs": POLICY, "pexip_sfb_input": {**POLICY, "rich_rules": ["rule accept"], "ports": []}},
            ipsets={"theirs": ["192.0.2.1"], "pexip_sfb_a": ["192.0.2.1"]},
        )
    )


def reloaded(runtime: Objects, meanwhile: Callable[[Client], None] = lambda _client: None) -> tuple[Client, list[str]]:
    client = Client(permanent(), runtime, meanwhile)
    return client, reload_for_all(client, "pexip_sfb_")


def test_what_others_changed_in_the_runtime_alone_is_so_again() -> None:
    runtime = permanent()
    runtime.zones["public"].update(
        services=[], ports=[("8443", "tcp"), ("9443", "tcp")], forward=False, masquerade=True
    )
    runtime.policies["theirs"].update(ports=[("53", "udp")], rich_rules=["rule drop"], masquerade=False)
    runtime.ipsets["theirs"] = ["192.0.2.2"]
    runtime.zones["temporary"] = ZONE  # which nothing can make again
    wanted = copy.deepcopy(runtime)
    client, opened = reloaded(runtime)
    del wanted.zones["temporary"]
    assert vars(client.runtime) == vars(wanted)
    assert opened == ["zone public: masquerade", "zone public: ports 9443/tcp", "policy theirs: ports 53/udp"]


def test_what_is_ours_and_what_nobody_changed_is_left_to_the_reload() -> None:
    runtime = permanent()
    runtime.policies["pexip_sfb_input"]["ports"] = [("53", "udp")]
    runtime.ipsets["pexip_sfb_a"] = []
    client, opened = reloaded(runtime)
    assert vars(client.runtime) == vars(permanent())
    assert (client.calls, opened) == ([], [])


def test_a_ban_that_comes_while_firewalld_reloads_stays() -> None:
    runtime = permanent()
    runtime.zones["public"]["ports"].append(("9443", "tcp"))
    runtime.ipsets["theirs"].append("192.0.2.2")

    def ban(client: Client) -> None:
        client.runtime.zones["public"]["rules_str"].append(BAN)
        client.runtime.ipsets["theirs"].append("203.0.113.9")

    client, _opened = reloaded(runtime, ban)
    assert client.runtime.zones["public"]["rules_str"] == [BAN]
    assert client.runtime.zones["public"]["ports"] == [("8443", "tcp"), ("9443", "tcp")]
    assert client.runtime.ipsets["theirs"] == ["192.0.2.1", "203.0.113.9", "192.0.2.2"]


def test_a_ban_that_comes_right_before_something_is_given_back_stays() -> None:
    runtime = permanent()
    runtime.zones["public"]["rules_str"].append("rule drop")

    def ban_later(client: Client) -> None:
        client.before_call = lambda _name: client.runtime.zones["public"]["rules_str"].append(BAN)

    client, _opened = reloaded(runtime, ban_later)
    assert client.runtime.zones["public"]["rules_str"] == [BAN, "rule drop"]


def test_what_others_gave_back_at_the_same_moment_is_no_failure() -> None:
    runtime = permanent()
    runtime.zones["public"]["ports"].append(("9443", "tcp"))

    def add_later(client: Client) -> None:
        client.before_call = lambda _name: client.runtime.zones["public"]["ports"].append(("9443", "tcp"))

    client, _opened = reloaded(runtime, add_later)
    assert client.runtime.zones["public"]["ports"] == [("8443", "tcp"), ("9443", "tcp")]


def test_what_firewalld_refuses_does_not_keep_the_rest_from_coming_back() -> None:
    runtime = permanent()
    runtime.zones["public"].update(ports=[("8443", "tcp"), ("9443", "tcp")], masquerade=True)
    clients: list[Client] = []

    def refuse_later(client: Client) -> None:
        clients.append(client)

        def refuse(name: str) -> None:
            if name == "addMasquerade":
                raise FirewalldSaysNoError("INVALID_ZONE: public")

        client.before_call = refuse

    with pytest.raises(FirewalldSaysNoError, match=r"^INVALID_ZONE"):
        reloaded(runtime, refuse_later)
    assert clients[0].runtime.zones["public"]["ports"] == [("8443", "tcp"), ("9443", "tcp")]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reload, "LOG", tmp_path / "firewalld")
    return tmp_path / "firewalld"


# As firewalld 1.3.3 and 2.3.1 write it where a timer finds nothing to remove.
WARNING = "2026-11-29 02:28:39 WARNING: NOT_ENABLED: '{}' not in '{}'\n"


def test_what_should_have_gone_while_firewalld_reloaded_goes(log: Path) -> None:
    runtime = permanent()
    runtime.zones["public"]["ports"] += [("9443", "tcp"), ("9444", "tcp"), ("9445", "tcp")]
    runtime.zones["public"]["rules_str"].append(BAN)
    runtime.zones["public"]["services"].append("http")
    log.write_text(WARNING.format("9443:tcp", "public"), encoding="utf-8")  # from an earlier time

    def end(_client: Client) -> None:
        ended = [("9444:tcp", "public"), ("9445:tcp", "home"), (BAN, "public"), ("http", "public")]
        with log.open("a", encoding="utf-8") as file:
            file.writelines(WARNING.format(*one) for one in ended)

    client, opened = reloaded(runtime, end)
    zone = client.runtime.zones["public"]
    assert zone["ports"] == [("8443", "tcp"), ("9443", "tcp"), ("9445", "tcp")]
    assert (zone["rules_str"], zone["services"]) == ([], ["ssh"])
    assert opened == ["zone public: ports 9443/tcp", "zone public: ports 9445/tcp"]


def test_a_log_that_was_rotated_meanwhile_is_read_from_its_beginning(log: Path) -> None:
    runtime = permanent()
    runtime.zones["public"]["ports"].append(("9444", "tcp"))
    log.write_text("2026-11-29 02:28:39 WARNING: another\n" * 100, encoding="utf-8")
    client, _opened = reloaded(runtime, lambda _client: log.write_text(WARNING.format("9444:tcp", "public")) and None)
    assert client.runtime.zones["public"]["ports"] == [("8443", "tcp")]


def test_a_long_list_comes_back_at_once() -> None:
    runtime = permanent()
    runtime.ipsets["theirs"] += [f"198.51.{number // 200}.{number % 200}" for number in range(2000)]
    wanted = sorted([*runtime.ipsets["theirs"], "203.0.113.9"])
    client, _opened = reloaded(runtime, lambda client: client.runtime.ipsets["theirs"].append("203.0.113.9"))
    assert client.runtime.ipsets["theirs"] == wanted
    assert client.calls == ["setEntries"]
