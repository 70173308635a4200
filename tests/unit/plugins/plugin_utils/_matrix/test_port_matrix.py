# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (
    check_parts,
    in_canonical_order,
    load_port_matrix,
    parse_port_matrix,
    resolve_ranges,
    select_rows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows import ROW_KEYS, parse_rows
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import format_ports

INTEGRATION = [
    "sip_signaling", "media_to_nodes", "conference_avatar", "media_nodes_to_edge", "media_edge_to_nodes",
    "media_from_nodes", "media_nodes_to_turn", "psom_content", "https_content", "wac_content",
]  # fmt: skip
PLATFORM = [
    "node_ike", "node_esp", "management_web", "management_ssh", "platform_dns", "platform_ntp", "platform_syslog",
    "snmp_poll", "management_ldap",
]  # fmt: skip
VIDEO = [
    "web_app", "h323_ras", "h323_call", "sip_endpoints", "signalling_in", "endpoint_media_in", "signalling_out",
    "endpoint_media_out",
]  # fmt: skip
EVERY_ROW = [*INTEGRATION, "strict_client_relay", "strict_edge_media", *PLATFORM, *VIDEO, "sip_udp", "federation_sip"]
ROW_GROUPS = "federation, integration, platform, sip_udp, strict_clients, video_endpoints"
STRICT = ["strict_client_relay", "strict_edge_media"]
RANGE_NAMES = "avatar, edge_media, edge_relay, ephemeral, https, media, psom, signalling, sip, turn"
MEDIA = "ports in 10000-49999, at least 100 (Pexip: global setting, media port range)"
EDGE_MEDIA = "ports in 1024-65535, at least 1 (SfB: Set-CsEdgeServer, media port start and count)"
LITERALS = "a port 1-65535, a range first-last, or any"
OWN_ROW = {"id": "ntp", "source": "client", "destination": "edge", "protocols": "udp", "destination_ports": 123}


