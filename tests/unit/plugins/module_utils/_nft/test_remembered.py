# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nft prints of the sets in which flows are remembered: 0.9.8, 1.0.6 and 1.1.3 print the same."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import UnreadableError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.remembered import commands, read

NOW = datetime.datetime(2026, 3, 31, 12, 0, 0, tzinfo=datetime.timezone.utc)
MONTH = 30 * 86400


def _set(name: str, *elements: dict[str, t.Any], size: int = 100) -> str:
    about: dict[str, t.Any] = {"family": "inet", "table": "pexip_sfb", "name": name, "size": size, "timeout": MONTH}
    if elements:
        about["elem"] = [{"elem": element} for element in elements]
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": about}]})


def _element(*key: t.Any, expires: int = MONTH, packets: int = 1, **more: t.Any) -> dict[str, t.Any]:
    counter = {"packets": packets, "bytes": 60 * packets}
    return {"val": {"concat": list(key)}, "expires": expires, "counter": counter, **more}


def _rule(comment: str, packets: int) -> str:
    counter = {"counter": {"packets": packets, "bytes": 1}}
    rule = {"family": "inet", "table": "pexip_sfb", "chain": "forward_remembered", "expr": [counter]}
    return json.dumps({"nftables": [{"rule": {**rule, **({"comment": comment} if comment else {})}}]})


PORTS = _set(
    "observed_ports_v4_forward",
    _element("192.0.2.11", "198.51.100.53", 17, 53, expires=MONTH - 3600, packets=4),
    _element("192.0.2.9", "198.51.100.53", 6, 53),
)


def test_flows_are_told_from_names_and_keys_of_the_sets() -> None:
    others = _set("dropped_v6_input", _element("2001:db8::1", "2001:db8::2", 58), _element("::1", "::2", 253), size=2)
    found = read([PORTS, others, _set("older_flows"), _set("observed_v4_forward_v4")], NOW)
    assert [tuple(flow.values()) for flow in found.flows] == [
        ("forward", "ipv4", "tcp", "192.0.2.9", "198.51.100.53", 53, 1, 60, "2026-03-31T12:00:00Z"),
        ("forward", "ipv4", "udp", "192.0.2.11", "198.51.100.53", 53, 4, 240, "2026-03-31T11:00:00Z"),
        ("input", "ipv6", "253", "::1", "::2", None, 1, 60, "2026-03-31T12:00:00Z"),
        ("input", "ipv6", "icmpv6", "2001:db8::1", "2001:db8::2", None, 1, 60, "2026-03-31T12:00:00Z"),
    ]
    assert (found.kinds, found.limit, found.full) == ({"observed", "dropped"}, 2, True)


def test_addresses_are_sorted_as_numbers() -> None:
    found = read([_set("observed_v4_input", *(_element(f"192.0.2.{n}", "192.0.2.1", 50) for n in (11, 9, 100)))], NOW)
    assert [flow["source"] for flow in found.flows] == ["192.0.2.9", "192.0.2.11", "192.0.2.100"]


def test_a_flow_can_have_a_time_of_its_own_and_be_over_soon() -> None:
    element = {**_element("192.0.2.1", "192.0.2.2", 50), "timeout": 60}
    del element["expires"]
    assert read([_set("observed_v4_input", element)], NOW).flows[0]["last_seen"] == "2026-03-31T11:59:00Z"


def test_what_found_no_place_is_counted() -> None:
    assert read([PORTS, _rule("not_remembered", 3), _rule("other", 5), _rule("", 7)], NOW).missed == 3


def test_nothing_is_remembered_where_there_is_no_set() -> None:
    assert read([], NOW) == ([], set(), 0, False, 0)


def test_only_our_sets_and_chains_are_listed() -> None:
    def item(kind: str, table: str, name: str, family: str = "inet") -> dict[str, t.Any]:
        return {kind: {"family": family, "table": table, "name": name}}

    outline = [
        item("set", "pexip_sfb", "observed_v4_input"),
        item("set", "pexip_sfb", "older_flows"),
        item("set", "pexip_sfb", "observed_v4_input", family="ip"),
        item("set", "theirs", "observed_v4_input"),
        item("chain", "pexip_sfb", "input_remembered"),
        item("chain", "pexip_sfb", "input"),
        item("chain", "theirs", "input_remembered"),
    ]
    assert commands(json.dumps({"nftables": outline})) == [
        ("list", "set", "inet", "pexip_sfb", "observed_v4_input"),
        ("list", "chain", "inet", "pexip_sfb", "input_remembered"),
    ]


@pytest.mark.parametrize(
    "printed",
    ["", "table inet pexip_sfb", PORTS.replace('"counter"', '"last"'), PORTS.replace("53]", '"domain"]')],
)
def test_what_nft_is_not_known_to_print_is_refused(printed: str) -> None:
    with pytest.raises(UnreadableError):
        read([printed], NOW)
