# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import build_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted
from example_site import example_site

PAIR = {"address": "10.0.0.11", "advertised": "203.0.113.11"}
ROW = {
    "id": "r1",
    "source": "front_end",
    "destination": "conferencing_node",
    "protocols": "udp",
    "destination_ports": 9,
}
GROUPS = {
    "pexip_conferencing_nodes": ["node1", "node2"],
    "sfb_front_ends": ["fe1"],
    "sfb_clients": ["lan"],
    "port_matrix_gateways": ["fw", "fw2", "elsewhere"],
}


def _hosts(**changes: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    hosts: dict[str, dict[str, t.Any]] = {
        "node1": {"port_matrix_addresses": [PAIR]},
        "node2": {"port_matrix_addresses": ["192.0.2.12"]},
        "fe1": {"port_matrix_addresses": ["192.0.2.21"]},
        "lan": {"port_matrix_addresses": ["198.18.0.0/16"]},
        "fw": {"port_matrix_view": "advertised"},
        "fw2": {"port_matrix_view": "local"},
    }
    return {**hosts, **changes}


def _warnings(*rows: dict[str, t.Any], **arguments: t.Any) -> list[str]:
    return list(build_site(**{"hosts": _hosts(), "groups": GROUPS, "rows": list(rows or [ROW]), **arguments}).warnings)


def test_a_site_of_which_all_is_said_has_no_warning() -> None:
    assert _warnings() == []


@pytest.mark.parametrize(("gateways", "who"), [({"fw": {}}, "host 'fw'"), ({"fw": {}, "fw2": {}}, "hosts 'fw', 'fw2'")])
def test_gateways_that_do_not_say_what_they_see_are_told_what_that_is(gateways: dict[str, t.Any], who: str) -> None:
    assert _warnings(hosts=_hosts(**gateways)) == [
        f"{who}: port_matrix_view is not set, and 1 host of the site is behind static NAT. The rules have the "
        "advertised addresses: of 'node1' 203.0.113.11, and not 10.0.0.11. Where a packet has the local one when a "
        "gateway judges it, as on the firewall that translates, it is dropped; accepted: port_matrix_view: local, a "
        "mapping of endpoints, groups or hosts to views, or advertised if that is right"
    ]


TODAY = datetime.date(2027, 4, 1)
EXPIRED = "port_matrix_rows row r1: expired on 2027-03-31, and"
MEND = "; accepted: a later day in expires, or the row in port_matrix_disabled_rows"


@pytest.mark.parametrize(("expires", "is_late"), [("2027-03-31", True), ("2027-04-01", False), ("", False)])
def test_a_row_whose_last_day_is_over_is_told(expires: str, is_late: bool) -> None:
    row = {**ROW, "expires": expires}
    assert _warnings(row, today=TODAY) == ([f"{EXPIRED} is still open{MEND}"] if is_late else [])
    assert _warnings(row) == []  # where nobody asks for it, no clock is read


def test_rows_whose_last_day_is_over_are_refused_where_a_site_wants_that() -> None:
    rows = [{**ROW, "expires": "2027-03-31"}, {**ROW, "id": "r2", "expires": "2026-01-01"}, {**ROW, "id": "r3"}]
    with pytest.raises(PortMatrixError) as caught:
        _warnings(*rows, today=TODAY, expired="refuse")
    assert str(caught.value).splitlines() == [
        f"{EXPIRED} port_matrix_expired is refuse{MEND}",
        f"port_matrix_rows row r2: expired on 2026-01-01, and port_matrix_expired is refuse{MEND}",
    ]
    assert _warnings(rows[2], today=TODAY, expired="refuse") == []
    with pytest.raises(PortMatrixError, match="port_matrix_expired: unknown value 'no'; accepted: refuse, warn"):
        _warnings(expired="no")


def test_no_warning_shows_what_is_vaulted() -> None:
    secret = {"address": "10.0.0.11", "advertised": Vaulted("203.0.113.11")}
    both = {"port_matrix_addresses": [{"address": "10.0.0.12", "advertised": "203.0.113.12"}]}
    (warning,) = _warnings(hosts=_hosts(node1={"port_matrix_addresses": [secret]}, fw={}))
    assert "The rules have the advertised addresses. Where a packet" in warning
    (warning,) = _warnings(hosts=_hosts(node1={"port_matrix_addresses": [secret]}, node2=both, fw={}))
    assert "2 hosts of the site are behind static NAT. The rules have the advertised addresses: of 'node2'" in warning


def test_without_nat_no_gateway_has_to_say_what_it_sees() -> None:
    assert _warnings(hosts=_hosts(node1={"port_matrix_addresses": ["192.0.2.11"]}, fw={})) == []


MEDIA = {**ROW, "source": ["front_end", "client"]}


def test_machines_of_others_within_networks_are_named_and_so_is_the_way_out() -> None:
    hosts = _hosts(
        lan={"port_matrix_addresses": ["192.0.2.0/28", "10.0.0.0/28"]},
        pc={"port_matrix_addresses": ["10.0.0.14"]},
    )
    groups = {**GROUPS, "sfb_clients": ["lan", "pc"]}
    assert _warnings(MEDIA, hosts=hosts, groups=groups) == [
        "endpoint client: its networks contain the hosts 'node1', 'node2' of other endpoints, for which the rows of "
        "client (r1) also hold; accepted: port_matrix_endpoints.client.exclude with addresses, networks or endpoints "
        "that do not belong there, such as [conferencing_node]"
    ]
    assert _warnings(MEDIA, hosts=hosts, groups=groups, endpoints={"client": {"exclude": ["conferencing_node"]}}) == []


def test_an_interface_that_no_row_names_counts_too() -> None:
    node = {"port_matrix_interfaces": {"media": ["192.0.2.11"], "internal": ["198.18.0.11"]}}
    (warning,) = _warnings(MEDIA, hosts=_hosts(node1=node))
    assert "contain the host 'node1' of other endpoints" in warning


def test_literal_networks_count_too() -> None:
    _everybody, warning = _warnings(MEDIA, endpoints={"client": {"networks": ["0.0.0.0/0"]}})
    assert "contain the hosts 'fe1', 'node1', 'node2' of other endpoints" in warning
    assert warning.endswith("such as [conferencing_node, front_end]")


def test_a_machine_at_a_place_without_counterpart_is_named() -> None:
    hosts = _hosts()
    hosts["node1"]["port_matrix_location"] = "olso"
    hosts["fe1"]["port_matrix_location"] = ["oslo", "nyc"]
    assert _warnings(hosts=hosts) == []
    assert _warnings(hosts=hosts, same_location_rows=["r1"]) == [
        "host 'node1' port_matrix_location: nobody on the other side is at 'olso', so row r1 opens nothing for it; "
        "accepted: a location that both sides have"
    ]
    hosts["node2"]["port_matrix_location"] = "olso"
    rows = [ROW, {**ROW, "id": "r2", "destination": ["conferencing_node", "client"]}]
    assert _warnings(*rows, hosts=hosts, same_location_rows=["all"]) == [
        "host 'fe1' port_matrix_location: nobody on the other side is at 'nyc' or 'oslo', so row r1 opens nothing for "
        "it; accepted: a location that both sides have",
        "hosts 'node1', 'node2' port_matrix_location: nobody on the other side is at 'olso', so rows r1, r2 open "
        "nothing for them; accepted: a location that both sides have",
    ]


def test_an_endpoint_that_may_be_empty_is_at_no_wrong_place() -> None:
    hosts = _hosts()
    hosts["node1"]["port_matrix_location"] = "oslo"
    row = {**ROW, "source": "wac_server"}
    assert _warnings(row, hosts=hosts, allow_empty=["wac_server"], same_location_rows="all") == []


def test_who_does_not_say_on_which_interface_a_service_is_is_asked() -> None:
    assert list(example_site().warnings) == [
        "host 'edge1' port_matrix_interfaces: no web_conferencing, so psom_content is open for all addresses of it; "
        "accepted: web_conferencing with its addresses, or with the name of the interface that has them, as in "
        "{web_conferencing: av_edge}"
    ]


def test_machines_that_meet_nobody_are_one_line_with_all_their_rows() -> None:
    groups = {**GROUPS, "sfb_front_ends": ["fe1", "fe2", "fe3"]}
    six = {name: {"port_matrix_addresses": [f"2001:db8::{name[-1]}"]} for name in ("fe2", "fe3")}
    assert _warnings(ROW, {**ROW, "id": "r2"}, hosts=_hosts(**six), groups=groups) == [
        "hosts 'fe2', 'fe3': only ipv6, so rows r1, r2 open nothing for them"
    ]
