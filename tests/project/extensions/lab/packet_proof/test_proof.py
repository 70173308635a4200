# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof must fail wherever something is wrong: with the firewall, or with the proof itself."""

from __future__ import annotations

import json
import typing as t

import pytest
from packet_proof.crew import Sighting
from packet_proof.lab import Lab
from packet_proof.oracle import Packet
from packet_proof.plan import Plan, make_plan
from packet_proof.run import Result, Run
from packet_proof.site import Site
from packet_proof.table import as_data, as_text

from .conftest import FakeCrew


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packet_proof.run.LOOKS", 0)
    monkeypatch.setattr("packet_proof.run.POLL", 0)


@pytest.fixture
def plan(site: Site, lab: Lab) -> Plan:
    return make_plan(site, lab)


def prove(plan: Plan, lab: Lab, crew: FakeCrew) -> Result:
    return Run(plan, lab, crew).prove()


def reasons(result: Result) -> str:
    return "\n".join(outcome.surprise for outcome in result.surprises)


@pytest.mark.parametrize(("looks", "proven"), [(5, True), (3, False)])
def test_what_comes_late_is_waited_for_as_long_as_something_comes(
    plan: Plan, lab: Lab, crew: FakeCrew, monkeypatch: pytest.MonkeyPatch, looks: int, proven: bool
) -> None:
    """A busy machine: what each container saw is known four looks after the one before, and there is one try."""
    monkeypatch.setattr("packet_proof.run.LOOKS", looks)
    monkeypatch.setattr("packet_proof.run.TRIES", 1)
    at_once = crew.collect
    coming: list[tuple[int, str, Sighting]] = []
    look = 0

    def collect() -> dict[str, Sighting]:
        nonlocal look
        look += 1
        news = [(name, sighting) for name, sighting in at_once().items() if sighting.seen or sighting.delivered]
        coming.extend((look + 4 * number, *one) for number, one in enumerate(news, 1))
        come = {name: sighting for due, name, sighting in coming if due == look}
        coming[:] = [one for one in coming if one[0] > look]
        return come

    monkeypatch.setattr(crew, "collect", collect)
    assert prove(plan, lab, crew).proven is proven


