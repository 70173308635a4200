# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Protocols without ports, and SCTP: packets and answers of each are judged as those of TCP and UDP are."""

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.cables import Exit
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import (
    ICMPV6,
    Flow,
    packed_address,
    packet,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import World

from .firewall import Firewall, Sample

pytestmark = pytest.mark.newer_nft

ADDRESSES = {
    "input": (("ipv4", "10.1.0.2", "10.1.0.1"), ("ipv6", "2001:db8:1::2", "2001:db8:1::1")),
    "forward": (("ipv4", "10.1.0.2", "10.3.0.7"), ("ipv6", "2001:db8:1::2", "2001:db8:3::7")),
    "output": (("ipv4", "10.3.0.1", "10.3.0.7"), ("ipv6", "2001:db8:3::1", "2001:db8:3::7")),
}
# As our rules have them. In IPv6 the kernel takes AH for the protocol, and not what is in it.
MATCHES = {
    "esp": "meta l4proto esp",
    "ah": "meta l4proto ah",
    "gre": "meta l4proto 47",
    "icmp": "meta l4proto icmp",
    "icmpv6": "meta l4proto ipv6-icmp",
    "vrrp": "meta l4proto 112",
    "253": "meta l4proto 253",
    "sctp": "sctp dport 5000",
}


def samples(protocol: str) -> list[Sample]:
    ports = (4000, 5000) if protocol == "sctp" else (None, None)
    return [
        Sample(hook, family, protocol, source, ports[0], destination, ports[1])
        for hook, ends in ADDRESSES.items()
        for family, source, destination in ends
        if protocol not in ("icmp", "icmpv6") or (family == "ipv6") == (protocol == "icmpv6")
    ]


def chains(*rules: str) -> str:
    """A table that drops all but answers and what *rules* let through. What tracking takes for invalid is dropped."""
    body = "\n".join(("ct state invalid drop", "ct state established accept", *rules))
    parts = (f"chain {hook} {{ type filter hook {hook} priority 0; policy drop;\n{body}\n}}" for hook in ADDRESSES)
    return "\n".join(("table inet theirs {", *parts, "}"))


@pytest.mark.parametrize("protocol", MATCHES)
def test_what_is_permitted_comes_out_and_so_does_the_answer(firewall: Firewall, protocol: str) -> None:
    match = MATCHES[protocol]
    rules = [f"{match} accept"]
    firewall.load(chains(*rules))
    judged = firewall.judged(samples(protocol))
    assert len(judged) in (3, 6)
    assert set(judged.values()) == {None}, judged


@pytest.mark.parametrize("protocol", MATCHES)
def test_what_is_not_permitted_is_dropped_for_sure(firewall: Firewall, protocol: str) -> None:
    firewall.load(chains(*(f"{match} accept" for other, match in MATCHES.items() if other != protocol)))
    for sample, finding in firewall.judged(samples(protocol)).items():
        assert finding, sample
        assert (finding.certain, finding.answer) == (True, False)
        assert finding.cause
        assert finding.cause.chain == sample.hook


def test_what_the_host_sends_meanwhile_is_not_what_was_dropped(
    firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel reports its groups in ICMPv6 when it thinks fit, and the chain output drops that, too."""
    firewall.load(chains("meta l4proto != ipv6-icmp accept"))
    reports: list[Flow] = []
    sent = World._sent

    def sent_with_report(
        world: World, inside: bool, interface: str, flow: Flow, content: bytes, number: int
    ) -> Exit | None:
        out = sent(world, inside, interface, flow, content, number)
        if number == 0:  # it is sent again, to be explained
            report = Flow(ICMPV6, packed_address("2001:db8:3::1"), 0, packed_address("2001:db8:3::9"), 0)
            world._near.send(6, report.destination, packet(report, 0))
            reports.append(report)
        return out

    monkeypatch.setattr(World, "_sent", sent_with_report)
    causes = {sample.hook: finding and finding.cause for sample, finding in firewall.judged(samples("icmpv6")).items()}
    assert len(reports) == len(ADDRESSES)
    assert {hook: cause and cause.chain for hook, cause in causes.items()} == {hook: hook for hook in ADDRESSES}


def test_the_answer_alone_can_be_dropped(firewall: Firewall) -> None:
    """Where packets of ESP are exempt from tracking, an answer is one like any other, and no rule is for it."""
    raw = "table ip raw { chain pre { type filter hook prerouting priority raw; ip protocol esp notrack; }; }"
    firewall.load(f"{raw}\n{chains('ip saddr 10.1.0.0/16 meta l4proto esp accept')}")
    judged = firewall.judged([one for one in samples("esp") if (one.hook, one.family) == ("forward", "ipv4")])
    assert [(one.answer, one.certain) for one in judged.values() if one] == [(True, True)]
