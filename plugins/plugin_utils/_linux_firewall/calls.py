# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Linux host is asked for and given, as parts of the module ``in_one_call``."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

Part = dict[str, t.Any]

TRIAL, OBSERVED, TRACKED = "packet_trial", "observed_flows", "tracked_flows"
_TABLE, _OBJECTS, _UNITS = "nftables_table", "firewalld_objects", "boot_units"
_TABLE_OF_FIREWALLD = "inet firewalld"


@dataclass(frozen=True)
class Plan:
    """What is done on one host, in this order.

    ``before`` is only looked at. ``main`` is what can cut the host off, and so is confirmed. ``with_main`` comes when
    it is. ``leftovers`` are those of the other back end. They go in a call of their own: they forget what became of
    the change, which may be asked again as long as the answer can get lost. ``after`` judges what came of it all.
    """

    main: Part
    before: list[Part] = field(default_factory=list)
    with_main: list[Part] = field(default_factory=list)
    leftovers: list[Part] = field(default_factory=list)
    after: list[Part] = field(default_factory=list)

    def all(self) -> list[Part]:
        """Return every part."""
        return [*self.before, self.main, *self.with_main, *self.leftovers, *self.after]


def plan_for(wanted: Mapping[str, t.Any]) -> Plan:
    """Return what is done for the options of the action ``linux_firewall``."""
    if wanted["state"] == "absent":
        return Plan(_part(_OBJECTS, state="absent", **_confirmed(wanted)), leftovers=_without_nftables(wanted))
    if wanted["backend"] == "nftables":
        return _with_nftables(wanted)
    return Plan(
        _part(_OBJECTS, objects=wanted["given"]["objects"], **_confirmed(wanted)),
        leftovers=_without_nftables(wanted),
        after=[trial(wanted, []), *_flows_that_end(wanted, _TABLE_OF_FIREWALLD)],
    )


def at_once(wanted: Mapping[str, t.Any], plan: Plan, step: Mapping[str, t.Any]) -> dict[str, t.Any] | None:
    """Return what the host changes in the call that looks, as ``then`` of ``in_one_call``; None if it has to wait.

    It waits for what the controller has to find out or to say before a change: checks of its own, flows that were seen,
    and a matrix that does not come through. What the other back end left goes in a call of its own.

    :param step: the options that make a part the first step of a change.
    """
    here = any(check["from"] == "controller" for check in wanted["confirm_checks"])
    if here or wanted["only_look"] or wanted["state"] == "absent":
        return None
    unless = [f"{part['name']}.changed" for part in plan.leftovers]
    if wanted["backend"] == "nftables":  # with firewalld, what is changed is judged afterwards
        unless += [] if wanted["join"] else [f"{OBSERVED}.remembering"]
        unless += [f"{TRIAL}.drops"] if fails_on_drops(wanted) else []
    main = {**plan.main, "options": {**plan.main["options"], **step}}
    return {"changed": plan.main["name"], "unless": unless, "parts": [main, *plan.with_main, *plan.after]}


def trial(wanted: Mapping[str, t.Any], uncertain_tables: list[str]) -> Part:
    """Return the trial with packets, of the ruleset that is to come, or with firewalld of what is there."""
    nftables = wanted["backend"] == "nftables"
    return _part(
        TRIAL,
        packets=wanted["given"]["packets"],
        ruleset=wanted["given"]["ruleset"] if nftables else "",
        uncertain_tables=uncertain_tables,
        firewalld=not nftables and wanted["gateway"],
        warn_drops=not fails_on_drops(wanted),
    )


def uncertain_trial(wanted: Mapping[str, t.Any]) -> Part:
    """Return the trial where firewalld is to change: what it would make of that, nobody but firewalld knows."""
    return trial(wanted, [_TABLE_OF_FIREWALLD])


def fails_on_drops(wanted: Mapping[str, t.Any]) -> bool:
    """Tell whether the run fails where somebody drops what the matrix permits."""
    return bool(wanted["enforce"] and wanted["fail_on_foreign_drop"])


def _with_nftables(wanted: Mapping[str, t.Any]) -> Plan:
    join, program = wanted["join"], wanted["join_program"]
    own = {"program": program} if join else {}
    table = _part(
        _TABLE,
        ruleset=wanted["given"]["ruleset"],
        path=wanted["ruleset_file"],
        older_flows=wanted["older_flows"],
        **own,
        **_confirmed(wanted),
    )
    # The program that joins them to a table of others, where they are in our own. The unit needed it until now.
    units = _units(wanted, wanted["given"]["units"], remove=[] if join else [program])
    # Objects in a firewalld that is not in charge any more.
    objects = [_part(_OBJECTS, state="absent")] if wanted["has_firewalld"] and not wanted["observe_only"] else []
    judging = f"inet {join['table']}" if join else "inet pexip_sfb"
    return Plan(
        table,
        before=[trial(wanted, []), *([] if join else [_part(OBSERVED, path=wanted["ruleset_file"])])],
        with_main=[units],
        leftovers=objects,
        after=_flows_that_end(wanted, judging),
    )


def _without_nftables(wanted: Mapping[str, t.Any]) -> list[Part]:
    units = [{"name": name} for name in wanted["unit_names"]]
    return [_part(_TABLE, state="absent"), _units(wanted, units, state="absent")]


def _units(wanted: Mapping[str, t.Any], units: list[Part], **more: t.Any) -> Part:
    places = {"directory": wanted["directory"], "unit_directory": wanted["unit_directory"]}
    return _part(_UNITS, units=units, **places, **more)


def _flows_that_end(wanted: Mapping[str, t.Any], table: str) -> list[Part]:
    return [_part(TRACKED, table=table)] if wanted["end_flows"] else []


def _confirmed(wanted: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"confirm_timeout": wanted["confirm_timeout"], "confirm_checks": wanted["confirm_checks"]}


def _part(name: str, **options: t.Any) -> Part:
    return {"name": name, "options": options}
