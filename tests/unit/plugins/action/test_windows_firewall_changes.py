# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action says and refuses; the module that reads the host is played. With Ansible: tests/playbooks."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.uc_firewall.pexip_sfb.plugins.action.windows_firewall_changes import ActionModule

Result = dict[str, t.Any]

WANTED: Result = {
    "name": "Pexip SfB r1 in udp ipv4 1",
    "group": "Pexip SfB port matrix",
    "description": "Row r1: Media (x to y)",
    "enabled": True,
    "direction": "in",
    "action": "allow",
    "protocol": "udp",
    "profiles": ["domain", "private", "public"],
    "localip": "10.0.0.131",
    "remoteip": "192.0.2.11",
    "localport": "50000-59999",
    "remoteport": "any",
    "program": "any",
    "service": "any",
}
FOUND: Result = {**WANTED, "other": {}}
OFF: Result = {"name": "public", "active": True, "enabled": False}
FIRST = "No rule of this host was changed."


class Played(ActionModule):  # type: ignore[misc]
    """Is told what the module read."""

    def __init__(self, read: Result, check_mode: bool = False, **arguments: t.Any) -> None:
        self.reads = 0
        self._read = {"rules": [], "foreign_rules": [], "blocking_rules": [], "profiles": [], **read}
        task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, diff=False)
        connection = SimpleNamespace(transport="psrp", _shell=SimpleNamespace(tmpdir="/nowhere"))
        super().__init__(task, connection, None, None, None, None)

    def played(self) -> Result:
        return t.cast("Result", self.run(None, {"inventory_hostname": "edge1"}))

    def _execute_module(self, module_name: str, module_args: Result, task_vars: Result) -> Result:
        assert (module_name, module_args) == ("uc_firewall.pexip_sfb.win_firewall_state", {})
        self.reads += 1
        return dict(self._read)


def test_it_reads_once_and_says_what_is_to_be_written() -> None:
    action = Played({}, rules=[WANTED])
    told = action.played()
    assert action.reads == 1
    assert told["calls"] == [{**WANTED, "state": "present"}]
    assert told["changed"] is False
    assert told["once_written"]["text"].endswith(", changed")
    assert "warnings" not in told
    assert Played({}, check_mode=True, rules=[WANTED]).played()["once_written"]["text"].endswith(", would change")
    assert Played({"rules": [FOUND]}, rules=[WANTED]).played()["text"].endswith(", unchanged")


def test_without_rules_it_says_that_nothing_rendered_them_and_reads_nothing() -> None:
    action = Played({})
    with pytest.raises(AnsibleActionFail, match="rules: there are none, so what renders them was skipped"):
        action.played()
    assert action.reads == 0
    assert Played({}, state="absent").played()["text"] == "edge1: unchanged, nothing of ours was there"


@pytest.mark.parametrize("arguments", [{"state": "gone"}, {"fail_on_preflight": "maybe"}])
def test_a_wrong_argument_is_refused_before_anything_is_read(arguments: Result) -> None:
    action = Played({}, rules=[], **arguments)
    with pytest.raises(AnsibleActionFail, match=next(iter(arguments))):
        action.played()
    assert action.reads == 0


def test_a_module_that_fails_has_the_last_word() -> None:
    assert Played({"failed": True, "msg": "COM"}, rules=[WANTED]).played()["msg"] == "COM"


def test_a_result_of_something_else_is_an_error() -> None:
    with pytest.raises(AnsibleActionFail, match="rules name"):
        Played({}, rules=[{"group": "x"}]).played()


def test_a_name_that_is_taken_is_refused_whatever_is_wanted() -> None:
    theirs = {"foreign_rules": [{**FOUND, "group": "theirs"}]}
    wanted = Played(theirs, rules=[WANTED], fail_on_preflight=False).played()
    assert wanted["failed"]
    assert wanted["msg"][0] == FIRST
    assert "calls" not in wanted
    assert Played({**theirs, "rules": [FOUND]}, state="absent").played()["msg"] == wanted["msg"]


def test_rules_that_would_be_void_are_refused_unless_that_is_wanted_or_they_are_to_go() -> None:
    void = {"profiles": [OFF], "rules": [FOUND]}
    refused = Played(void, rules=[WANTED]).played()
    assert refused["failed"]
    assert refused["msg"][0].startswith(
        FIRST + " Where this is as it should be, set windows_firewall_fail_on_preflight"
    )
    assert "the firewall is off" in refused["msg"][1]
    wanted = Played(void, rules=[WANTED], fail_on_preflight="no").played()
    assert [finding["check"] for finding in wanted["findings"]] == ["profile_off"]
    assert "failed" not in wanted
    gone = Played(void, state="absent").played()
    assert (gone["findings"], len(gone["calls"])) == ([], 1)


def test_what_lets_ansible_in_is_not_taken_off_without_a_word() -> None:
    way_in = {**FOUND, "protocol": "tcp", "localport": "5986"}
    refused = Played({"rules": [way_in]}, state="absent").played()
    assert refused["failed"]
    assert "lets TCP port 5986 in" in refused["msg"][1]
    assert [
        one["check"]
        for one in Played({"rules": [way_in]}, state="absent", fail_on_preflight=False).played()["findings"]
    ] == ["management_port"]


def test_what_blocks_is_warned_of_after_what_the_module_said() -> None:
    block = {**FOUND, "action": "block", "group": "theirs"}
    blocking = [{**block, "name": f"Hardening {number}"} for number in range(7)]
    told = Played({"blocking_rules": blocking, "warnings": ["old"]}, rules=[WANTED]).played()
    assert told["warnings"][0] == "old"
    assert told["warnings"][1].startswith("edge1: rule 'Hardening 0' (group 'theirs') blocks what rules of ours allow")
    assert told["warnings"][6:] == ["edge1: rules of others that block what rules of ours allow, or may: 2 more"]
    assert len(told["blocks"]) == 7


def test_once_they_are_written_a_host_that_shows_others_fails_and_nothing_else_is_looked_at() -> None:
    block = {**FOUND, "name": "Hardening", "action": "block", "group": "theirs"}
    as_written = {"rules": [FOUND], "profiles": [OFF], "blocking_rules": [block]}
    assert Played(as_written, rules=[WANTED], written=True).played() == {"changed": False}
    failed = Played({}, rules=[WANTED], written=True).played()
    assert failed["failed"]
    assert failed["msg"] == [
        "The rules were written, and the host shows others. Is something else changing them right now?",
        WANTED["name"],
    ]


def test_a_note_names_its_host() -> None:
    of_sfb = {**FOUND, "name": "CS RTCSRV"}
    told = Played({"rules": [FOUND, of_sfb]}, rules=[WANTED]).played()
    assert [note.partition(" is in")[0] for note in told["notes"]] == ["edge1: rule 'CS RTCSRV'"]
