# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.results import (
    Results,
    join_results,
    one_line,
    probe_name,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

TIME = "2026-01-02T03:04:05Z"


def probe(**changes: t.Any) -> dict[str, t.Any]:
    """A probe as it is planned."""
    return {
        "row": "sip_signaling", "source_host": "fe1", "source": "198.51.100.21", "source_ports": [],
        "destination_host": "node1", "destination": "192.0.2.11", "destination_port": 5061, "protocol": "tcp",
        "family": "ipv4", "probe": "tcp_connect", **changes,
    }  # fmt: skip


def answer(verdict: str = "open", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "verdict": verdict, "detail": verdict, "source": "198.51.100.21", "source_port": 50001, "certificate": None,
        **changes,
    }  # fmt: skip


def impossible() -> dict[str, t.Any]:
    entry = probe(row="media_to_nodes", verdict="not_probeable", detail="idle", source_port=None, certificate=None)
    entry["accepted"] = False
    del entry["source_ports"]
    return entry


def a_plan(
    *probes: dict[str, t.Any], responder_probes: t.Sequence[dict[str, t.Any]] = (), **more: t.Any
) -> dict[str, t.Any]:
    return {
        "probes": {"fe1": list(probes)},
        "responder_probes": {"fe1": list(responder_probes)},
        "not_probeable": [],
        **more,
    }


def join(plan: dict[str, t.Any], *answers: dict[str, t.Any], **more: t.Any) -> Results:
    return join_results(plan, {"fe1": {"answers": list(answers)}}, more.pop("responder_answers", {}), **more)


def test_the_document_has_exactly_the_agreed_shape() -> None:
    certificate = {"names": ["node1.example.net"], "expires": "2027-01-01T00:00:00+00:00"}
    plan = a_plan(probe(token="secret"), not_probeable=[impossible()])
    document = join(plan, answer(certificate=certificate)).as_document(TIME)
    assert document == {
        "version": 1,
        "generated": TIME,
        "probes": [
            {
                "row": "sip_signaling", "source_host": "fe1", "source": "198.51.100.21", "source_port": 50001,
                "destination_host": "node1", "destination": "192.0.2.11", "destination_port": 5061, "protocol": "tcp",
                "family": "ipv4", "probe": "tcp_connect", "verdict": "open", "detail": "open",
                "certificate": certificate, "accepted": False,
            },
            impossible(),
        ],
        "summary": {"open": 1, "refused": 0, "filtered": 0, "error": 0, "not_probeable": 1},
    }  # fmt: skip
    assert list(document["probes"][0]) == list(document["probes"][1])


@pytest.mark.parametrize("verdict", ["refused", "filtered", "error"])
def test_what_is_not_open_fails(verdict: str) -> None:
    results = join(a_plan(probe(), probe(), not_probeable=[impossible()]), answer(), answer(verdict))
    assert [one["verdict"] for one in results.failing] == [verdict]
    assert results.accepted == []


@pytest.mark.parametrize(
    ("result", "detail"),
    [
        ({}, "the host did not probe: it was not asked"),
        ({"unreachable": True, "msg": "no route"}, "the host did not probe: no route"),
        ({"answers": [answer()], "failed": True, "msg": "broken"}, "the host did not probe: broken"),
    ],
)
def test_a_host_that_did_not_answer_is_an_error_and_keeps_what_it_answered(
    result: dict[str, t.Any], detail: str
) -> None:
    results = join_results(a_plan(probe(), probe(source="")), {"fe1": result}, {})
    assert [one["verdict"] for one in results.probes] == ["open" if "answers" in result else "error", "error"]
    assert results.probes[1]["detail"] == detail


def test_a_host_that_is_missing_altogether_is_an_error() -> None:
    assert [one["verdict"] for one in join_results(a_plan(probe()), {}, {}).failing] == ["error"]


def test_a_verdict_that_nobody_knows_is_an_error() -> None:
    assert join(a_plan(probe()), answer("ajar")).failing[0]["verdict"] == "error"


@pytest.mark.parametrize("verdict", ["open", "filtered"])
def test_silence_of_a_responder_that_had_ended_proves_nothing(verdict: str) -> None:
    plan = a_plan(responder_probes=[probe(probe="responder", token="x")])
    heard = {"fe1": {"answers": [answer(verdict)]}}
    assert join(plan, responder_answers=heard).probes[0]["verdict"] == verdict
    assert join(plan, responder_answers=heard, ended=["fe1"]).probes[0]["verdict"] == verdict
    doubted = join(plan, responder_answers=heard, ended=["node1"]).probes[0]
    assert doubted["verdict"] == ("open" if verdict == "open" else "error")
    assert ("port_matrix_verify_responder_seconds" in doubted["detail"]) is (verdict != "open")


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ([{"row": "sip_signaling"}], True),
        ([{"destination_host": "node1", "destination_port": 5061}], True),
        ([{"destination_port": "5061"}], True),
        ([{"destination_host": "node1", "destination_port": 443}], False),
        ([{"row": "other"}, {"family": "ipv4", "protocol": "tcp", "source_host": "fe1"}], True),
        ([{"destination": "192.0.2.12"}], False),
        ([], False),
    ],
)
def test_what_is_accepted_does_not_fail_and_keeps_its_verdict(accept: list[object], accepted: bool) -> None:
    results = join(a_plan(probe()), answer("refused"), accept=accept)
    assert bool(results.accepted) is accepted
    assert bool(results.failing) is not accepted
    assert results.probes[0]["verdict"] == "refused"
    assert results.as_document(TIME)["probes"][0]["accepted"] is accepted
    assert ("accepted by port_matrix_verify_accept" in results.probes[0]["detail"]) is accepted


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        ([{}], "port_matrix_verify_accept: {} would accept everything; accepted: one of destination"),
        ([{"port": 1}], "port_matrix_verify_accept: unknown key 'port', the nearest is destination_port; accepted"),
        ({}, "port_matrix_verify_accept: {} is not a list"),
        (["row"], "port_matrix_verify_accept: 'row' is not a mapping"),
    ],
)
def test_a_wrong_acceptance(accept: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        join(a_plan(), accept=accept)
    assert str(caught.value).startswith(message)


def test_names_of_probes() -> None:
    results = join(a_plan(probe(), not_probeable=[impossible()]), answer())
    assert probe_name(results.probes[0]) == "fe1 (198.51.100.21) port 50001 to node1 (192.0.2.11) port 5061 tcp ipv4"
    assert one_line(results.probes[1]) == (
        "not probeable: media_to_nodes: fe1 (198.51.100.21) to node1 (192.0.2.11) port 5061 tcp ipv4: idle"
    )
    nobody = {
        **impossible(),
        "source_host": "",
        "source": "",
        "destination_host": "192.0.2.9",
        "destination": "192.0.2.9",
    }
    assert probe_name(nobody) == "- to 192.0.2.9 port 5061 tcp ipv4"
