# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visits to real servers: what an agent is asked for, and whether the answer is right."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from packet_proof.controls import ServiceCheck

# What the lab's DNS servers say of any name in this domain.
LAB_DOMAIN, DNS_ANSWER = "lab.invalid", "192.0.2.53"


@dataclass(frozen=True)
class ServiceOutcome:
    """What a real server answered; `ok` says whether that is right."""

    check: ServiceCheck
    ok: bool
    text: str


def visit(check: ServiceCheck) -> dict[str, t.Any]:
    """What an agent is asked for, to talk to a real server."""
    packet = check.sent
    ends: dict[str, t.Any] = {"source": str(packet.source), "destination": str(packet.destination)}
    if check.service == "ipsec":
        return ends | {"do": "esp" if packet.protocol == "esp" else "ike"}
    request = ends | {"source_port": packet.source_port, "port": packet.destination_port}
    by_service = {
        "coturn": {"do": "stun", "protocol": packet.protocol},
        "https": {"do": "tls"},
        "unbound": {"do": "dns", "protocol": packet.protocol, "name": f"{check.destination.container}.{LAB_DOMAIN}"},
        "chrony": {"do": "ntp"},
    }
    return request | by_service[check.service]


def judge_service(check: ServiceCheck, answer: dict[str, t.Any]) -> ServiceOutcome:
    """Whether a real server's answer is right.

    STUN must see the visitor's own address, HTTPS must show the server's name, DNS must know an address, NTP must
    repeat the time stamp of the question, IKE must agree with the right one, and ESP must bring back what was sent.
    """
    if "error" in answer:
        return ServiceOutcome(check, False, str(answer["error"]))
    judge = {
        "coturn": _judge_stun,
        "https": _judge_tls,
        "unbound": _judge_dns,
        "chrony": _judge_ntp,
        "ipsec": _judge_ipsec,
    }[check.service]
    return ServiceOutcome(check, *judge(check, answer))


def _judge_stun(check: ServiceCheck, answer: dict[str, t.Any]) -> tuple[bool, str]:
    mapped = answer.get("mapped")
    text = f"STUN answer: mapped address {mapped[0]} port {mapped[1]}" if mapped else "no answer"
    return mapped == [str(check.packet.source), check.packet.source_port], text


def _judge_tls(check: ServiceCheck, answer: dict[str, t.Any]) -> tuple[bool, str]:
    subject = str(answer.get("subject", ""))
    text = f"{answer.get('version')} handshake, certificate of {subject or 'nobody'}"
    return subject == check.destination.container, text


def _judge_dns(check: ServiceCheck, answer: dict[str, t.Any]) -> tuple[bool, str]:
    address = answer.get("address")
    return address == DNS_ANSWER, f"DNS answer over {check.packet.protocol}: {address or 'no address'}"


def _judge_ntp(check: ServiceCheck, answer: dict[str, t.Any]) -> tuple[bool, str]:
    stratum = answer.get("stratum")
    server = check.destination.container
    return bool(stratum), f"NTP answer of {server}, stratum {stratum}" if stratum else f"{server} has no time"


def _judge_ipsec(check: ServiceCheck, answer: dict[str, t.Any]) -> tuple[bool, str]:
    if check.packet.protocol == "esp":
        return bool(answer.get("same")), "ESP came back" if answer.get("same") else "ESP came back as something else"
    peer = answer.get("peer")
    return peer == str(check.sent.destination), f"IKE association with {peer}" if peer else "no IKE association"
