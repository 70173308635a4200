# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module starts responders on one host, and another one probes them through a real firewall."""

from __future__ import annotations

import time
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Pair

SILENCE = 1.5  # seconds without an answer, where none is to come

HANG = 600  # seconds: only what hangs takes as long, on a busy machine too
FAR = ["192.0.2.2", "2001:db8::2"]


def wanted(name: str, protocol: str, port: int, first: int = 50000, last: int = 59999) -> dict[str, t.Any]:
    return {"id": name, "protocol": protocol, "addresses": FAR, "port": port, "first": first, "last": last}


def probe(protocol: str, port: int, token: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "probe": "responder", "protocol": protocol, "source": "192.0.2.1", "source_ports": ["40000-40009"],
        "destination": "192.0.2.2", "destination_port": port, "token": token, **more,
    }  # fmt: skip


def listening(pair: Pair) -> set[str]:
    return {line.split()[4] for line in pair.far.run("ss", "-Hlntu").splitlines()}


@pytest.mark.controller
def test_a_range_is_proven_and_nothing_is_left(pair: Pair) -> None:
    before = listening(pair)
    started = pair.far.through_ansible(listen=[wanted("udp", "udp", 50000), wanted("tcp", "tcp", 59999)], seconds=600)
    assert not started["failed"], started
    assert started["listening"] == {"udp": {"port": 50000}, "tcp": {"port": 59999}}
    assert not started["changed"]
    assert len(listening(pair) - before) == 4
    token = started["token"]
    six = {"source": "2001:db8::1", "destination": "2001:db8::2"}
    answers = pair.near.answers(
        probe("udp", 50000, token),
        probe("tcp", 59999, token),
        probe("udp", 50000, token, **six),
        probe("tcp", 59999, token, **six),
        probe("tcp", 59999, "0" * 32),
        probe("udp", 50001, token),
    )
    assert [a["verdict"] for a in answers] == ["open"] * 4 + ["error", "refused"]
    unanswered = pair.near.answers(
        probe("udp", 50000, "0" * 32),
        probe("udp", 50000, token, source_ports=["41000-41009"]),  # the firewall drops what comes from there
        timeout=SILENCE,
    )
    assert [a["verdict"] for a in unanswered] == ["filtered"] * 2
    stopped = pair.far.through_ansible(state="stopped", process=started["process"])
    assert (stopped["was_running"], stopped["changed"]) == (True, False)
    assert listening(pair) == before
    assert pair.near.answers(probe("udp", 50000, token))[0]["verdict"] == "refused"


def test_it_is_gone_after_its_time_without_anybody_stopping_it(pair: Pair) -> None:
    before = listening(pair)
    started = pair.far.module(listen=[wanted("udp", "udp", 50000)], seconds=3)
    assert started["listening"] == {"udp": {"port": 50000}}
    deadline = time.monotonic() + HANG
    while listening(pair) != before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stopped = pair.far.module(state="stopped", process=started["process"])
    assert stopped["was_running"] is False


def test_a_port_in_use_is_left_alone_and_another_is_taken(pair: Pair) -> None:
    started = pair.far.module(
        listen=[
            wanted("above", "tcp", 5061, 5061, 5069),
            wanted("below", "tcp", 5061, 5050, 5061),
            wanted("none", "tcp", 5061, 5061, 5061),
            {**wanted("foreign", "tcp", 50000), "addresses": ["192.0.2.99"]},
        ],
        seconds=20,
    )
    pair.far.module(state="stopped", process=started["process"])
    assert started["listening"] == {
        "above": {"port": 5062},
        "below": {"port": 5060},
        "none": {"problem": "port 5061: Address already in use (EADDRINUSE)"},
        "foreign": {"problem": "port 50000: Cannot assign requested address (EADDRNOTAVAIL)"},
    }


def test_where_nothing_can_listen_no_process_is_started(pair: Pair) -> None:
    started = pair.far.module(listen=[wanted("none", "tcp", 5061, 5061, 5061)])
    assert started["process"] == {}
    assert pair.far.module(state="stopped", process={})["was_running"] is False


def test_check_mode_starts_nothing(pair: Pair) -> None:
    before = listening(pair)
    result = pair.far.module(check_mode=True, listen=[wanted("udp", "udp", 50000)])
    assert (result["changed"], result["msg"]) == (False, "check mode starts no responder")
    assert listening(pair) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"listen": [], "seconds": 0}, "seconds: 0 is not between 1 and 600"),
        ({"listen": [], "seconds": 601}, "seconds: 601 is not between 1 and 600"),
        ({"seconds": 1}, "state is started but all of the following are missing: listen"),
        ({"state": "stopped"}, "state is stopped but all of the following are missing: process"),
    ],
)
def test_wrong_arguments(pair: Pair, arguments: dict[str, t.Any], message: str) -> None:
    result = pair.far.module(**arguments)
    assert result["failed"]
    assert message in result["msg"]
