# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where addresses are from, in every format that lists them."""

from __future__ import annotations

import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.html import report_as_html
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.json import report_as_document
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.markdown import report_as_markdown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import Report, build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from example_site import example_report, example_site

MANAGER = "https://manager.example.com"


def source(system: str, record: str, name: str, *addresses: str, **more: str) -> dict[str, t.Any]:
    return {"system": system, "record": record, "name": name, "read": "2026-01-31T02:00:00Z",
            "addresses": list(addresses), **more}  # fmt: skip


def report() -> Report:
    """A Front End that two systems know, one of them by DNS; a TURN server with one address that somebody wrote."""
    front_end = [
        source("t.tbxml", "topology", "fe1", "198.51.100.21", "2001:db8:2::21", looked_up_in="DNS"),
        source(MANAGER, "mssip_proxy", "Front End", "198.51.100.21"),
    ]
    turn = [source(MANAGER, "turn_server", "turn 1", "198.51.100.41", "192.0.2.250", looked_up_in="addresses")]
    hostvars = {
        "fe1": {"port_matrix_addresses": ["198.51.100.21", "2001:db8:2::21"], "pexip_sfb_sources": front_end},
        "turn1": {"port_matrix_addresses": ["198.51.100.41", "198.51.100.42"], "pexip_sfb_sources": turn},
    }
    return build_report(example_site(hostvars=hostvars), Scope(), "t")


FRONT_END = [
    "from t.tbxml (topology fe1, its name looked up in DNS), read 2026-01-31T02:00:00Z",
    "198.51.100.21 from https://manager.example.com (mssip_proxy Front End), read 2026-01-31T02:00:00Z",
]
TURN = [
    "198.51.100.41 from https://manager.example.com (turn_server turn 1, its name looked up in the option addresses), "
    "read 2026-01-31T02:00:00Z",
    "198.51.100.42 written in the inventory",
]


def test_markdown_has_them_in_the_list_of_addresses() -> None:
    text = report_as_markdown(report()).replace("\\_", "_")
    assert f"\n- fe1: 198.51.100.21, 2001:db8:2::21; {'; '.join(FRONT_END)}\n" in text
    assert f"\n- turn1: 198.51.100.41, 198.51.100.42; {'; '.join(TURN)}\n" in text


def test_html_has_them_in_the_list_of_addresses() -> None:
    text = report_as_html(report())
    for lines in (FRONT_END, TURN):
        assert "</code>" + "".join(f"<br><small>{line}</small>" for line in lines) + "</li>" in text


def test_json_has_them_with_each_member() -> None:
    endpoints = report_as_document(report())["endpoints"]
    (turn,) = [endpoint["members"] for endpoint in endpoints if endpoint["names"] == ["turn_server"]]
    assert turn == [
        {
            "host": "turn1",
            "addresses": ["198.51.100.41/32", "198.51.100.42/32"],
            # What the system has and nobody uses is not in it.
            "sources": [source(MANAGER, "turn_server", "turn 1", "198.51.100.41/32", looked_up_in="addresses")],
        }
    ]


def test_they_are_no_part_of_what_is_permitted() -> None:
    hostvars = {"turn1": {"port_matrix_addresses": ["198.51.100.41", "198.51.100.42"]}}
    assert report().revision() == build_report(example_site(hostvars=hostvars), Scope(), "t").revision()


def test_an_inventory_that_somebody_wrote_has_none() -> None:
    written = example_report()
    assert "written in the inventory" not in report_as_markdown(written)
    assert "<small>" not in report_as_html(written)
    assert not [m for e in report_as_document(written)["endpoints"] for m in e["members"] if "sources" in m]
