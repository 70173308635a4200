# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that no lab has: an old firewalld, the iptables back end, a failed daemon, zones that accept everything.

And what becomes of permanent objects that are spoilt. With a real firewalld: the Molecule scenario firewalld.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import zones as host_zones
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import Firewalld, FirewalldError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import Plan
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.zones import open_zones


class Client:
    """The part of firewalld's client that these questions go to."""

    def __init__(self, zones: dict[str, dict[str, t.Any]] | None = None, **properties: str) -> None:
        self._properties = {"version": "1.3.3", "FirewallBackend": "nftables", "state": "RUNNING", **properties}
        self._zones = zones or {}

    def config(self) -> Client:
        return self

    def get_property(self, name: str) -> str:
        return self._properties[name]

    def getActiveZones(self) -> dict[str, dict[str, t.Any]]:  # noqa: N802 # firewalld's name
        return {name: zone for name, zone in self._zones.items() if name != "public"}

    def getDefaultZone(self) -> str:  # noqa: N802
        return "public"

    def getZoneByName(self, name: str) -> t.Any:  # noqa: N802
        zone = self._zones[name]
        settings = SimpleNamespace(
            getTarget=lambda: zone.get("target", "default"), getForward=lambda: zone.get("forward", False)
        )
        return SimpleNamespace(getSettings=lambda: settings)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"version": "0.8.2"}, "firewalld 0.8.2 cannot have an ipset as the destination .*; accepted: 1.0 or later"),
        ({"version": "0.9.3"}, "firewalld 0.9.3 cannot have an ipset as the destination .*; accepted: 1.0 or later"),
        ({"FirewallBackend": "iptables"}, "FirewallBackend in firewalld.conf is iptables, .*; accepted: nftables"),
        ({"state": "FAILED"}, "firewalld is in state FAILED"),
    ],
)
def test_a_firewalld_that_cannot(properties: dict[str, str], message: str) -> None:
    with pytest.raises(FirewalldError, match=message):
        Firewalld(Client(**properties), None, "pexip_sfb_").check()


@pytest.mark.parametrize("version", ["1.0.0", "1.3.3", "2.3.1", "2.4.0~beta1"])
def test_a_firewalld_that_can(version: str) -> None:
    Firewalld(Client(version=version), None, "pexip_sfb_").check()


def stage(monkeypatch: pytest.MonkeyPatch, configuration: Path, staged: Path) -> None:
    monkeypatch.setattr(host, "CONFIGURATION", configuration)
    kinds: dict[str, t.Any] = {"ipsets": [], "policies": []}
    plan = t.cast("t.Any", SimpleNamespace(delete=kinds, write=kinds))
    Firewalld(Client(), None, "pexip_sfb_").stage(staged, plan, kinds)


@pytest.mark.operating_system
def test_a_link_that_leads_nowhere_is_left_out_of_what_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    zones = tmp_path / "firewalld/zones"
    zones.mkdir(parents=True)
    (tmp_path / "theirs.xml").write_text("<zone/>", encoding="utf-8")
    (zones / "theirs.xml").symlink_to(tmp_path / "theirs.xml")
    (zones / "gone.xml").symlink_to("/nowhere/gone.xml")
    stage(monkeypatch, tmp_path / "firewalld", tmp_path / "staged")
    assert [path.name for path in (tmp_path / "staged/zones").iterdir()] == ["theirs.xml"]
    assert (tmp_path / "staged/zones/theirs.xml").read_text(encoding="utf-8") == "<zone/>"


@pytest.mark.operating_system
def test_what_cannot_be_copied_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "firewalld").mkdir()
    os.mkfifo(tmp_path / "firewalld/pipe")
    with pytest.raises(FirewalldError) as raised:
        stage(monkeypatch, tmp_path / "firewalld", tmp_path / "staged")
    assert str(raised.value).startswith(
        f"Nothing was changed: firewalld's configuration could not be copied: {tmp_path}/firewalld/pipe: "
    )


