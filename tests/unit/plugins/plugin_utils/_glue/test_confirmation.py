# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugin says and does; the module and the connection are played. With real ones: tests/faults."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import confirmation
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.confirmation import ConfirmedAction

Answer = dict[str, t.Any] | Exception


class Played(ConfirmedAction):  # type: ignore[misc]
    """Answers each step of the module with the next of *answers*; the last one goes on for ever."""

    def __init__(self, arguments: dict[str, t.Any], answers: list[Answer], check_mode: bool = False) -> None:
        self.asked: list[str] = []
        self.resets = 0
        self._answers = answers
        task = SimpleNamespace(args=arguments, action="nftables_table", check_mode=check_mode, async_val=0, diff=False)
        connection = SimpleNamespace(transport="ssh", reset=self._reset, _shell=SimpleNamespace(tmpdir="/nowhere"))
        super().__init__(task, connection, None, None, None, None)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", super().run(tmp, {"inventory_hostname": "fw"}))

    def _reset(self) -> None:
        self.resets += 1

    def _execute_module(self, module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        self.asked.append(f"look at {module_args['step']}" if self._task.check_mode else module_args["step"])
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes when somebody sleeps, and by five seconds whenever somebody looks."""
    now = [0.0]

    def look() -> float:
        now[0] += 5
        return now[0]

    monkeypatch.setattr(confirmation, "time", SimpleNamespace(monotonic=look, sleep=lambda _seconds: None))


APPLIED: Answer = {"changed": True, "pending": 90.0, "diff": []}
LOST: Answer = AnsibleConnectionFailure("timed out")


def test_a_new_connection_confirms() -> None:
    action = Played({"confirm_timeout": 90}, [APPLIED, {"outcome": "confirmed"}])
    assert action.run() == {"changed": True, "diff": [], "confirmed_in": 5}
    assert (action.asked, action.resets) == (["apply", "confirm"], 1)


def test_nothing_to_confirm_where_nothing_changed() -> None:
    action = Played({"confirm_timeout": 90}, [{"changed": False}])
    assert action.run() == {"changed": False}
    assert action.resets == 0


@pytest.mark.parametrize(("arguments", "check_mode"), [({}, False), ({"confirm_timeout": 90}, True)])
def test_without_time_and_in_check_mode_the_module_is_all(arguments: dict[str, t.Any], check_mode: bool) -> None:
    action = Played(arguments, [{"changed": True}], check_mode)
    assert action.run() == {"changed": True}
    assert (action.asked, action.resets) == (["look at apply" if check_mode else "apply"], 0)


def test_it_goes_on_trying_while_the_host_cannot_be_reached_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(confirmation, "_display", SimpleNamespace(display=said.append))
    action = Played({"confirm_timeout": 90}, [APPLIED, LOST, LOST, {"msg": "sudo: no"}, {"outcome": "confirmed"}])
    assert action.run() == {"changed": True, "diff": [], "confirmed_in": 20}
    assert action.resets == 4
    assert len(said) == 3
    assert said[0].startswith("fw: not confirmed yet, ")
    assert said[0].endswith(" s left: timed out")
    assert said[2].endswith(" s left: sudo: no")


def test_a_connection_that_breaks_during_the_change_is_no_end() -> None:
    action = Played({"confirm_timeout": 90}, [LOST, {"outcome": "confirmed", "about": {"nft": "/usr/sbin/nft"}}])
    assert action.run() == {"changed": True, "nft": "/usr/sbin/nft", "confirmed_in": 5}


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        (
            {"outcome": "taken_back", "reason": "", "error": ""},
            "taken_back",
            "fw: went back: The change was made and taken back again, because no new connection to the host worked "
            "within 90 s. "
            "The host's firewall is what it was before this task, in the kernel and for the next boot.",
        ),
        (
            {"outcome": "taken_back", "reason": "there was no answer from a:1", "error": ""},
            "taken_back",
            "fw: went back: The change was made and taken back again, because there was no answer from a:1. ",
        ),
        (
            {"outcome": "taken_back", "error": "nft: no"},
            "taken_back",
            "The change was not confirmed, and taking it back failed: nft: no",
        ),
        ({"outcome": "unknown"}, "unknown", "The host knows nothing of the change: "),
        (LOST, "unreachable", "The change was made, and no new connection to the host worked afterwards. "),
    ],
)
def test_what_was_not_confirmed_is_a_failure_that_says_what_happened(
    answer: Answer, outcome: str, message: str
) -> None:
    result = Played({"confirm_timeout": 90}, [APPLIED, answer]).run()
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["outcome"] == outcome
    assert result["msg"].startswith(message)


def test_a_host_that_goes_away_for_good_is_not_said_to_have_been_changed() -> None:
    result = Played({"confirm_timeout": 90}, [LOST]).run()
    assert result["msg"].startswith("The connection broke, so whether the change was made is not known, and no new")
    assert (result["failed"], result["outcome"]) == (True, "unreachable")


def test_a_host_that_comes_back_late_is_asked_what_became_of_it() -> None:
    answers: list[Answer] = [APPLIED, *[LOST] * 20, {"outcome": "taken_back"}]
    action = Played({"confirm_timeout": 90}, answers)
    assert action.run()["outcome"] == "taken_back"
    assert action.asked[-1] == "outcome"


def test_a_confirmed_change_that_does_not_last_is_a_change_and_a_failure() -> None:
    answer: Answer = {"failed": True, "outcome": "confirmed", "msg": "The change is in force, and could not"}
    result = Played({"confirm_timeout": 90}, [APPLIED, answer]).run()
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"] == "The change is in force, and could not"


@pytest.mark.parametrize(
    "arguments",
    [
        {"confirm_timeout": "soon"},
        {"confirm_checks": [{"host": "x"}]},
        {"confirm_checks": [{"port": 1, "host": "x", "to": 1}]},
    ],
)
def test_wrong_arguments_reach_no_host(arguments: dict[str, t.Any]) -> None:
    action = Played(arguments, [APPLIED])
    assert action.run()["failed"] is True
    assert action.asked == []


def test_checks_of_the_controller_decide_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    silences = [[], ["a:1 to the controller (refused)"]]
    monkeypatch.setattr(confirmation, "silent", lambda *_arguments, **_options: silences.pop(0))
    checks = [{"host": "a", "port": 1, "from": "controller"}]
    action = Played({"confirm_timeout": 90, "confirm_checks": checks}, [APPLIED, {"outcome": "taken_back"}])
    assert "because there was no answer from a:1 to the controller (refused)" in action.run()["msg"]
    assert action.asked == ["apply", "take_back"]
    silences[:] = [["a:1 to the controller (refused)"]]
    beforehand = Played({"confirm_timeout": 90, "confirm_checks": checks}, [APPLIED])
    assert "Nothing was changed: a check that is to prove the change fails without it" in beforehand.run()["msg"]
    assert beforehand.asked == ["look at apply"]


@pytest.mark.parametrize("result", [{"changed": False, "diff": []}, {"failed": True, "msg": "nft was not found"}])
def test_a_check_that_fails_is_no_obstacle_where_nothing_is_to_change(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, t.Any]
) -> None:
    """As on the removal from a host that has nothing of this back end."""
    monkeypatch.setattr(confirmation, "silent", lambda *_arguments, **_options: ["a:1 to the controller (refused)"])
    checks = [{"host": "a", "port": 1, "from": "controller"}]
    action = Played({"confirm_timeout": 90, "confirm_checks": checks}, [result])
    assert action.run() == result
    assert action.asked == ["look at apply"]
