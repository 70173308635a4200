# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CSV against the oracle of the packet proof: read back, it permits exactly what the oracle permits."""

from __future__ import annotations

import csv
import dataclasses
import io
import ipaddress
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.baseline import compare
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.csv import (
    HEADER,
    changes_as_csv,
    rules_as_csv,
    too_long_for_a_spreadsheet,
)
from example_site import HOSTILE_NAMES, HOSTILE_TEXTS, NTP, NTP_SERVER, example_site, hostile_site
from hypothesis import event, given
from hypothesis import strategies as st
from packet_proof import oracle
from random_sites import cases, drawn_packets, expected_rows

Line = dict[str, str]


def _read(text: str) -> list[Line]:
    return list(csv.DictReader(io.StringIO(text)))


def _has_address(cell: str, address: t.Any) -> bool:
    return not cell or any(address in ipaddress.ip_network(cidr) for cidr in cell.split(" "))


def _has_port(cell: str, port: int) -> bool:
    ranges = [[int(end) for end in part.split("-")] for part in cell.split(" ")] if cell else [[0, 65535]]
    return any(ends[0] <= port <= ends[-1] for ends in ranges)


def _permits(line: Line, packet: oracle.Packet) -> bool:
    """Read a line as its documentation says, with nothing of the core."""
    return (
        line["protocol"] == packet.protocol
        and line["family"] == f"ipv{packet.source.version}"
        and _has_address(line["source"], packet.source)
        and _has_address(line["destination"], packet.destination)
        and _has_port(line["source_ports"], packet.source_port)
        and _has_port(line["destination_ports"], packet.destination_port)
    )


@given(st.data())
def test_the_csv_of_a_random_site_read_back_permits_what_the_oracle_permits(data: st.DataObject) -> None:
    case = data.draw(cases())
    lines = _read(rules_as_csv(expand_site(case.core)))
    for packet in drawn_packets(data, case, None):
        permitted = {line["row"] for line in lines if _permits(line, packet)}
        event("permitted" if permitted else "denied")
        assert permitted == expected_rows(case, packet, None, None, None)


def test_the_header_is_the_one_that_people_rely_on() -> None:
    assert rules_as_csv([]) == (
        "row,purpose,group,protocol,family,source_endpoint,source,source_ports,"
        "destination_endpoint,destination,destination_ports,tls,reference\n"
    )


def test_there_is_one_line_for_each_canonical_rule() -> None:
    rules = expand_site(example_site())
    lines = _read(rules_as_csv(rules))
    assert [line["row"] for line in lines] == [rule.row for rule in rules]
    assert lines[0] == {
        "row": "sip_signaling",
        "purpose": "SIP signaling",
        "group": "integration",
        "protocol": "tcp",
        "family": "ipv4",
        "source_endpoint": "front_end",
        "source": "198.51.100.21/32",
        "source_ports": "",
        "destination_endpoint": "conferencing_node",
        "destination": "192.0.2.11/32 192.0.2.13/32",
        "destination_ports": "5061",
        "tls": "false",
        "reference": "https://docs.pexip.com/sfb/ports.htm",
    }
    assert {line["tls"] for line in lines if line["row"] == "wac_content"} == {"true"}
    assert {line["destination_ports"] for line in lines if line["row"] == "psom_content"} == {"443 8057"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_cell_starts_a_formula_whatever_users_typed(text: str) -> None:
    for name in HOSTILE_NAMES:
        content = rules_as_csv(expand_site(hostile_site(text, name)))
        rows = list(csv.reader(io.StringIO(content)))
        assert rows[0] == list(HEADER)
        for row in rows:
            assert len(row) == len(HEADER)
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")) for cell in row)
        texts = {row[1] for row in rows if row[0] == "ntp"}
        assert texts
        assert texts <= {text, f"'{text}", " ".join(text.split())}


@pytest.mark.parametrize("text", ["SIP;=1+1", "a; =1", 'a;"=1"', "a;;@x", "=1;-1"])
def test_no_cell_starts_a_formula_where_a_semicolon_ends_cells(text: str) -> None:
    content = rules_as_csv(expand_site(hostile_site(text, "node9")))
    cells = [cell for line in content.splitlines() for cell in line.split(";")]
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(("=", "+", "-", "@"))]
    assert text in {line["purpose"].replace("'", "") for line in csv.DictReader(io.StringIO(content))}


def test_changes_have_the_kind_before_the_columns_of_the_report() -> None:
    now = expand_site(example_site([NTP], endpoints=NTP_SERVER))
    before = [rule for rule in now if rule.row != "ntp"]
    lines = _read(changes_as_csv(compare(before, now, "x")))
    assert [(line["change"], line["row"], line["source"], line["destination"]) for line in lines] == [
        ("added", "ntp", "192.0.2.11/32 192.0.2.13/32 198.51.100.41/32", "192.0.2.123/32")
    ]
    assert list(lines[0]) == ["change", *HEADER]


def test_rows_that_a_spreadsheet_would_cut_off_are_named() -> None:
    rules = expand_site(example_site())
    assert too_long_for_a_spreadsheet(rules) == []
    long = dataclasses.replace(rules[0], purpose="x" * 32768)
    assert too_long_for_a_spreadsheet([long, long, rules[1]]) == ["sip_signaling"]
    assert too_long_for_a_spreadsheet([dataclasses.replace(rules[0], purpose="x" * 32767)]) == []