def warnings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, zones: dict[str, dict[str, t.Any]], egress: str
) -> list[str]:
    for interface in ("lo", "eth0", "eth1"):
        (tmp_path / interface).mkdir()
    monkeypatch.setattr(host_zones, "NETWORK_INTERFACES", tmp_path)
    policy = {"ingress_zones": ["ANY"], "egress_zones": [egress]}
    return list(open_zones(Client(zones), {"ipsets": {}, "policies": {"pexip_sfb_x": policy}}))


@pytest.mark.parametrize(
    ("zones", "egress", "expected"),
    [
        ({"public": {}}, "HOST", []),
        ({"public": {"forward": True}}, "HOST", []),
        ({"public": {"forward": True}}, "ANY", ["not enforced within the zone public (eth0, eth1)"]),
        (
            {"public": {"target": "ACCEPT"}},
            "HOST",
            ["not enforced by the zone public (eth0, eth1): its target is ACCEPT"],
        ),
        (
            {"trusted": {"interfaces": ["eth0"], "target": "ACCEPT"}, "public": {"forward": True}},
            "ANY",
            ["not enforced by the zone trusted (eth0): its target is ACCEPT"],
        ),
        (
            {"trusted": {"sources": ["192.0.2.0/24"], "target": "ACCEPT"}, "public": {}},
            "ANY",
            ["not enforced by the zone trusted (its sources)"],
        ),
        ({"a": {"interfaces": ["eth0"], "forward": True}, "b": {"interfaces": ["eth1"], "forward": True}}, "ANY", []),
    ],
)
def test_zones_that_accept_everything_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, zones: dict[str, t.Any], egress: str, expected: list[str]
) -> None:
    found = warnings(monkeypatch, tmp_path, zones, egress)
    assert len(found) == len(expected)
    for text, part in zip(found, expected):
        assert part in text


class SpoiltError(Exception):
    """firewalld cannot read the file."""


