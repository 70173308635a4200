# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows import ROW_KEYS, Row, parse_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import ANY_PORT

RANGES = {"sip": IntervalSet(((5061, 5061),)), "media": IntervalSet(((40000, 49999),))}
KEYS = ", ".join(sorted(ROW_KEYS))
PROTOCOLS_ACCEPTED = "ah, esp, gre, icmp, icmpv6, sctp, tcp, udp, vrrp, or a number 0-255"
PORTS_ACCEPTED = "a port 1-65535, a range first-last, or any, or a range name (media, sip)"
ID_ACCEPTED = "a lower-case letter, then up to 62 lower-case letters, digits and underscores"


def _row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": "r1", "source": "client", "destination": "edge", "protocols": "udp", "destination_ports": "sip"
    }  # fmt: skip
    row.update(changes)
    return {key: value for key, value in row.items() if value is not ...}


def test_a_short_row_gets_the_defaults() -> None:
    assert Row.parse(_row(), "W", RANGES).as_mapping() == {
        "id": "r1",
        "purpose": "r1",
        "source": ["client"],
        "destination": ["edge"],
        "bidirectional": False,
        "protocols": ["udp"],
        "source_ports": "any",
        "destination_ports": ["5061"],
        "tls": False,
        "group": "custom",
        "reference": "",
        "owner": "",
        "ticket": "",
        "expires": "",
    }


@pytest.mark.parametrize(
    ("protocols", "read", "families"),
    [
        ("esp", ("esp",), {"ipv4", "ipv6"}),
        (50, ("esp",), {"ipv4", "ipv6"}),
        (["50", "ah", 47], ("ah", "esp", "gre"), {"ipv4", "ipv6"}),
        (255, ("255",), {"ipv4", "ipv6"}),
        ("icmp", ("icmp",), {"ipv4"}),
        (58, ("icmpv6",), {"ipv6"}),
        (["icmp", "icmpv6"], ("icmp", "icmpv6"), {"ipv4", "ipv6"}),
        (0, ("0",), {"ipv4"}),  # in IPv6 an extension header
    ],
)
def test_a_protocol_without_ports(protocols: object, read: tuple[str, ...], families: set[str]) -> None:
    row = Row.parse(_row(protocols=protocols, destination_ports=...), "W", RANGES)
    assert (row.protocols, row.families(), row.has_ports) == (read, families, False)
    assert (row.source_ports, row.destination_ports) == (ANY_PORT, ANY_PORT)
    assert Row.parse(row.as_mapping(), "W", {}) == row


@pytest.mark.parametrize(("number", "name"), [(6, "tcp"), ("17", "udp"), (132, "sctp")])
def test_a_protocol_with_ports_by_its_number(number: object, name: str) -> None:
    row = Row.parse(_row(protocols=number), "W", RANGES)
    assert (row.protocols, row.has_ports) == ((name,), True)


def test_lists_are_sorted_and_without_doubles() -> None:
    row = Row.parse(_row(source=["edge", "client", "edge"], protocols=["udp", "tcp", "udp"]), "W", RANGES)
    assert (row.source, row.protocols) == (("client", "edge"), ("tcp", "udp"))
    assert row.endpoints() == ("client", "edge")


@pytest.mark.parametrize("destination_ports", ["any", ["443", "8057"], ["40000-49999"]])
def test_a_row_reads_back_without_range_names(destination_ports: object) -> None:
    for_people = {"owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"}
    row = Row.parse(_row(destination_ports=destination_ports, tls=True, bidirectional=True, **for_people), "W", RANGES)
    assert for_people.items() <= row.as_mapping().items()
    assert Row.parse(row.as_mapping(), "W", {}) == row


