# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a verification: what was planned, with what the hosts answered."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._values.errors import PortMatrixError, names, shown
from .._values.mapping import as_list, as_mapping

VERDICTS = ("open", "refused", "filtered", "error", "not_probeable")
NOT_OPEN = ("refused", "filtered", "error")
VERSION = 1
ACCEPT_KEYS = ("row", "source_host", "destination_host", "destination", "destination_port", "protocol", "family")

_RESULT_KEYS = (
    "row", "source_host", "source", "source_port", "destination_host", "destination", "destination_port", "protocol",
    "family", "probe", "verdict", "detail", "certificate", "accepted",
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """All results, in the order of the plan."""

    probes: tuple[Mapping[str, t.Any], ...]

    @property
    def accepted(self) -> list[Mapping[str, t.Any]]:
        """What is not open, as the user knows."""
        return [probe for probe in self.probes if probe["accepted"]]

    @property
    def failing(self) -> list[Mapping[str, t.Any]]:
        """What is not open although it should be."""
        return [probe for probe in self.probes if probe["verdict"] in NOT_OPEN and not probe["accepted"]]

    def as_document(self, generated: str) -> dict[str, t.Any]:
        """Write them as plain data."""
        found = Counter(str(probe["verdict"]) for probe in self.probes)
        return {
            "version": VERSION,
            "generated": generated,
            "probes": [dict(probe) for probe in self.probes],
            "summary": {verdict: found[verdict] for verdict in VERDICTS},
        }


def join_results(
    plan: Mapping[str, t.Any],
    answers: Mapping[str, Mapping[str, t.Any]],
    responder_answers: Mapping[str, Mapping[str, t.Any]],
    ended: Collection[str] = (),
    accept: object = (),
) -> Results:
    """Join a plan with what the module ``port_probe`` returned on each host.

    :param plan: what :func:`.plan.plan_probes` returned.
    :param answers: host → the registered result for its ``probes``; a host may be missing.
    :param responder_answers: the same for its ``responder_probes``.
    :param ended: hosts whose responder was gone before it was stopped, so that silence of it means nothing.
    :param accept: ``port_matrix_verify_accept``: mappings of what is known not to be open.
    :raises PortMatrixError: if *accept* is something else.
    """
    accepts = _read_accept(accept)
    probes: list[dict[str, t.Any]] = []
    for host, planned in plan["probes"].items():
        probes += _joined(planned, answers.get(host, {}))
    for host, planned in plan["responder_probes"].items():
        probes += [_doubted(probe, ended) for probe in _joined(planned, responder_answers.get(host, {}))]
    for probe in probes:
        if probe["verdict"] in NOT_OPEN and any(_covers(one, probe) for one in accepts):
            probe["accepted"] = True
            probe["detail"] += " (accepted by port_matrix_verify_accept)"
    every = (*probes, *({key: entry[key] for key in _RESULT_KEYS} for entry in plan["not_probeable"]))
    return Results(every)


def _covers(accept: Mapping[str, object], probe: Mapping[str, t.Any]) -> bool:
    return all(str(probe[key]) == str(value) for key, value in accept.items())


def _joined(planned: Sequence[Mapping[str, t.Any]], result: Mapping[str, t.Any]) -> Iterable[dict[str, t.Any]]:
    found = result.get("answers") or ()
    reason = f"the host did not probe: {result.get('msg') or 'it was not asked'}"
    for number, probe in enumerate(planned):
        answer = found[number] if number < len(found) else {"verdict": "error", "detail": reason}
        verdict = answer.get("verdict")
        yield {
            **{key: probe.get(key) for key in _RESULT_KEYS},
            "source": answer.get("source") or probe["source"],
            "source_port": answer.get("source_port"),
            "verdict": verdict if verdict in VERDICTS else "error",
            "detail": str(answer.get("detail", "")),
            "certificate": answer.get("certificate"),
            "accepted": False,
        }


def _doubted(probe: dict[str, t.Any], ended: Collection[str]) -> dict[str, t.Any]:
    if probe["verdict"] not in NOT_OPEN or probe["destination_host"] not in ended:
        return probe
    detail = "the responder had ended by itself before it was stopped: raise port_matrix_verify_responder_seconds"
    return {**probe, "verdict": "error", "detail": detail}


def _read_accept(value: object) -> list[Mapping[str, object]]:
    where = "port_matrix_verify_accept"
    read = [as_mapping(item, where, ACCEPT_KEYS) for item in as_list(value, where)]
    for item in read:
        if not item:
            raise PortMatrixError.at(where, f"{shown(item)} would accept everything", f"one of {names(ACCEPT_KEYS)}")
    return read


def one_line(probe: Mapping[str, t.Any]) -> str:
    """Write one result: who, to whom, over what, and what came of it."""
    flow = probe_name(probe)
    return f"{str(probe['verdict']).replace('_', ' ')}: {probe['row']}: {flow}: {probe['detail']}"


def probe_name(probe: Mapping[str, t.Any]) -> str:
    """Write who probes whom over what."""
    source = _party(probe["source_host"], probe["source"], probe["source_port"])
    destination = _party(probe["destination_host"], probe["destination"], probe["destination_port"])
    return f"{source} to {destination} {probe['protocol']} {probe['family']}"


def _party(host: str, address: str, port: int | None) -> str:
    if not host and not address:
        return "-"
    ports = "" if port is None else f" port {port}"
    return f"{host} ({address}){ports}" if host != address else f"{address}{ports}"
