# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is who in a report: hosts by name, only networks merged, no list twice, no two with one heading."""

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.host_lists import Entry, counted
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope, read_scope
from example_site import GROUPS, HOSTVARS, NTP, example_report, example_site
from hypothesis import given
from random_sites import Case, cases


def _headings(report: Report) -> dict[str, list[str]]:
    return {one.title + one.qualifier: [entry.host for entry in one.entries] for one in report.lists}


def test_neighbouring_addresses_of_hosts_stay_single_and_networks_are_merged() -> None:
    nodes = {"node1": ["192.0.2.12"], "node2": ["192.0.2.13", "192.0.2.14", "192.0.2.15"]}
    hostvars = {name: {"port_matrix_addresses": addresses} for name, addresses in nodes.items()}
    hostvars["lan"] = {"port_matrix_addresses": ["198.18.0.0/17", "198.18.128.0/17"]}
    report = build_report(example_site(hostvars=hostvars), Scope(), "t")
    found = {entry.host: entry.cidrs for one in report.lists for entry in one.entries}
    assert found["node1"] == ("192.0.2.12",)
    assert found["node2"] == ("192.0.2.13", "192.0.2.14", "192.0.2.15")
    assert found["lan"] == ("198.18.0.0/16",)


def test_counts_are_those_of_what_is_listed() -> None:
    hosts = [Entry("a", ("192.0.2.1",)), Entry("b", ("192.0.2.2", "192.0.2.3"))]
    networks = [Entry("lan", ("198.18.0.0/16", "198.19.0.0/16"), networks=True)]
    assert counted(hosts[:1]) == "1 host"
    assert counted(hosts) == "2 hosts with 3 addresses"
    assert counted([*hosts, *networks]) == "2 hosts with 3 addresses, 2 networks"
    assert counted(networks) == "2 networks"


def test_both_addresses_of_a_pair_are_known_wherever_a_report_is_from() -> None:
    def others(scope: str) -> set[tuple[str, str, str]]:
        return {other for one in example_report(scope).lists for entry in one.entries for other in entry.others}

    assert others("site") == {("203.0.113.31", "own", "10.0.0.31")}
    assert others("gateway:fw") == {("10.0.0.31", "advertised", "203.0.113.31")}


def test_locations_families_and_numbers_tell_lists_of_one_endpoint_apart() -> None:
    places = {"node1": "oslo", "node2": "york", "fe1": "oslo"}
    hostvars: dict[str, dict[str, object]] = {
        name: {**HOSTVARS[name], "port_matrix_location": place} for name, place in places.items()
    }
    hostvars["fe2"] = {"port_matrix_addresses": ["198.51.100.22"], "port_matrix_location": "york"}
    groups = {**GROUPS, "sfb_front_ends": ["fe1", "fe2"]}
    site = example_site(hostvars=hostvars, groups=groups, same_location_rows=["sip_signaling"])
    report = build_report(site, Scope(), "t")
    headings = _headings(report)
    assert headings["Front End, oslo"] == ["fe1"]
    assert headings["Conferencing Node, york"] == ["node2"]
    assert headings["Conferencing Node, IPv4"] == ["node1", "node2"]
    # A row that stays in its location is a flow for each, as all its hosts together would be more.
    flows = [flow for flow in report.flows if flow.row == "sip_signaling"]
    assert len(flows) == 4


def test_lists_that_nothing_tells_apart_have_numbers() -> None:
    rows = [{**NTP, "id": f"r{number}", "source": "turn_server", "destination": "ntp_server"} for number in (1, 2)]
    hostvars = {"turn1": {**HOSTVARS["turn1"], "port_matrix_location": "oslo"}}
    hostvars |= {f"ntp{n}": {"port_matrix_addresses": [f"192.0.2.{n}"], "port_matrix_location": ["oslo", f"at{n}"]}
                 for n in (1, 2)}  # fmt: skip
    hostvars["turn2"] = {"port_matrix_addresses": ["192.0.2.9"], "port_matrix_location": "at1"}
    groups = {**GROUPS, "ntp_servers": ["ntp1", "ntp2"], "turn_servers": ["turn1", "turn2"]}
    site = example_site(rows, hostvars=hostvars, groups=groups, same_location_rows=["r1"])
    headings = _headings(build_report(site, Scope(), "t"))
    assert headings["NTP server"] or headings["NTP server, 1"]
    assert len({tuple(hosts) for title, hosts in headings.items() if title.startswith("NTP server")}) > 1


@given(cases())
def test_no_heading_and_no_list_is_there_twice(case: Case) -> None:
    report = build_report(case.core, read_scope("site", "scope", case.core), "t")
    headings = [one.title + one.qualifier for one in report.lists]
    assert len(set(headings)) == len(headings)
    assert len({one.entries for one in report.lists}) == len(report.lists)
