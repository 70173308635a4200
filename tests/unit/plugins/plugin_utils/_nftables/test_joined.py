# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.joined import (
    Join,
    parse_join,
    render_joined,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.memory import Memory
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

if t.TYPE_CHECKING:
    from tests.unit.conftest import Kernel

POLICY = Policy(
    ("input", "forward"),
    (),
    management=parse_extra_rules(
        [{"name": "ssh", "protocol": "tcp", "source": ["198.51.100.9", "198.51.100.200"], "destination_ports": 22}], "W"
    ),
)
HOST = """
table inet filter {
    set ssh_v4 { type ipv4_addr; elements = { 203.0.113.1 }; }
    chain input { type filter hook input priority 0; policy drop; iif lo accept; }
    chain transit { type filter hook forward priority 0; policy drop; }
}
"""


def test_an_empty_mapping_is_no_join() -> None:
    assert parse_join({}, "W") is None


def test_chains_and_service_have_defaults() -> None:
    assert parse_join({"table": "filter", "chains": {"forward": "transit"}}, "W") == Join(
        "filter", {"input": "input", "output": "output", "forward": "transit"}, "nftables.service"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "W: [] is not a mapping; accepted: a mapping with the keys chains, service, table"),
        ({"chain": "x"}, "W: unknown key 'chain', the nearest is chains; accepted: chains, service, table"),
        ({"chains": {}}, "W: has no table; accepted: the name of a table of the family inet that the host has"),
        ({"table": 5}, "W table: 5 is none; accepted: a name as nftables has them"),
        ({"table": "a b"}, "W table: 'a b' is none; accepted: a name as nftables has them"),
        ({"table": "x; flush ruleset"}, "W table: 'x; flush ruleset' is none; accepted: a name as nftables has them"),
        ({"table": "x\n"}, "W table: 'x\\n' is none; accepted: a name as nftables has them"),
        ({"table": "pexip_sfb"}, "W table: 'pexip_sfb' is none; accepted: a name as nftables has them, which does not"),
        ({"table": "t", "chains": {"in": "x"}}, "W chains: unknown key 'in'; accepted: forward, input, output"),
        ({"table": "t", "chains": {"input": ""}}, "W chains input: '' is none; accepted: a name as nftables has them"),
        ({"table": "t", "service": "x"}, "W service: 'x' is none; accepted: the name of a unit such as"),
        ({"table": "t", "service": "a\n.service"}, "W service: 'a\\n.service' is none; accepted: the name of a unit"),
    ],
)
def test_what_is_no_join(value: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        parse_join(value, "W")
    assert str(caught.value).startswith(message)


def test_observing_is_up_to_the_table() -> None:
    with pytest.raises(PortMatrixError, match="linux_firewall_enforce: false, and with linux_firewall_join the table"):
        render_joined(Policy(("input",), (), enforce=False), Join("filter", {"input": "input"}, "nftables.service"))


def test_remembering_is_up_to_the_table() -> None:
    with pytest.raises(PortMatrixError, match="linux_firewall_remember: true, and with linux_firewall_join the table"):
        render_joined(Policy(("input",), (), memory=Memory(9, 9)), Join("filter", {"input": "input"}, "x.service"))


def test_rules_are_chains_next_to_those_of_the_table(kernel: Kernel) -> None:
    join = parse_join({"table": "filter", "chains": {"forward": "transit"}}, "W")
    assert join
    ruleset = render_joined(POLICY, join)
    loaded = kernel.load(HOST, ruleset)
    assert [chain["name"] for chain in loaded.of_kind("chain")] == [
        "input", "transit", "pexip_sfb_input", "pexip_sfb_forward",
    ]  # fmt: skip
    assert [one["name"] for one in loaded.of_kind("set")] == ["ssh_v4", "pexip_sfb_ssh_v4"]
    first = {chain: next(r for r in loaded.of_kind("rule") if r["chain"] == chain) for chain in ("input", "transit")}
    assert first["input"]["expr"] == [{"jump": {"target": "pexip_sfb_input"}}]
    assert first["transit"]["expr"] == [{"jump": {"target": "pexip_sfb_forward"}}]


def test_rules_only_permit() -> None:
    ruleset = render_joined(POLICY, Join("filter", {"input": "input", "forward": "forward"}, "nftables.service"))
    assert not re.search(r"\b(drop|reject|policy|hook)\b", ruleset)
