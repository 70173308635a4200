# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a verification: which managed host probes which address, from and to which port, in which way.

A plan is bounded. A host has at most ``limit`` probes, however large the site is: they are taken from all rows, ports
and destinations in turn, each host begins at another destination, and what is left out is counted. Nothing is worked
out for pairs that are not taken.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._matrix.hosts import Host
from .._matrix.locations import Location
from .._matrix.site import Site
from .._matrix.views import View
from .._rules.protocols import protocol_text
from .._values.errors import PortMatrixError, names, nearest_text, shown
from .._values.mapping import as_flag, as_list, as_strings
from .._values.words import some
from .flows import Flow, Kind, flows
from .parties import Parties, Pool, Target, single_addresses
from .responders import Listening, Request, all_requests, requests
from .turns import Group, pick

_IDLE = "nobody listens there without a call"


@dataclass(frozen=True)
class Wishes:
    """What a user asks for. ``listening`` is None as long as no responder was started."""

    limit: int = 200
    tls: bool = False
    responders: frozenset[str] = frozenset()
    listening: Mapping[str, Listening] | None = None


@dataclass
class _Groups:
    """``expected`` are the probes of responders if each of these gets every port that it is asked for."""

    services: list[Group] = field(default_factory=list)
    expected: list[Group] = field(default_factory=list)
    responders: list[Group] = field(default_factory=list)
    impossible: list[Group] = field(default_factory=list)


def plan_probes(site: Site, managed: Mapping[str, Host], wishes: Wishes) -> dict[str, t.Any]:
    """Return the plan as plain data: ``probes`` and ``responder_probes`` by host, ``responders`` by host, and the rest.

    :raises PortMatrixError: for a responder that is not among the *managed* hosts.
    """
    for host in sorted(wishes.responders - managed.keys()):
        raise PortMatrixError.at(
            "port_matrix_verify_responders",
            f"{shown(host)} is not a host of this play{nearest_text(host, managed)}",
            names(map(shown, managed)),
        )
    return _Planner(site, managed, wishes).plan()


# What a sender sees of NATed pairs, and where it is for a row that keeps to locations.
_Sender = tuple[View, Location]
# Targets on which nobody listens without a call: those of responders for each of their ports, if all goes well and as
# it went, and the others by the reason.
_Idle = tuple[list[Pool], list[Pool], dict[str, list[Target]]]


class _Planner:
    def __init__(self, site: Site, managed: Mapping[str, Host], wishes: Wishes) -> None:
        self._site = site
        self._managed = managed
        self._wishes = wishes
        every = tuple(flows(site))
        self._flows = tuple(flow for flow in every if flow.is_probeable())
        self._without_probe = tuple(flow for flow in every if not flow.is_probeable())
        self._parties = Parties(site, managed)
        self._idle: dict[tuple[int, _Sender], _Idle] = {}

    def plan(self) -> dict[str, t.Any]:
        sent = [flow for flow in self._flows if self._senders(flow)]
        plan: dict[str, t.Any] = {
            "probes": {},
            "responder_probes": {},
            "responders": {
                host: [one.as_mapping() for one in all_requests(sent, self._parties.machines, host)]
                for host in sorted(self._wishes.responders)
            },
            "not_probeable": [
                *(_without_sender(self._site, flow) for flow in self._flows if flow not in sent),
                *(_without_probe(flow) for flow in self._without_probe),
            ],
            "left_out": [],
        }
        for offset, host in enumerate(sorted(self._managed)):
            groups = self._groups_of(host)
            made, left = pick(groups.services, host, offset, self._share_of_services(groups, host, offset))
            plan["probes"][host] = made
            asked, not_asked = pick(groups.responders, host, offset, self._wishes.limit - len(made))
            plan["responder_probes"][host] = asked
            left += not_asked
            impossible, _left = pick(groups.impossible, host, offset, self._wishes.limit)
            plan["not_probeable"] += [_entry(probe, probe["detail"]) for probe in impossible]
            plan["left_out"] += [{"source_host": host, "row": row, "count": left[row]} for row in left]
        return plan

    def _share_of_services(self, groups: _Groups, host: str, offset: int) -> int:
        """How many of the probes of *host* go to services: as many before the responders listen as afterwards.

        By then the services have been probed, and their answers are told apart by their number only.
        """
        made, _left = pick([*groups.services, *groups.expected], host, offset, self._wishes.limit)
        return sum(probe["probe"] != "responder" for probe in made)

    def _senders(self, flow: Flow) -> list[str]:
        return [host for host in self._parties.machines(flow.source) if host in self._managed]

    def _groups_of(self, host: str) -> _Groups:
        groups = _Groups()
        view = self._site.view_of(host)
        for number, flow in enumerate(self._flows):
            addresses = self._parties.machines(flow.source).get(host)
            sources = single_addresses(addresses.local.of_family(flow.family), flow.family) if addresses else []
            if sources:
                keeps_to_locations = flow.row.id in self._site.locations.rows
                near: Location = self._parties.location(flow.source, host) if keeps_to_locations else frozenset()
                self._add_services(groups, flow, sources, (view, near))
                self._add_idle(groups, number, sources, (view, near))
                self._add_networks(groups, flow, sources, near)
        return groups

    def _add_services(self, groups: _Groups, flow: Flow, sources: Sequence[str], sender: _Sender) -> None:
        view, near = sender
        pool = self._parties.pool(flow.destination, view, flow.family, near)
        groups.services += [Group(flow, kind, sources, pool, port) for port, kind in flow.services(self._wishes.tls)]

    def _add_idle(self, groups: _Groups, number: int, sources: Sequence[str], sender: _Sender) -> None:
        flow = self._flows[number]
        if not flow.idle():
            return
        kind: Kind = "tcp_connect" if flow.protocol == "tcp" else "responder"
        if (number, sender) not in self._idle:
            self._idle[number, sender] = self._idle_targets(flow, sender)
        expected, pools, reasons = self._idle[number, sender]
        groups.expected += [Group(flow, "responder", sources, pool) for pool in expected]
        groups.responders += [Group(flow, "responder", sources, pool) for pool in pools]
        groups.impossible += [
            Group(flow, kind, sources[:1], Pool(targets), detail=detail) for detail, targets in reasons.items()
        ]

    def _idle_targets(self, flow: Flow, sender: _Sender) -> _Idle:
        """Sort the targets of *flow* for hosts like *sender*."""
        view, near = sender
        expected: list[list[Target]] = []
        listening: list[list[Target]] = []
        reasons: dict[str, dict[str, Target]] = {}
        for target in self._parties.pool(flow.destination, view, flow.family, near).targets:
            wanted = self._wanted(flow, target.host)
            ports, token, detail = self._listening(target.host, wanted)
            _deal(expected, [replace(target, port=one.port) for one in wanted])
            _deal(listening, [replace(target, port=port, token=token) for port in ports])
            if detail:
                reasons.setdefault(detail, {}).setdefault(target.host, target)
        return (
            [Pool(targets) for targets in expected],
            [Pool(targets) for targets in listening],
            {why: [*found.values()] for why, found in reasons.items()},
        )

    def _wanted(self, flow: Flow, host: str) -> list[Request]:
        """What *host* is to listen on for *flow*, where it is a responder."""
        machine = self._parties.machines(flow.destination).get(host)
        return requests(flow, machine) if machine and host in self._wishes.responders else []

    def _listening(self, host: str, wanted: Sequence[Request]) -> tuple[list[int], str, str]:
        """Return the ports at which the responder of *host* listens, its token, and why there are none."""
        if host in self._wishes.responders and not wanted:
            return [], "", f"{_IDLE}, and a host that has networks among its addresses is not a responder"
        if not wanted or self._wishes.listening is None:
            advice = (
                "; port_matrix_verify_responders can name its host"
                if host in self._managed
                else ", and Ansible does not manage the host"
            )
            return [], "", _IDLE + advice
        listening = self._wishes.listening.get(host, Listening.read({}))
        ports = list(dict.fromkeys(listening.ports[one.id] for one in wanted if one.id in listening.ports))
        problems = sorted({why for one in wanted if (why := listening.why_not(one))})
        return ports, listening.token, "" if ports else f"{_IDLE}, and no responder did: {'; '.join(problems)}"

    def _add_networks(self, groups: _Groups, flow: Flow, sources: Sequence[str], near: Location) -> None:
        pool = self._parties.empty_networks(flow.destination, flow.family, near)
        kind: Kind = "tcp_connect" if flow.protocol == "tcp" else "responder"
        groups.impossible.append(
            Group(flow, kind, sources[:1], pool, detail="a network, and Ansible manages no host in it")
        )


