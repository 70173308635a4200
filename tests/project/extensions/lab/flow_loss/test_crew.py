# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a measurement begins and ends: by what has arrived, and not by the clock."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from flow_loss import crew
from flow_loss.crew import Traffic, TrafficError, machine_drops
from flow_loss.traffic import CONNECTIONS, VERSIONS

Answers = list[dict[str, t.Any]]


class FakeCrew:
    """Answers each step with what comes next; the last answer stays."""

    def __init__(self, *answers: Answers) -> None:
        self.asked = 0
        self._answers = answers

    def do(self, _step: str) -> Answers:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


class FakeFirewall:
    def __init__(self, lost: int = 0) -> None:
        self._lost = lost

    def counted(self) -> dict[str, dict[tuple[str, int], int]]:
        keys = [(CONNECTIONS, version) for version in VERSIONS]
        return {"in": dict.fromkeys(keys, 10), "out": dict.fromkeys(keys, 10 - self._lost)}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew.time, "sleep", lambda _seconds: None)


def looks(*answers: Answers, lost: int = 0) -> int:
    """How often the agents are asked before nothing more is waited for."""
    fake = FakeCrew(*answers)
    traffic = Traffic("", {}, t.cast("t.Any", FakeFirewall(lost)))
    traffic._wait_for_the_last(t.cast("t.Any", fake))
    return fake.asked


def read(number: int, under_way: int = 0) -> Answers:
    return [{"arrived": number, "under_way": 0}, {"arrived": 0, "under_way": under_way}]


def test_as_long_as_something_arrives_nothing_is_counted() -> None:
    few = looks(read(10))
    slowly = [answer for number in range(100) for answer in [read(number)] * (few - 1)]
    assert looks(*slowly, read(100)) >= 100 * (few - 1)


def test_what_tcp_has_under_way_is_waited_for_unless_the_firewall_lost_it() -> None:
    few = looks(read(10))
    assert looks(*[read(10, 33)] * 200, read(11)) > 200
    assert looks(read(10, 33)) > 10 * few
    assert looks(read(10, 33), lost=1) == few


def reports(*, arrived: int, broken: dict[str, str] | None = None) -> Answers:
    return [
        {"sent": {"calls there": 1}, "arrived": {"calls back": 1}, "broken": broken or {}},
        {"sent": {"calls back": 5}, "arrived": {"calls there": arrived}, "broken": {}},
    ]


def test_the_measurement_begins_when_all_streams_flow() -> None:
    fake = FakeCrew(*[reports(arrived=0)] * 30, reports(arrived=1))
    crew._wait_for_traffic(t.cast("t.Any", fake))
    assert fake.asked == 31


def test_a_stream_that_does_not_flow_is_named() -> None:
    with pytest.raises(TrafficError, match=r"^nothing arrives of calls there$"):
        crew._wait_for_traffic(t.cast("t.Any", FakeCrew(reports(arrived=0))))


def test_a_stream_that_broke_is_not_waited_for() -> None:
    """The measurement says it."""
    crew._wait_for_traffic(t.cast("t.Any", FakeCrew(reports(arrived=0, broken={"calls there": "refused"}))))


def test_what_the_machine_itself_drops_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queue").write_text("00000010 00000003 0\n00000020 0000000a 0\n", "ascii")
    (tmp_path / "neighbours").write_text("entries unresolved_discards table_fulls\n24 2 0\n24 10 0\n", "ascii")
    monkeypatch.setattr(crew, "_QUEUE", tmp_path / "queue")
    monkeypatch.setattr(crew, "_NEIGHBOURS", [tmp_path / "neighbours"])
    assert machine_drops() == 3 + 10 + 2 + 16


def test_the_counters_of_this_machine_are_read() -> None:
    assert machine_drops() >= 0
