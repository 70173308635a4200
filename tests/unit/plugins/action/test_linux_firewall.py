# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action does with what a host says; the host is played. With real ones: tests/playbooks and tests/faults."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.uc_firewall.pexip_sfb.plugins.action import linux_firewall
from ansible_collections.uc_firewall.pexip_sfb.plugins.action.linux_firewall import ActionModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.parts import follows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.calls import plan_for, trial

Result = dict[str, t.Any]

RULESET = 'table inet pexip_sfb {\n\tchain forward {\n\t\tcounter accept comment "sip_signaling"\n\t}\n}\n'
OBJECTS = {"ipsets": {}, "policies": {"pexip_sfb_input": {"rich_rules": ["one", "two"]}}}
GIVEN = {"packets": [], "ruleset": RULESET, "objects": OBJECTS, "units": []}
QUIET: Result = {
    "packet_trial": {"drops": [], "warnings": []},
    "observed_flows": {"flows": [], "remembering": True, "enforcing": False, "full": False, "rules_since": ""},
}
DROP = {
    "where": "table inet other, chain c, policy drop", "family": "inet", "table": "other", "chain": "c",
    "hook": "forward", "rows": ["sip_signaling"], "advice": "", "example": "tcp 192.0.2.1:1024",
}  # fmt: skip


OPTIONS: Result = {
    "state": "present", "backend": "nftables", "given": GIVEN, "gateway": False, "enforce": True, "join": {},
    "fail_on_foreign_drop": True, "end_flows": False, "has_firewalld": False, "observe_only": False, "older_flows": 30,
    "ruleset_file": "/ruleset.nft", "join_program": "/join.py", "directory": "/", "unit_directory": "/units",
    "unit_names": [], "confirm_timeout": 0, "confirm_checks": [],
}  # fmt: skip


