# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Protocols without ports pass where a rule is for them, and only these: what the kernel takes for the protocol.

IPv6 has extension headers before it, and the kernel looks behind them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire import HOST, HOST_V6, LINK, LINK_V6, Wire

# An ESP packet; an AH header with a protocol behind it that no rule is for; a hop-by-hop header of padding.
SEND = """
ESP = bytes(8) + b"sealed, as far as anybody can tell"
AH = bytes((254, 4, 0, 0)) + bytes(20) + b"in the open"
HOPS = bytes((0, 0, 1, 4, 0, 0, 0, 0))
def packet(family, protocol, content, hops=b""):
    one = socket.socket(family, socket.SOCK_RAW, protocol)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
    if hops:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, hops)
    sent(one, content.decode("latin-1"), HOST_V6 if family == IPV6 else HOST, 0)
"""


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    try:
        made.make()
        yield made
    finally:
        made.remove()


def counted(wire: Wire, *packets: str) -> dict[str, int]:
    """Send *packets*, then one that is let through for sure and waited for; return what each rule has counted."""
    send = "\n".join(f"packet({one})" for one in packets)
    link = f"""{SEND}
HOST, HOST_V6 = {HOST!r}, {HOST_V6!r}
last = udp(IPV4, {LINK!r}, 4000)
ready()
last.recv(10)
{send}
sent(last, "last", HOST, 4001)
sys.stdin.read()
"""
    host = f"""
end = udp(IPV4, {HOST!r}, 4001)
sent(end, "go", {LINK!r}, 4000)
print(end.recv(10).decode())
"""
    assert wire.exchange(link, host).strip() == "last"
    return {name: wire.seen("input", f'comment "{name}"') for name in ("esp", "ah", "gre", "number")}


RULES = (
    {"name": "esp", "protocol": "esp", "source": [LINK, LINK_V6]},
    {"name": "ah", "protocol": "ah", "source": [LINK, LINK_V6]},
    {"name": "number", "protocol": 253},  # for experiments (RFC 3692)
    {"name": "go", "protocol": "udp", "hook": "output", "destination_ports": [4000]},
)


def test_each_protocol_is_counted_by_its_rule_in_both_families(wire: Wire) -> None:
    wire.judge(*RULES)
    packets = ["50, ESP", "51, AH", "253, ESP"]
    found = counted(wire, *(f"{family}, {packet}" for family in ("IPV4", "IPV6") for packet in packets))
    assert found == {"esp": 2, "ah": 2, "gre": 0, "number": 2}


def test_a_protocol_without_a_rule_is_dropped(wire: Wire) -> None:
    wire.judge(*RULES)
    assert counted(wire, "IPV4, 47, ESP", "IPV6, 47, ESP", "IPV4, 254, ESP") == {
        "esp": 0,
        "ah": 0,
        "gre": 0,
        "number": 0,
    }
    assert wire.seen("input", 'comment "default_deny"') >= 3


def test_the_protocol_of_ipv6_is_found_behind_extension_headers(wire: Wire) -> None:
    wire.judge(*RULES)
    found = counted(wire, "IPV6, 50, ESP, HOPS", "IPV6, 253, ESP, HOPS", "IPV6, 51, AH, HOPS")
    assert found == {"esp": 1, "ah": 1, "gre": 0, "number": 1}
