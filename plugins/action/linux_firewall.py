# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``linux_firewall``, which the module of that name documents."""

from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.checks import CONFIRM_SPEC
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.confirmation import ConfirmedAction
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.warnings import say, warn
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.calls import (
    OBSERVED,
    TRACKED,
    TRIAL,
    Part,
    at_once,
    fails_on_drops,
    plan_for,
    uncertain_trial,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.remarks import (
    LOST_ANSWER,
    counted,
    of_first_rules,
    of_flows_that_go_on,
    refusal_of_drops,
    removed,
    seen,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.linux_host import unpermitted_of_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.answer import (
    Answer,
    revision_of_text,
    rules_in_objects,
    rules_in_ruleset,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

Result = dict[str, t.Any]

_MODULE = "uc_firewall.pexip_sfb.in_one_call"
_LOOKED = ("unpermitted", "made", "made_at")  # what the action itself keeps of the look
_SPEC: Result = {
    **CONFIRM_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "only_look": {"type": "bool", "default": False},
    "backend": {"type": "str", "choices": ["nftables", "firewalld"], "default": "nftables"},
    "given": {"type": "dict", "default": {}},
    "has_firewalld": {"type": "bool", "default": True},
    "site": {"type": "str", "default": ""},
    "row_ids": {"type": "list", "elements": "str", "default": []},
    "row_groups": {"type": "raw", "default": []},
    "gateway": {"type": "bool", "default": False},
    "egress": {"type": "bool", "default": False},
    "judged_endpoints": {"type": "raw", "default": ["conferencing_node"]},
    "management": {"type": "list", "elements": "raw", "default": []},
    "extra_rules": {"type": "list", "elements": "raw", "default": []},
    "enforce": {"type": "bool", "default": True},
    "observe_only": {"type": "bool", "default": False},
    "remember": {"type": "bool", "default": False},
    "observed_days": {"type": "int", "default": 7},
    "accept_observed": {"type": "bool", "default": False},
    "fail_on_foreign_drop": {"type": "bool", "default": True},
    "end_flows": {"type": "bool", "default": False},
    "older_flows": {"type": "int", "default": 30},
    "join": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": "/etc/pexip_sfb"},
    "ruleset_file": {"type": "path", "default": "/etc/pexip_sfb/ruleset.nft"},
    "join_program": {"type": "path", "default": "/etc/pexip_sfb/join.py"},
    "unit_directory": {"type": "path", "default": "/etc/systemd/system"},
    "unit_names": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ConfirmedAction):
    """Looks at a host and makes what differs there, in one call or two, and confirms it in one more."""

    _supports_check_mode = True

    def _change(self) -> Result:
        _validation, self._wanted = self.validate_argument_spec(argument_spec=_SPEC)
        self._wanted = to_plain(self._wanted)
        if self._wanted["state"] == "present" and not self._wanted["given"]:
            raise AnsibleActionFail(
                "given: nothing, so what renders it was skipped, perhaps by a tag; accepted: packets, and ruleset and "
                "units, or objects"
            )
        self._host: str = to_plain(self._vars["inventory_hostname"])
        self._plan = plan_for(self._wanted)
        self._results: dict[str, Result] = {}
        then = None if self._task.check_mode else at_once(self._wanted, self._plan, self._of_step("apply"))
        started = time.monotonic()
        try:
            looked = self._look(then)
        except AnsibleConnectionFailure:
            if not (then and self._timeout):
                raise
            # The change itself may have cut the connection.
            looked = {"parts": {}, "unpermitted": None, "made": {}, "made_at": started}
        if looked.get("failed") or looked.get("unreachable"):
            # Without what all parts said: the whole ruleset would stand around the message.
            return {key: value for key, value in looked.items() if key not in ("parts", *_LOOKED)}
        if self._wanted["only_look"]:
            return {"changed": False}
        self._results = dict(looked["parts"])
        if self._wanted["state"] == "present":
            self._stop_before_drops_of_what_was_seen(looked)
        differs = looked["made"] is not None or any(one["changed"] for one in self._results.values())
        if differs and not self._task.check_mode:
            failed = self._make(looked)
            if failed:
                return failed
        return self._answer(looked) if self._wanted["state"] == "present" else self._removed()

    # What is there

    def _look(self, then: Result | None) -> Result:
        """Return what each part says in check mode, and which of the flows that were seen nothing permits.

        Where the host did *then* at once, ``made`` is what came of it, and ``made_at`` when.
        """
        looked = self._called(self._looking(), then)
        if "parts" not in looked:
            return looked
        results: dict[str, Result] = looked["parts"]
        found: Result = {"changed": False, "parts": results, "unpermitted": None}
        found.update(made=looked.get("then"), made_at=time.monotonic())
        if OBSERVED in results and results[OBSERVED]["remembering"]:
            found["unpermitted"] = self._unpermitted(results[OBSERVED])
        if TRIAL not in results:
            return found
        if self._wanted["backend"] == "firewalld" and results[self._plan.main["name"]]["changed"]:
            if self._task.check_mode:
                again = self._called([uncertain_trial(self._wanted)])
                if "parts" not in again:
                    return again
                results.update(again["parts"])
            elif not self._wanted["only_look"]:
                return found  # what firewalld makes of the change is judged afterwards
        return {**found, **self._refused(results[TRIAL], as_wanted=not results[self._plan.main["name"]]["changed"])}

    def _looking(self) -> list[Part]:
        """Return the parts in check mode, all but the one for which two runs take turns."""
        main = self._plan.main
        turn = {**main, "options": {**main["options"], **self._of_step("look")}}
        parts = [{**part, "check_mode": True} for part in self._plan.all()]
        return (
            parts if self._wanted["only_look"] else [turn if part["name"] == main["name"] else part for part in parts]
        )

    def _unpermitted(self, observed: Result) -> dict[str, list[str]]:
        flows = observed.pop("flows")
        wanted = self._wanted
        if not flows:
            return {"refused": [], "doubtful": []}
        try:
            return unpermitted_of_host(
                wanted["site"],
                self._host,
                flows,
                wanted["gateway"],
                wanted["egress"],
                wanted["judged_endpoints"],
                wanted["management"],
                wanted["extra_rules"],
                observed["rules_since"],
                wanted["observed_days"],
            )
        except PortMatrixError as e:
            raise AnsibleActionFail(str(e)) from e

    def _refused(self, trial: Result, as_wanted: bool) -> Result:
        """Say what a trial warns of, and return why the run fails by it; empty where it does not.

        *as_wanted* tells whether the host had the rules in it that are wanted.
        """
        warn(trial["warnings"])
        if not trial["drops"] or not fails_on_drops(self._wanted):
            return {}
        text = refusal_of_drops(self._host, trial["drops"], self._wanted["backend"], self._wanted["join"], as_wanted)
        return {"failed": True, "msg": text}

    def _stop_before_drops_of_what_was_seen(self, looked: Result) -> None:
        wanted, observed, found = self._wanted, self._results.get(OBSERVED), looked["unpermitted"]
        if not wanted["enforce"] or not observed or not found:
            return
        text = seen(self._host, observed, found, wanted["observed_days"], wanted["remember"])
        accepted = observed["enforcing"] or wanted["accept_observed"] or self._task.check_mode
        if found["refused"] and not accepted:
            raise AnsibleActionFail(text)
        if text:
            warn([text])

    # The change

    def _make(self, looked: Result) -> Result | None:
        """Change what differs, unless that is done, and confirm it; return the result of the task where that fails."""
        name = self._plan.main["name"]
        main = self._results.get(name, {})
        # What is taken off last also forgets how to go back.
        other = self._wanted["state"] == "absent" or self._differ(self._plan.leftovers)
        self._along = [*self._plan.with_main, *([] if other else self._plan.after)]
        if looked["made"] is not None:
            made = self._confirmed(self._of_main(looked["made"]), looked["made_at"])
        elif main["changed"]:
            made = self._apply() if self._timeout else self._module("apply")
        elif self._differ(self._along):
            # Nothing to prove, unless somebody has changed our rules since the look.
            made = self._apply_and_confirm() if self._timeout else self._module("apply")
        else:
            made = {}
        if made.get("failed") or made.get("unreachable"):
            return made
        self._results[name] = {**main, **made}
        if other:
            rest = self._called([*self._plan.leftovers, *self._plan.after])
            if "parts" not in rest:
                return {**rest, "changed": True}
            self._results.update(rest["parts"])
        if self._wanted["backend"] == "firewalld" and TRIAL in self._results:
            refused = self._refused(self._results[TRIAL], as_wanted=True)
            return {**refused, "changed": True, "diff": self._diff()} if refused else None
        return None

    def _confirmed(self, made: Result, made_at: float) -> Result:
        """Confirm what was *made* in the call that looked; empty if the answer of that call was lost."""
        if not made:
            made = self._confirm({}, made_at)
            if made.get("changed"):
                warn([f"{self._host}: {LOST_ANSWER}"])
        return self._confirm(made, made_at) if "pending" in made else made

    def _unchanged(self) -> None:
        """Not ask again whether anything is to change: that is known by now."""

    def _module(self, step: str) -> Result:
        main = self._plan.main
        first = {**main, "options": {**main["options"], **self._of_step(step)}}
        done = self._called([first, *self._along])
        if "parts" not in done:
            return done
        return self._of_main(done["parts"])

    def _of_main(self, results: Mapping[str, Result]) -> Result:
        """Keep what the parts of a call did, and return what the main one did."""
        self._results.update(results)
        return dict(results.get(self._plan.main["name"], {}))

    def _differ(self, parts: Sequence[Part]) -> bool:
        return any(self._results.get(part["name"], {}).get("changed") for part in parts)

    def _called(self, parts: Sequence[Part], then: Result | None = None) -> Result:
        done = self._call(_MODULE, {"parts": parts, **({"then": then} if then else {})})
        done.pop("invocation", None)  # the whole ruleset again
        for name, part in [*done.get("parts", {}).items(), *done.get("then", {}).items()]:
            if name != TRIAL:  # of which each call has one, and only one of these counts
                warn(part["warnings"])
        return done

    # The answer

    def _answer(self, looked: Result) -> Result:
        wanted, results, main = self._wanted, self._results, self._results[self._plan.main["name"]]
        remarks = self._remarks(main)
        warn(f"{self._host}: {remark}" for remark in remarks)
        if wanted["backend"] == "nftables":
            given: str = wanted["given"]["ruleset"]
            revision = revision_of_text(given)
            rules, rows = t.cast("tuple[int, int | None]", rules_in_ruleset(given, wanted["row_ids"]))
        else:
            objects = wanted["given"]["objects"]
            revision = revision_of_text(json.dumps(objects, sort_keys=True))
            rules, rows = rules_in_objects(objects), None
        observing = not wanted["enforce"]
        counters = counted(main.get("counters", ())) if observing else []
        say(counters)
        answer = Answer(
            host=self._host,
            rules=rules,
            rows=rows,
            revision=revision,
            changed=any(one["changed"] for one in results.values()),
            check=self._task.check_mode,
            confirmed_in=main.get("confirmed_in"),
            observing=observing,
            flows=len(looked["unpermitted"]["refused"]) if observing and looked["unpermitted"] else None,
        )
        say([answer.text()])
        reload = {"reload": main["reload"]} if wanted["backend"] == "firewalld" else {}
        return {**answer.as_mapping(), **reload, "diff": self._diff(), "said": [*remarks, *counters]}

    def _remarks(self, main: Result) -> list[str]:
        wanted = self._wanted
        one_way = self._results.get(TRACKED, {}).get("one_way", 0)
        found = list(of_flows_that_go_on(wanted["end_flows"], one_way, main.get("narrowed", False)))
        if main.get("first") and not wanted["join"]:
            names = ("gateway", "judged_endpoints", "row_groups", "enforce", "older_flows")
            found += of_first_rules(*(wanted[name] for name in names))
        return found

    def _removed(self) -> Result:
        changed = any(one["changed"] for one in self._results.values())
        text = removed(self._host, changed, self._task.check_mode)
        say([text])
        return {"changed": changed, "text": text, "diff": self._diff()}

    def _diff(self) -> list[Result]:
        diffs = [one.get("diff") or [] for one in self._results.values() if one["changed"]]
        return [one for diff in diffs for one in (diff if isinstance(diff, list) else [diff])]
