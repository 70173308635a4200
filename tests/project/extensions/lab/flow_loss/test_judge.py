# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from dataclasses import replace

from flow_loss.judge import Measurement, Verdict, as_text, measurement, objections, unseen
from flow_loss.traffic import KINDS, VERSIONS
from real_calls.phone import Heard

SECONDS = 10.0
SENT = 5000


def measured(
    arrived: dict[str, int] | None = None,
    left: dict[str, int] | None = None,
    entered: dict[str, int] | None = None,
    slowest: dict[str, float] | None = None,
    broken: dict[str, str] | None = None,
    sent: int = SENT,
    **figures: t.Any,
) -> Measurement:
    """What is said is said by stream such as "calls ipv4"; what is not said is as it should be."""
    names = {f"{kind} ipv{version}": (kind, version) for kind in KINDS for version in VERSIONS}
    report = {
        "sent": dict.fromkeys(names, sent),
        "arrived": dict.fromkeys(names, sent) | (arrived or {}),
        "slowest": dict.fromkeys(names, 0.01) | (slowest or {}),
        "broken": broken or {},
        "buffer_drops": 0,
        "retransmitted": 0,
        "pause": 0.02,
        "starved": 0.1,
    } | figures
    doors = {
        "in": {key: (entered or {}).get(name, sent) for name, key in names.items()},
        "out": {key: (left or {}).get(name, sent) for name, key in names.items()},
    }
    return measurement(SECONDS, [report], doors, machine_drops=0)


def test_where_all_arrived_there_is_nothing_to_object_to() -> None:
    assert objections(measured()) == []


def test_one_packet_lost_in_the_firewall_is_one_too_many() -> None:
    result = measured(arrived={"calls ipv6": SENT - 1}, left={"calls ipv6": SENT - 1})
    assert objections(result) == ["1 packets of calls (IPv6) were lost in the firewall."]
    assert "4999" in as_text("A title", result)


def test_a_segment_lost_in_the_firewall_counts_although_tcp_sent_it_again() -> None:
    assert objections(measured(left={"connections ipv4": SENT - 1}))


def test_what_the_test_had_no_room_for_is_not_the_firewall_s_loss() -> None:
    assert objections(measured(arrived={"calls ipv4": SENT - 3}, buffer_drops=3)) == []
    (objection,) = objections(measured(arrived={"calls ipv4": SENT - 3}, buffer_drops=2))
    assert (
        "0 packets were lost before the firewall and 3 behind it; the sockets of the test and this machine" in objection
    )
    assert "know of 2, and nobody of the others" in objection


def test_what_did_not_come_to_the_firewall_is_told_apart_from_what_got_lost_behind_it() -> None:
    few = {"calls ipv4": SENT - 3}
    (objection,) = objections(measured(arrived=few, entered=few, left=few))
    assert "3 packets were lost before the firewall and 0 behind it" in objection


def test_all_of_a_connection_has_to_arrive() -> None:
    name = "connections ipv4"
    assert "reset" in objections(measured(broken={name: "reset"}))[0]
    assert objections(measured(arrived={name: SENT - 1})) == [f"1 messages of {name} did not arrive."]
    assert f"did not arrive: 1 messages of {name}" in as_text("A title", measured(arrived={name: SENT - 1}))


def test_how_long_something_took_is_told_and_not_judged() -> None:
    result = measured(slowest={"connections ipv4": 49.0}, pause=30.0, starved=20.0)
    assert objections(result) == []
    text = as_text("A title", result)
    assert "49000 ms" in text
    assert "its longest pause was 30000 ms, and it waited 20.0 s for a processor" in text


def test_without_traffic_nothing_is_proven() -> None:
    assert any("No calls (IPv4) were sent" in objection for objection in objections(measured(sent=0)))
    assert objections(measured(sent=500)) == []
    assert "Only 998 new flows were sent" in objections(measured(sent=499))[0]


def test_traffic_that_went_around_the_firewall_proves_nothing() -> None:
    result = measured()
    around = Measurement(
        SECONDS,
        tuple(type(line)(**{**vars(line), "entered": 0, "left": 0}) for line in result.lines),
        {}, {}, 0, 0, 0.0, 0.0,
    )  # fmt: skip
    assert any("did not pass the firewall" in objection for objection in objections(around))


def test_a_loss_that_is_there_has_to_be_seen_in_every_kind_and_family() -> None:
    losing = {f"{kind} ipv{version}": SENT - 50 for kind in KINDS for version in VERSIONS}
    assert unseen(measured(arrived=losing, left=losing)) == []
    assert len(unseen(measured())) == 4
    assert len(unseen(measured(left=losing))) == 4


def test_the_verdict_counts_where_nothing_may_be_lost() -> None:
    losing = {"calls ipv4": SENT - 50}
    verdict = Verdict()
    verdict.is_told(measured(arrived=losing, left=losing))
    verdict.none_may_be_lost(measured())
    assert (verdict.packets, verdict.lost, verdict.wrong) == (6 * SENT, 0, [])
    verdict.none_may_be_lost(measured(arrived=losing, left=losing))
    assert (verdict.packets, verdict.lost) == (12 * SENT, 50)
    assert verdict.wrong


def test_telephones_may_miss_nothing_and_must_hear_something() -> None:
    def with_phones(lost: int, received: int) -> Measurement:
        phones = {"node1 10.0.0.1": Heard(received, lost), "client1 10.0.0.2": Heard(70, 0)}
        return replace(measured(), heard=phones)

    assert objections(with_phones(0, 50)) == []
    assert objections(with_phones(2, 50)) == ["The telephone node1 10.0.0.1 missed 2 packets."]
    assert objections(with_phones(0, 0)) == ["The telephone node1 10.0.0.1 received nothing."]
    assert "real calls: 2 telephones received 120 packets, and missed 2" in as_text("A title", with_phones(2, 50))
    verdict = Verdict()
    verdict.none_may_be_lost(with_phones(2, 50))
    assert verdict.lost == 2
    assert "No loss of the real calls was seen." in unseen(with_phones(0, 50))
    assert "No loss of the real calls was seen." not in unseen(with_phones(1, 50))