@pytest.mark.parametrize(
    ("changes", "directions"),
    [
        ({}, ((("client",), ("edge",)),)),
        ({"bidirectional": True}, ((("client",), ("edge",)), (("edge",), ("client",)))),
        ({"bidirectional": True, "destination": "client"}, ((("client",), ("client",)),)),
    ],
    ids=["one way", "both ways", "a mesh is both ways already"],
)
def test_directions(changes: dict[str, object], directions: object) -> None:
    assert Row.parse(_row(**changes), "W", RANGES).directions() == directions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ...}, "W: has no id; accepted: a row with destination, id, protocols, source"),
        (
            {"source": ...},
            "W row 'r1': has no source; accepted: a row with destination, id, protocols, source",
        ),
        ({"colour": "red"}, f"W row 'r1': unknown key 'colour'; accepted: {KEYS}"),
        ({"id": 'x" accept'}, f"W row 'x\" accept' id: 'x\" accept' cannot be an id; accepted: {ID_ACCEPTED}"),
        ({"id": "x\n}"}, f"W row 'x\\n}}' id: 'x\\n}}' cannot be an id; accepted: {ID_ACCEPTED}"),
        ({"id": 5}, f"W id: 5 cannot be an id; accepted: {ID_ACCEPTED}"),
        ({"source": []}, "W row 'r1' source: is an empty list; accepted: at least one"),
        ({"source": True}, "W row 'r1' source: True is not a list; accepted: a list"),
        (
            {"destination": ["edge", None]},
            "W row 'r1' destination: ['edge', None] holds something that is not a string; accepted: a list of strings",
        ),
        (
            {"destination": "edge; drop"},
            f"W row 'r1' destination: 'edge; drop' cannot be an id; accepted: {ID_ACCEPTED}",
        ),
        ({"protocols": ["ipsec"]}, f"W row 'r1' protocols: unknown value 'ipsec'; accepted: {PROTOCOLS_ACCEPTED}"),
        (
            {"protocols": "TCP"},
            f"W row 'r1' protocols: unknown value 'TCP', the nearest is tcp; accepted: {PROTOCOLS_ACCEPTED}",
        ),
        ({"protocols": True}, f"W row 'r1' protocols: unknown value True; accepted: {PROTOCOLS_ACCEPTED}"),
        ({"protocols": 256}, f"W row 'r1' protocols: '256' is out of range; accepted: {PROTOCOLS_ACCEPTED}"),
        ({"protocols": -1}, f"W row 'r1' protocols: unknown value '-1'; accepted: {PROTOCOLS_ACCEPTED}"),
        ({"protocols": 1.5}, "W row 'r1' protocols: 1.5 is not a list; accepted: a list"),
        (
            {"protocols": ["tcp", "esp"]},
            "W row 'r1' protocols: esp among protocols with ports; "
            "accepted: a row of its own for protocols without ports, or only sctp, tcp, udp",
        ),
        (
            {"protocols": "esp"},
            "W row 'r1' destination_ports: esp has no ports; "
            "accepted: no ports, or one of the protocols sctp, tcp, udp",
        ),
        (
            {"protocols": 89, "destination_ports": ..., "source_ports": "any"},
            "W row 'r1' source_ports: 89 has no ports; accepted: no ports, or one of the protocols sctp, tcp, udp",
        ),
        (
            {"destination_ports": ...},
            "W row 'r1': has no destination_ports; "
            "accepted: a row with destination, destination_ports, id, protocols, source",
        ),
        ({"protocols": []}, "W row 'r1' protocols: is an empty list; accepted: at least one"),
        (
            {"destination_ports": 0},
            f"W row 'r1' destination_ports: 0: port 0 is out of range; accepted: {PORTS_ACCEPTED}",
        ),
        (
            {"source_ports": "49999-40000"},
            f"W row 'r1' source_ports: '49999-40000' ends before it begins; accepted: {PORTS_ACCEPTED}",
        ),
        (
            {"destination_ports": ["psom"]},
            f"W row 'r1' destination_ports: the range name 'psom' is not defined; accepted: {PORTS_ACCEPTED}",
        ),
        ({"bidirectional": "maybe"}, "W row 'r1' bidirectional: 'maybe' is not a boolean; accepted: true or false"),
        ({"tls": 2}, "W row 'r1' tls: 2 is not a boolean; accepted: true or false"),
        (
            {"group": "mine"},
            "W row 'r1' group: unknown value 'mine'; "
            "accepted: custom, federation, integration, platform, strict_clients, video_endpoints",
        ),
        ({"purpose": True}, "W row 'r1' purpose: True is not a string; accepted: one line of text"),
        ({"purpose": "a\x00b"}, "W row 'r1' purpose: 'a\\x00b' holds a control character; accepted: one line of text"),
        ({"reference": None}, "W row 'r1' reference: None is not a string; accepted: one line of text"),
        ({"owner": ["a"]}, "W row 'r1' owner: ['a'] is not a string; accepted: one line of text"),
        ({"ticket": True}, "W row 'r1' ticket: True is not a string; accepted: one line of text"),
        ({"expires": "soon"}, "W row 'r1' expires: 'soon' is not a day; accepted: one such as 2027-03-31"),
    ],
)
def test_refuses_what_is_no_row(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        Row.parse(_row(**changes), "W", RANGES)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["sip", None, ["id"]])
def test_refuses_what_is_no_mapping(value: object) -> None:
    with pytest.raises(PortMatrixError) as caught:
        Row.parse(value, "W", RANGES)
    assert str(caught.value) == f"W: {value!r} is not a mapping; accepted: a mapping with the keys {KEYS}"


def test_every_wrong_row_is_reported() -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_rows([_row(), _row(protocols="x", id="r2"), _row(), _row(tls=2, id="r3")], "W", RANGES)
    assert str(caught.value).splitlines() == [
        f"W row 'r2' protocols: unknown value 'x'; accepted: {PROTOCOLS_ACCEPTED}",
        "W: row id r1 occurs twice; accepted: an id of its own for each row",
        "W row 'r3' tls: 2 is not a boolean; accepted: true or false",
    ]


def test_rows_keep_their_order() -> None:
    assert [row.id for row in parse_rows([_row(id="b"), _row(id="a")], "W", RANGES)] == ["b", "a"]


def test_rows_are_a_list() -> None:
    with pytest.raises(PortMatrixError, match=r"^W: \{'id': 'r1'\} is not a list; accepted: a list$"):
        parse_rows({"id": "r1"}, "W", RANGES)
