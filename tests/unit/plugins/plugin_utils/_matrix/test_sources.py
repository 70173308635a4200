# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.sources import (
    VARIABLE,
    Source,
    read_sources,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import SOURCES, FoundHost
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

PAIR = {"address": "10.0.0.31", "advertised": "203.0.113.31"}


def test_what_an_inventory_plugin_says_is_read() -> None:
    edge = FoundHost(
        "edge1", (), "topology", interfaces={"internal": ("10.1.0.31",), "av_edge": (PAIR, "2001:db8::31")}
    )
    office = FoundHost("oos", (), "topology", ("10.1.0.51",), looked_up_in="DNS")
    said = {host.name: {SOURCES: [host.source("t.tbxml", "now")]} for host in (edge, office)}
    sources = read_sources({**said, "lan": {}, "fe1": {SOURCES: []}})
    addresses = read_cidrs(["10.0.0.31/32", "10.1.0.31/32", "203.0.113.31/32", "2001:db8::31/128"])
    assert sources == {
        "edge1": (Source("t.tbxml", "topology", "edge1", "now", "", addresses),),
        "oos": (Source("t.tbxml", "topology", "oos", "now", "DNS", read_cidrs(["10.1.0.51/32"])),),
    }
    again = {host: {VARIABLE: [source.as_mapping() for source in found]} for host, found in sources.items()}
    assert read_sources(again) == sources
    assert "looked_up_in" not in again["edge1"][VARIABLE][0]


def test_the_variable_has_one_name() -> None:
    assert VARIABLE == SOURCES


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "host 'h' pexip_sfb_sources: 7 is not a list"),
        (["x"], "host 'h' pexip_sfb_sources: 'x' is not a mapping"),
        (
            [{"a": 1}],
            "host 'h' pexip_sfb_sources: unknown key 'a'; accepted: addresses, looked_up_in, name, read, record,",
        ),
        ([{"read": True}], "host 'h' pexip_sfb_sources read: True is not"),
        ([{"addresses": ["x"]}], "host 'h' pexip_sfb_sources addresses: 'x' is"),
    ],
)
def test_anything_else_is_an_error(value: t.Any, message: str) -> None:
    with pytest.raises(PortMatrixError) as raised:
        read_sources({"h": {VARIABLE: value}})
    assert str(raised.value).startswith(message)
