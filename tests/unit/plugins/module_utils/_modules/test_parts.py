# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of several modules in one call; the modules are played."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import parts
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.parts import KINDS, Kind, run


class FailedError(Exception):
    """The module failed."""


class Module:
    """What is used of AnsibleModule."""

    tmpdir = "/tmp/of-the-module"

    def __init__(self, *asked: dict[str, t.Any], check_mode: bool = False) -> None:
        self.params = {"parts": [{"options": {}, "check_mode": False, **part} for part in asked]}
        self.check_mode = check_mode

    def fail_json(self, msg: str, **more: t.Any) -> t.NoReturn:
        raise FailedError(msg, *more.items())


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that were done, and how."""
    done: list[str] = []

    def kind(name: str, **result: t.Any) -> None:
        def play(module: t.Any) -> dict[str, t.Any]:
            done.append(f"{name} {module.params} {module.check_mode} {module.tmpdir}")
            module.warn(f"of {name}")
            return {"changed": False, **result}

        monkeypatch.setitem(KINDS, name, Kind(KINDS[name].spec, KINDS[name].required_if, play))

    kind("observed_flows")
    kind("tracked_flows", changed=True)
    kind("nftables_table", pending=90.0)
    kind("packet_trial", outcome="taken_back")
    kind("firewalld_objects", outcome="confirmed")
    return done


def call(module: Module) -> dict[str, t.Any]:
    return run(t.cast("t.Any", module))


def test_each_part_has_its_own_options_and_warnings(done: list[str]) -> None:
    found = call(
        Module({"name": "observed_flows", "options": {"path": "/a"}, "check_mode": True}, {"name": "tracked_flows"})
    )
    assert done == [
        "observed_flows {'path': '/a'} True /tmp/of-the-module",
        "tracked_flows {'table': 'inet pexip_sfb'} False /tmp/of-the-module",
    ]
    assert found == {
        "changed": True,
        "parts": {
            "observed_flows": {"changed": False, "warnings": ["of observed_flows"]},
            "tracked_flows": {"changed": True, "warnings": ["of tracked_flows"]},
        },
    }


def test_in_check_mode_all_parts_are(done: list[str]) -> None:
    call(Module({"name": "tracked_flows"}, check_mode=True))
    assert " True " in done[0]


@pytest.mark.parametrize(
    "part",
    [{"name": "nftables_table", "options": {"state": "absent"}}, {"name": "packet_trial", "options": {"packets": []}}],
)
def test_nothing_follows_what_is_pending_or_was_taken_back(done: list[str], part: dict[str, t.Any]) -> None:
    assert list(call(Module(part, {"name": "tracked_flows"}))["parts"]) == [part["name"]]
    assert len(done) == 1


@pytest.mark.parametrize(
    ("check_mode", "before", "said"),
    [
        (False, "firewalld_objects", [("outcome", "confirmed")]),
        (False, "tracked_flows", [("changed", True)]),
        (False, "observed_flows", []),
        (True, "tracked_flows", []),
    ],
)
def test_a_part_that_fails_says_what_those_before_it_have_done(
    done: list[str], monkeypatch: pytest.MonkeyPatch, check_mode: bool, before: str, said: list[tuple[str, t.Any]]
) -> None:
    monkeypatch.setattr(parts.firewalld_objects, "library_or_respawn", lambda: None)
    monkeypatch.setitem(KINDS, "boot_units", Kind({}, (), lambda module: module.fail_json(msg="no systemd")))
    first = {"name": before, "options": {"state": "absent"} if before == "firewalld_objects" else {}}
    with pytest.raises(FailedError) as failed:
        call(Module(first, {"name": "boot_units"}, check_mode=check_mode))
    assert failed.value.args == ("no systemd", *said)


def test_firewalld_s_library_is_looked_for_before_anything_is_done(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another Python, the whole module begins anew."""
    monkeypatch.setattr(parts.firewalld_objects, "library_or_respawn", lambda: done.append("respawn"))
    call(
        Module(
            {"name": "tracked_flows"},
            {"name": "firewalld_objects", "options": {"state": "absent"}},
            {"name": "observed_flows"},
        )
    )
    assert [one.split()[0] for one in done] == ["respawn", "tracked_flows", "firewalld_objects", "observed_flows"]


def test_options_are_those_of_the_module(done: list[str]) -> None:
    with pytest.raises(
        FailedError, match=r"^nftables_table: state is present but all of the following are missing: ruleset$"
    ):
        call(Module({"name": "tracked_flows"}, {"name": "nftables_table"}))
    with pytest.raises(FailedError, match=r"^tracked_flows: tabel\. Supported parameters include: table\.$"):
        call(Module({"name": "tracked_flows", "options": {"tabel": "x"}}))
    assert done == []
