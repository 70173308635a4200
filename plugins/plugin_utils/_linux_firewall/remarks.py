# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says of one Linux host, besides its answer: why it goes no further, and what to know of it."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from .._values.mapping import as_strings

_MOST_SHOWN = 40
_OURS = ("pexip_sfb", "firewalld")
_JOINED_HOOKS = ("input", "output", "forward")
# What a node does that the vendor's table for Skype for Business does not have: row group → in words.
_ALSO_OF_NODES = {
    "platform": "IPsec between Pexip's nodes, their management, DNS and time",
    "video_endpoints": "calls of video endpoints",
    "federation": "SIP with federated sites",
}

Drop = Mapping[str, t.Any]


def refusal_of_drops(
    host: str, drops: Sequence[Drop], backend: str, join: Mapping[str, object], as_wanted: bool
) -> str:
    """Say what drops packets of the matrix on *host*, and what to do about it.

    :param drops: as the module ``packet_trial`` returns them, one at least.
    :param as_wanted: with firewalld, whether it had what is wanted when that was tried.
    """
    nftables = backend == "nftables"
    said = f"Nothing was changed on {host}. What the port matrix permits would not come through there."
    if not nftables:
        state = "although firewalld has its objects" if as_wanted else "as firewalld is now"
        said = f"What the port matrix permits does not come through on {host}, {state}."
    lines = [said, "A packet, and the answer to it, has to be accepted by every table on its way:"]
    lines += [f"- {_drop(drop)}" for drop in drops]
    way_out = _joining(drops) if nftables and not join else ""
    lines.append(
        f"Let it through there{way_out}. If that is intended, linux_firewall_fail_on_foreign_drop: false makes this a "
        "warning."
    )
    return "\n".join(lines)


def _drop(drop: Drop) -> str:
    advice = f". {drop['advice']}" if drop["advice"] else ""
    return f"{drop['where']}: rows {', '.join(drop['rows'])}; for example {drop['example']}{advice}"


def _joining(drops: Sequence[Drop]) -> str:
    could = [
        drop
        for drop in drops
        if drop["family"] == "inet" and drop["table"] not in _OURS and drop["hook"] in _JOINED_HOOKS
    ]
    if not could:
        return ""
    table = could[0]["table"]
    chains = {drop["hook"]: drop["chain"] for drop in could if drop["table"] == table}
    join = json.dumps({"table": table, "chains": chains})
    return f", or put our rules at the head of that chain with linux_firewall_join: {join}"


def seen(
    host: str, observed: Mapping[str, t.Any], found: Mapping[str, Sequence[str]], days: int, remember: bool
) -> str:
    """Say what *host* has seen that its rules do not permit; empty where there is nothing to say.

    :param observed: what the module ``observed_flows`` returned.
    :param found: ``refused`` and ``doubtful``, a line for each flow.
    """
    drops = observed["enforcing"]
    lines = []
    if found["refused"]:
        what = "Dropped" if drops else "Seen and not permitted, so it would be dropped"
        lines += [f"{what} on {host} in the last {days} days:", *_some(found["refused"])]
        lines.append("The playbook uc_firewall.pexip_sfb.observed says what that is, and which variables permit it.")
        lines += [] if drops else ["linux_firewall_accept_observed: true enforces all the same."]
    if found["doubtful"]:
        lines.append(
            "Seen before the rules became what they are, and permitted from some source ports only. Where it came from "
            "is not remembered:"
        )
        lines += _some(found["doubtful"])
    if observed["full"]:
        lines.append(
            f"The memory is full ({observed['limit']} flows a set), and {observed['missed']} packets found no place in "
            "it, so this may not be all. linux_firewall_remember_entries makes it larger."
        )
    if (found["refused"] or found["doubtful"]) and not drops and not remember:
        lines.append("linux_firewall_remember: true remembers what is dropped then, and each run shows it.")
    return "\n".join(lines)


def _some(flows: Sequence[str]) -> list[str]:
    more = [f"- and {len(flows) - _MOST_SHOWN} more"] if len(flows) > _MOST_SHOWN else []
    return [*(f"- {flow}" for flow in flows[:_MOST_SHOWN]), *more]


# Where looking and changing take a call each, what the host said before the change cannot get lost with it.
LOST_ANSWER = (
    "The connection broke while the host was looked at and changed in one call. It has the rules. Which flows go on "
    "that were tracked before, this run cannot tell: the answer had that."
)


def counted(counters: Sequence[Mapping[str, t.Any]]) -> list[str]:
    """Return a line for what each rule let through, or would have dropped, on a host that drops nothing."""
    return [f"{one['chain']} {one['comment']}: {one['packets']} packets, {one['bytes']} bytes" for one in counters]


def of_first_rules(gateway: bool, judged: object, row_groups: object, enforce: bool, older_flows: int) -> Iterator[str]:
    """Yield what to know where a host has rules of ours for the first time, in a table of our own."""
    chosen = as_strings(row_groups, "port_matrix_row_groups")
    off = [f"{group} ({what})" for group, what in _ALSO_OF_NODES.items() if group not in chosen]
    if gateway and off:
        names = [judged] if isinstance(judged, str) else t.cast("Sequence[object]", judged)
        who = "anybody" if judged == "all" else f"the hosts of {', '.join(map(str, names))}"
        yield (
            f"Everything else from and to {who} {'is' if enforce else 'would be'} dropped on this gateway from now on. "
            f"The row groups that are off would permit more of it: {', '.join(off)}. port_matrix_row_groups switches "
            "them on; linux_firewall_enforce: false only watches."
        )
    yield (
        "Nothing of ours was on this host before, so the kernel may not know the flows that go through it. Answers in "
        f"TCP connections that a row permits pass for a day, and those of UDP for {older_flows} s; the kernel ends "
        "both by itself. Everything else is judged from now on."
    )


def of_flows_that_go_on(ends_flows: bool, one_way: int, narrowed: bool) -> Iterator[str]:
    """Yield what to know of flows that go on although a rule is gone."""
    if one_way:
        yield (
            f"{one_way} flows are let through in one direction only, and go on. On an endpoint host, what it sends "
            "itself is judged with linux_firewall_egress: true."
        )
    if narrowed and not ends_flows:
        yield (
            "Rules were taken out or became narrower. Flows that they let in go on until they end by themselves. To "
            "end them now, set linux_firewall_end_flows: true."
        )


def removed(host: str, changed: bool, check: bool) -> str:
    """Say what became of *host* where it was to be left as it was before the first run."""
    if not changed:
        return f"{host}: unchanged, nothing of ours was there"
    return f"{host}: {'would be taken off' if check else 'taken off'}"