class Played(ActionModule):  # type: ignore[misc]
    """A host whose parts differ that are in *changed*, and say what is in *said* besides."""

    def __init__(self, changed: str = "", said: Result | None = None, check_mode: bool = False, **options: t.Any):
        self.calls: list[str] = []
        self.changed = changed.split()
        self.said = {**QUIET, **(said or {})}
        self.failing = self.meanwhile = ""
        self.asked = 0
        self.breaking = False  # the connection, once something is changed
        self.outcome = "confirmed"
        arguments = {"given": GIVEN, "row_ids": ["sip_signaling"], "has_firewalld": False, **options}
        task = SimpleNamespace(args=arguments, action="linux_firewall", check_mode=check_mode, async_val=0, diff=False)
        connection = SimpleNamespace(transport="ssh", reset=lambda: None, _shell=SimpleNamespace(tmpdir="/nowhere"))
        super().__init__(task, connection, None, None, None, None)

    def play(self) -> Result:
        return t.cast("Result", self.run(None, {"inventory_hostname": "fw"}))

    def _execute_module(self, module_name: str, module_args: Result, task_vars: t.Any) -> Result:
        self.asked += 1
        parts = self._do(module_args["parts"])
        then = module_args.get("then")
        if parts and then and follows(then, parts):
            done = self._do(then["parts"])
            if self.breaking:
                raise AnsibleConnectionFailure("timed out")
            return {"parts": parts, "then": done, "invocation": {}} if done else self._failed()
        return {"changed": True, "parts": parts, "invocation": {}} if parts else self._failed()

    def _failed(self) -> Result:
        done = {"changed": True, "outcome": "confirmed"} if " confirm" in self.calls[-1] else {}
        return {"failed": True, "msg": f"no {self.failing}", **done}

    def _do(self, asked: list[Result]) -> Result:
        """What the parts say; nothing if one of them fails."""
        parts, names, looks = {}, [], set()
        for part in asked:
            name, step = part["name"], part["options"].get("step", "apply")
            look = part.get("check_mode") or step == "look" or self._task.check_mode
            looks.add(look)
            names.append(name if step in ("apply", "look") else f"{name} {step}")
            changed = name in self.changed or (name == self.meanwhile and not look)
            parts[name] = {"changed": changed, "warnings": [], **dict(self.said.get(name, {}))}
            if step == "confirm":
                parts[name] = {"changed": False, "outcome": self.outcome, "warnings": []}
            elif name == self.failing and not look:
                self.calls.append(f"do: {', '.join(names)}")
                return {}
            elif not look and parts[name]["changed"] and part["options"].get("confirm_timeout"):
                parts[name]["pending"] = 90.0
                break
        assert len(looks) == 1
        self.calls.append(f"{'look' if looks.pop() else 'do'}: {', '.join(names)}")
        return parts


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user is told."""
    told: list[str] = []
    monkeypatch.setattr(linux_firewall, "warn", told.extend)
    monkeypatch.setattr(linux_firewall, "say", told.extend)
    return told


LOOK = "look: packet_trial, observed_flows, nftables_table, boot_units"


def test_an_unchanged_host_is_asked_once(told: list[str]) -> None:
    action = Played(confirm_timeout=90)
    result = action.play()
    assert action.calls == [LOOK]
    assert (result["changed"], result["diff"]) == (False, [])
    assert told == [result["text"]] == [f"fw: 1 rule of 1 row, revision {result['revision']}, unchanged"]


# A host that remembers no flows: there are none that the controller has to judge before a change.
FORGETFUL: Result = {"observed_flows": {**QUIET["observed_flows"], "remembering": False}}
CHANGED = [LOOK, "do: nftables_table", "do: nftables_table confirm, boot_units"]


def test_where_nothing_is_to_be_decided_it_changes_what_it_has_seen_in_one_call(told: list[str]) -> None:
    action = Played("nftables_table boot_units", FORGETFUL, confirm_timeout=90)
    result = action.play()
    assert (action.calls, action.asked, result["changed"]) == (CHANGED, 2, True)
    assert ", changed, confirmed over a new connection in " in told[-1]
    without = Played("nftables_table", FORGETFUL, end_flows=True)
    assert without.play()["changed"]
    assert (without.calls[1], without.asked) == ("do: nftables_table, boot_units, tracked_flows", 1)
    firewalld = Played(
        "firewalld_objects", {"firewalld_objects": {"reload": []}}, backend="firewalld", confirm_timeout=90
    )
    assert firewalld.play()["changed"]
    assert firewalld.calls[1:] == ["do: firewalld_objects", "do: firewalld_objects confirm, packet_trial"]
    assert firewalld.asked == 2


def test_what_is_to_be_decided_comes_before_the_change(told: list[str]) -> None:
    """Flows that were seen, what drops the matrix, what is left of the other back end, and checks from here."""
    remembering = Played("nftables_table", confirm_timeout=90)
    remembering.play()
    assert (remembering.calls, remembering.asked) == (CHANGED, 3)
    dropping = Played("nftables_table", {**FORGETFUL, "packet_trial": {"drops": [DROP], "warnings": []}})
    assert dropping.play()["failed"]
    assert dropping.calls == [LOOK]
    leftovers = Played("nftables_table firewalld_objects", FORGETFUL, has_firewalld=True, confirm_timeout=90)
    leftovers.play()
    assert (len(leftovers.calls), leftovers.asked) == (4, 4)
    closed = {"host": "127.0.0.1", "port": 1, "from": "controller"}
    checked = Played("nftables_table", FORGETFUL, confirm_timeout=90, confirm_checks=[closed])
    assert checked.play()["msg"].startswith("Nothing was changed: a check that is to prove the change fails without it")
    assert checked.calls == [LOOK]
    units = Played("boot_units", FORGETFUL, confirm_timeout=90)
    units.play()
    assert (units.calls, units.asked) == ([LOOK, "do: nftables_table, boot_units"], 2)


def test_where_the_connection_breaks_the_host_is_asked_what_became_of_it(told: list[str]) -> None:
    action = Played("nftables_table boot_units", FORGETFUL, confirm_timeout=90)
    action.breaking = True
    result = action.play()
    assert (action.calls, action.asked) == (CHANGED, 2)
    assert result["changed"]
    assert told[0].startswith("fw: The connection broke while the host was looked at and changed in one call.")
    assert ", changed, confirmed over a new connection in " in told[-1]
    told.clear()
    unknown = Played("nftables_table", FORGETFUL, confirm_timeout=90)
    unknown.breaking, unknown.outcome = True, "unknown"
    assert "The host knows nothing of the change" in unknown.play()["msg"]
    assert told == []
    certain = Played("nftables_table", FORGETFUL)
    certain.breaking = True
    with pytest.raises(AnsibleConnectionFailure):
        certain.play()


def test_what_fails_in_the_call_that_looks_is_told(told: list[str]) -> None:
    action = Played("nftables_table", FORGETFUL, confirm_timeout=90)
    action.failing = "nftables_table"
    assert action.play() == {"failed": True, "msg": "no nftables_table"}
    assert action.asked == 1


def test_a_changed_host_that_remembers_is_asked_twice_more(told: list[str]) -> None:
    differs = {"nftables_table": {"changed": True, "diff": [{"before": "a", "after": "b"}], "narrowed": True}}
    action = Played("nftables_table boot_units", differs, confirm_timeout=90)
    result = action.play()
    assert (action.calls, action.asked) == (CHANGED, 3)
    assert (result["changed"], result["diff"]) == (True, [{"before": "a", "after": "b"}])
    assert told[0].startswith("fw: Rules were taken out or became narrower.")
    assert ", changed, confirmed over a new connection in " in told[1]


def test_what_fails_after_the_confirmation_is_not_asked_for_again(told: list[str]) -> None:
    action = Played("nftables_table boot_units", confirm_timeout=90)
    action.failing = "boot_units"
    result = action.play()
    assert action.calls == CHANGED
    assert (result["failed"], result["changed"], result["msg"]) == (True, True, "no boot_units")


def test_rules_that_somebody_changed_since_the_look_are_confirmed_as_well(told: list[str]) -> None:
    action = Played("boot_units", confirm_timeout=90)
    action.meanwhile = "nftables_table"
    assert action.play()["changed"]
    assert action.calls == CHANGED


def test_where_nothing_was_rendered_it_says_so_before_it_asks(told: list[str]) -> None:
    action = Played(given={})
    with pytest.raises(AnsibleActionFail, match="given: nothing, so what renders it was skipped"):
        action.play()
    assert action.calls == []


def test_without_a_confirmation_it_is_one_call_more(told: list[str]) -> None:
    action = Played("nftables_table", end_flows=True)
    assert action.play()["changed"]
    assert action.calls == [f"{LOOK}, tracked_flows", "do: nftables_table, boot_units, tracked_flows"]


def test_what_can_cut_nobody_off_is_not_confirmed(told: list[str]) -> None:
    action = Played("boot_units", confirm_timeout=90)
    assert action.play()["changed"]
    assert action.calls == [LOOK, "do: nftables_table, boot_units"]


def test_check_mode_only_looks(told: list[str]) -> None:
    action = Played("nftables_table", {"nftables_table": {"first": True}}, check_mode=True, confirm_timeout=90)
    result = action.play()
    assert (action.calls, result["changed"]) == ([LOOK], True)
    assert told[0].startswith("fw: Nothing of ours was on this host before")
    assert told[1].endswith(", would change")


def test_what_the_other_back_end_left_goes_last_and_by_itself(told: list[str]) -> None:
    action = Played("nftables_table firewalld_objects", has_firewalld=True, end_flows=True, confirm_timeout=90)
    assert action.play()["changed"]
    assert action.calls == [
        f"{LOOK}, firewalld_objects, tracked_flows",
        "do: nftables_table",
        "do: nftables_table confirm, boot_units",
        "do: firewalld_objects, tracked_flows",
    ]
    watching = Played(has_firewalld=True, observe_only=True, enforce=False)
    watching.play()
    assert watching.calls == [LOOK]


def test_a_host_that_drops_the_matrix_is_left_alone(told: list[str]) -> None:
    said = {"packet_trial": {"drops": [DROP], "warnings": ["of something else"]}}
    action = Played("nftables_table", said)
    result = action.play()
    assert (action.calls, told) == ([LOOK], ["of something else"])
    assert sorted(result) == ["changed", "failed", "msg"]
    assert result["failed"]
    assert result["msg"].startswith("Nothing was changed on fw.")
    assert not Played("nftables_table", said, fail_on_foreign_drop=False).play().get("failed")
    assert not Played("nftables_table", said, enforce=False).play().get("failed")


FIREWALLD = "firewalld_objects, nftables_table, boot_units, packet_trial"


def test_with_firewalld_a_change_is_judged_afterwards(told: list[str]) -> None:
    said = {"packet_trial": {"drops": [DROP], "warnings": []}}
    action = Played("firewalld_objects", said, backend="firewalld", confirm_timeout=90, gateway=True)
    result = action.play()
    assert action.calls == [
        f"look: {FIREWALLD}",
        "do: firewalld_objects",
        "do: firewalld_objects confirm, packet_trial",
    ]
    assert result["failed"]
    assert result["changed"]
    assert "does not come through on fw, although firewalld has its objects" in result["msg"]


@pytest.mark.parametrize(("changed", "options"), [("", {}), ("firewalld_objects", {"only_look": True})])
def test_with_firewalld_what_is_there_is_judged_where_nothing_follows(
    told: list[str], changed: str, options: Result
) -> None:
    said = {"packet_trial": {"drops": [DROP], "warnings": []}}
    action = Played(changed, said, backend="firewalld", **options)
    assert action.play()["failed"]
    assert action.calls == [f"look: {FIREWALLD}"]


def test_with_firewalld_check_mode_cannot_tell_what_the_change_will_do(told: list[str]) -> None:
    reload = {"firewalld_objects": {"reload": ["pexip_sfb_input is new"]}}
    action = Played("firewalld_objects", reload, backend="firewalld", check_mode=True)
    result = action.play()
    assert result["reload"] == ["pexip_sfb_input is new"]
    assert action.calls == [f"look: {FIREWALLD}", "look: packet_trial"]
    assert result["text"].startswith("fw: 2 rules, revision ")


def test_only_looking_changes_nothing(told: list[str]) -> None:
    action = Played("nftables_table boot_units", only_look=True)
    assert not action.play()["changed"]
    assert (action.calls, told) == ([LOOK], [])


FOUND = {"refused": ["UDP from a to b"], "doubtful": []}


@pytest.fixture
def flows_seen(monkeypatch: pytest.MonkeyPatch) -> Result:
    """A host that has seen a flow that nothing permits."""
    monkeypatch.setattr(linux_firewall, "unpermitted_of_host", lambda *_arguments: FOUND)
    return {"observed_flows": {**QUIET["observed_flows"], "flows": [{}]}}


def test_what_was_seen_and_is_not_permitted_stops_it(told: list[str], flows_seen: Result) -> None:
    action = Played("nftables_table", flows_seen)
    with pytest.raises(AnsibleActionFail, match="Seen and not permitted, so it would be dropped on fw"):
        action.play()
    assert action.calls == [LOOK]


@pytest.mark.parametrize("options", [{"accept_observed": True}, {"check_mode": True}])
def test_who_accepts_it_and_check_mode_are_only_told(told: list[str], flows_seen: Result, options: Result) -> None:
    assert Played("nftables_table", flows_seen, **options).play()["changed"]
    assert told[0].startswith("Seen and not permitted")


def test_a_host_that_watches_counts_them_in_its_answer(told: list[str], flows_seen: Result) -> None:
    counter = {"chain": "forward", "comment": "default_deny", "packets": 7, "bytes": 420}
    action = Played(said={**flows_seen, "nftables_table": {"counters": [counter]}}, enforce=False)
    result = action.play()
    assert (result["flows"], result["said"]) == (1, ["forward default_deny: 7 packets, 420 bytes"])
    assert told == [
        "forward default_deny: 7 packets, 420 bytes",
        f"fw: 1 rule of 1 row, revision {result['revision']}, unchanged, "
        "observing: 1 flow would have been dropped (see playbook observed)",
    ]


def test_a_host_that_remembers_nothing_yet_has_counted_nothing(told: list[str]) -> None:
    result = Played("nftables_table", FORGETFUL, enforce=False).play()
    assert result["flows"] is None
    assert result["text"].endswith(", changed, observing: drops nothing")


def test_taking_it_off_confirms_what_firewalld_loses(told: list[str]) -> None:
    options = {"state": "absent", "unit_names": ["a.service"], "confirm_timeout": 90, "given": {}}
    look = "look: firewalld_objects, nftables_table, boot_units"
    action = Played("firewalld_objects nftables_table", **options)
    assert action.play()["text"] == "fw: taken off"
    assert action.calls == [
        look,
        "do: firewalld_objects",
        "do: firewalld_objects confirm",
        "do: nftables_table, boot_units",
    ]
    action = Played("boot_units", **options)
    assert action.play()["changed"]
    assert action.calls == [look, "do: nftables_table, boot_units"]
    # Which forgets the way back of the last change, too.
    action = Played("firewalld_objects", **options)
    assert action.play()["changed"]
    assert action.calls[-1] == "do: nftables_table, boot_units"
    action = Played(**options)
    assert action.play() == {"changed": False, "text": "fw: unchanged, nothing of ours was there", "diff": []}
    assert action.calls == [look]


def test_a_call_that_fails_ends_it(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    action = Played()
    monkeypatch.setattr(action, "_execute_module", lambda **_arguments: {"failed": True, "msg": "no nft"})
    assert action.play() == {"failed": True, "msg": "no nft"}
    assert told == []


def test_rules_in_a_table_of_others_are_put_there_by_a_program(told: list[str]) -> None:
    joined = plan_for({**OPTIONS, "join": {"table": "filter"}, "end_flows": True})
    assert [part["name"] for part in joined.all()] == ["packet_trial", "nftables_table", "boot_units", "tracked_flows"]
    table, units, flows = joined.main, joined.with_main[0], joined.after[0]
    assert (table["options"]["program"], units["options"]["remove"]) == ("/join.py", [])
    assert flows["options"] == {"table": "inet filter"}
    own = plan_for({**OPTIONS, "end_flows": True})
    assert "program" not in own.main["options"]
    assert own.with_main[0]["options"]["remove"] == ["/join.py"]
    assert own.after[0]["options"] == {"table": "inet pexip_sfb"}


def test_what_only_the_module_knows_is_in_its_options() -> None:
    """The trial is of what is to come, with firewalld of what is there, and says of drops what does not end the run."""
    nftables, firewalld = (trial({**OPTIONS, "backend": one, "gateway": True}, []) for one in ("nftables", "firewalld"))
    assert (nftables["options"]["ruleset"], nftables["options"]["firewalld"]) == (RULESET, False)
    assert (firewalld["options"]["ruleset"], firewalld["options"]["firewalld"]) == ("", True)
    warned = [trial({**OPTIONS, **more}, [])["options"]["warn_drops"] for more in ({}, {"enforce": False})]
    assert warned == [False, True]
