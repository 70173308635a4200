# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed, as people ask for it: each cause once, in names, and nothing that does not follow is left out."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.site_changes import (
    change_facts,
    exact_changes,
    now_hosts,
)
from example_site import GROUPS, HOSTVARS, NTP, NTP_SERVER, example_site

NODE3 = {"node3": {"port_matrix_addresses": ["192.0.2.14"]}}
OFFICE: dict[str, t.Any] = {"office": {"port_matrix_addresses": ["198.19.0.0/16"]}}


def _facts(before: dict[str, t.Any], now: dict[str, t.Any]) -> list[tuple[str, str]]:
    earlier, later = (
        build_report(example_site(options.pop("extra_rows", ()), **options), Scope(), "t")
        for options in (dict(before), dict(now))
    )
    changes = compare(earlier.rules, later.rules, "abc", now_hosts(earlier))
    return [(fact.kind, fact.text) for fact in change_facts(dataclasses.replace(later, changes=changes))]


@pytest.mark.parametrize(
    ("before", "now", "facts"),
    [
        ({}, {}, []),
        (
            {},
            {"groups": {**GROUPS, "pexip_conferencing_nodes": ["node1", "node3"], "sfb_clients": ["lan", "office"]},
             "hostvars": {**NODE3, **OFFICE}},
            [("removed", "node2 (192.0.2.13) removed: Conferencing Node."),
             ("added", "node3 (192.0.2.14) added: Conferencing Node."),
             ("added", "office (198.19.0.0/16) added: SfB client.")],
        ),
        (
            {"hostvars": {"node2": {"port_matrix_addresses": ["192.0.2.13", "192.0.2.14"]}}},
            {"hostvars": {"node2": {"port_matrix_addresses": ["192.0.2.14", "192.0.2.15"]}}},
            [("changed", "node2: 192.0.2.13 removed, 192.0.2.15 added.")],
        ),
        (
            {},
            {"extra_rows": [NTP], "endpoints": NTP_SERVER},
            [("added", "networks of NTP server (192.0.2.123) added: NTP server."), ("added", "Row ntp (Time) added.")],
        ),
        ({}, {"disabled": ["wac_content"]},
         [("removed", "wac1 (198.51.100.51) removed: WAC / OWA / OOS server."),
          ("removed", "Row wac_content (HTTPS (PowerPoint presentation from SfB)) removed.")]),
        (
            {"ports": {"avatar": 80}},
            {"ports": {"avatar": [80, 8080]}},
            [("changed", "Row conference_avatar: TCP from any port to port 80 became "
              "TCP from any port to port 80, 8080.")],
        ),
        (
            {"extra_rows": [{**NTP, "source_ports": 123}], "endpoints": NTP_SERVER},
            {"extra_rows": [{"id": "ntp", "source": NTP["source"], "destination": "ntp_server", "protocols": "esp"}],
             "endpoints": NTP_SERVER},
            [("changed", "Row ntp: UDP from port 123 to port 123 became ESP.")],
        ),
        # A host that gets a further task has no new address, and opens more all the same.
        (
            {},
            {"groups": {**GROUPS, "turn_servers": ["turn1", "wac1"]}},
            [("changed", "Row media_nodes_to_turn permits more between hosts that were there before.")],
        ),
        (
            {"groups": {**GROUPS, "turn_servers": ["turn1", "wac1"]}},
            {},
            [("changed", "Row media_nodes_to_turn permits less between hosts that were there before.")],
        ),
    ],
)  # fmt: skip
def test_each_cause_is_a_sentence(
    before: dict[str, t.Any], now: dict[str, t.Any], facts: list[tuple[str, str]]
) -> None:
    assert _facts(before, now) == facts


def test_without_a_baseline_nothing_changed() -> None:
    report = build_report(example_site(), Scope(), "t")
    assert change_facts(report) == ()
    assert list(exact_changes(report)) == []


def test_many_hosts_are_one_sentence() -> None:
    many = {f"turn{number}": {"port_matrix_addresses": [f"10.1.{number}.1"]} for number in range(100, 120)}
    ((kind, text),) = _facts({}, {"hostvars": many, "groups": {**GROUPS, "turn_servers": ["turn1", *many]}})
    assert kind == "added"
    assert text.startswith("turn100 (10.1.100.1), turn101 (10.1.101.1), ")
    assert text.endswith("turn111 (10.1.111.1) and 8 more added: TURN server.")


def test_rows_that_changed_come_by_name_whatever_the_order_of_a_set_is() -> None:
    ports = {"avatar": [80, 8080], "turn": [3478, 3479], "sip": [5061, 5062]}
    facts = _facts({}, {"ports": ports})
    assert [text.partition(":")[0] for _kind, text in facts] == [
        "Row conference_avatar", "Row media_nodes_to_turn", "Row sip_signaling",
    ]  # fmt: skip


def test_a_network_that_became_a_machine_is_not_written_address_by_address() -> None:
    facts = _facts(
        {
            "groups": {**GROUPS, "sfb_clients": ["lan", "office"]},
            "hostvars": {"office": {"port_matrix_addresses": ["10.0.0.0/8"]}},
        },
        {
            "groups": {**GROUPS, "sfb_clients": ["lan", "office"]},
            "hostvars": {"office": {"port_matrix_addresses": ["10.0.0.5"]}},
        },
    )
    ((_kind, text),) = facts
    assert text.startswith("office: 10.0.0.0/30, ")
    assert len(text) < 500


def test_a_network_that_is_gone_is_written_as_one() -> None:
    ((_kind, text),) = _facts(
        {"hostvars": OFFICE, "groups": {**GROUPS, "sfb_clients": ["lan", "office"]}}, {"hostvars": HOSTVARS}
    )
    assert text == "office (198.19.0.0/16) removed: SfB client."