def _ids(rows: list[dict[str, t.Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_the_integration_rows_apply_unless_told_otherwise() -> None:
    assert _ids(select_rows()) == INTEGRATION


def test_one_switch_adds_both_strict_rows() -> None:
    assert _ids(select_rows(strict_clients=True)) == INTEGRATION + STRICT


def test_disabled_rows_are_left_out() -> None:
    chosen = select_rows(disabled_rows=["wac_content", "strict_edge_media"], strict_clients=True)
    assert _ids(chosen) == [*INTEGRATION[:-1], "strict_client_relay"]


def test_a_row_of_the_strict_clients_can_be_disabled_while_they_are_off() -> None:
    assert _ids(select_rows(disabled_rows="strict_edge_media")) == INTEGRATION


@pytest.mark.parametrize(
    ("row_groups", "rows"),
    [
        ("integration", INTEGRATION),
        (["strict_clients", "integration"], INTEGRATION + STRICT),
        (["integration", "platform"], INTEGRATION + PLATFORM),
        (["video_endpoints", "federation"], [*VIDEO, "federation_sip"]),
        (["integration", "sip_udp"], [*INTEGRATION, "sip_udp"]),
        (["video_endpoints", "sip_udp"], [*VIDEO[:4], "sip_udp", *VIDEO[4:]]),
        ([], []),
    ],
)
def test_groups_of_rows_apply_and_sip_over_udp_only_by_its_name(row_groups: object, rows: list[str]) -> None:
    assert _ids(select_rows(row_groups=row_groups)) == rows


def test_strict_clients_are_a_row_group_too() -> None:
    assert _ids(select_rows(row_groups="platform", strict_clients=True)) == STRICT + PLATFORM


def test_own_rows_apply_whatever_the_groups_unless_they_belong_to_one() -> None:
    own = [OWN_ROW, {**OWN_ROW, "id": "a", "group": "platform"}, {**OWN_ROW, "id": "b", "group": ["?"]}]
    assert _ids(select_rows(own, row_groups=[])) == ["ntp", "b"]  # b is left to the check of rows


def test_psom_can_be_split() -> None:
    rows = select_rows(psom_split=True)
    assert _ids(rows) == [*INTEGRATION[:8], "psom_content_edge", *INTEGRATION[8:]]
    ranges = resolve_ranges({"psom": [444, 8057]}, "W")
    front_end, edge = (row for row in parse_rows(rows, "W", ranges) if row.id.startswith("psom"))
    assert (front_end.destination, format_ports(front_end.destination_ports)) == (("front_end",), ["8057"])
    assert (edge.destination, format_ports(edge.destination_ports)) == (("edge_web_conferencing",), ["444"])
    assert [row.id for row in in_canonical_order([edge, front_end])] == ["psom_content", "psom_content_edge"]
    (whole,) = (row for row in select_rows() if row["id"] == "psom_content")
    assert {key for key in whole if whole[key] != rows[7][key]} == {"destination", "destination_ports"}


def test_psom_that_has_no_port_of_its_own_for_one_service_cannot_be_split() -> None:
    accepted = "8057 and at least one other port, such as [443, 8057]; or port_matrix_psom_split: false"
    for ports, lack in ((443, "8057, for Front Ends"), (8057, "other port than 8057, for Edges")):
        problem = f"has no {lack}, and port_matrix_psom_split divides it between the two"
        with pytest.raises(PortMatrixError) as caught:
            build_site({}, {}, select_rows(psom_split=True), {"psom": ports})
        assert str(caught.value) == f"port_matrix_ports.psom: {problem}; accepted: {accepted}"
        ranges = resolve_ranges({"psom": ports}, "W")
        check_parts(select_rows(), ranges)  # undivided, each will do
        check_parts("not rows", ranges)
    check_parts(select_rows(disabled_rows=["psom_content_edge"], psom_split=True), resolve_ranges({"psom": 8057}, "W"))


def test_own_rows_come_last_and_are_custom() -> None:
    rows = select_rows([OWN_ROW, {**OWN_ROW, "id": "a", "group": "strict_clients"}])
    assert _ids(rows) == [*INTEGRATION, "ntp"]
    assert rows[-1]["group"] == "custom"


def test_own_rows_can_belong_to_the_strict_clients() -> None:
    rows = select_rows([{**OWN_ROW, "group": "strict_clients"}], strict_clients=True)
    assert _ids(rows) == [*INTEGRATION, *STRICT, "ntp"]


def test_own_rows_can_be_disabled() -> None:
    assert _ids(select_rows([OWN_ROW], ["ntp"])) == INTEGRATION


def test_selecting_does_not_change_the_table() -> None:
    select_rows()[0]["id"] = "changed"
    assert _ids(select_rows()) == INTEGRATION


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"extra_rows": [{**OWN_ROW, "id": "wac_content"}], "disabled_rows": ["wac_content"]},
            "port_matrix_extra_rows: row id wac_content occurs twice; "
            "accepted: an id of its own for each row, disabled or not",
        ),
        (
            {"disabled_rows": ["sip"]},
            "port_matrix_disabled_rows: there is no row 'sip'; accepted: " + ", ".join(sorted(EVERY_ROW)),
        ),
        ({"disabled_rows": True}, "port_matrix_disabled_rows: True is not a list; accepted: a list"),
        ({"strict_clients": "maybe"}, "port_matrix_strict_clients: 'maybe' is not a boolean; accepted: true or false"),
        ({"psom_split": "maybe"}, "port_matrix_psom_split: 'maybe' is not a boolean; accepted: true or false"),
        (
            {"row_groups": ["integration", "platfrom"]},
            "port_matrix_row_groups: row group 'platfrom' is not known, the nearest is platform; accepted: "
            + ROW_GROUPS,
        ),
        (
            {"row_groups": "custom"},
            "port_matrix_row_groups: row group 'custom' is not known; accepted: " + ROW_GROUPS,
        ),
        ({"row_groups": True}, "port_matrix_row_groups: True is not a list; accepted: a list"),
        ({"extra_rows": 5}, "port_matrix_extra_rows: 5 is not a list; accepted: a list"),
        ({"extra_rows": ["ntp"]}, "port_matrix_extra_rows: 'ntp' is not a mapping; accepted: a mapping"),
    ],
)
def test_refuses_a_wrong_selection(arguments: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        select_rows(**arguments)
    assert str(caught.value) == message


def test_setting_one_range_keeps_the_other_defaults() -> None:
    before, after = resolve_ranges({}, "W"), resolve_ranges({"sip": 5062}, "W")
    assert format_ports(after.pop("sip")) == ["5062"]
    before.pop("sip")
    assert after == before


@pytest.mark.parametrize(
    ("overrides", "written"),
    [
        ({"media": "10000-10099"}, ["10000-10099"]),
        ({"media": "49900-49999"}, ["49900-49999"]),
        ({"media": ["10000-10049", "20000-20049"]}, ["10000-10049", "20000-20049"]),
        ({"edge_media": "1024-65535"}, ["1024-65535"]),
        ({"edge_media": 1024}, ["1024"]),
        ({"psom": [444, 8057]}, ["444", "8057"]),
        ({"ephemeral": "any"}, []),
    ],
)
def test_ranges_up_to_their_bounds(overrides: dict[str, object], written: list[str]) -> None:
    (name,) = overrides
    assert format_ports(resolve_ranges(overrides, "W")[name]) == written


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"medai": 1}, f"port_matrix_ports: unknown key 'medai', the nearest is media; accepted: {RANGE_NAMES}"),
        ([5061], f"port_matrix_ports: [5061] is not a mapping; accepted: a mapping with the keys {RANGE_NAMES}"),
        (
            {"media": "9999-49999"},
            f"port_matrix_ports.media: 9999-49999 is outside what can be set; accepted: {MEDIA}",
        ),
        (
            {"media": "10000-50000"},
            f"port_matrix_ports.media: 10000-50000 is outside what can be set; accepted: {MEDIA}",
        ),
        ({"media": "any"}, f"port_matrix_ports.media: any is outside what can be set; accepted: {MEDIA}"),
        ({"media": "10000-10098"}, f"port_matrix_ports.media: 10000-10098 is too few ports; accepted: {MEDIA}"),
        (
            {"edge_media": "1023-2000"},
            f"port_matrix_ports.edge_media: 1023-2000 is outside what can be set; accepted: {EDGE_MEDIA}",
        ),
        (
            {"media": "49999-40000"},
            f"port_matrix_ports.media: '49999-40000' ends before it begins; accepted: {LITERALS}",
        ),
        ({"sip": 0}, f"port_matrix_ports.sip: 0: port 0 is out of range; accepted: {LITERALS}"),
        ({"sip": 65536}, f"port_matrix_ports.sip: 65536: port 65536 is out of range; accepted: {LITERALS}"),
        ({"sip": "media"}, f"port_matrix_ports.sip: the range name 'media' is not defined; accepted: {LITERALS}"),
    ],
)
def test_refuses_ranges_that_deployments_cannot_set(overrides: t.Any, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        resolve_ranges(overrides, "port_matrix_ports")
    assert str(caught.value) == message


def test_every_wrong_range_is_reported() -> None:
    with pytest.raises(PortMatrixError) as caught:
        resolve_ranges({"sip": 0, "media": "any", "turn": 3478}, "W")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["W.sip", "W.media"]


def test_canonical_order_is_the_tables_then_by_id() -> None:
    own = [{**OWN_ROW, "id": name} for name in ("zulu", "alpha")]
    ranges = {name: port_range.ports for name, port_range in load_port_matrix().ranges.items()}
    rows = parse_rows([*own, *reversed(select_rows(strict_clients=True))], "W", ranges)
    assert [row.id for row in in_canonical_order(rows)] == [*INTEGRATION, *STRICT, "alpha", "zulu"]


DOCUMENT: dict[str, t.Any] = {
    "editions": {},
    "port_ranges": {"web": {"ports": 443}},
    "endpoints": {"client": {"groups": ["clients"]}},
    "rows": [{**OWN_ROW, "destination": "client", "destination_ports": "web"}],
}


def _document(path: str, value: object) -> dict[str, t.Any]:
    document = copy.deepcopy(DOCUMENT)
    place: t.Any = document
    *parents, last = path.split(".")
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[int(last) if last.isdigit() else last] = value
    return document


def test_a_minimal_data_file_is_read() -> None:
    matrix = parse_port_matrix(DOCUMENT)
    assert format_ports(matrix.ranges["web"].ports) == ["443"]
    assert matrix.endpoints["client"].groups == ("clients",)
    assert matrix.rows == (DOCUMENT["rows"][0],)


def test_a_range_without_bounds_accepts_any_port_but_not_too_few() -> None:
    document = _document("port_ranges.web", {"ports": [443, 444], "at_least": 3, "set_by": "us"})
    with pytest.raises(PortMatrixError) as caught:
        parse_port_matrix(document)
    assert str(caught.value) == (
        "port_matrix.yml web: 443-444 is too few ports; accepted: ports in 1-65535, at least 3 (us)"
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "extra",
            1,
            "port_matrix.yml: unknown key 'extra'; "
            "accepted: alternatives, editions, endpoints, left_out_when_empty, port_ranges, rows",
        ),
        ("port_ranges", [], "port_matrix.yml: has no mapping port_ranges"),
        ("endpoints", None, "port_matrix.yml: has no mapping endpoints"),
        (
            "port_ranges.web.min",
            1,
            "port_matrix.yml web: unknown key 'min'; accepted: answers, at_least, ports, set_by, within",
        ),
        (
            "port_ranges.web.within",
            "1-80",
            "port_matrix.yml web: 443 is outside what can be set; accepted: ports in 1-80, at least 1 ()",
        ),
        ("port_ranges.web.answers", "ftp", "port_matrix.yml web answers: unknown value 'ftp'; accepted: stun, tls"),
        ("port_ranges.web.ports", 0, f"port_matrix.yml web ports: 0: port 0 is out of range; accepted: {LITERALS}"),
        (
            "endpoints.client.net",
            1,
            "port_matrix.yml client: unknown key 'net'; accepted: fallback, groups, interface, may_be_empty, title",
        ),
        (
            "endpoints.client.fallback",
            ["edge"],
            "port_matrix.yml client fallback: unknown value 'edge'; accepted: client",
        ),
        (
            "alternatives",
            {"split": {"mtp": []}},
            "port_matrix.yml alternatives split: unknown key 'mtp'; accepted: ntp",
        ),
        (
            "alternatives",
            {"split": {"ntp": [{"source": ["edge"]}]}},
            "port_matrix.yml row ntp: unknown endpoint edge; accepted: client",
        ),
        ("rows", {}, "port_matrix.yml rows: {} is not a list; accepted: a list"),
        (
            "rows.0.colour",
            1,
            f"port_matrix.yml: unknown key 'colour'; accepted: {', '.join(sorted((*ROW_KEYS, 'only_by_name')))}",
        ),
        ("rows.0.source", "edge", "port_matrix.yml row ntp: unknown endpoint edge; accepted: client"),
        (
            "rows.0.destination_ports",
            "sip",
            "port_matrix.yml row 'ntp' destination_ports: the range name 'sip' is not defined"
            f"; accepted: {LITERALS}, or a range name (web)",
        ),
    ],
)
def test_refuses_a_damaged_data_file(path: str, value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_port_matrix(_document(path, value))
    assert str(caught.value) == message
