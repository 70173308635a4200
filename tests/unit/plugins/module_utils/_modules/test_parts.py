# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of several modules in one call; the modules are played."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.parts import KINDS, run


class FailedError(Exception):
    """The module failed."""


class Module:
    """What is used of AnsibleModule."""

    tmpdir = "/tmp/of-the-module"

    def __init__(
        self, *asked: dict[str, t.Any], check_mode: bool = False, then: dict[str, t.Any] | None = None
    ) -> None:
        self.params = {
            "parts": [self._part(part) for part in asked],
            "then": then and {"unless": [], **then, "parts": [self._part(part) for part in then["parts"]]},
        }
        self.check_mode = check_mode

        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @staticmethod
    def _part(asked: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"options": {}, "check_mode": False, **asked}

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

        real = KINDS[name]()
        played = SimpleNamespace(SPEC=real.SPEC, REQUIRED_IF=getattr(real, "REQUIRED_IF", ()), run=play)
        played.prepare = lambda _module, present: done.append(f"prepare {present}")
        monkeypatch.setitem(KINDS, name, lambda: played)

    kind("observed_flows", full=False)
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
            "observed_flows": {"changed": False, "full": False, "warnings": ["of observed_flows"]},
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
    failing = SimpleNamespace(SPEC={}, run=lambda module: module.fail_json(msg="no systemd"))
    monkeypatch.setitem(KINDS, "boot_units", lambda: failing)
    first = {"name": before, "options": {"state": "absent"} if before == "firewalld_objects" else {}}
    with pytest.raises(FailedError) as failed:
        call(Module(first, {"name": "boot_units"}, check_mode=check_mode))
    assert failed.value.args == ("no systemd", *said)


def test_firewalld_s_library_is_looked_for_before_anything_is_done(done: list[str]) -> None:
    """With another Python, the whole module begins anew."""
    objects = {"name": "firewalld_objects", "options": {"state": "absent"}}
    call(Module({"name": "tracked_flows"}, objects, {"name": "observed_flows"}))
    assert [one.split()[0] for one in done] == ["prepare", "tracked_flows", "firewalld_objects", "observed_flows"]
    done.clear()
    call(Module({"name": "tracked_flows"}, then={"changed": "tracked_flows", "parts": [objects]}))
    assert [one.split()[0] for one in done] == ["prepare", "tracked_flows", "firewalld_objects"]


TABLE = {"name": "nftables_table", "options": {"state": "absent"}}
LOOK = {"name": "tracked_flows", "check_mode": True}


def test_what_follows_in_the_same_call_is_told_apart(done: list[str]) -> None:
    found = call(Module(LOOK, then={"changed": "tracked_flows", "parts": [TABLE, {"name": "observed_flows"}]}))
    assert [one.split()[0] for one in done] == ["tracked_flows", "nftables_table"]
    assert sorted(found["parts"]) == ["tracked_flows"]
    assert found["then"] == {"nftables_table": {"changed": False, "pending": 90.0, "warnings": ["of nftables_table"]}}
    assert not found["changed"]  # tracked_flows only looked


@pytest.mark.parametrize(
    ("changed", "unless", "follows"),
    [
        ("tracked_flows", [], True),
        ("observed_flows", [], False),  # it has nothing to change
        ("tracked_flows", ["observed_flows.full", "observed_flows.changed"], True),
        ("tracked_flows", ["observed_flows.full", "observed_flows.warnings"], False),
    ],
)
def test_nothing_follows_what_has_to_be_decided_first(
    done: list[str], changed: str, unless: list[str], follows: bool
) -> None:
    then = {"changed": changed, "unless": unless, "parts": [TABLE]}
    assert ("then" in call(Module(LOOK, {"name": "observed_flows"}, then=then))) == follows
    assert len(done) == (3 if follows else 2)


def test_what_fails_then_has_not_done_what_was_only_looked_at(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    failing = SimpleNamespace(SPEC={}, run=lambda module: module.fail_json(msg="no systemd"))
    monkeypatch.setitem(KINDS, "boot_units", lambda: failing)
    module = Module(LOOK, then={"changed": "tracked_flows", "parts": [{"name": "boot_units"}]})
    with pytest.raises(FailedError) as failed:
        call(module)
    assert failed.value.args == ("no systemd",)
    assert module.warnings == ["of tracked_flows"]


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({"changed": "boot_units"}, r"then\.changed: boot_units; accepted: one of tracked_flows, observed_flows"),
        (
            {"changed": "tracked_flows", "unless": ["observed_flow.full"]},
            r"then\.unless: observed_flow; accepted: one of tracked_flows, observed_flows",
        ),
    ],
)
def test_what_follows_hangs_on_parts_that_there_are(done: list[str], then: dict[str, t.Any], said: str) -> None:
    with pytest.raises(FailedError, match=f"^{said}$"):
        call(Module(LOOK, {"name": "observed_flows"}, then={**then, "parts": [TABLE]}))
    assert done == []


@pytest.mark.parametrize("changed", ["tracked_flows", "observed_flows"])
def test_nothing_follows_what_no_part_returns(done: list[str], changed: str) -> None:
    """A misspelt name must not let the change through."""
    then = {"changed": changed, "unless": ["observed_flows.full", "observed_flows.ful"], "parts": [TABLE]}
    module = Module({"name": "tracked_flows"}, {"name": "observed_flows"}, then=then)
    with pytest.raises(FailedError) as failed:
        call(module)
    assert failed.value.args == ("then.unless: no part returned observed_flows.ful", ("changed", True))
    assert module.warnings == ["of tracked_flows", "of observed_flows"]
    assert len(done) == 2


def test_nothing_follows_parts_that_did_not_come_to_their_end(done: list[str]) -> None:
    then = {"changed": "tracked_flows", "unless": ["observed_flows.full"], "parts": [TABLE]}
    found = call(Module({"name": "tracked_flows"}, TABLE, {"name": "observed_flows"}, then=then))
    assert sorted(found["parts"]) == ["nftables_table", "tracked_flows"]
    assert "then" not in found


def test_each_module_has_what_is_taken_of_it() -> None:
    assert all(isinstance(kind().SPEC, dict) and callable(kind().run) for kind in KINDS.values())
    assert callable(KINDS["firewalld_objects"]().prepare)


def test_options_are_those_of_the_module(done: list[str]) -> None:
    with pytest.raises(
        FailedError, match=r"^nftables_table: state is present but all of the following are missing: ruleset$"
    ):
        call(Module({"name": "tracked_flows"}, {"name": "nftables_table"}))
    with pytest.raises(FailedError, match=r"^tracked_flows: tabel\. Supported parameters include: table\.$"):
        call(Module({"name": "tracked_flows", "options": {"tabel": "x"}}))
    assert done == []