class Settings:
    """Those of an ipset, which has no entry but what its file holds, or of a policy, whose rules that is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def getRichRules(self) -> list[str]:  # noqa: N802
        return [self.text]

    def getSettingsDict(self) -> dict[str, t.Any]:  # noqa: N802
        return {**dict.fromkeys(host._POLICY_KEYS, ""), "rich_rules": [self.text]}

    def __getattr__(self, name: str) -> t.Callable[[], t.Any]:
        return lambda: {"getOptions": {}, "getEntries": [self.text]}.get(name, "")


def read(name: str, directory: str) -> t.Any:
    text = Path(directory, name).read_text(encoding="utf-8")
    if text == "spoilt":
        raise SpoiltError
    if text == "no number":
        int(text)
    return SimpleNamespace(export_config=lambda: text, export_config_dict=lambda: text)


class Permanent:
    """What D-Bus has of the permanent configuration: the names that firewalld *knows*, and what is *done* to it."""

    def __init__(self, *known: str) -> None:
        self._known = known
        self.done: list[str] = []

    def config(self) -> Permanent:
        return self

    def names(self) -> tuple[str, ...]:
        return self._known

    def find(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(
            update=lambda settings: self.done.append(f"{name} is {settings.text}"),
            remove=lambda: self.done.append(f"{name} goes"),
        )

    def add(self, name: str, settings: Settings) -> None:
        self.done.append(f"{name} comes as {settings.text}")

    getIPSetNames = getPolicyNames = names  # noqa: N815
    getIPSetByName = getPolicyByName = find  # noqa: N815
    addIPSet = addPolicy = add  # noqa: N815


LIBRARY = SimpleNamespace(
    FirewallError=SpoiltError,
    ipset_reader=read,
    policy_reader=read,
    FirewallClientIPSetSettings=Settings,
    FirewallClientPolicySettings=Settings,
)
FILES = {
    "ipsets/pexip_sfb_a": "192.0.2.1",
    "ipsets/pexip_sfb_b": "spoilt",
    "ipsets/theirs": "spoilt",
    "policies/pexip_sfb_in": 'ipset="pexip_sfb_a"',
    "policies/pexip_sfb_out": 'ipset="pexip_sfb_a" ipset="pexip_sfb_b"',
    "policies/pexip_sfb_through": 'ipset="theirs"',
}


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host, "CONFIGURATION", tmp_path)
    for kind in ("ipsets", "policies"):
        (tmp_path / kind).mkdir()
    for name, text in FILES.items():
        (tmp_path / f"{name}.xml").write_text(text, encoding="utf-8")
    (tmp_path / "ipsets/pexip_sfb_link.xml").symlink_to("/nowhere.xml")
    return tmp_path


@pytest.mark.usefixtures("configuration")
def test_a_file_that_cannot_be_read_is_an_object_like_none_that_is_wanted() -> None:
    found = Firewalld(Permanent(), LIBRARY, "pexip_sfb_").permanent()
    assert found["ipsets"].keys() == {"pexip_sfb_a", "pexip_sfb_b"}
    assert found["ipsets"]["pexip_sfb_a"]["entries"] == ["192.0.2.1"]
    assert found["ipsets"]["pexip_sfb_b"] == {"unreadable": True}
    assert found["policies"]["pexip_sfb_in"]["rich_rules"] == ['ipset="pexip_sfb_a"']


def test_a_priority_that_is_no_number_spoils_a_file(configuration: Path) -> None:
    (configuration / "policies/pexip_sfb_in.xml").write_text("no number", encoding="utf-8")
    found = Firewalld(Permanent(), LIBRARY, "pexip_sfb_").permanent()
    assert found["policies"]["pexip_sfb_in"] == {"unreadable": True}


@pytest.mark.usefixtures("configuration")
def test_a_policy_goes_without_a_set_that_is_spoilt_also_where_firewalld_still_knows_it() -> None:
    raw = Firewalld(Permanent("pexip_sfb_a", "pexip_sfb_b", "theirs"), LIBRARY, "pexip_sfb_").raw_permanent()
    assert raw["ipsets"].keys() == {"pexip_sfb_a"}
    assert raw["policies"].keys() == {"pexip_sfb_in", "pexip_sfb_through"}


def test_what_firewalld_could_not_read_goes_too(configuration: Path) -> None:
    permanent = Permanent("pexip_sfb_a")
    plan = Plan(write={"ipsets": [], "policies": []}, delete={"ipsets": ["pexip_sfb_a", "pexip_sfb_b"], "policies": []})
    Firewalld(permanent, LIBRARY, "pexip_sfb_").write_permanent(plan, {"ipsets": {}, "policies": {}})
    assert permanent.done == ["pexip_sfb_a goes"]
    assert not (configuration / "ipsets/pexip_sfb_b.xml").exists()


def test_only_what_differs_is_put_back(configuration: Path) -> None:
    permanent = Permanent("pexip_sfb_a", "pexip_sfb_in", "pexip_sfb_new", "theirs")
    firewalld = Firewalld(permanent, LIBRARY, "pexip_sfb_")
    before = firewalld.raw_permanent()
    (configuration / "ipsets/pexip_sfb_a.xml").write_text("192.0.2.2", encoding="utf-8")
    (configuration / "ipsets/pexip_sfb_new.xml").write_text("192.0.2.3", encoding="utf-8")
    (configuration / "policies/pexip_sfb_through.xml").unlink()
    firewalld.restore_permanent(before)
    assert permanent.done == [
        "pexip_sfb_a is 192.0.2.1",
        'pexip_sfb_through comes as ipset="theirs"',
        "pexip_sfb_new goes",
    ]
    assert not (configuration / "policies/pexip_sfb_out.xml").exists()
    assert (configuration / "ipsets/theirs.xml").exists()