def test_a_right_firewall_is_proven(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    result = prove(plan, lab, crew)
    assert reasons(result) == ""
    assert result.proven
    assert as_text(plan, result).endswith("0 surprises, 0 failed visits. Proven.\n")


def test_one_port_too_many(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    right = crew.permits
    crew.permits = lambda packet, at: packet.destination_port == 3479 or right(packet, at)
    result = prove(plan, lab, crew)
    assert {outcome.probe.packet.destination_port for outcome in result.surprises} == {3479}
    assert "no row permits it, but it arrived past fw and turn1" in reasons(result)


def test_one_port_too_many_on_the_host_behind_a_right_router(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    right = crew.permits
    crew.permits = lambda packet, at: (at == "turn1" and packet.destination_port == 3479) or right(packet, at)
    result = prove(plan, lab, crew)
    assert {(outcome.probe.sender, outcome.probe.judges) for outcome in result.surprises} == {("fw", ("turn1",))}
    assert "(sent by fw in its name)" in as_text(plan, result)


def test_a_rule_is_missing(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    right = crew.permits
    crew.permits = lambda packet, at: packet.destination_port != 80 and right(packet, at)
    result = prove(plan, lab, crew)
    assert {row for outcome in result.surprises for row in outcome.probe.rows} == {"conference_avatar"}
    assert "did not arrive in 3 tries; it reached fw" in reasons(result)


def test_no_firewall_at_all(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    crew.permits = lambda packet, at: True
    result = prove(plan, lab, crew)
    assert len(result.surprises) == sum(not probe.permitted for probe in plan.probes)


def test_everything_is_dropped(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    crew.permits = lambda packet, at: False
    result = prove(plan, lab, crew)
    permitted = sum(probe.permitted for probe in plan.probes)
    assert sum(outcome.probe.permitted for outcome in result.surprises) == permitted


@pytest.mark.parametrize("dead", ["outsider", "turn1", "wac1"])
def test_a_dead_receiver_or_sender_does_not_pass_for_a_firewall(
    plan: Plan, lab: Lab, crew: FakeCrew, dead: str
) -> None:
    crew.mute.add(dead)
    result = prove(plan, lab, crew)
    surprised = {outcome.probe.number for outcome in result.surprises}
    # What others send in its name and to somebody else may well be proven.
    involved = {probe.number for probe in plan.probes if dead in (probe.sender, probe.destination.container)}
    assert surprised == involved
    assert f"{dead} receives no control packet either" in reasons(result) or f"never reached {dead}" in reasons(result)
    assert "never reached fw" in reasons(result)


def test_a_dead_router_proves_nothing(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    crew.mute.add("fw")
    crew.dead["fw"] = "its agent does not answer"
    result = prove(plan, lab, crew)
    assert all(
        outcome.surprise for outcome in result.outcomes if "fw" in outcome.probe.judges or outcome.probe.sender == "fw"
    )
    assert "(fw: its agent does not answer)" in reasons(result)
    assert "fw could not take part: its agent does not answer" in as_text(plan, result)


def test_a_container_that_could_not_take_part_spoils_the_proof(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    crew.dead["wac1"] = "its tracked connections cannot be cleared"
    result = prove(plan, lab, crew)
    assert not result.surprises
    assert not result.proven


def test_a_first_packet_lost_to_address_resolution_is_sent_again(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    met: set[Packet] = set()

    def lose(packet: Packet) -> bool:
        first = packet not in met
        met.add(packet)
        return first

    crew.lose = lose
    assert prove(plan, lab, crew).proven


def test_controls_are_sent_after_the_probes_they_vouch_for(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    prove(plan, lab, crew)
    packets = [packet for host, packet in crew.sent]
    refused = [probe.packet for probe in plan.probes if not probe.permitted]
    controls = {control.packet for found in plan.controls.values() for control in found}
    last_refused = max(at for at, packet in enumerate(packets) if packet in set(refused))
    last_control = max(at for at, packet in enumerate(packets) if packet in controls)
    assert last_control > last_refused


def test_every_row_of_every_group_is_proven(whole_site: Site, whole_lab: Lab, whole_plan: Plan) -> None:
    crew = FakeCrew(whole_site, whole_lab)
    result = prove(whole_plan, whole_lab, crew)
    assert reasons(result) == ""
    assert result.proven
    right = crew.permits
    crew.permits = lambda packet, at: packet.protocol == "esp" or right(packet, at)
    assert {outcome.probe.packet.protocol for outcome in prove(whole_plan, whole_lab, crew).surprises} == {"esp"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"error": "TimeoutError: timed out"}, "TimeoutError: timed out"),
        ({"mapped": ["10.9.9.9", 1], "subject": "somebody", "version": "TLSv1.3"}, "10.9.9.9 port 1"),
        ({"mapped": None, "subject": "", "version": "TLSv1.3"}, "certificate of nobody"),
    ],
)
def test_a_real_server_that_does_not_answer_right(
    plan: Plan, lab: Lab, crew: FakeCrew, answer: dict[str, t.Any], text: str
) -> None:
    crew.answers = lambda request: answer
    result = prove(plan, lab, crew)
    assert not result.proven
    assert "FAILED (" in as_text(plan, result)
    assert text in as_text(plan, result)


def test_table_counts_and_json(plan: Plan, lab: Lab, crew: FakeCrew) -> None:
    right = crew.permits
    crew.permits = lambda packet, at: packet.destination_port == 5062 or right(packet, at)
    result = prove(plan, lab, crew)
    data = json.loads(json.dumps(as_data(plan, result)))
    assert data["proven"] is False
    assert len(data["surprises"]) == len(result.surprises)
    lines = {(line["row"], line["from"], line["family"]): line for line in data["lines"]}
    line = lines["sip_signaling", "front_end", "ipv4"]
    assert line["sent"] - line["as_expected"] == line["surprises"] == 1
    assert any(entry["by"] == ["media_to_nodes"] for entry in data["covered"])
    heading, rule, first, *_rest = as_text(plan, result).splitlines()
    assert heading.split() == [
        "row",
        "from",
        "to",
        "protocol",
        "family",
        "probes",
        "sent",
        "as",
        "expected",
        "surprises",
    ]
    assert set(rule) == {"-", " "}
    assert first.split()[:5] == ["sip_signaling", "front_end", "conferencing_node", "tcp", "ipv4"]
    assert "covered by media_to_nodes (" in as_text(plan, result)
    assert "strict_client_relay (off)" in as_text(plan, result)