def _deal(rounds: list[list[Target]], targets: Sequence[Target]) -> None:
    """Add the first of *targets* to the first round, the second to the second, and so on."""
    for position, target in enumerate(targets):
        if position == len(rounds):
            rounds.append([])
        rounds[position].append(target)


def _entry(probe: Mapping[str, t.Any], detail: str) -> dict[str, t.Any]:
    """Write what cannot be probed in the form of a result."""
    entry = {key: value for key, value in probe.items() if key not in ("source_ports", "token")}
    return {
        **entry,
        "source_port": None,
        "verdict": "not_probeable",
        "detail": detail,
        "certificate": None,
        "accepted": False,
    }


def _without_sender(site: Site, flow: Flow) -> dict[str, t.Any]:
    """Write that nobody can send *flow*: its sources are hosts that Ansible does not manage."""
    hosts = sorted(host or "networks" for host in site.side(flow.source).members)
    kind = "tcp_connect" if flow.protocol == "tcp" else "responder"
    return _of_nobody(flow, kind, f"Ansible manages none of {some(hosts)}")


def _without_probe(flow: Flow) -> dict[str, t.Any]:
    """Write that there is no probe of the protocol of *flow*."""
    why = (
        "nothing answers to it that could be told from silence" if not flow.row.has_ports else "there is no probe of it"
    )
    return _of_nobody(flow, "none", f"{protocol_text(flow.protocol)}: {why}; the counters of the firewalls tell")


def _of_nobody(flow: Flow, kind: str, why: str) -> dict[str, t.Any]:
    return _entry(
        {
            "row": flow.row.id,
            "source_host": "",
            "source": "",
            "destination_host": "",
            "destination": "",
            "destination_port": None,
            "protocol": flow.protocol,
            "family": flow.family,
            "probe": kind,
        },
        f"from {' or '.join(flow.source)} to {' or '.join(flow.destination)}: {why}",
    )


def read_wishes(
    limit: object, tls: object, responders: object, listening: Mapping[str, Mapping[str, t.Any]] | None
) -> Wishes:
    """Check what a user asks for.

    :raises PortMatrixError: for a limit that is no number above 0, or a value of a wrong type.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise PortMatrixError.at("port_matrix_verify_limit", f"{shown(limit)} is not a limit", "a number from 1 on")
    heard = None if listening is None else {host: Listening.read(result) for host, result in listening.items()}
    place = "port_matrix_verify_responders"
    hosts = frozenset(as_strings(as_list(responders, place), place))
    return Wishes(limit, as_flag(tls, "port_matrix_verify_tls"), hosts, heard)
