# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import re

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.change_request import ChangeRequest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.markdown import report_as_markdown
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.site_changes import now_hosts
from example_site import GROUPS, HOSTILE, NTP, NTP_SERVER, example_report, example_site, hostile_site


def test_there_is_one_line_for_each_flow() -> None:
    report = example_report()
    lines = [line for line in report_as_markdown(report).splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(lines) == len(report.flows)
    assert lines[6] == (
        "| 6 | `RDM6826` | `media_from_nodes` | TCP and UDP "
        "| Conferencing Node, IPv4 and IPv6: node1 192.0.2.11 2001:db8:1::11, node2 192.0.2.13 "
        "| 40000-49999 | SfB client: lan 198.18.0.0/16; SfB server: fe1 198.51.100.21 2001:db8:2::21 "
        "| any | RTP/RTCP/RDP/VbSS media |"
    )


def test_the_report_of_a_host_has_directions() -> None:
    text = report_as_markdown(example_report("host:turn1"))
    assert "| 7 | `R8M2AM7` | `media_nodes_to_turn` | in | UDP |" in text
    assert "| direction |" in text
    assert "What must be open on the host turn1" in text
    assert "| direction |" not in report_as_markdown(example_report("gateway:fw"))


def test_long_lists_stand_below_the_table() -> None:
    many = [f"10.1.{number}.1" for number in range(20)]
    text = report_as_markdown(
        build_report(example_site(hostvars={"turn1": {"port_matrix_addresses": many}}), Scope(), "t")
    )
    assert "| TURN server: 1 host with 20 addresses |" in text
    assert "### TURN server (1 host with 20 addresses)" in text
    assert f"- turn1: {', '.join(many)}\n" in text


def test_changes_are_tables_of_what_is_new_or_gone() -> None:
    now = build_report(example_site(groups={**GROUPS, "pexip_conferencing_nodes": ["node1"]}), Scope(), "t")
    before = example_report()
    report = dataclasses.replace(now, changes=compare(before.rules, now.rules, "abc", now_hosts(before)))
    text = report_as_markdown(report)
    assert (
        "## Changes\n\nChanges since revision abc: 16 narrowed.\n\n- node2 (192.0.2.13) removed: Conferencing Node.\n"
        in text
    )
    assert "### Flows that permit less: what is gone from them" in text
    assert (
        "| `R2BY4M7-tcp-4` | `wac_content` | TCP IPv4 | node2 192.0.2.13 | 55000-65535 | wac1 198.51.100.51 | 443 |"
        in text
    )
    assert "## Changes" not in report_as_markdown(now)


def test_both_addresses_of_a_translated_host_are_there_and_who_sees_which() -> None:
    text = report_as_markdown(build_report(example_site(), Scope(), "t", gateways=["fw"]))
    assert "| edge1 | 10.0.0.31 | 203.0.113.31 | fw, itself | everybody else |" in text
    assert "- edge1: 203.0.113.31 (own 10.0.0.31)" in text
    assert "## Address translation" not in report_as_markdown(example_report("host:wac1"))


def test_the_change_request_comes_first_and_rows_say_whose_they_are() -> None:
    row = {**NTP, "owner": "A. *Person*", "ticket": "CHG-1", "expires": "2099-12-31"}
    site = example_site([row], endpoints=NTP_SERVER)
    change = ChangeRequest(ticket="CHG-4711", test_plan="Run *verify*.\nCall.", valid_from=datetime.date(2027, 1, 1))
    text = report_as_markdown(build_report(site, Scope(), "t", change_request=change))
    assert text.index("## Change request") < text.index("## Flows")
    assert "\n- **Ticket:** CHG-4711\n- **Valid from:** 2027-01-01\n- **Test plan:** Run \\*verify\\*.; Call.\n" in text
    assert " Owner: A. \\*Person\\*. Ticket: CHG-1. Expires: 2099-12-31." in text
    plain = report_as_markdown(example_report())
    assert "## Change request" not in plain
    assert "Owner:" not in plain


def test_notes_are_listed() -> None:
    site = example_site(hostvars={"fe1": {"port_matrix_addresses": ["198.51.100.21/24"]}})
    notes = report_as_markdown(build_report(site, Scope(), "t")).partition("## Notes\n")[2]
    assert "\n- host 'fe1': '198.51.100.21/24' is an interface" in notes


@pytest.mark.parametrize(("text", "name"), HOSTILE)
def test_hostile_texts_stay_text(text: str, name: str) -> None:
    plain = report_as_markdown(build_report(hostile_site("x", "n"), Scope(), "t")).splitlines()
    report = report_as_markdown(build_report(hostile_site(text, name), Scope(), text))
    lines = report.splitlines()
    # No line more, no cell more, and nothing that would be markup unescaped.
    assert len(lines) == len(plain)
    for line, model in zip(lines, plain, strict=True):
        assert re.match(r"[#|\- ]*", model)[0] == re.match(r"[#|\- ]*", line)[0] or text[0] in "-+#"  # type: ignore[index]
        assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", model))
    unescaped = re.sub(r"\\.", "", report)
    assert not re.search(r"[<>\[\]~$]", unescaped)
    assert unescaped.count("`") == re.sub(r"\\.", "", "\n".join(plain)).count("`")
    assert not re.search(r"&(?!amp;|lt;|gt;)", report)


def test_a_report_without_flows_says_so() -> None:
    text = report_as_markdown(example_report("pair:client:turn_server"))
    assert "\n\n## Flows\n\nThe port matrix opens nothing here.\n\n## Notes\n" in text
