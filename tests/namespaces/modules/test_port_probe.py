# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module probes real servers behind a real firewall in both families."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from conftest import Pair

SILENCE = 1.5  # seconds without an answer, where none is to come
ADDRESSES = {"ipv4": ("192.0.2.1", "192.0.2.2"), "ipv6": ("2001:db8::1", "2001:db8::2")}


def probe(kind: str, port: int, protocol: str = "tcp", family: str = "ipv4", **more: t.Any) -> dict[str, t.Any]:
    source, destination = ADDRESSES[family]
    return {
        "probe": kind, "protocol": protocol, "source": source, "destination": destination, "destination_port": port,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_answered_refused_and_filtered_are_told_apart(pair: Pair, family: str) -> None:
    far = ADDRESSES[family][1]
    prohibited = {
        "ipv4": f"ICMP from {far}: communication administratively prohibited",
        "ipv6": f"ICMP from {far}: communication administratively prohibited",
    }[family]
    reset = "reset by the destination, or by a firewall in its name"
    expected = [
        (probe("tcp_connect", 5061, family=family), "open", "connected"),
        (probe("tcp_connect", 5999, family=family), "refused", reset),
        (probe("tcp_connect", 6001, family=family), "filtered", "no answer within 1.5 s"),
        (probe("tcp_connect", 6002, family=family), "refused", prohibited),
        (probe("tcp_connect", 6003, family=family), "refused", reset),
        (probe("stun", 3478, "udp", family), "open", "STUN binding response"),
        (probe("stun", 3479, "udp", family), "error", "something else answered than was asked"),
        (probe("stun", 5999, "udp", family), "refused", f"ICMP from {far}: port unreachable"),
        (probe("stun", 6001, "udp", family), "filtered", "no answer within 1.5 s"),
        (probe("stun", 6002, "udp", family), "refused", prohibited),
        (
            probe("responder", 8080, family=family, token="0" * 32),
            "error",
            "connected, but to something other than the responder",
        ),
        (
            probe("responder", 5061, family=family, token="0" * 32),
            "error",
            "connected, but to something other than the responder",
        ),
        (probe("responder", 3479, "udp", family, token="0" * 32), "error", "something else answered than was asked"),
    ]
    answers = []
    for silent in (False, True):
        asked = [one for one in expected if (one[1] == "filtered") == silent]
        said = pair.near.answers(*(one[0] for one in asked), timeout=SILENCE if silent else 60)
        assert [(a["verdict"], a["detail"]) for a in said] == [one[1:] for one in asked]
        answers += said
    assert {a["source"] for a in answers} == {ADDRESSES[family][0]}
    assert all(1024 <= a["source_port"] <= 65535 for a in answers)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_certificate_is_read(pair: Pair, family: str) -> None:
    encrypted, plain = pair.near.answers(probe("tls", 443, family=family), probe("tls", 5061, family=family))
    assert encrypted["verdict"] == "open"
    assert encrypted["certificate"]["names"] == ["far.example.net"]
    assert encrypted["detail"].startswith("TLSv1.")
    assert plain["verdict"] == "open"
    assert plain["certificate"] is None
    assert plain["detail"].startswith("connected, and the TLS handshake failed: ")


def test_probes_come_from_a_permitted_source_port(pair: Pair) -> None:
    """Each server saw them there: the firewall drops what comes from elsewhere."""
    answers = pair.near.answers(
        *(probe("tcp_connect", 5061, source_ports=["40000-40009", "40020"]) for _number in range(8)),
        probe("stun", 50000, "udp", source_ports=["40000-40009"]),
    )
    assert {a["verdict"] for a in answers[:8]} == {"open"}, answers
    assert all(a["source_port"] in (*range(40000, 40010), 40020) for a in answers[:8])
    assert answers[8]["verdict"] == "refused"
    (dropped,) = pair.near.answers(probe("stun", 50000, "udp", source_ports=["40010-40019"]), timeout=SILENCE)
    assert dropped["verdict"] == "filtered"


def test_source_ports_that_are_taken_are_left_alone(pair: Pair) -> None:
    # The first one holds the only port for a while: nobody answers it.
    answers = pair.near.answers(
        probe("stun", 6001, "udp", source_ports=["41000"]),
        probe("stun", 3478, "udp", source_ports=["41000"]),
        timeout=SILENCE,
    )
    assert sorted(a["verdict"] for a in answers) in (["error", "filtered"], ["error", "open"])
    taken = next(a for a in answers if a["verdict"] == "error")
    assert taken["detail"] == "no permitted source port is free, of 1 that were tried"


def test_many_destinations_are_connected_to_from_the_one_permitted_port(pair: Pair) -> None:
    ports = {5061: "open", 8080: "open", 443: "open", 6001: "filtered", 6003: "refused", 5999: "refused"}
    # Together with one that is not answered, so all of them wait as long as that.
    answers = pair.near.answers(*(probe("tcp_connect", port, source_ports=["42000"]) for port in ports), timeout=15)
    assert [a["verdict"] for a in answers] == list(ports.values())
    assert {a["source_port"] for a in answers} == {42000}


def test_a_connection_that_is_there_already_is_not_made_twice(pair: Pair) -> None:
    again = probe("tcp_connect", 6001, source_ports=["42001"])
    details = {a["detail"] for a in pair.near.answers(again, again, timeout=SILENCE)}
    assert details == {"no answer within 1.5 s", "no permitted source port is free, of 1 that were tried"}


def test_what_cannot_be_sent_is_an_error(pair: Pair) -> None:
    foreign = {**probe("tcp_connect", 5061), "source": "192.0.2.77"}
    nowhere = {**probe("tcp_connect", 5061), "destination": "198.51.100.1"}
    absent = {**probe("stun", 3478, "udp"), "destination": "192.0.2.99"}
    wrong = probe("tcp_connect", 70000)
    answers = pair.near.answers(foreign, nowhere, absent, wrong)
    assert [a["verdict"] for a in answers] == ["error"] * 4
    assert answers[0]["detail"] == "this host has no address 192.0.2.77"
    assert answers[1]["detail"] == "Network is unreachable (ENETUNREACH)"
    assert answers[2]["detail"] == "ICMP from 192.0.2.1: no such host"


def test_a_firewall_of_the_probing_host_itself_is_said(pair: Pair) -> None:
    pair.near.run(
        "nft",
        "-f",
        "-",
        text="table inet own { chain output { type filter hook output priority 0; udp dport 3478 drop; }; }",
    )
    try:
        (answer,) = pair.near.answers(probe("stun", 3478, "udp"))
    finally:
        pair.near.run("nft", "delete", "table", "inet", "own")
    assert (answer["verdict"], answer["detail"]) == ("filtered", "dropped by a firewall on the probing host itself")


def test_it_probes_in_check_mode_and_changes_nothing(pair: Pair) -> None:
    result = pair.near.module(check_mode=True, probes=[probe("tcp_connect", 5061)])
    assert (result["changed"], result["answers"][0]["verdict"]) == (False, "open")


@pytest.mark.controller
def test_progress_is_shown_for_each_batch(pair: Pair) -> None:
    named = probe("tcp_connect", 5061, row="sip_signaling", destination_host="far")
    result = pair.near.through_ansible(probes=[named, named, probe("stun", 3478, "udp")], batch=2)
    assert [a["verdict"] for a in result["answers"]] == ["open"] * 3
    assert "host: probing 1 to 2 of 3, 1 left: sip_signaling to far tcp 5061" in result["shown"]
    assert "host: probing 3 to 3 of 3, 0 left: 192.0.2.2 udp 3478" in result["shown"]


def test_many_probes_take_as_long_as_one_of_them(pair: Pair) -> None:
    answers = pair.near.answers(*(probe("tcp_connect", 6001) for _number in range(120)), batch=120, timeout=9)
    assert {a["verdict"] for a in answers} == {"filtered"}  # 120 x 9 s would not end before Ansible is given up


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probes": [{**probe("stun", 3478), "protocol": "tcp"}]}, "a STUN binding request goes over UDP"),
        (
            {"probes": [probe("responder", 3478, "udp")]},
            "probe is responder but all of the following are missing: token",
        ),
        ({"probes": [probe("tcp_connect", 1, source_ports=["x"])]}, "source_ports: ['x'] are not ports"),
        ({"probes": [probe("ping", 1)]}, "value of probe must be one of"),
        ({"probes": [], "batch": 0}, "batch and timeout must be above 0"),
        ({"probes": [], "timeout": 0}, "batch and timeout must be above 0"),
        ({"probes": "all"}, "dictionary requested, could not parse JSON or key=value"),
        ({"batch": 3}, "missing required arguments: probes"),
    ],
)
def test_wrong_arguments(pair: Pair, arguments: dict[str, t.Any], message: str) -> None:
    result = pair.near.module(**arguments)
    assert result["failed"]
    assert message in result["msg"]


@pytest.mark.parametrize(
    "path",
    [
        *(f"plugins/module_utils/_probe/{name}.py" for name in (
            "probe", "icmp", "stun", "certificate", "responder_process", "responder_token"
        )),
        "plugins/modules/port_probe.py",
        "plugins/modules/port_responder.py",
    ],
)  # fmt: skip
def test_the_code_of_the_hosts_is_python_3_9(path: str) -> None:
    ast.parse((Path(__file__).parents[3] / path).read_text(encoding="utf-8"), feature_version=(3, 9))
